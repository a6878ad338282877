"""Pairs of ids in batches of similar length, in an order that is a pure function of seed, epoch and index.

Knows no text. Letters: N pairs, B pairs of a batch, S source tokens, T target tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

Integers = npt.NDArray[np.int64]


class Encoded(Protocol):
    """Sequences of ids that can be drawn from: always the same ones, or other spellings in every epoch."""

    @property
    def lengths(self) -> Integers:
        """How many ids each sequence has [N]."""
        ...

    def rows(self, numbers: Integers, *, epoch: int) -> list[Tensor]:
        """The ids of some sequences, each [its length]."""
        ...


@dataclass(frozen=True, slots=True)
class Sequences:
    """Sequences of ids laid end to end in one array, so that millions of them take little memory."""

    ids: npt.NDArray[np.int32]
    ends: Integers  # [N]
    lengths: Integers  # [N]

    @classmethod
    def from_lists(cls, lists: Sequence[Sequence[int]]) -> Self:
        """The sequences of some lists, in their order."""
        lengths = np.fromiter((len(ids) for ids in lists), dtype=np.int64, count=len(lists))
        ids = np.fromiter((one for own in lists for one in own), dtype=np.int32, count=int(lengths.sum()))
        return cls(ids, lengths.cumsum(), lengths)

    def rows(self, numbers: Integers, *, epoch: int) -> list[Tensor]:
        """The ids of some sequences: the same in every epoch."""
        ends, lengths = self.ends[numbers], self.lengths[numbers]
        return [
            torch.from_numpy(self.ids[end - length : end].astype(np.int64))
            for end, length in zip(ends, lengths, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Batch:
    """Pairs side by side, padded at the right; `target_tokens` are the real ones."""

    source: Tensor  # [B,S]
    target: Tensor  # [B,T]
    target_tokens: int


class Batches:
    """All batches of every epoch.

    A batch has at most `tokens` cells, padding counted, in the longer of its sides; a single pair may have
    more. An epoch shuffles the pairs, sorts them by length where that shuffle breaks all ties, cuts them into
    batches, and shuffles those.
    """

    def __init__(self, source: Encoded, target: Encoded, *, tokens: int, seed: int, pad_id: int) -> None:
        self.source, self.target = source, target
        self.tokens, self.seed, self.pad_id = tokens, seed, pad_id
        self._planned: tuple[int, list[Integers]] | None = None

    def __len__(self) -> int:
        """How many pairs there are."""
        return len(self.source.lengths)

    def plan(self, epoch: int) -> list[Integers]:
        """The numbers of the pairs of each batch of an epoch; that of the last epoch asked for is kept."""
        if self._planned is None or self._planned[0] != epoch:
            self._planned = (epoch, self._plan(epoch))
        return self._planned[1]

    def batch(self, epoch: int, index: int) -> Batch:
        """The batch at a place of an epoch."""
        numbers = self.plan(epoch)[index]
        source, target = self.source.rows(numbers, epoch=epoch), self.target.rows(numbers, epoch=epoch)
        return Batch(self._padded(source), self._padded(target), sum(len(row) for row in target))

    def iterate(self, *, epoch: int, index: int) -> Iterator[tuple[int, int, Batch]]:
        """Batches without end from a place on, each with its epoch and index."""
        while True:
            for here in range(index, len(self.plan(epoch))):
                yield epoch, here, self.batch(epoch, here)
            epoch, index = epoch + 1, 0

    def _plan(self, epoch: int) -> list[Integers]:
        chance = np.random.default_rng((self.seed, epoch))
        shuffled = chance.permutation(len(self))
        source, target = self.source.lengths[shuffled], self.target.lengths[shuffled]
        longer = np.maximum(source, target)
        order = np.lexsort((source, target, longer))  # stable: the shuffle decides among equals
        batches = [shuffled[order[begin:end]] for begin, end in _cuts(longer[order], self.tokens)]
        return [batches[number] for number in chance.permutation(len(batches))]

    def _padded(self, rows: list[Tensor]) -> Tensor:
        return pad_sequence(rows, batch_first=True, padding_value=self.pad_id)


def _cuts(lengths: Integers, tokens: int) -> Iterator[tuple[int, int]]:
    """Begin and end of each batch of rising lengths: rows x the longest is at most `tokens`, or one row."""
    begin = 0
    for here, length in enumerate(lengths.tolist()):
        if here > begin and (here - begin + 1) * length > tokens:
            yield begin, here
            begin = here
    if len(lengths):
        yield begin, len(lengths)
