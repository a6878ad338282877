"""What a model remembers between two steps of decoding, and the interface that every search relies on.

Knows no model and no search. Letters: B rows, S remembered positions, G key/value heads, K head width;
of recurrent models, P parts of a cell's state, L layers, W width of a cell, M width of the memory, D model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, Self, TypeVar

import torch
from torch import Tensor


class DecodeState(Protocol):
    """What a model remembers of each row: passed in and handed back, never kept on a module."""

    def select(self, rows: Tensor) -> Self:
        """The state of the given rows ([B'] indices): to drop, repeat or reorder them, source and all."""
        ...

    def reorder(self, rows: Tensor) -> Self:
        """Like `select`, where each row takes over from a row of the same source, so the source stays."""
        ...


AnyState = TypeVar("AnyState", bound=DecodeState)


class Decodable(Protocol[AnyState]):
    """A model that a search can drive: one token per row goes in, the scores of the next token come out."""

    vocabulary: int
    pad_id: int
    end_id: int
    forbidden_ids: tuple[int, ...]

    def start(self, source: Tensor) -> tuple[Tensor, AnyState]:
        """Read `source` [B,S], padded at the right; return the first tokens to feed [B] and the state."""
        ...

    def step(self, tokens: Tensor, state: AnyState) -> Tensor:
        """Logits [B,V] of what follows `tokens` [B]; the state advances by one position."""
        ...


@dataclass(slots=True)
class LayerCache:
    """Keys and values of one block: of the tokens so far (grown in place) and of the memory (made once)."""

    memory: tuple[Tensor, Tensor] | None = None  # 2 x [B,G,S,K]
    key: Tensor | None = None  # [B,G,capacity,K]
    value: Tensor | None = None  # [B,G,capacity,K]
    length: int = 0
    remembers: bool = True

    def extend(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Append keys and values [B,G,T,K]; return all that may be looked at [B,G,S,K]."""
        if not self.remembers:
            return key, value
        begin, self.length = self.length, self.length + key.shape[2]
        self.key = _with_room(self.key, key, self.length)
        self.value = _with_room(self.value, value, self.length)
        self.key[:, :, begin : self.length] = key
        self.value[:, :, begin : self.length] = value
        return self.key[:, :, : self.length], self.value[:, :, : self.length]

    def select(self, rows: Tensor) -> LayerCache:
        """The cache of the given rows [B']."""
        memory = None if self.memory is None else (self.memory[0][rows], self.memory[1][rows])
        return replace(self.reorder(rows), memory=memory)

    def reorder(self, rows: Tensor) -> LayerCache:
        """The cache of the given rows [B'], the memory left where it is."""
        key = None if self.key is None else self.key[rows]
        value = None if self.value is None else self.value[rows]
        return replace(self, key=key, value=value)


def _with_room(kept: Tensor | None, new: Tensor, length: int) -> Tensor:
    """A buffer for `length` positions that holds what was kept; it doubles, so that growing stays cheap."""
    capacity = 0 if kept is None else kept.shape[2]
    if kept is not None and length <= capacity:
        return kept
    shape = (*new.shape[:2], max(2 * capacity, length, 16), new.shape[3])
    grown = new.new_zeros(shape)
    if kept is not None:
        grown[:, :, :capacity] = kept
    return grown


@dataclass(slots=True)
class StackState:
    """Where each row of a stack stands: the positions it can look back at, and the cache of every block."""

    layers: list[LayerCache]
    memory_allowed: Tensor | None = None  # [B,1,1,S]
    positions: Tensor | None = None  # [B,S] position of every remembered token
    filled: Tensor | None = None  # [B,S] False where a remembered token is padding

    def advance(self, at: Tensor, filled: Tensor) -> tuple[Tensor, Tensor]:
        """Take in tokens at positions `at` [B,T]; return positions and `filled` [B,S] of all there are."""
        if self.positions is None or self.filled is None or not self.layers[0].remembers:
            self.positions, self.filled = at, filled
        else:
            self.positions = torch.cat([self.positions, at], 1)
            self.filled = torch.cat([self.filled, filled], 1)
        return self.positions, self.filled

    def next_position(self) -> Tensor | None:
        """The position [B,1] of the token that follows the last real one; None where nothing came yet."""
        if self.positions is None or self.filled is None:
            return None
        return self.positions.masked_fill(~self.filled, -1).amax(1, keepdim=True) + 1

    def select(self, rows: Tensor) -> StackState:
        """The state of the given rows [B']."""
        allowed = None if self.memory_allowed is None else self.memory_allowed[rows]
        return replace(
            self._chosen(rows), memory_allowed=allowed, layers=[layer.select(rows) for layer in self.layers]
        )

    def reorder(self, rows: Tensor) -> StackState:
        """The state of the given rows [B'], the memory left where it is."""
        return replace(self._chosen(rows), layers=[layer.reorder(rows) for layer in self.layers])

    def _chosen(self, rows: Tensor) -> StackState:
        positions = None if self.positions is None else self.positions[rows]
        filled = None if self.filled is None else self.filled[rows]
        return replace(self, positions=positions, filled=filled)


@dataclass(slots=True)
class RecurrentState:
    """Where each row of a recurrent decoder stands, and the memory it looks at."""

    cells: Tensor  # [P,L,B,W] what the cells carry: the hidden state, and an LSTM's cell state
    fed: Tensor  # [B,1,·] what the next step gets besides a token, of width 0 where that is nothing
    key: Tensor  # [B,1,S,·] the memory, prepared for the score
    value: Tensor  # [B,1,S,M] the memory
    allowed: Tensor  # [B,1,1,S]

    def select(self, rows: Tensor) -> RecurrentState:
        """The state of the given rows [B']."""
        return replace(
            self.reorder(rows), key=self.key[rows], value=self.value[rows], allowed=self.allowed[rows]
        )

    def reorder(self, rows: Tensor) -> RecurrentState:
        """The state of the given rows [B'], the memory left where it is."""
        return replace(self, cells=self.cells[:, :, rows], fed=self.fed[rows])
