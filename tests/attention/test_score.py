"""Each score is its formula, worked out again in NumPy one pair of vectors at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from trasluz.attention import score as scores
from trasluz.attention.score import MLP, SCORES, Bilinear, Cosine, Score, make_score
from trasluz.errors import TrasluzError

B, H, T, S, Q, K, A = 2, 3, 5, 7, 11, 13, 17

Vector = NDArray[np.float64]
Formula = Callable[[Score, Vector, Vector, int], Any]


def dot(score: Score, q: Vector, k: Vector, head: int) -> Any:
    return sum(a * b for a, b in zip(q, k, strict=True))


def scaled_dot(score: Score, q: Vector, k: Vector, head: int) -> Any:
    return dot(score, q, k, head) / np.sqrt(len(k))


def bilinear(score: Score, q: Vector, k: Vector, head: int) -> Any:
    assert isinstance(score, Bilinear)
    matrix = score.weight.detach().double().numpy()[head]
    return sum(q[i] * matrix[i, j] * k[j] for i in range(len(q)) for j in range(len(k)))


def mlp(score: Score, q: Vector, k: Vector, head: int) -> Any:
    assert isinstance(score, MLP)
    w, u, v = (x.detach().double().numpy()[head] for x in (score.query, score.key, score.vector))
    hidden = [np.tanh(q @ w[:, a] + k @ u[:, a]) for a in range(w.shape[1])]
    return sum(v[a, 0] * hidden[a] for a in range(len(hidden)))


def cosine(score: Score, q: Vector, k: Vector, head: int) -> Any:
    assert isinstance(score, Cosine)
    angle = (q @ k) / (np.sqrt(q @ q) * np.sqrt(k @ k))
    return angle * score.temperature.detach().double().numpy()[head]


FORMULAS: dict[str, Formula] = {
    "dot": dot,
    "scaled-dot": scaled_dot,
    "bilinear": bilinear,
    "mlp": mlp,
    "cosine": cosine,
}


def shaken(score: Score) -> Score:
    """A score whose parameters are nothing special."""
    for parameter in score.parameters():
        torch.nn.init.normal_(parameter, mean=0.3)
    return score


def compare(score: Score, query: Tensor, key: Tensor) -> Tensor:
    return score.compare(score.prepare_query(query), score.prepare_key(key))


@pytest.mark.parametrize("kind", SCORES)
def test_a_score_is_its_formula(kind: str) -> None:
    torch.manual_seed(1)
    query_width = Q if kind in ("bilinear", "mlp") else K
    score = shaken(make_score(kind, query_width=query_width, key_width=K, heads=H, kv_heads=H))
    query, key = torch.randn(B, H, T, query_width), torch.randn(B, H, S, K)
    given = compare(score, query, key).detach().numpy()
    q, k = query.double().numpy(), key.double().numpy()
    for b, h, t, s in np.ndindex(B, H, T, S):
        assert given[b, h, t, s] == pytest.approx(FORMULAS[kind](score, q[b, h, t], k[b, h, s], h), abs=2e-4)


def test_every_score_has_a_formula_here() -> None:
    assert set(FORMULAS) == set(SCORES)


@pytest.mark.parametrize("kind", ["dot", "scaled-dot", "cosine"])
def test_widths_that_differ_are_refused_in_one_sentence(kind: str) -> None:
    with pytest.raises(TrasluzError) as refused:
        make_score(kind, query_width=11, key_width=13, heads=H, kv_heads=H)
    assert str(refused.value) == (
        f"the score '{kind}' compares a query and a key of one width, but got 11 and 13; "
        "use 'bilinear' or 'mlp', or make the widths equal"
    )


def test_an_unknown_score_lists_the_known_ones_nearest_first() -> None:
    with pytest.raises(TrasluzError) as refused:
        make_score("scaled_dot", query_width=K, key_width=K, heads=H, kv_heads=H)
    assert str(refused.value).startswith("unknown score 'scaled_dot'; allowed, nearest first: scaled-dot, ")
    assert all(kind in str(refused.value) for kind in SCORES)


def test_a_bare_cosine_lies_between_minus_one_and_one() -> None:
    score = Cosine(heads=H, temperature=1.0)
    values = compare(score, 100 * torch.randn(B, H, T, K), torch.randn(B, H, S, K))
    assert values.abs().max() <= 1 + 1e-6


def test_bilinear_begins_as_the_scaled_dot_product() -> None:
    query, key = torch.randn(B, H, T, K), torch.randn(B, H, S, K)
    kinds = [
        make_score(kind, query_width=K, key_width=K, heads=H, kv_heads=H)
        for kind in ("bilinear", "scaled-dot")
    ]
    torch.testing.assert_close(compare(kinds[0], query, key), compare(kinds[1], query, key))


@pytest.mark.parametrize("kv_heads", [1, H])
@pytest.mark.parametrize("chunk", [1, 2 * S * A, 3 * T * S * A, 1 << 20])
def test_the_mlp_in_chunks_is_the_mlp_at_once(
    chunk: int, kv_heads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    score = MLP(Q, K, heads=H, kv_heads=kv_heads, hidden=A).train()
    query, key = torch.randn(B, H, T, Q, requires_grad=True), torch.randn(B, H, S, K, requires_grad=True)
    wanted = [query, key, *score.parameters()]
    upstream = torch.randn(B, H, T, S)
    hidden = torch.tanh(score.prepare_query(query)[:, :, :, None] + score.prepare_key(key)[:, :, None])
    at_once = (hidden @ score.vector[:, None]).squeeze(-1)
    monkeypatch.setattr(scores, "MLP_CHUNK", chunk)
    chunked = compare(score, query, key)
    torch.testing.assert_close(chunked, at_once)
    for one, other in zip(
        torch.autograd.grad(chunked, wanted, upstream),
        torch.autograd.grad(at_once, wanted, upstream),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


def test_the_hidden_layer_of_the_mlp_stays_within_its_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    hidden = scores._hidden

    def counted(query: Tensor, key: Tensor) -> Tensor:
        made.append((one := hidden(query, key)).numel())
        return one

    monkeypatch.setattr(scores, "_hidden", counted)
    monkeypatch.setattr(scores, "MLP_CHUNK", 2 * S * A)
    score = MLP(Q, K, heads=H, kv_heads=H, hidden=A)
    torch.autograd.backward(compare(score, torch.randn(B, H, T, Q), torch.randn(B, H, S, K)).sum())
    assert max(made) == 2 * S * A
    assert sum(made) == 2 * B * H * T * S * A  # once on the way there, once on the way back
