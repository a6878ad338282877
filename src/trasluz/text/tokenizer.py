"""What every tokeniser does: text into ids of pieces and back, and what a model wants around them.

Knows no library. Ids around a source and a target are its `Frame`'s.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from trasluz.errors import TrasluzError


@dataclass(frozen=True, slots=True)
class Frame:
    """What a model reads and writes around the pieces of a text.

    `before` and `after` stand around those of a source. A decoder begins with `start`, writes the `forced`
    ids whatever it thinks of them, such as the code of its language, then the pieces and `end`. The prompt of
    a language model begins with the `opening`, and any of `also_end`, such as the end of a turn in a
    dialogue, ends what it writes as `end` does.
    """

    start: int
    end: int
    after: tuple[int, ...]
    before: tuple[int, ...] = ()
    forced: tuple[int, ...] = ()
    opening: tuple[int, ...] = ()
    also_end: tuple[int, ...] = ()

    @property
    def around_source(self) -> int:
        """How many ids stand around the pieces of a source."""
        return len(self.before) + len(self.after)

    def source(self, ids: Sequence[int]) -> list[int]:
        """The ids of a source with all around them."""
        return [*self.before, *ids, *self.after]

    def prompt(self, ids: Sequence[int]) -> list[int]:
        """The ids of a prompt as a language model reads it: at least the start symbol."""
        return [*self.opening, *ids] or [self.start]

    def target(self, ids: Sequence[int], *, finished: bool = True) -> list[int]:
        """The ids of a target as the decoder writes them, to its end if it is `finished`."""
        return [*self.forced, *ids, *([self.end] if finished else [])]


class Tokenizer(Protocol):
    """Text into pieces and back; `target` is the tokeniser of the other side, often the same.

    `symbol_ids` are all ids that are no text, such as codes of languages.
    """

    pad_id: int
    start_id: int
    end_id: int
    unknown_id: int
    symbol_ids: frozenset[int]
    frame: Frame

    @property
    def target(self) -> Tokenizer:
        """The tokeniser of what is written."""
        ...

    def files(self) -> Mapping[str, bytes]:
        """The files of a model directory that hold it, by their names."""
        ...

    def __len__(self) -> int:
        """How many entries there are."""
        ...

    def encode(self, text: str) -> list[int]:
        """The ids of a text, with nothing around them."""
        ...

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text.

        Raises `TrasluzError` for a text that is not Unicode.
        """
        ...

    def encodings(self, text: str, *, most: int) -> list[list[int]]:
        """The `most` likeliest ways to cut a text into ids, the best first."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, symbols left out."""
        ...

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Each id as it is written, U+2581 for a space."""
        ...

    def names(self, ids: Sequence[int]) -> list[str]:
        """Each id as its vocabulary calls it: two that are written alike have names of their own."""
        ...


def why_not_encoded(texts: Sequence[str]) -> TrasluzError:
    """The error for texts of which one is not Unicode: it holds half of a surrogate pair."""
    found = (re.search("[\ud800-\udfff]", text) for text in texts)
    half = next((match[0] for match in found if match), "")
    return TrasluzError(f"the text holds U+{ord(half or ' '):04X}, which is no character; give it as UTF-8")
