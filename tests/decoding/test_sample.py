"""Sampling: what is left of the probabilities is worked out by hand, and what is drawn follows it."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest
import torch
from torch import Tensor

from trasluz.decoding.greedy import greedy
from trasluz.decoding.sample import Sampling, sample
from trasluz.errors import TrasluzError
from trasluz.layers.state import Decodable

V = 5
P = torch.tensor([[0.1, 0.4, 0.05, 0.25, 0.2]])
NONE = torch.zeros(1, V, dtype=torch.bool)


def left(**rules: float) -> list[float]:
    """What the rules leave of the probabilities `P`."""
    found: list[float] = Sampling(**rules).probabilities(P.log(), NONE)[0].tolist()  # type: ignore[arg-type]
    return found


def test_without_rules_the_model_s_own_probabilities_stay() -> None:
    assert left() == pytest.approx(P[0].tolist())


def test_temperature_is_a_power_and_zero_is_greedy() -> None:
    squares = P[0] ** 2
    assert left(temperature=0.5) == pytest.approx((squares / squares.sum()).tolist())
    assert left(temperature=0) == [0, 1, 0, 0, 0]


def test_top_k_keeps_the_likeliest() -> None:
    assert left(top_k=2) == pytest.approx([0, 0.4 / 0.65, 0, 0.25 / 0.65, 0])
    assert left(top_k=99) == pytest.approx(P[0].tolist())


@pytest.mark.parametrize(("top_p", "kept"), [(0.39, 1), (0.41, 2), (0.64, 2), (0.66, 3), (1.0, 5), (1e-9, 1)])
def test_top_p_keeps_the_fewest_that_reach_it(top_p: float, kept: int) -> None:
    assert sum(one > 0 for one in left(top_p=top_p)) == kept


def test_min_p_is_a_share_of_the_likeliest() -> None:
    assert left(min_p=0.49) == pytest.approx([0, 0.4 / 0.85, 0, 0.25 / 0.85, 0.2 / 0.85])


def test_what_was_seen_is_made_less_likely_whatever_the_sign_of_its_logit() -> None:
    logits, seen = torch.tensor([[3.0, 2.0, -1.0, -2.0]]), torch.tensor([[True, False, True, False]])
    found = Sampling(repetition_penalty=2.0).probabilities(logits, seen)
    assert found[0].tolist() == pytest.approx(torch.tensor([1.5, 2.0, -2.0, -2.0]).softmax(0).tolist())


def test_rules_together_apply_one_after_another() -> None:
    two = [one for one in left(top_k=3, top_p=0.7, min_p=0.6) if one]
    assert two == pytest.approx([0.4 / 0.65, 0.25 / 0.65])
    assert [one for one in left(top_p=0.5) if one] == pytest.approx([0.4 / 0.65, 0.25 / 0.65])
    assert [one for one in left(top_k=2, top_p=0.5) if one] == [1.0]  # of these two the first has 0.62


@pytest.mark.parametrize("temperature", [0.0, 1e-40, 1.0])
def test_numbers_that_are_none_are_told(temperature: float) -> None:
    sampling, seen = Sampling(temperature=temperature), torch.zeros(1, 3, dtype=torch.bool)
    for broken in (math.nan, math.inf):
        with pytest.raises(TrasluzError, match=r"the model's output is not a number \(NaN\)"):
            sampling.probabilities(torch.tensor([[1.0, broken, 2.0]]), seen)


def test_the_coldest_temperature_takes_the_likeliest() -> None:
    cold = Sampling(temperature=1e-40).probabilities(torch.tensor([[1.0, 3.0, -9.0]]), torch.zeros(1, 3) > 0)
    assert cold.tolist() == [[0.0, 1.0, 0.0]]


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ({"temperature": -1.0}, "temperature is -1.0, but it must be 0 (greedy) or more"),
        ({"temperature": math.nan}, "temperature is nan, but"),
        ({"top_k": -1}, "top_k is -1, but it must be 0 (all tokens) or more"),
        ({"top_p": 0.0}, "top_p is 0.0, but it must be above 0 and at most 1"),
        ({"min_p": 1.5}, "min_p is 1.5, but it must be from 0 to 1"),
        ({"repetition_penalty": 0.0}, "repetition_penalty is 0.0, but it must be from 0.01 to 100; 1 is no"),
    ],
)
def test_a_number_out_of_range_is_refused(rules: dict[str, Any], sentence: str) -> None:
    with pytest.raises(TrasluzError) as refused:
        Sampling(**rules)
    assert str(refused.value).startswith(sentence)


def drawn(model: Decodable[Any], source: Tensor, count: int, *, seed: int = 1, **rules: float) -> Tensor:
    """The first tokens that are drawn for a source; [B,count]."""
    tokens, state = model.start(source)
    chance = torch.Generator().manual_seed(seed)
    sampling = Sampling(**rules)  # type: ignore[arg-type]
    return torch.stack(list(islice(sample(model, tokens, state, sampling=sampling, chance=chance), count)), 1)


def test_a_temperature_of_zero_is_greedy_search(
    made_up: Callable[..., Decodable[Any]], sources: Tensor
) -> None:
    found = drawn(made_up(words=11), sources, 9, temperature=0)
    for row, best in zip(found.tolist(), greedy(made_up(words=11), sources), strict=True):
        length = min(9, len(best.ids))
        assert tuple(row[:length]) == best.ids[:length]


def test_a_seed_decides_and_forbidden_tokens_never_come(
    made_up: Callable[..., Decodable[Any]], sources: Tensor
) -> None:
    model = made_up(words=11, forbidden_logit=5.0)
    first = drawn(model, sources, 30)
    assert torch.equal(first, drawn(model, sources, 30))
    assert not torch.equal(first, drawn(model, sources, 30, seed=2))
    assert set(first.flatten().tolist()).isdisjoint(model.forbidden_ids)


def test_what_is_drawn_follows_the_probabilities() -> None:
    class Fixed:
        """Always the same logits."""

        vocabulary, pad_id, end_id = V, 0, 2
        forbidden_ids: tuple[int, ...] = ()

        def start(self, source: Tensor) -> tuple[Tensor, None]:
            return source[:, 0], None

        def step(self, tokens: Tensor, state: None) -> Tensor:
            return P.log().expand(len(tokens), -1)

    rows = 10_000
    found = drawn(Fixed(), torch.zeros(rows, 1, dtype=torch.long), 1)
    shares = torch.bincount(found[:, 0], minlength=V) / rows
    spread = (P[0] * (1 - P[0]) / rows).sqrt()
    assert bool(((shares - P[0]).abs() < 5 * spread).all())


def test_a_token_that_was_drawn_counts_as_seen(made_up: Callable[..., Decodable[Any]]) -> None:
    source = torch.tensor([[5, 6, 1]])
    found = drawn(made_up(words=17), source, 15, temperature=0, repetition_penalty=100)[0].tolist()
    assert len(set(found)) > len(set(drawn(made_up(words=17), source, 15, temperature=0)[0].tolist()))
