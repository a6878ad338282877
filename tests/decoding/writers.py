"""A generator that writes what it is told to."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from trasluz.decoding.generator import Generator
from trasluz.text.sentencepieces import SentencePieces


class Scripted:
    """A model that writes a text, piece by piece, whatever the prompt."""

    start_id, end_id, training = 1, 2, False
    forbidden_ids: tuple[int, ...] = (0, 1, 3)

    def __init__(self, ids: list[int], vocabulary: int) -> None:
        self.ids, self.vocabulary = ids, vocabulary
        self.output = torch.nn.Linear(1, 1)

    def read(self, ids: Tensor) -> Iterator[int]:
        return iter(self.ids)

    def step(self, tokens: Tensor, state: Iterator[int]) -> Tensor:
        return torch.nn.functional.one_hot(torch.tensor([next(state)]), self.vocabulary) * 100.0


def scripted(tokenizer: SentencePieces, text: str, *, ends: bool = True) -> Generator:
    ids = [*tokenizer.encode(text), *([tokenizer.end_id] if ends else [])]
    return Generator(Scripted(ids, len(tokenizer)), tokenizer)  # type: ignore[arg-type]
