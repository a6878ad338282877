"""How far each pair of a head's numbers turns from one position to the next, as it is and for longer texts.

Knows no attention and no heads. Letters: K head width.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from trasluz.errors import TrasluzError


def frequencies(head_width: int, *, base: float = 10000.0) -> Tensor:
    """base ** (-2i/K), in radians [K/2] (Su et al. 2021, equation 15)."""
    if head_width % 2:
        raise TrasluzError(f"rotary positions need an even head width, but it is {head_width}")
    return base ** (-torch.arange(0, head_width, 2) / head_width)


def llama3(own: Tensor, *, factor: float, low: float, high: float, length: int) -> Tensor:
    """Frequencies [K/2] for texts longer than the `length` that was learnt (Grattafiori et al. 2024, 3.4.1).

    A pair that turns less than `low` times over `length` tokens turns `factor` times slower, one that turns
    more than `high` times as before, and those between lie between.
    """
    turns = length * own / (2 * math.pi)
    kept = ((turns - low) / (high - low)).clamp(0, 1)
    return own * (kept + (1 - kept) / factor)


def yarn(
    own: Tensor, *, base: float, factor: float, fast: float, slow: float, length: int, whole: bool
) -> Tensor:
    """Frequencies [K/2] for texts longer than the `length` that was learnt (Peng et al. 2024, section 3.2).

    As above, but the ramp runs over the pairs: from the one that turns `fast` times over `length` tokens to
    the one that turns `slow` times, both made `whole` numbers, or not.
    """
    head_width = 2 * len(own)

    def pair(turns: float) -> float:
        return head_width * math.log(length / (turns * 2 * math.pi)) / (2 * math.log(base))

    begin, end = pair(fast), pair(slow)
    if whole:
        begin, end = math.floor(begin), math.ceil(end)
    begin, end = max(begin, 0), min(end, head_width - 1)
    slower = ((torch.arange(len(own)) - begin) / max(end - begin, 0.001)).clamp(0, 1)
    return own * (1 - slower + slower / factor)
