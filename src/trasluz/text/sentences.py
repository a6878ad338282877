"""Long text cut into parts that a model can take, which joined are the text again, character for character.

Knows no model and no tokeniser: whoever asks says what fits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

Fits = Callable[[str], bool]
"""Whether a text, white space around it aside, is short enough."""

SENTENCE_END = re.compile(r"[.!?…]+[\"'”’»)\]]*\s+|[。！？]+[”’」』）]*\s*")
CLAUSE_END = re.compile(r"[;:,]\s+|\s[-–—]\s|[；：，、]\s*")
SPACE = re.compile(r"\s+")

ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'“¿¡])(?:\w|mr|mrs|ms|dr|dra|prof|st|jr|sr|sra|srta|ud|uds|d|dña|vs|etc|no|núm|pág|fig|vol|p\.ej"
    r"|e\.g|i\.e|(?:\w\.)+\w)\.\s+$",
    re.IGNORECASE,
)
"""What may end like a sentence and seldom does: titles, initials and other short forms."""


def trim(text: str) -> tuple[str, str, str]:
    """The white space before a text, the text, and the white space behind it; a blank text is all before."""
    core = text.strip()
    begin = text.index(core) if core else len(text)
    return text[:begin], core, text[begin + len(core) :]


def split_text(text: str, fits: Fits) -> list[str]:
    """The lines of a text; a line that does not fit is cut into its sentences.

    A sentence that does not fit is cut at the ends of clauses, then at white space, then anywhere, and the
    pieces are joined again as long as they fit. Joined, the parts are the text. Only a single character that
    does not fit is given as it is.
    """
    return [part for line in text.splitlines(keepends=True) for part in _split_line(line, fits)]


def sentences(text: str) -> list[str]:
    """The sentences of a text, each with the white space behind it; joined they are the text."""
    found: list[str] = []
    for part in _cut_behind(text, SENTENCE_END):
        if found and (ABBREVIATION.search(found[-1]) or part[:1].islower()):
            found[-1] += part
        else:
            found.append(part)
    return found


def _split_line(line: str, fits: Fits) -> Iterator[str]:
    if fits(line):
        yield line
        return
    for sentence in sentences(line):
        yield from _split_sentence(sentence, fits, ends=(CLAUSE_END, SPACE))


def _split_sentence(text: str, fits: Fits, *, ends: tuple[re.Pattern[str], ...]) -> Iterator[str]:
    if fits(text) or len(text) == 1:
        yield text
    elif ends:
        for part in _packed(_cut_behind(text, ends[0]), fits):
            yield from _split_sentence(part, fits, ends=ends[1:])
    else:
        middle = len(text) // 2
        for half in (text[:middle], text[middle:]):
            yield from _split_sentence(half, fits, ends=ends)


def _packed(parts: list[str], fits: Fits) -> Iterator[str]:
    """Neighbouring parts joined as long as they fit."""
    packed = ""
    for part in parts:
        if packed and not fits(packed + part):
            yield packed
            packed = ""
        packed += part
    yield packed


def _cut_behind(text: str, end: re.Pattern[str]) -> list[str]:
    """A text cut behind every match of `end`."""
    cuts = [0, *(match.end() for match in end.finditer(text)), len(text)]
    return [text[begin:stop] for begin, stop in pairwise(cuts) if begin < stop]
