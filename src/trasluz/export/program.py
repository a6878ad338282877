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
from trasluz.models.loaded import LoadedModel

BATCH = 64
"""How many texts are written at once."""

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


def given_of(loaded: LoadedModel, text: str) -> list[int]:
    """All ids that a model is given of a text, whatever runs it.

    That is a source with all around it, and the start symbol where both languages are one sequence; for a
    language model it is half of the pieces as a prompt.
    """
    frame, ids = loaded.tokenizer.frame, loaded.tokenizer.encode(text)
    if loaded.manifest.task == "language-model":
        return frame.prompt(ids[: max(1, len(ids) // 2)])
    in_one = loaded.manifest.model.kind == "decoder-only"
    return [*frame.source(ids), *([frame.start] if in_one else [])]


def longest_translation(loaded: LoadedModel) -> int | None:
    """The most tokens, forced ones with them, that every program can write with a translator.

    Where positions are sines ours have no end, but those of transformers have one, which config.json says.
    """
    ours = loaded.manifest.model.longest_target(loaded.manifest.longest_source)
    theirs = None if loaded.origin is None else loaded.origin.settings.get("max_position_embeddings")
    return min((longest for longest in (ours, theirs) if longest is not None), default=None)


def most_written(loaded: LoadedModel, length: int) -> int:
    """How many tokens may follow a source or a prompt of so many ids, the end symbol with them."""
    if loaded.manifest.task == "language-model":
        room = loaded.manifest.model.longest_target(length)
        return CONTINUATION if room is None else min(CONTINUATION, room)
    longest = longest_translation(loaded)
    return most_tokens(
        length, longest=None if longest is None else longest - len(loaded.tokenizer.frame.forced)
    )


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
