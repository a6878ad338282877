from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from trasluz.decoding.rules import Hypothesis, Rules, length_cap, source_lengths
from trasluz.errors import TrasluzError
from trasluz.layers.state import Decodable

Make = Callable[..., Decodable[Any]]


def rules(model: Decodable[Any], source: Tensor, *, length_penalty: float = 1.0) -> Rules:
    """The rules with the default lengths."""
    return Rules.of(model, source, length_penalty=length_penalty, caps=None)


def test_a_cap_is_twice_the_source_and_twenty_and_never_more_than_the_model_holds() -> None:
    lengths = torch.tensor([1, 7, 50])
    assert length_cap(lengths).tolist() == [22, 34, 120]
    assert length_cap(lengths, longest=30).tolist() == [22, 30, 30]


def test_padding_is_no_part_of_a_source(made_up: Make, sources: Tensor) -> None:
    assert source_lengths(sources, pad_id=0).tolist() == [7, 2, 4, 1, 5]
    assert rules(made_up(words=3), sources).caps.tolist() == [34, 24, 28, 22, 30]


def test_the_allowed_tokens_share_all_of_the_probability(made_up: Make, sources: Tensor) -> None:
    logits = torch.tensor([[9.0, 9.0, math.log(1.0), 9.0, math.log(2.0), math.log(5.0)]])
    found = rules(made_up(words=2), sources).log_probabilities(logits).exp()
    torch.testing.assert_close(found, torch.tensor([[0, 0, 1 / 8, 0, 2 / 8, 5 / 8]]))


def test_nothing_is_forbidden_where_a_model_forbids_nothing(made_up: Make, sources: Tensor) -> None:
    model = made_up(words=2)
    model.forbidden_ids = ()
    found = rules(model, sources).log_probabilities(torch.zeros(1, 6)).exp()
    torch.testing.assert_close(found, torch.full((1, 6), 1 / 6))


@pytest.mark.parametrize(("length_penalty", "score"), [(0.0, -6.0), (0.5, -6 / math.sqrt(3)), (1.0, -2.0)])
def test_the_score_counts_the_end_symbol_as_a_token(
    made_up: Make, sources: Tensor, length_penalty: float, score: float
) -> None:
    found = rules(made_up(words=3), sources, length_penalty=length_penalty).hypothesis(
        [5, 6, 2, 2], logprob=-6.0, cap=4
    )
    assert (found.ids, found.logprob, found.finished, found.length) == ((5, 6), -6.0, True, 3)
    assert found.score == pytest.approx(score)


def test_a_row_without_an_end_symbol_is_not_finished(made_up: Make, sources: Tensor) -> None:
    given = rules(made_up(words=3), sources)
    assert given.hypothesis([5, 6, 4, 2], logprob=-6.0, cap=3) == Hypothesis(
        (5, 6, 4), -2.0, -6.0, finished=False
    )
    assert given.hypothesis([5, 6, 4], logprob=-6.0, cap=3).length == 3


@pytest.mark.parametrize("penalty", [-0.5, math.inf, math.nan])
def test_a_length_penalty_that_is_none_is_refused(made_up: Make, sources: Tensor, penalty: float) -> None:
    with pytest.raises(TrasluzError, match=f"length penalty is {penalty}, but it must be 0 or more"):
        rules(made_up(words=3), sources, length_penalty=penalty)
