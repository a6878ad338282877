"""Dropout from a cheap source of chance: one random byte a number instead of one random float.

Knows nothing of what it drops.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

SHADES = 256


class Dropout(nn.Module):
    """Zero a share of the numbers in training and enlarge the rest (Srivastava et al. 2014).

    The rate is rounded to the nearest 256th, and the enlargement is exact for that rate. The masks come from
    torch's global generator, eight to a draw.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.dropped = min(round(rate * SHADES), SHADES - 1)

    def forward(self, x: Tensor) -> Tensor:
        """[...] -> [...]."""
        if not self.training or self.dropped == 0:
            return x
        words = torch.empty(-(-x.numel() // 8), dtype=torch.int64, device=x.device).random_(-(2**63), None)
        chance = words.view(torch.uint8)[: x.numel()].view(x.shape)
        return x.masked_fill(chance < self.dropped, 0.0) * (SHADES / (SHADES - self.dropped))
