"""What every search keeps to: how long a hypothesis may be, what it may hold, how it is scored.

Knows no particular model and no search. Letters: B sentences, S source tokens, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

from trasluz.errors import TrasluzError
from trasluz.layers.state import Decodable

TOKENS_PER_SOURCE_TOKEN = 2
TOKENS_ON_TOP = 20


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What a search found for a sentence: `ids` without the end symbol, and how likely they are.

    `logprob` is the sum of the natural log-probabilities of all tokens, the end symbol included; `score` is
    `logprob` divided by the number of those tokens to the power of the length penalty. `finished` is False
    where the longest allowed length was reached without an end symbol: something is missing then.
    """

    ids: tuple[int, ...]
    score: float
    logprob: float
    finished: bool

    @property
    def length(self) -> int:
        """How many tokens were generated, the end symbol included."""
        return len(self.ids) + self.finished


def not_a_number() -> TrasluzError:
    """The error for a model whose output is none."""
    return TrasluzError(
        "the model's output is not a number (NaN): its weights are damaged, or too large for this precision; "
        "try float32, or another checkpoint"
    )


def source_lengths(source: Tensor, *, pad_id: int) -> Tensor:
    """How many real tokens each row of a padded source has; [B,S] -> [B]."""
    return (source != pad_id).sum(1)


def length_cap(lengths: Tensor, *, longest: int | None = None) -> Tensor:
    """The most tokens a hypothesis may have, end symbol included: 2 S + 20; lengths of sources [B] -> [B].

    `longest` is what the model can hold, where it has such a limit.
    """
    caps = TOKENS_PER_SOURCE_TOKEN * lengths + TOKENS_ON_TOP
    return caps if longest is None else caps.clamp(max=longest)


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for one batch: which ids are forbidden, the longest lengths, the length penalty."""

    end_id: int
    barrier: Tensor  # [V], what is added to the logits: -inf for forbidden ids
    caps: Tensor  # [B]
    length_penalty: float

    @classmethod
    def of(cls, model: Decodable[Any], source: Tensor, *, length_penalty: float, caps: Tensor | None) -> Self:
        """The rules for a batch of sources [B,S]; `caps` [B] are `length_cap`'s where none are given."""
        if not (math.isfinite(length_penalty) and length_penalty >= 0):
            raise TrasluzError(
                f"the length penalty is {length_penalty}, but it must be 0 or more; 1 is usual"
            )
        if caps is None:
            caps = length_cap(source_lengths(source, pad_id=model.pad_id))
        assert caps.shape == source.shape[:1]
        assert int(caps.min()) >= 1
        barrier = torch.zeros(model.vocabulary)
        barrier[list(model.forbidden_ids)] = -math.inf
        return cls(model.end_id, barrier.to(source.device), caps.to(source.device), length_penalty)

    @property
    def longest(self) -> int:
        """The most tokens that any hypothesis of the batch may have."""
        return int(self.caps.max())

    def log_probabilities(self, logits: Tensor) -> Tensor:
        """Log-probabilities of the allowed tokens, -inf for forbidden ones; [...,V] -> [...,V] in float32."""
        return (logits.float() + self.barrier).log_softmax(-1)

    def hypothesis(self, row: Sequence[int], *, logprob: float, cap: int) -> Hypothesis:
        """Read a hypothesis off a row that has end symbols wherever no other token stands.

        Raises `TrasluzError` where the log-probability is no number, which a broken model gives.
        """
        if math.isnan(logprob):
            raise not_a_number()
        tokens = list(row)
        ids = tokens[: tokens.index(self.end_id)] if self.end_id in tokens else tokens
        finished = len(ids) < cap
        length = len(ids) + finished
        return Hypothesis(tuple(ids), logprob / length**self.length_penalty, logprob, finished)
