"""The model itself as a program: what a translator or a generator of Trasluz gives."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from trasluz.decoding.generator import Generator
from trasluz.decoding.sample import Sampling
from trasluz.decoding.translator import translator_of
from trasluz.export.original import Original
from trasluz.export.program import CONTINUATION, given_of
from trasluz.export.sample import Sample
from trasluz.models.decoder_only import DecoderOnly
from trasluz.models.loaded import LoadedModel

Make = Callable[..., LoadedModel]


def test_a_translator_translates_greedily(taught: LoadedModel, sample: Sample) -> None:
    written = Original(taught).write(sample.texts)
    expected = translator_of(taught).translate(sample.texts, beam=1)
    assert [one.text for one in written] == [one.text for one in expected]
    assert [one.score for one in written] == pytest.approx([one.score for one in expected])
    tokenizer = taught.tokenizer
    assert [list(one.read) for one in written] == [[*tokenizer.encode(text), 2] for text in sample.texts]


def test_a_language_model_goes_on_as_its_generator(make_decoder_only: Make, sample: Sample) -> None:
    loaded = make_decoder_only("language-model")
    assert isinstance(loaded.model, DecoderOnly)
    generator = Generator(loaded.model, loaded.tokenizer)
    for text, one in zip(sample.texts[:7], Original(loaded).write(sample.texts[:7]), strict=True):
        prompt = given_of(loaded, text)
        assert list(one.read) == prompt
        begin = loaded.tokenizer.decode(prompt)
        if loaded.tokenizer.encode(begin) != prompt[1:]:
            continue  # half of these pieces are not the pieces of half the text
        ids = generator.written(begin, sampling=Sampling(temperature=0), most=CONTINUATION)[1]
        assert [*one.ids, 2][: len(ids)] == ids


def test_a_decoder_only_translator_reads_source_and_start_in_one(make_decoder_only: Make) -> None:
    loaded = make_decoder_only("translation")
    [one] = Original(loaded).write(["the cat"])
    assert list(one.read) == [*loaded.tokenizer.encode("the cat"), 2, 1]


def test_what_fits_is_what_a_translator_does_not_cut(taught: LoadedModel) -> None:
    original = Original(taught)
    longest = taught.manifest.longest_source
    pieces = len(taught.tokenizer.encode("the"))
    assert original.fits(" ".join(["the"] * ((longest - 1) // pieces)))
    assert not original.fits("the " * longest)


def test_versions_are_told(taught: LoadedModel) -> None:
    assert Original(taught).versions.keys() == {"trasluz", "torch"}
