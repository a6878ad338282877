"""A small change to a matrix that is learnt in its place: low-rank adaptation.

Knows no model. Letters: R rows, C columns, r rank.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class LowRank(nn.Module):
    """W + alpha / r · up · down (Hu et al. 2022, section 4.1); `up` begins at zero, and changes nothing then.

    It is registered as a parametrisation, so that whoever uses the matrix gets the changed one.
    """

    def __init__(self, rows: int, columns: int, *, rank: int, alpha: float) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.empty(rank, columns))
        self.up = nn.Parameter(torch.zeros(rows, rank))
        self.scale = alpha / rank
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    def forward(self, weight: Tensor) -> Tensor:
        """[R,C] -> [R,C]."""
        return weight + self.scale * (self.up @ self.down)
