"""A model whose every target begins with certain tokens, such as the code of its language.

Knows no particular model and no text. Letters: B rows, S source tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic

from torch import Tensor

from trasluz.layers.state import AnyState, Decodable


class Forced(Generic[AnyState]):
    """A `Decodable` that has written the `tokens` before it begins; they count in no length and no score."""

    def __init__(self, model: Decodable[AnyState], tokens: Sequence[int]) -> None:
        self.model, self.tokens = model, tuple(tokens)
        self.vocabulary, self.pad_id, self.end_id = model.vocabulary, model.pad_id, model.end_id
        self.forbidden_ids = model.forbidden_ids

    def start(self, source: Tensor) -> tuple[Tensor, AnyState]:
        """Read `source` [B,S]; the last of the tokens for each row [B], and the state before it."""
        first, state = self.model.start(source)
        for token in self.tokens:
            self.model.step(first, state)
            first = first.new_full(first.shape, token)
        return first, state

    def step(self, tokens: Tensor, state: AnyState) -> Tensor:
        """Logits [B,V] of what follows `tokens` [B]."""
        return self.model.step(tokens, state)
