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

MLP_CHUNK = 1 << 20
"""Most numbers of the hidden layer of `MLP` that exist at one time in one chunk of queries."""


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
    (Henry et al. 2020, section 3) lets it peak. At a temperature of 1 it is the bare cosine.
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

    Its hidden layer has T x S x A numbers for each head, so it is made for a chunk of queries at a time and
    made again on the way back.
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
        cells = query.shape[0] * key.shape[1] * key.shape[2] * key.shape[3]
        rows = max(1, MLP_CHUNK // max(1, cells))
        if rows >= query.shape[2]:
            return self.compare_at_once(query, key)
        scores: Tensor = _ChunkedMLP.apply(query, key, self.vector, rows)  # type: ignore[no-untyped-call]
        return scores

    def compare_at_once(self, query: Tensor, key: Tensor) -> Tensor:
        """What `compare` gives, the obvious way, with the whole hidden layer at once."""
        hidden = torch.tanh(query.unsqueeze(3) + key.unsqueeze(2))  # [B,H,T,S,A]
        return (hidden @ self.vector[:, None]).squeeze(-1)


class _ChunkedMLP(torch.autograd.Function):
    """The scores of `MLP` for `rows` queries at a time, on the way back as well."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, vector: Tensor, rows: int) -> Tensor:
        ctx.save_for_backward(query, key, vector)
        ctx.rows = rows
        scores = query.new_empty(*query.shape[:3], key.shape[2])  # [B,H,T,S]
        for part in _parts(query.shape[2], rows):
            hidden = torch.tanh(query[:, :, part, None] + key[:, :, None])  # [B,H,rows,S,A]
            scores[:, :, part] = (hidden @ vector[:, None]).squeeze(-1)
        return scores

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        query, key, vector = ctx.saved_tensors
        grad_query, grad_key, grad_vector = (torch.zeros_like(x) for x in (query, key, vector))
        for part in _parts(query.shape[2], ctx.rows):
            hidden = torch.tanh(query[:, :, part, None] + key[:, :, None])  # [B,H,rows,S,A]
            over = grad[:, :, part, :, None]  # [B,H,rows,S,1]
            grad_vector += (hidden * over).sum((0, 2, 3))[..., None]
            inner = hidden.square_().neg_().add_(1).mul_(over).mul_(vector[:, None].mT)
            grad_query[:, :, part] = inner.sum(3)
            grad_key += inner.sum(2)
        return grad_query, grad_key, grad_vector, None


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
