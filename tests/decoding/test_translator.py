from __future__ import annotations

import codecs
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import pytest
import torch
from torch import Tensor, nn

from trasluz.decoding.translator import Translation, Translator, load
from trasluz.decoding.verdict import Verdict
from trasluz.errors import TrasluzError
from trasluz.layers.state import Decodable, DecodeState

if TYPE_CHECKING:
    from trasluz.text.tokenizer import Tokenizer


class Watched(Decodable[Any], Protocol):
    """A model that remembers the shapes [B,S] of the sources it was given."""

    batches: list[tuple[int, int]]


LONGEST = 24
TEXTS = ["good morning", "", "yes", "where is it?", "  \n ", "no", "I see the sea."]


def rot(text: str) -> str:
    """What the made-up model makes of a text."""
    return codecs.encode(text, "rot13")


@pytest.fixture
def translator(rot13: Watched, letters: Tokenizer) -> Translator:
    return Translator(rot13, letters, longest_source=LONGEST)


@pytest.mark.parametrize("beam", [1, 2, 5])
def test_texts_are_translated_in_their_order(translator: Translator, beam: int) -> None:
    found = translator.translate(TEXTS, beam=beam)
    assert [one.source for one in found] == TEXTS
    assert [one.text for one in found] == [rot(text) for text in TEXTS]


def test_one_text_gives_one_translation_and_none_gives_none(translator: Translator) -> None:
    assert translator.translate("yes") == translator.translate(["yes"])[0]
    assert translator.translate([]) == []


@pytest.mark.parametrize("beam", [1, 3])
@pytest.mark.parametrize("batch_tokens", [1, 37, 100, 10_000])
def test_a_translation_does_not_depend_on_its_batch(
    translator: Translator, beam: int, batch_tokens: int
) -> None:
    together = translator.translate(TEXTS, beam=beam, batch_tokens=batch_tokens)
    assert together == [translator.translate(text, beam=beam) for text in TEXTS]


def test_batches_hold_similar_lengths_and_no_more_tokens_than_allowed(
    rot13: Watched, translator: Translator
) -> None:
    ids = [[100] * length for length in (3, 11, 1, 7, 11, 2, 5)]
    found = translator.search(ids, beam=2, batch_tokens=2 * 2 * 12)
    assert rot13.batches == [(2, 12), (3, 8), (2, 3)]
    assert [len(own[0].ids) for own in found] == [3, 11, 1, 7, 11, 2, 5]


@pytest.mark.parametrize("blank", ["", " ", "\n", "\t \r\n\u00a0"])
def test_a_blank_text_stays_as_it_is_and_has_no_score(
    rot13: Watched, translator: Translator, blank: str
) -> None:
    assert translator.translate(blank) == Translation(blank, blank, None, Verdict.complete)
    assert rot13.batches == []


@pytest.mark.parametrize(
    "text",
    [
        "  yes ",
        "yes\n",
        "one line\nanother line\n\n  and a third\n",
        "a first sentence. A second one! And, why not, a third? \n",
        "so many words without any end that they do not go in at once",
    ],
)
def test_long_texts_and_lines_are_put_together_with_their_white_space(
    rot13: Watched, translator: Translator, text: str
) -> None:
    found = translator.translate(text)
    assert found.text == rot(text)
    assert found.verdict is Verdict.complete
    assert all(longest <= LONGEST for _, longest in rot13.batches)


def test_a_text_that_just_fits_is_not_cut(rot13: Watched, translator: Translator) -> None:
    sentence = "It is. So it is. Is it?"
    assert len(sentence) + 1 == LONGEST
    translator.translate(sentence)
    assert rot13.batches == [(1, LONGEST)]


def test_more_sentences_than_the_model_learnt_from_are_translated_one_by_one(
    rot13: Watched, letters: Tokenizer
) -> None:
    translator = Translator(rot13, letters, longest_source=LONGEST, most_sentences=1)
    found = translator.translate("It is. Is it?  So. ")
    assert found.text == rot("It is. Is it?  So. ")
    assert sorted(rows for rows, _ in rot13.batches) == [3]
    translator.translate("It is")
    assert rot13.batches[-1][0] == 1


@pytest.mark.parametrize("length_penalty", [0.0, 0.6, 1.0])
def test_the_score_of_a_text_is_that_of_all_its_tokens_together(
    translator: Translator, length_penalty: float
) -> None:
    lines = ["yes", "perhaps not"]
    both = translator.translate("\n".join(lines), length_penalty=length_penalty).score
    alone = [translator.translate(line, length_penalty=0.0).score or 0.0 for line in lines]
    assert both == pytest.approx(sum(alone) / (len(lines[0]) + 1 + len(lines[1]) + 1) ** length_penalty)


def test_alternatives_begin_with_the_text_and_have_falling_scores(translator: Translator) -> None:
    found = translator.translate(" yes\n", beam=4, n_best=3)
    assert (found.alternatives[0].text, found.alternatives[0].score) == (found.text, found.score)
    assert found.text == " lrf\n"
    assert len({one.text for one in found.alternatives}) == 3
    assert all(one.text.startswith(" ") and one.text.endswith("\n") for one in found.alternatives)
    scores = [one.score for one in found.alternatives]
    assert scores == sorted(scores, reverse=True)


def test_alternatives_that_read_the_same_are_one(translator: Translator, letters: Tokenizer) -> None:
    class Blind:
        """A tokeniser that writes every letter as an x."""

        encode_all, frame = staticmethod(letters.encode_all), letters.frame

        @property
        def target(self) -> Blind:
            """Itself."""
            return self

        def decode(self, ids: list[int]) -> str:
            """As many x as there are letters."""
            return "x" * len(ids)

    blind = Translator(translator.model, cast("Tokenizer", Blind()), longest_source=LONGEST)
    found = blind.translate("yes", beam=4, n_best=3)
    assert [one.text for one in found.alternatives] == ["xxx"]
    assert found.alternatives[0].score == found.score


def test_a_text_that_was_cut_has_one_alternative_and_a_blank_one_none(translator: Translator) -> None:
    cut, blank = translator.translate(["yes\nno", " "], beam=4, n_best=3)
    assert [(one.text, one.score) for one in cut.alternatives] == [(cut.text, cut.score)]
    assert blank.alternatives == ()


class Chatterbox:
    """Goes on for ever where the source has an "x"; else gives the source back."""

    vocabulary, pad_id, end_id = 132, 0, 2
    forbidden_ids: tuple[int, ...] = (0, 1, 3)

    def start(self, source: Tensor) -> tuple[Tensor, DecodeState]:
        return torch.full((len(source),), 1), Place(source)

    def step(self, tokens: Tensor, state: DecodeState) -> Tensor:
        assert isinstance(state, Place)
        state.at += 1
        chosen = state.source[:, min(state.at, state.source.shape[1]) - 1].clone()
        chosen[chosen == 0] = 2
        chosen[(state.source == 4 + ord("x")).any(1)] = 4 + ord("a") + state.at % 23
        return nn.functional.one_hot(chosen, 132) * 30.0


class Place:
    """How far the sources are read."""

    def __init__(self, source: Tensor, at: int = 0) -> None:
        self.source, self.at = source, at

    def select(self, rows: Tensor) -> Place:
        return Place(self.source[rows], self.at)

    reorder = select


def test_a_text_has_the_verdict_of_its_worst_part(letters: Tokenizer) -> None:
    translator = Translator(Chatterbox(), letters, longest_source=40)
    found = translator.translate(
        ["we like this tea", "x", "yes\nwe like this tea", "yes\nwe do so too\nx", "yes"]
    )
    assert [one.verdict.value for one in found] == [
        "untranslated",
        "truncated",
        "untranslated",
        "truncated",
        "complete",
    ]


def test_what_a_model_can_write_bounds_the_translation(letters: Tokenizer) -> None:
    translator = Translator(Chatterbox(), letters, longest_source=40, longest_target=7)
    assert [len(one.text) for one in translator.translate(["x", "xyz"], beam=1)] == [7, 7]


def test_a_model_that_would_drop_values_at_random_is_no_translator(letters: Tokenizer) -> None:
    class Module(nn.Module):
        """Only there to be in training mode."""

    translator = Translator(cast("Decodable[Any]", Module()), letters, longest_source=LONGEST)
    with pytest.raises(AssertionError, match="eval"):
        translator.translate("yes")


def test_numbers_out_of_range_are_refused(translator: Translator) -> None:
    with pytest.raises(TrasluzError, match="the beam is 0"):
        translator.translate("yes", beam=0)
    with pytest.raises(TrasluzError, match=r"^2 hypotheses of each sentence .* a beam of 1 "):
        translator.translate("yes", beam=1, n_best=2)
    with pytest.raises(TrasluzError, match="batch_tokens is 0, but it must be 1 or more"):
        translator.translate("yes", batch_tokens=0)
    with pytest.raises(TrasluzError, match=r"the length penalty is -1.0"):
        translator.translate("yes", length_penalty=-1.0)


def test_a_model_directory_is_loaded_as_it_was_saved(tmp_path: Path) -> None:
    from trasluz.config import EmbeddingConfig, LearnedPosition, Manifest, StackConfig, TransformerConfig
    from trasluz.models.build import build_model
    from trasluz.models.directory import FORMAT, save_model
    from trasluz.text.sentencepieces import SentencePieces

    tokenizer = SentencePieces.learn(["one two three", "uno dos tres"] * 3, vocabulary=300)
    stack = StackConfig(layers=1, position=LearnedPosition(length=31))
    config = TransformerConfig(
        width=16, embedding=EmbeddingConfig(vocabulary=len(tokenizer)), encoder=stack, decoder=stack
    )
    model = build_model(config).eval()
    manifest = Manifest(format=FORMAT, model=config, longest_source=29)
    save_model(tmp_path, manifest=manifest, model=model, tokenizer=tokenizer)
    loaded = load(str(tmp_path))
    assert (loaded.longest_source, loaded.longest_target) == (29, 31)
    by_hand = Translator(model, tokenizer, longest_source=29, longest_target=31)
    assert loaded.translate(["one three", "dos"]) == by_hand.translate(["one three", "dos"])
