"""What all models that write a target from a source have in common: symbols, output, steps of decoding.

Knows no parts. Letters: B batch, S source tokens, T target tokens, D model, V vocabulary.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from trasluz.attention.attend import Listenable
from trasluz.layers.embedding import Output
from trasluz.layers.state import DecodeState


@dataclass(frozen=True, slots=True)
class Attentions:
    """The attentions of a model, each from the first layer to the last: of the source to itself, of the
    target to itself, and of the target to the source."""

    encoder: Sequence[Listenable] = ()
    decoder: Sequence[Listenable] = ()
    cross: Sequence[Listenable] = ()

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.encoder or self.decoder or self.cross)


@dataclass(frozen=True, slots=True)
class Symbols:
    """The ids of the tokens that are no text."""

    pad: int
    start: int
    end: int
    unknown: int

    @property
    def never_written(self) -> tuple[int, ...]:
        """Those that no translation may hold."""
        return tuple(sorted(one for one in {self.pad, self.start, self.unknown} - {self.end} if one >= 0))


class Model(nn.Module, ABC):
    """The interface that training, decoding and insight rely on (it is a `Decodable`)."""

    output: Output

    def __init__(self, vocabulary: int, symbols: Symbols) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.pad_id, self.start_id, self.end_id = symbols.pad, symbols.start, symbols.end
        self.forbidden_ids = symbols.never_written

    @abstractmethod
    def forward(self, source: Tensor, given: Tensor) -> Tensor:
        """What follows each token of `given` [B,T], in one pass: the decoder's vectors [B,T,D].

        `self.output` makes logits of them; a loss may do that piece by piece. `source` [B,S] is padded at the
        right, and so is `given`, where no real token looks.
        """

    @abstractmethod
    def start(self, source: Tensor) -> tuple[Tensor, DecodeState]:
        """Read `source` [B,S]; the start symbol for each row [B], and the state."""

    @abstractmethod
    def step(self, tokens: Tensor, state: Any) -> Tensor:
        """Logits [B,V] of what follows `tokens` [B]; `state`, one of its own, advances by one position."""

    @abstractmethod
    def attentions(self) -> Attentions:
        """Every attention of the model, to be listened to."""

    def first(self, rows: Tensor) -> Tensor:
        """The start symbol for each of `rows` [B,...]; [B]."""
        return rows.new_full(rows.shape[:1], self.start_id)

    def teacher_forced(self, target: Tensor) -> Tensor:
        """What the decoder is given so that it predicts `target` [B,T]: the start symbol, then `target`."""
        return torch.cat([self.first(target)[:, None], target[:, :-1]], 1)
