"""Figures by length: every sentence in one part, and each part as if it had been evaluated alone."""

from __future__ import annotations

import pytest

from trasluz.corpus.read import Pair
from trasluz.decoding.translator import Translator
from trasluz.errors import TrasluzError
from trasluz.evaluation.length import by_length, words_of
from trasluz.evaluation.metrics import Evaluation, evaluate
from trasluz.models.loaded import LoadedModel


@pytest.fixture(scope="module")
def translator(small: LoadedModel) -> Translator:
    return Translator(small.model, small.tokenizer, longest_source=29)


@pytest.fixture(scope="module")
def test_pairs(pairs: list[Pair]) -> list[Pair]:
    """Sources of 5, 6 and 7 words, two of them with two references."""
    again = [Pair(pair.source, f"{pair.target} .") for pair in pairs[:2]]
    return [*pairs[:7], *pairs[36:41], *again]


@pytest.fixture(scope="module")
def evaluation(translator: Translator, test_pairs: list[Pair]) -> Evaluation:
    return evaluate(translator, test_pairs, beam=2)


def test_a_part_is_as_if_its_pairs_were_evaluated_alone(
    evaluation: Evaluation, translator: Translator, test_pairs: list[Pair]
) -> None:
    parts = by_length(evaluation, limits=[5, 6])
    assert [(part.least, part.most) for part in parts] == [(1, 5), (6, 6), (7, None)]
    assert sum(part.sentences for part in parts) == evaluation.sentences == 12
    for part in parts:
        own = [pair for pair in test_pairs if part.least <= words_of(pair.source) <= (part.most or 1_000_000)]
        assert part.metrics == evaluate(translator, own, beam=2).metrics


def test_one_part_of_everything_is_the_evaluation(evaluation: Evaluation) -> None:
    (part,) = by_length(evaluation, limits=[1009])
    assert (part.metrics, part.sentences) == (evaluation.metrics, evaluation.sentences)


def test_parts_are_named_by_their_words_and_empty_ones_are_left_out(evaluation: Evaluation) -> None:
    names = [part.name for part in by_length(evaluation, limits=[2, 5, 6, 11])]
    assert names == ["3-5", "6", "7-11"]
    assert by_length(evaluation, limits=[4])[-1].name == "5 or more"


@pytest.mark.parametrize("limits", [[], [0, 3], [3, 3], [5, 3]])
def test_limits_that_do_not_rise_are_said(evaluation: Evaluation, limits: list[int]) -> None:
    with pytest.raises(TrasluzError, match=r"do not rise from 1 or more; write them as 4,8,12$"):
        by_length(evaluation, limits=limits)
