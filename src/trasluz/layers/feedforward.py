"""The feed-forward part of a block: each token's vector alone, widened, bent and narrowed again.

Letters: B batch, T tokens, D model, F hidden.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from trasluz.errors import unknown
from trasluz.layers.dropout import Dropout

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "gelu-tanh": partial(nn.GELU, approximate="tanh"),
    "silu": nn.SiLU,
}


class FeedForward(nn.Module):
    """narrow(act(widen(x))) (Vaswani et al. 2017, equation 2); gated, narrow(act(gate(x)) * widen(x))
    (Shazeer 2020, equation 6)."""

    def __init__(
        self,
        width: int,
        *,
        hidden: int,
        activation: str = "relu",
        gated: bool = False,
        bias: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise unknown("activation", activation, ACTIVATIONS)
        self.gate = nn.Linear(width, hidden, bias=bias) if gated else None
        self.widen = nn.Linear(width, hidden, bias=bias)
        self.activation = ACTIVATIONS[activation]()
        self.dropout = Dropout(dropout)
        self.narrow = nn.Linear(hidden, width, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """[B,T,D] -> [B,T,D]."""
        wide = self.widen(x)  # [B,T,F]
        bent = self.activation(wide) if self.gate is None else self.activation(self.gate(x)) * wide
        narrowed: Tensor = self.narrow(self.dropout(bent))
        return narrowed
