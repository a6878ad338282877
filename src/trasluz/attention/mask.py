"""Who may look at whom: comparisons of positions. True means "may look".

Knows no scores. Letters: B batch, T queries, S keys.
"""

from __future__ import annotations

import torch
from torch import Tensor


def not_padding(ids: Tensor, *, pad_id: int) -> Tensor:
    """True where a token is real; [B,S] -> [B,S]."""
    return ids != pad_id


def every_key(filled: Tensor) -> Tensor:
    """Every query may look at every real key; [B,S] -> [B,1,1,S]."""
    return filled[:, None, None, :]


def no_later_key(filled: Tensor, *, query_at: Tensor, key_at: Tensor) -> Tensor:
    """A query may look at real keys at its own position or before it.

    `filled` is [B,S]; `key_at` [B,S] and `query_at` [B,T] may have one row for all; the result is [B,1,T,S].
    """
    before = key_at[:, None, None, :] <= query_at[:, None, :, None]  # [B,1,T,S]
    return before & every_key(filled)


def positions(ids: Tensor) -> Tensor:
    """The positions 0, 1, 2 ... of the tokens, which every row shares; [B,T] -> [1,T]."""
    return torch.arange(ids.shape[1], device=ids.device)[None]
