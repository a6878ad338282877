"""Beam search: the most likely hypotheses of each sentence are kept at every step, and the best are found.

Knows no particular model and no text. Letters: B sentences, S source tokens, k beam, n hypotheses wanted,
C longest length, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor

from trasluz.decoding.rules import Hypothesis, Rules
from trasluz.errors import TrasluzError
from trasluz.layers.state import AnyState, Decodable


def beam(
    model: Decodable[AnyState],
    source: Tensor,
    *,
    size: int = 5,
    length_penalty: float = 1.0,
    n_best: int = 1,
    caps: Tensor | None = None,
) -> list[list[Hypothesis]]:
    """The `n_best` best hypotheses that a beam of `size` finds for each source [B,S], best first.

    Each step keeps, of all one-token extensions of the running hypotheses, the `size` most likely that go
    on; an extension by the end symbol is finished if it ranks among the first `size` of all. Finished ones
    are ranked by their summed log-probability divided by length ** `length_penalty` (Wu et al. 2016, section
    7). A sentence is done when no running hypothesis can reach its `n_best` finished ones any more, even if
    all its further tokens were certain and it grew to the length that favours it most, the cap; so stopping
    changes nothing, and a beam as wide as the space of hypotheses is exact. The exception is a beam of one,
    which ends where its hypothesis ends: it is greedy.

    `source` ends in the end symbol and is padded at the right. `caps` [B] is the most tokens of a
    hypothesis, end symbol included (`length_cap` by default). Truncated hypotheses are given only where
    none finished. All hypotheses of a sentence differ; there may be fewer than `n_best`.
    """
    check_beam(size, n_best=n_best)
    rules = Rules.of(model, source, length_penalty=length_penalty, caps=caps)
    search = _Search.begin(rules, size=size, n_best=n_best)
    found: list[list[Hypothesis]] = [[] for _ in range(source.shape[0])]
    tokens, state = model.start(source)
    spread = torch.arange(source.shape[0], device=source.device).repeat_interleave(size)  # [Bk]
    tokens, state = tokens[spread], state.select(spread)
    for length in range(1, rules.longest + 1):
        log_probabilities = rules.log_probabilities(model.step(tokens, state))  # [Bk,V]
        parents = search.advance(log_probabilities, length=length, rules=rules)  # [B,k]
        rows = parents + size * torch.arange(len(parents), device=source.device)[:, None]
        done = search.done(length=length, length_penalty=length_penalty)
        if bool(done.any()):
            for sentence, hypotheses in search.only(done).results(rules):
                found[sentence] = hypotheses
            if bool(done.all()):
                break
            search = search.only(~done)
            state = state.select(rows[~done].flatten())
        else:
            state = state.reorder(rows.flatten())
        tokens = search.ids[:, :, length - 1].flatten()
    return found


def check_beam(size: int, *, n_best: int) -> None:
    """Raise `TrasluzError` unless there is a beam, and it is wide enough for the hypotheses wanted."""
    if size < 1:
        raise TrasluzError(f"the beam is {size}, but it must be 1 (greedy) or more; 5 is usual")
    if not 1 <= n_best <= size:
        raise TrasluzError(
            f"{n_best} hypotheses of each sentence are asked for, but a beam of {size} gives 1 to {size}; "
            "ask for fewer, or widen the beam"
        )


@dataclass(slots=True)
class _Search:
    """The sentences that are not done: their running hypotheses and their pool, each the best first.

    Rows of ids have end symbols wherever no other token stands; a log-probability of -inf marks a free place.
    """

    sentences: Tensor  # [B]
    caps: Tensor  # [B]
    ids: Tensor  # [B,k,C]
    logprobs: Tensor  # [B,k]
    pool_ids: Tensor  # [B,n,C]
    pool_logprobs: Tensor  # [B,n]
    pool_scores: Tensor  # [B,n]

    @classmethod
    def begin(cls, rules: Rules, *, size: int, n_best: int) -> Self:
        """Every sentence has one empty hypothesis, and nothing in its pool."""
        caps, sentences = rules.caps, len(rules.caps)
        logprobs = torch.full((sentences, size), -math.inf, device=caps.device)
        logprobs[:, 0] = 0.0
        nothing = torch.full((sentences, n_best), -math.inf, device=caps.device)
        return cls(
            sentences=torch.arange(sentences, device=caps.device),
            caps=caps,
            ids=caps.new_full((sentences, size, rules.longest), rules.end_id),
            logprobs=logprobs,
            pool_ids=caps.new_full((sentences, n_best, rules.longest), rules.end_id),
            pool_logprobs=nothing,
            pool_scores=nothing,
        )

    def advance(self, log_probabilities: Tensor, *, length: int, rules: Rules) -> Tensor:
        """Extend all hypotheses to `length` tokens by log-probabilities [Bk,V]; return the parents [B,k]."""
        size, vocabulary = self.logprobs.shape[1], log_probabilities.shape[1]
        totals = self.logprobs.flatten()[:, None] + log_probabilities  # [Bk,V]
        # [B,2k] candidates: at most k of them end, one of each parent, so that k go on
        best, place = totals.view(-1, size * vocabulary).topk(2 * size)
        parents, tokens = place // vocabulary, place % vocabulary
        ids = _take(self.ids, parents)  # [B,2k,C]
        ids[:, :, length - 1] = tokens
        ends = tokens == rules.end_id
        ended = best.masked_fill(~ends, -math.inf)
        self._finish(ids[:, :size], ended[:, :size], scale=length**rules.length_penalty)
        self.logprobs, kept = best.masked_fill(ends, -math.inf).topk(size)
        self.ids = _take(ids, kept)
        return _take(parents, kept)

    def _finish(self, ids: Tensor, logprobs: Tensor, *, scale: float) -> None:
        """Take hypotheses [B,k,C] that ended into the pool, which keeps its best."""
        scores = torch.cat([self.pool_scores, logprobs / scale], 1)  # [B,n+k]
        self.pool_scores, kept = scores.topk(self.pool_scores.shape[1])
        self.pool_logprobs = _take(torch.cat([self.pool_logprobs, logprobs], 1), kept)
        self.pool_ids = _take(torch.cat([self.pool_ids, ids], 1), kept)

    def done(self, *, length: int, length_penalty: float) -> Tensor:
        """True [B] where going on is not allowed, or cannot change the pool."""
        hope = self.logprobs[:, 0] / self.caps.float() ** length_penalty  # a log-probability is never above 0
        worst = self.pool_scores[:, -1]
        hopeless = hope <= worst
        if self.ids.shape[1] == 1:
            hopeless = hopeless | (worst > -math.inf)
        return hopeless | (length >= self.caps)

    def only(self, chosen: Tensor) -> Self:
        """The search of the sentences for which `chosen` [B] is True."""
        return type(self)(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def results(self, rules: Rules) -> Iterator[tuple[int, list[Hypothesis]]]:
        """Each sentence's number and hypotheses: those of its pool, or the running ones if that is empty."""
        n_best = self.pool_ids.shape[1]
        empty = self.pool_logprobs[:, :1] == -math.inf  # [B,1]
        logprobs = torch.cat([self.pool_logprobs, self.logprobs.where(empty, -math.inf)], 1)  # [B,n+k]
        ids = torch.cat([self.pool_ids, self.ids], 1)  # [B,n+k,C]
        columns = (self.sentences, self.caps, ids, logprobs)
        for sentence, cap, own_ids, own_logprobs in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            there = [own for own in zip(own_ids, own_logprobs, strict=True) if own[1] != -math.inf]
            yield (
                sentence,
                [rules.hypothesis(row, logprob=logprob, cap=cap) for row, logprob in there[:n_best]],
            )


def _take(values: Tensor, places: Tensor) -> Tensor:
    """Of each sentence's values [B,m,...] those at the places [B,j], in their order: [B,j,...]."""
    sentences = torch.arange(len(places), device=places.device)[:, None]
    return values[sentences, places]
