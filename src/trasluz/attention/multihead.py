"""Multi-head attention: queries, keys and values are projected, split into heads, attended and joined.

Knows no cache, no residual and no block. Letters: B batch, T queries, S keys, D model, H heads,
G key/value heads, K head width.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from trasluz.attention.attend import Gate, Listener, attend, pass_all
from trasluz.attention.score import make_score

Rotate = Callable[[Tensor], Tensor]
"""Turns heads [B,·,T,K] by their positions."""


def _as_they_are(heads: Tensor) -> Tensor:
    return heads


class MultiHead(nn.Module):
    """H attentions side by side (Vaswani et al. 2017, section 3.2.2), G key/value heads shared among them
    (Ainslie et al. 2023, section 2.2).

    Keys and values are made by one method and used by another, so a cache, or a memory that is projected
    once, can stand between them. `listener` is set by whoever wants to see the weights, `gate` by whoever
    wants to switch heads off.
    """

    def __init__(
        self,
        width: int,
        *,
        heads: int,
        kv_heads: int,
        head_width: int,
        score: str = "scaled-dot",
        bias: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.head_width, self.dropout = heads, kv_heads, head_width, dropout
        self.query = nn.Linear(width, heads * head_width, bias=bias)
        self.key = nn.Linear(width, kv_heads * head_width, bias=bias)
        self.value = nn.Linear(width, kv_heads * head_width, bias=bias)
        self.output = nn.Linear(heads * head_width, width, bias=bias)
        self.score = make_score(
            score, query_width=head_width, key_width=head_width, heads=heads, kv_heads=kv_heads
        )
        self.listener: Listener | None = None
        self.gate: Gate = pass_all

    def keys_values(self, memory: Tensor, *, rotate: Rotate = _as_they_are) -> tuple[Tensor, Tensor]:
        """Prepared keys and values, each [B,G,S,K], of what is looked at, `memory` [B,S,D]."""
        key = rotate(self._split(self.key(memory), self.kv_heads))
        return self.score.prepare_key(key), self._split(self.value(memory), self.kv_heads)

    def forward(
        self,
        x: Tensor,
        keys: Tensor,
        values: Tensor,
        *,
        allowed: Tensor | None = None,
        bias: Tensor | None = None,
        rotate: Rotate = _as_they_are,
    ) -> Tensor:
        """What each of `x` [B,T,D] takes from `keys` and `values` [B,G,S,K]; [B,T,D]."""
        query = self.score.prepare_query(rotate(self._split(self.query(x), self.heads)))  # [B,H,T,K]
        looked = attend(
            self.score,
            query,
            keys,
            values,
            allowed=allowed,
            bias=bias,
            dropout=self.dropout if self.training else 0.0,
            listener=self.listener,
        )  # [B,H,T,K]
        joined: Tensor = self.output(self.gate(looked).transpose(1, 2).flatten(2))
        return joined

    def _split(self, x: Tensor, heads: int) -> Tensor:
        return x.view(*x.shape[:2], heads, self.head_width).transpose(1, 2)  # [B,heads,T,K]
