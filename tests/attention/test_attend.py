"""Attention: the fused path is the plain path, rows are distributions, and empty rows are zeros."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from trasluz.attention.attend import attend, attend_fused, attention_weights, share
from trasluz.attention.score import SCORES, Dot, Score, make_score

B, H, G, T, S, K, V = 2, 6, 3, 5, 7, 11, 13


def sides(score: Score, *, groups: int) -> tuple[list[Tensor], Tensor, Tensor, Tensor]:
    """Leaves that need gradients, and from them prepared queries, prepared keys, and values."""
    leaves = [torch.randn(B, heads, n, w) for heads, n, w in ((H, T, K), (groups, S, K), (groups, S, V))]
    for leaf in leaves:
        leaf.requires_grad_()
    return leaves, score.prepare_query(leaves[0]), score.prepare_key(leaves[1]), leaves[2]


def some_mask() -> Tensor:
    """A mask [B,1,T,S] with one row of each sentence that may look at nothing."""
    allowed = torch.rand(B, 1, T, S) < 0.6
    allowed[:, :, 2] = False
    return allowed


@pytest.mark.parametrize(
    ("kind", "masked", "biased", "groups"),
    list(itertools.product([kind for kind in SCORES if kind != "mlp"], [False, True], [False, True], [G, H])),
)
def test_the_fused_path_is_the_plain_path_forward_and_backward(
    kind: str, masked: bool, biased: bool, groups: int
) -> None:
    torch.manual_seed(3)
    score = make_score(kind, query_width=K, key_width=K, heads=H, kv_heads=groups).train()
    allowed = some_mask() if masked else None
    bias = torch.randn(1, H, T, S, requires_grad=True) if biased else None
    leaves, query, key, value = sides(score, groups=groups)
    wanted = [*leaves, *score.parameters(), *([bias] if bias is not None else [])]
    upstream = torch.randn(B, H, T, V)

    fused = attend(score, query, key, value, allowed=allowed, bias=bias)
    heard: list[Tensor] = []
    plain = attend(score, query, key, value, allowed=allowed, bias=bias, listener=heard.append)

    torch.testing.assert_close(fused, plain, atol=1e-5, rtol=1e-4)
    for one, other in zip(
        torch.autograd.grad(fused, wanted, upstream, retain_graph=True),
        torch.autograd.grad(plain, wanted, upstream),
        strict=True,
    ):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(heard[0] @ share(value, heads=H), fused, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", SCORES)
def test_a_row_of_weights_sums_to_one_unless_it_may_look_at_nothing(kind: str) -> None:
    score = make_score(kind, query_width=K, key_width=K, heads=H, kv_heads=H)
    _, query, key, _ = sides(score, groups=H)
    allowed = some_mask()
    allowed[:, :, 0, 0] = True
    sums = attention_weights(score, query, key, allowed=allowed).sum(-1)  # [B,H,T]
    may_look = allowed.any(-1).float().expand(B, H, T)
    torch.testing.assert_close(sums, may_look)


@pytest.mark.parametrize("kind", SCORES)
def test_a_row_that_may_look_at_nothing_gives_zeros_and_no_nan(kind: str) -> None:
    score = make_score(kind, query_width=K, key_width=K, heads=H, kv_heads=H)
    leaves, query, key, value = sides(score, groups=H)
    looked = attend(score, query, key, value, allowed=some_mask())
    assert torch.equal(looked[:, :, 2], torch.zeros(B, H, V))
    for gradient in torch.autograd.grad(looked.sum(), leaves):
        assert gradient.isfinite().all()


@pytest.mark.parametrize("kind", SCORES)
def test_what_is_hidden_does_not_matter(kind: str) -> None:
    score = make_score(kind, query_width=K, key_width=K, heads=H, kv_heads=H)
    _, query, key, value = sides(score, groups=H)
    allowed = torch.ones(B, 1, T, S, dtype=torch.bool)
    allowed[..., 4:] = False
    looked = attend(score, query, key, value, allowed=allowed)
    shorter = attend(score, query, key[:, :, :4], value[:, :, :4])
    torch.testing.assert_close(looked, shorter)


def test_weights_worked_by_hand() -> None:
    # Scores log 1, log 2 and log 5 make weights of 1/8, 2/8 and 5/8.
    query = torch.tensor([[[[1.0]]]])
    key = torch.tensor([1.0, 2.0, 5.0]).log().view(1, 1, 3, 1)
    value = torch.tensor([8.0, 16.0, 32.0]).view(1, 1, 3, 1)
    weights = attention_weights(Dot(), query, key)
    torch.testing.assert_close(weights.flatten(), torch.tensor([1.0, 2.0, 5.0]) / 8)
    torch.testing.assert_close(attend(Dot(), query, key, value).item(), 1.0 + 4.0 + 20.0)


def test_grouped_heads_are_heads_whose_keys_are_repeated() -> None:
    score = Dot()
    _, query, key, value = sides(score, groups=G)
    looked = attend(score, query, key, value)
    for head in range(H):
        group = head // (H // G)
        alone = attend(
            score, query[:, head : head + 1], key[:, group : group + 1], value[:, group : group + 1]
        )
        torch.testing.assert_close(looked[:, head : head + 1], alone)


def test_dropped_weights_keep_their_mean_on_both_paths() -> None:
    torch.manual_seed(5)
    ones = torch.ones(1, 1, 400, 1)
    query = torch.zeros(1, 1, 300, 1)
    plain = attend(Dot(), query, ones, ones, dropout=0.25, listener=lambda weights: None)
    fused = attend_fused(query, ones, ones, dropout=0.25)
    for looked in (plain, fused):
        assert looked.std() > 0
        assert looked.mean().item() == pytest.approx(1.0, abs=0.01)


def test_when_nobody_listens_no_weights_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def must_not(*_: Tensor) -> Tensor:
        raise AssertionError("weights were made")

    score = Dot()
    monkeypatch.setattr(score, "compare", must_not)
    _, query, key, value = sides(score, groups=H)
    attend(score, query, key, value)
    with pytest.raises(AssertionError, match="weights were made"):
        attend(score, query, key, value, listener=lambda weights: None)
