"""Attention: scores, softmax into percentages, weighted values. A plain path, a fused path, a listener.

Knows no projections. Letters: B batch, T queries, S keys, H heads, G key/value heads, K head width.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from trasluz.attention.score import Score

Listener = Callable[[Tensor], None]
"""Receives the weights [B,H,T,S] of one attention, each row a distribution over the keys."""


Gate = Callable[[Tensor], Tensor]
"""Stands behind the heads of one attention: takes what they found [B,H,T,K], gives what is passed on."""


def pass_all(found: Tensor) -> Tensor:
    """The gate that lets every head through as it is."""
    return found


class Listenable(Protocol):
    """An attention of H `heads` that lets its weights be seen and its heads be switched off.

    Whoever sets `listener` gets the weights of every pass; whoever sets `gate` changes what the heads found
    before anything is made of it.
    """

    heads: int
    listener: Listener | None
    gate: Gate


def attend(
    score: Score,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    allowed: Tensor | None = None,
    bias: Tensor | None = None,
    dropout: float = 0.0,
    listener: Listener | None = None,
) -> Tensor:
    """Each query's mean of the values, weighted by how it scores their keys.

    `query` [B,H,T,·] and `key` [B,G,S,·] are prepared by `score`; `value` is [B,G,S,K]; the result is
    [B,H,T,K]. `allowed` (True: may look) and `bias` (added to the scores) broadcast to [B,H,T,S]. G divides
    H: neighbouring query heads share a key/value head. `dropout` is the share of weights that are dropped.
    A row that may look at nothing gives zeros. The fused kernel serves every score that is a dot product as
    long as nobody listens.
    """
    heads = query.shape[1]
    key, value = share(key, heads=heads), share(value, heads=heads)
    if score.is_dot_product and listener is None:
        return attend_fused(query, key, value, allowed=allowed, bias=bias, dropout=dropout)
    weights = attention_weights(score, query, key, allowed=allowed, bias=bias)
    if listener is not None:
        listener(weights)
    return functional.dropout(weights, dropout, training=dropout > 0) @ value


def attention_weights(
    score: Score, query: Tensor, key: Tensor, *, allowed: Tensor | None = None, bias: Tensor | None = None
) -> Tensor:
    """The percentages [B,H,T,S] of prepared queries [B,H,T,·] and keys [B,H,S,·]: the plain path."""
    scores = score.compare(query, key)  # [B,H,T,S]
    if bias is not None:
        scores = scores + bias
    if allowed is None:
        return scores.softmax(-1)
    # A row of nothing but -inf has no softmax: it is given finite scores, and its weights are then zeroed.
    lowest = torch.finfo(scores.dtype).min
    return scores.masked_fill(~allowed, lowest).softmax(-1).masked_fill(~allowed, 0.0)


def attend_fused(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    allowed: Tensor | None = None,
    bias: Tensor | None = None,
    dropout: float = 0.0,
) -> Tensor:
    """What the plain path computes for a dot product, by one kernel that never holds all the weights."""
    mask = allowed
    if bias is not None:
        mask = bias if allowed is None else bias.masked_fill(~allowed, float("-inf"))
    return functional.scaled_dot_product_attention(
        query, key, value, attn_mask=mask, dropout_p=dropout, scale=1.0
    )


def share(heads_of_keys: Tensor, *, heads: int) -> Tensor:
    """Give each key/value head to its group of query heads; [B,G,S,K] -> [B,H,S,K]."""
    groups = heads_of_keys.shape[1]
    if groups == heads:
        return heads_of_keys
    return heads_of_keys.repeat_interleave(heads // groups, dim=1)
