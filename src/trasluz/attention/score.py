"""How a query meets a key: the five similarity scores, each with its formula.

Knows no mask, no softmax and no values. Letters: B batch, T queries, S keys, H heads, G key/value heads,
Q width of a query, K width of a key, A width of the hidden layer of `MLP`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from trasluz.errors import TrasluzError, unknown

SCORES = ("scaled-dot", "dot", "bilinear", "mlp", "cosine")

MLP_CHUNK, MLP_CHUNK_ELSEWHERE = 1 << 18, 1 << 24
"""About how many numbers of the hidden layer of `MLP` exist at one time: on a CPU as many as its cache holds,
elsewhere more, since there every chunk costs a launch."""


class Score(nn.Module):
    """The interface: prepare each side once, then compare every query with every key.

    Four of the five scores are a plain dot product of the prepared sides (`is_dot_product`), so a fused
    kernel can serve them. The seams do nothing by default, and `compare` is the dot product.
    """

    is_dot_product = True

    def reset_parameters(self) -> None:
        """Give the score's own parameters, if it has any, their first values."""

    def prepare_query(self, query: Tensor) -> Tensor:
        """[B,H,T,Q] -> what is compared, [B,H,T,·]."""
        return query

    def prepare_key(self, key: Tensor) -> Tensor:
        """[B,G,S,K] -> what is compared, and what a cache keeps, [B,G,S,·]."""
        return key

    def compare(self, query: Tensor, key: Tensor) -> Tensor:
        """Scores [B,H,T,S] of prepared queries [B,H,T,·] and prepared keys [B,H,S,·]."""
        return query @ key.transpose(-2, -1)


class Dot(Score):
    """q·k (Luong et al. 2015, section 3.1, "dot")."""


class ScaledDot(Score):
    """q·k / sqrt(K) (Vaswani et al. 2017, equation 1)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = 1.0 / math.sqrt(width)

    def prepare_query(self, query: Tensor) -> Tensor:
        """[B,H,T,K] -> [B,H,T,K], divided by the square root of the width."""
        return query * self.scale


class Bilinear(Score):
    """q·W·k with one learnt matrix per head (Luong et al. 2015, section 3.1, "general").

    W [H,Q,K] is folded into the query, so query and key may differ in width. Where both have one width W
    begins as the scaled identity, which is `ScaledDot`.
    """

    def __init__(self, query_width: int, key_width: int, *, heads: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(heads, query_width, key_width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Begin where `ScaledDot` stands: the identity divided by the square root of the key width."""
        heads, rows, columns = self.weight.shape
        with torch.no_grad():
            self.weight.copy_(torch.eye(rows, columns).expand(heads, -1, -1) * columns**-0.5)

    def prepare_query(self, query: Tensor) -> Tensor:
        """[B,H,T,Q] -> [B,H,T,K]."""
        return query @ self.weight


class Cosine(Score):
    """The cosine of the angle between q and k, times a learnt temperature per head.

    A bare cosine lies between -1 and 1, which leaves the softmax of many keys almost flat; the temperature
    (Henry et al. 2020) lets it peak. At a temperature of 1 it is the bare cosine.
    """

    def __init__(self, *, heads: int, temperature: float = 10.0) -> None:
        super().__init__()
        self.initial = temperature
        self.temperature = nn.Parameter(torch.empty(heads))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Begin every head at the temperature that was asked for."""
        nn.init.constant_(self.temperature, self.initial)

    def prepare_query(self, query: Tensor) -> Tensor:
        """[B,H,T,K] -> [B,H,T,K] of the length of the temperature."""
        return functional.normalize(query, dim=-1) * self.temperature[:, None, None]

    def prepare_key(self, key: Tensor) -> Tensor:
        """[B,G,S,K] -> [B,G,S,K] of length 1."""
        return functional.normalize(key, dim=-1)


class MLP(Score):
    """v·tanh(W q + U k) (Bahdanau et al. 2015, section A.1.2), also called additive; W, U and v per head.

    Its hidden layer has T x S x A numbers for each head, so it is made a chunk at a time, and made again on
    the way back.
    """

    is_dot_product = False

    def __init__(self, query_width: int, key_width: int, *, heads: int, kv_heads: int, hidden: int) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.empty(heads, query_width, hidden))
        self.key = nn.Parameter(torch.empty(kv_heads, key_width, hidden))
        self.vector = nn.Parameter(torch.empty(heads, hidden, 1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Each matrix keeps the variance of what passes through it."""
        for weight in (self.query, self.key, self.vector):
            nn.init.normal_(weight, std=weight.shape[1] ** -0.5)

    def prepare_query(self, query: Tensor) -> Tensor:
        """[B,H,T,Q] -> [B,H,T,A]."""
        return query @ self.query

    def prepare_key(self, key: Tensor) -> Tensor:
        """[B,G,S,K] -> [B,G,S,A]."""
        return key @ self.key

    def compare(self, query: Tensor, key: Tensor) -> Tensor:
        """Scores [B,H,T,S] of prepared sides [B,H,T,A] and [B,H,S,A]."""
        B, H, T, A = query.shape
        vector = self.vector[None, ..., 0].expand(B, H, A)
        scores: Tensor = _ChunkedMLP.apply(  # type: ignore[no-untyped-call]
            query.flatten(0, 1), key.flatten(0, 1), vector.flatten(0, 1)
        )
        return scores.view(B, H, T, key.shape[2])


class _ChunkedMLP(torch.autograd.Function):
    """v·tanh(q + k) for a chunk of queries at a time, on the way back as well; N is B times H.

    `query` [N,T,A], `key` [N,S,A] and `vector` [N,A] give [N,T,S].
    """

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, vector: Tensor) -> Tensor:
        ctx.save_for_backward(query, key, vector)
        scores = query.new_empty(*query.shape[:2], key.shape[1])
        for n, t in _chunks(query, key):
            hidden = _hidden(query[n, t], key[n])  # [n,t,S,A]
            scores[n, t] = (hidden.flatten(1, 2) @ vector[n, :, None]).view(hidden.shape[:3])
        return scores

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        query, key, vector = ctx.saved_tensors
        grad_query, grad_key, grad_vector = (torch.zeros_like(x) for x in (query, key, vector))
        for n, t in _chunks(query, key):
            hidden, over, v = _hidden(query[n, t], key[n]), grad[n, t], vector[n, None]
            grad_vector[n] += (over.flatten(1)[:, None] @ hidden.flatten(1, 2))[:, 0]
            # tanh' = 1 - tanh²: the sums of `over` stand for the 1, so that only the square is ever made
            square = hidden.square_()
            grad_query[n, t] = (over.sum(2, keepdim=True) - (over[:, :, None] @ square)[:, :, 0]) * v
            grad_key[n] += (over.sum(1)[..., None] - square.mul_(over[..., None]).sum(1)) * v
        return grad_query, grad_key, grad_vector


def _hidden(query: Tensor, key: Tensor) -> Tensor:
    """tanh(q + k) of every query [N,T,A] with every key [N,S,A]: [N,T,S,A]."""
    return (query[:, :, None] + key[:, None]).tanh_()


def _chunks(query: Tensor, key: Tensor) -> Iterator[tuple[slice, slice]]:
    """The parts of [N,T,A] whose hidden layer is small enough: several n whole, or a few queries of one n."""
    N, T, A = query.shape
    chunk = MLP_CHUNK if query.device.type == "cpu" else MLP_CHUNK_ELSEWHERE
    rows = max(1, chunk // max(1, key.shape[1] * A))
    for n in _parts(N, max(1, rows // max(1, T))):
        for t in _parts(T, rows):
            yield n, t


def _parts(length: int, size: int) -> Iterator[slice]:
    return (slice(begin, begin + size) for begin in range(0, length, size))


def make_score(kind: str, *, query_width: int, key_width: int, heads: int, kv_heads: int) -> Score:
    """The score of that name for heads of these widths.

    Raises `TrasluzError` for a name not in `SCORES`, and where `dot`, `scaled-dot` or `cosine` is asked to
    compare a query and a key of different width.
    """
    if kind not in SCORES:
        raise unknown("score", kind, SCORES)
    if kind == "bilinear":
        return Bilinear(query_width, key_width, heads=heads)
    if kind == "mlp":
        return MLP(query_width, key_width, heads=heads, kv_heads=kv_heads, hidden=key_width)
    if query_width != key_width:
        raise TrasluzError(
            f"the score {kind!r} compares a query and a key of one width, but got {query_width} and "
            f"{key_width}; use 'bilinear' or 'mlp', or make the widths equal"
        )
    if kind == "cosine":
        return Cosine(heads=heads, temperature=math.sqrt(key_width))
    return ScaledDot(key_width) if kind == "scaled-dot" else Dot()
