"""Directories for Hugging Face: transformers loads them from the disk and does what the model does."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.export.conftest import NUMBERS, checkpoint, decided
from tests.foreign import LEARNT
from trasluz.corpus.read import Pair
from trasluz.errors import TrasluzError
from trasluz.export.huggingface import to_huggingface, tokenizer_files, write_shape
from trasluz.export.original import Original
from trasluz.export.reader import program_of, quiet
from trasluz.export.sample import Sample
from trasluz.export.shapes import Shape, shape_of
from trasluz.models.load import load_model
from trasluz.models.loaded import LoadedModel, Origin
from trasluz.text.sentencepieces import SentencePieces

Make = Callable[..., LoadedModel]
transformers: Any = pytest.importorskip(
    "transformers", reason="transformers, the reference, is not installed"
)
references: Any = pytest.importorskip("tests.models.families.references")

PLAIN = {"attention": {"head_width": None}, "norm": {"place": "post"}, "position": {"kind": "sinusoidal"}}
PRE = {
    "attention": {"head_width": None},
    "norm": {"place": "pre"},
    "position": {"kind": "sinusoidal", "spacing": "tensor2tensor", "first": 1},
}
OTHER = {**PLAIN, "norm": {"place": "pre"}}
SHAPES: dict[str, dict[str, Any]] = {
    "Pegasus": {"encoder": OTHER, "decoder": OTHER},
    "Pegasus with a bias": {"encoder": OTHER, "decoder": OTHER, "output_bias": True},
    "Marian": {"encoder": PLAIN, "decoder": PLAIN},
    "Marian, other activation": {
        side: {**PLAIN, "feedforward": {"activation": "silu"}} for side in ("encoder", "decoder")
    },
    "Marian with a bias": {"encoder": PLAIN, "decoder": PLAIN, "output_bias": True, "scaled": False},
    "M2M100": {"encoder": PRE, "decoder": PRE},
    "M2M100, other activation": {
        side: {**PRE, "feedforward": {"activation": "gelu-tanh"}} for side in ("encoder", "decoder")
    },
}
TRICKY = (
    "a </s> b",
    "<s> <pad> <unk>",
    "<0x41> <0xE2><0x96>",
    "two  spaces,  three   more",
    "ñandú, café, ß, 日本語, 😀",
    "A" * 40,
)


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """Transformers says nothing."""
    with quiet():
        yield


@pytest.fixture(scope="module", params=SHAPES.values(), ids=list(SHAPES))
def exported(
    request: pytest.FixtureRequest, make: Make, tmp_path_factory: pytest.TempPathFactory
) -> tuple[LoadedModel, Path]:
    """A model of one of the shapes with random weights, and its directory."""
    loaded = make(**request.param)
    out = tmp_path_factory.mktemp("exports")
    write_shape(out, loaded, shape_of(loaded.manifest.model))
    return loaded, out


def reference(directory: Path) -> tuple[Any, Any]:
    """The model and the tokeniser of transformers."""
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(directory, local_files_only=True)
    return model.eval(), transformers.AutoTokenizer.from_pretrained(directory, local_files_only=True)


@torch.inference_mode()
def test_logits_are_the_models_with_padding(exported: tuple[LoadedModel, Path]) -> None:
    loaded, directory = exported
    model, tokenizer = reference(directory)
    batch = tokenizer(
        ["the cat sees", "our teacher wants two apples", "a"], return_tensors="pt", padding=True
    )
    given = torch.tensor([[1, 40, 50, 60], [1, 41, 51, 61], [1, 42, 52, 62]])
    theirs: Tensor = model(**batch, decoder_input_ids=given).logits
    ours = loaded.model.output(loaded.model(batch.input_ids, given))
    assert ours.std() > 0.3, "weights too small to tell parts apart"
    torch.testing.assert_close(theirs, ours, atol=1e-5, rtol=1e-5)


def test_ids_and_greedy_translations_are_the_models(
    exported: tuple[LoadedModel, Path], sample: Sample
) -> None:
    loaded, directory = exported
    model, tokenizer = reference(directory)
    texts = decided(loaded, sample).texts[:17]
    ours = Original(loaded).write(texts)
    assert len({one.ids for one in ours}) > 5
    for text, own in zip(texts, ours, strict=True):
        batch = tokenizer(text, return_tensors="pt")
        assert tuple(batch.input_ids[0].tolist()) == own.read
        most = 2 * len(own.read) + 20
        found = model.generate(**batch, num_beams=1, do_sample=False, max_new_tokens=most)[0, 1:].tolist()
        assert tuple(found[: found.index(2)] if 2 in found else found) == own.ids


@pytest.mark.parametrize("text", TRICKY)
def test_tricky_texts_are_cut_alike_and_joined_alike(exported: tuple[LoadedModel, Path], text: str) -> None:
    loaded, directory = exported
    _, tokenizer = reference(directory)
    ids = tokenizer(text).input_ids
    assert ids == loaded.tokenizer.frame.source(loaded.tokenizer.encode(text))
    assert tokenizer.decode(ids, skip_special_tokens=True) == loaded.tokenizer.decode(ids)


def test_trasluz_reads_it_back(exported: tuple[LoadedModel, Path], sample: Sample) -> None:
    loaded, directory = exported
    again = load_model(directory)
    texts = decided(loaded, sample).texts
    written = [[one.ids for one in Original(each).write(texts)] for each in (loaded, again)]
    assert written[0] == written[1]


def test_transformers_can_save_it_again(exported: tuple[LoadedModel, Path], tmp_path: Path) -> None:
    model, tokenizer = reference(exported[1])
    for part in (model, tokenizer):
        part.save_pretrained(tmp_path / "again")
    again, _ = reference(tmp_path / "again")
    assert again.generation_config.suppress_tokens == [0, 1, 3]
    assert again.generation_config.decoder_start_token_id == 1


def test_a_taught_model_agrees_word_for_word(
    taught: LoadedModel, pairs: list[Pair], sample: Sample, tmp_path: Path
) -> None:
    agreement = to_huggingface(taught, tmp_path / "out", sample=sample, command="trasluz export ...")
    assert (agreement.texts, agreement.equal, agreement.read_alike) == (60, 60, 60)
    assert agreement.largest_difference <= 1e-4
    told = json.loads((tmp_path / "out" / "agreement.json").read_text())
    assert (told["to"], told["architecture"], told["command"]) == (
        "huggingface",
        "MarianMTModel",
        "trasluz export ...",
    )
    assert told["versions"].keys() == {"trasluz", "torch", "transformers"}
    assert any("U+2581" in note for note in told["notes"])
    model, tokenizer = reference(tmp_path / "out")
    found = model.generate(**tokenizer(pairs[0].source, return_tensors="pt"))
    assert tokenizer.batch_decode(found, skip_special_tokens=True) == [pairs[0].target]


@pytest.mark.parametrize(("kind", "normalization"), [("unigram", "nfkc"), ("bpe", "none"), ("bpe", "nfkc")])
@pytest.mark.parametrize("shape", [PLAIN, OTHER, PRE], ids=["Marian", "Pegasus", "M2M100"])
def test_every_kind_of_pieces_goes_out(
    make: Make,
    pairs: list[Pair],
    sample: Sample,
    tmp_path: Path,
    shape: dict[str, Any],
    kind: Any,
    normalization: Any,
) -> None:
    corpus = [side for pair in pairs for side in (pair.source, pair.target)]
    pieces = SentencePieces.learn(corpus, vocabulary=311, kind=kind, normalization=normalization)
    loaded = make(encoder=shape, decoder=shape, vocabulary=len(pieces))
    loaded = replace(loaded, tokenizer=pieces)
    texts = decided(loaded, Sample([*sample.texts, *TRICKY, "ﬁn Ａ½"], "")).texts
    write_shape(tmp_path, loaded, shape_of(loaded.manifest.model))
    ours, theirs = Original(loaded).write(texts), program_of(loaded, tmp_path, own_pieces=True).write(texts)
    assert [one.read for one in theirs] == [one.read for one in ours]
    assert [one.ids for one in theirs] == [one.ids for one in ours]


def test_a_taught_model_with_norms_before_agrees_word_for_word(
    taught_before: LoadedModel, sample: Sample, tmp_path: Path
) -> None:
    agreement = to_huggingface(taught_before, tmp_path / "out", sample=sample)
    assert (agreement.equal, agreement.read_alike) == (60, 60)
    told = json.loads((tmp_path / "out" / "agreement.json").read_text())
    assert told["architecture"] == "PegasusForConditionalGeneration"
    assert any("U+FFFD" in note for note in told["notes"])
    _, tokenizer = reference(tmp_path / "out")
    assert tokenizer.is_fast


def test_without_transformers_it_is_read_back_by_trasluz(
    taught: LoadedModel, sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trasluz.export.reader.find_spec", lambda name: None)
    agreement = to_huggingface(taught, tmp_path / "out", sample=sample)
    assert agreement.equal == 60
    told = json.loads((tmp_path / "out" / "agreement.json").read_text())
    assert told["versions"].keys() == {"trasluz", "torch"}
    assert any("transformers was not installed" in note for note in told["notes"])


def test_without_transformers_the_tokeniser_is_tried_too(
    taught: LoadedModel, sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other(loaded: LoadedModel, shape: Shape) -> dict[str, bytes]:
        learnt = SentencePieces.learn(LEARNT, vocabulary=len(loaded.tokenizer), kind="unigram")
        return tokenizer_files(replace(loaded, tokenizer=learnt), shape)

    monkeypatch.setattr("trasluz.export.reader.find_spec", lambda name: None)
    monkeypatch.setattr("trasluz.export.huggingface.tokenizer_files", other)
    with pytest.raises(TrasluzError):
        to_huggingface(taught, tmp_path / "out", sample=sample)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("with_transformers", [True, False])
def test_checkpoints_go_back_with_the_tokenisers_that_they_came_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_transformers: bool
) -> None:
    if not with_transformers:
        monkeypatch.setattr("trasluz.export.reader.find_spec", lambda name: None)
    made: Any = importlib.import_module("tests.models.families.checkpoints")
    for name, make in made.ALL.items():
        directory = tmp_path / name
        whole = make(directory)
        made.reference_of(whole).save_pretrained(whole.files.directory)
        loaded = load_model(whole.files.directory, languages=whole.languages)
        agreement = to_huggingface(loaded, directory / "out", sample=Sample(LEARNT, "what it learnt"))
        assert agreement.equal == agreement.read_alike == agreement.texts, name
        assert agreement.largest_difference <= 1e-4, name


@pytest.mark.parametrize("case", references.CASES, ids=lambda case: case.name)
def test_a_checkpoint_goes_back_as_it_came(case: Any, tmp_path: Path) -> None:
    both = references.twins(case, tmp_path / "from")
    settings = json.loads((tmp_path / "from" / "config.json").read_text())
    generation = b'{"num_beams": 3}'
    loaded = checkpoint(both, settings)
    loaded = replace(loaded, origin=Origin(settings, {"generation_config.json": generation}))
    agreement = to_huggingface(loaded, tmp_path / "out", sample=NUMBERS)
    assert agreement.equal == 4
    assert agreement.largest_difference < 1e-3
    out = tmp_path / "out"
    files = {path.name for path in out.iterdir()}
    assert {"model.safetensors", "config.json", "words.txt", "agreement.json"} <= files
    assert (out / "generation_config.json").read_bytes() == generation
    assert json.loads((out / "config.json").read_text()) == settings


def test_what_fits_no_shape_is_refused_with_every_reason(make: Make, sample: Sample, tmp_path: Path) -> None:
    with pytest.raises(TrasluzError, match="fits no shape") as error:
        to_huggingface(make(encoder=PRE, decoder=PLAIN), tmp_path / "out", sample=sample)
    assert "the norms of the encoder stand at 'pre', not at 'post'" in str(error.value)
    assert "the norms of the decoder stand at 'post', not at 'pre'" in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [PLAIN, OTHER, PRE], ids=["Marian", "Pegasus", "M2M100"])
def test_what_went_out_comes_back_and_goes_out_again(
    make: Make, sample: Sample, tmp_path: Path, shape: dict[str, Any]
) -> None:
    loaded = make(encoder=shape, decoder=shape)
    texts = decided(loaded, sample).texts
    (tmp_path / "out").mkdir()
    write_shape(tmp_path / "out", loaded, shape_of(loaded.manifest.model))
    again = load_model(tmp_path / "out")
    assert (again.manifest.longest_source, again.manifest.most_sentences) == (
        loaded.manifest.longest_source,
        1,
    )
    before, after = Original(loaded).write(texts), Original(again).write(texts)
    for one, other in zip(before, after, strict=True):
        assert (other.read, other.ids) == (one.read, one.ids)
        assert other.text == one.text or "\ufffd" in one.text  # bytes that spell nothing, see the notes
    agreement = to_huggingface(again, tmp_path / "again", sample=Sample(texts, ""))
    assert agreement.equal == agreement.texts
