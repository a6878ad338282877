"""A language model that translates by a prompt, and that scores a text."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tests.decoding.writers import scripted
from trasluz.decoding.generator import Generator
from trasluz.decoding.prompted import Prompted
from trasluz.decoding.verdict import Verdict
from trasluz.errors import TrasluzError
from trasluz.models.decoder_only import DecoderOnly
from trasluz.text.sentencepieces import SentencePieces


def test_what_is_written_before_the_stop_is_the_translation(tokenizer: SentencePieces) -> None:
    writer = Prompted(scripted(tokenizer, " el gato\nthe dog"), "en: {text}\nes:")
    (found,) = writer.translate(["  the cat "])
    assert (found.text, found.verdict, found.score) == ("  el gato ", Verdict.complete, None)
    assert [one.text for one in writer.translate(["", " \n"])] == ["", " \n"]


def test_what_does_not_end_is_no_success(tokenizer: SentencePieces) -> None:
    endless = Prompted(scripted(tokenizer, "el gato ve al perro", ends=False), "{text}", most=3)
    assert endless.translate(["the cat"])[0].verdict == Verdict.truncated


def test_lines_go_in_and_come_out_one_by_one(tokenizer: SentencePieces) -> None:
    writer = Prompted(scripted(tokenizer, "el\ngato END"), "{text}", stop=("END",))
    (found,) = writer.translate(["the cat\n\n the dog "])
    assert found.text == "el gato\n\n el gato "


def test_a_line_that_is_too_long_stays_and_the_others_are_not_lost(
    model: DecoderOnly, tokenizer: SentencePieces
) -> None:
    writer = Prompted(Generator(model, tokenizer, longest=20), "{text}", most=3)
    short, long = writer.translate(["the cat", "the cat " * 30])
    assert (long.text, long.verdict) == (long.source, Verdict.untranslated)
    assert short.text != short.source


def test_a_prompt_has_a_place_for_the_text(tokenizer: SentencePieces) -> None:
    with pytest.raises(TrasluzError) as refused:
        Prompted(scripted(tokenizer, "el"), "Spanish:")
    assert str(refused.value) == "the prompt 'Spanish:' has no place for the text; write {text} there"


@torch.inference_mode()
def test_scores_are_those_of_single_steps(model: DecoderOnly, tokenizer: SentencePieces) -> None:
    text = "the cat sees"
    scored = Generator(model, tokenizer).score(text)
    ids = tokenizer.encode(text)
    assert [token.id for token in scored.tokens] == ids
    state = model.read(torch.zeros(1, 0, dtype=torch.long))
    given: Tensor = torch.tensor([model.start_id])
    for token in scored.tokens:
        expected = model.step(given, state).log_softmax(-1)[0, token.id]
        assert token.log_probability == pytest.approx(float(expected), abs=1e-4)
        given = torch.tensor([token.id])
    known = [token.log_probability for token in scored.tokens if token.log_probability is not None]
    assert scored.log_probability == pytest.approx(sum(known))


def test_a_first_token_with_nothing_before_it_has_no_score(
    model: DecoderOnly, tokenizer: SentencePieces, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = SentencePieces(tokenizer.processor)
    bare.frame = replace(tokenizer.frame, opening=())
    one, *others = Generator(model, bare).score("the cat").tokens
    assert one.log_probability is None
    assert all(other.log_probability is not None for other in others)
    monkeypatch.setattr(bare, "encode", lambda text: [7])
    assert Generator(model, bare).score("t").log_probability == 0


def test_an_empty_or_too_long_text_has_no_score(model: DecoderOnly, tokenizer: SentencePieces) -> None:
    with pytest.raises(TrasluzError, match="the text is empty, so there is nothing to score; give one"):
        Generator(model, tokenizer).score("")
    with pytest.raises(TrasluzError, match="start symbol included, but this model holds 2; give a shorter"):
        Generator(model, tokenizer, longest=2).score("the cat sees")
