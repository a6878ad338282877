"""The residual connection, written once: whatever a part computes is added to what came in."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from trasluz.errors import unknown
from trasluz.layers.dropout import Dropout

PLACES = ("pre", "post")


class Residual(nn.Module):
    """post(x + dropout(f(pre(x)))).

    Pre-norm (Xiong et al. 2020) fills the slot `pre`, post-norm (Vaswani et al. 2017, section 3.1) the slot
    `post`; an empty slot hands on what it gets.
    """

    def __init__(self, norm: nn.Module, *, place: str, dropout: float) -> None:
        super().__init__()
        if place not in PLACES:
            raise unknown("place of the norm", place, PLACES)
        self.pre = norm if place == "pre" else nn.Identity()
        self.post = norm if place == "post" else nn.Identity()
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, part: Callable[[Tensor], Tensor]) -> Tensor:
        """`x` [B,T,D] with what `part` makes of it; [B,T,D]."""
        joined: Tensor = self.post(x + self.dropout(part(self.pre(x))))
        return joined
