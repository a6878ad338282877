"""A program that runs a model, and what it makes of a text: the original as much as an export.

Knows no kind of export.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from trasluz.decoding.rules import length_cap
from trasluz.text.tokenizer import Tokenizer

CONTINUATION = 20
"""How many tokens a language model is let write behind the first half of a text."""

SPACE_MARK_NOTE = "U+2581 in a text is read as a space there, and as the character that it is by Trasluz"


@dataclass(frozen=True, slots=True)
class Written:
    """What a program made of a text, without the end symbol.

    `read` are all the ids that its model was given, `ids` those it wrote, `score` the mean log-probability of
    one, end symbol included.
    """

    read: tuple[int, ...]
    ids: tuple[int, ...]
    text: str
    score: float


class Program(Protocol):
    """Runs a model greedily; `versions` are those of the libraries that it does it with."""

    @property
    def versions(self) -> Mapping[str, str]:
        """Which libraries, and which of their versions."""
        ...

    def write(self, texts: Sequence[str]) -> list[Written]:
        """What it makes of each text, which is one line and fits the model."""
        ...


def prompt_of(tokenizer: Tokenizer, text: str) -> list[int]:
    """What a language model is given of a text: half of its pieces, as a prompt."""
    ids = tokenizer.encode(text)
    return tokenizer.frame.prompt(ids[: max(1, len(ids) // 2)])


def one_line(text: str) -> str:
    """A text in one line, without white space around it."""
    return " ".join(text.splitlines()).strip()


def by_length(rows: Sequence[Sequence[object]]) -> Iterator[list[int]]:
    """The numbers of all rows in groups of one length, so that nothing is padded."""
    groups: dict[int, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        groups[len(row)].append(number)
    yield from groups.values()


def most_tokens(length: int, *, longest: int | None) -> int:
    """How many tokens may follow so many of a source, end symbols included; `longest` is a model's limit."""
    return int(length_cap(torch.tensor([length]), longest=longest)[0])
