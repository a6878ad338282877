"""Pieces joined into the words that a reader sees.

Knows no tokeniser: a piece is a string where "▁" marks the begin of a word and "<0xE2>" is one byte of UTF-8.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

MARK = "▁"
BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003134f]"
)
"""Thai, Lao, Burmese, Khmer, kana and Han: scripts without spaces, where each piece counts as a word."""
INSIDE = "'’-‐·"
"""Punctuation that belongs to the word around it, as in don't and well-known."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a sequence of pieces: the index of each piece's word, and the text of each word.

    `spaced` says which words have a space before them, so that the words can be set as running text.
    `special` says which are symbols of the model, such as the end, rather than text.
    """

    of: tuple[int, ...]
    text: tuple[str, ...]
    spaced: tuple[bool, ...]
    special: tuple[bool, ...]


@dataclass(slots=True)
class _Unit:
    """Pieces that cannot be told apart in the text: one piece, or the bytes of one character."""

    text: str
    pieces: int
    marked: bool = False
    special: bool = False


def join(pieces: Sequence[str], *, specials: Collection[str] = (), part: int | None = None) -> Words:
    """The words that pieces make; each of `specials` is a word by itself, and none goes on over piece `part`.

    A word begins at a mark, where text turns into punctuation or back, and, in a script without spaces, at
    every piece.
    """
    of: list[int] = []
    words: list[_Unit] = []
    inside = False  # the last word ends in punctuation that may belong to it
    for unit in _units(pieces, specials):
        if words and len(of) != part and not _parted(words[-1], unit, inside=inside):
            words[-1].text += unit.text
        else:
            words.append(unit)
        inside = unit.text.endswith(tuple(INSIDE)) and len(words[-1].text) > 1
        of += [len(words) - 1] * unit.pieces
    return Words(
        of=tuple(of),
        text=tuple(word.text for word in words),
        spaced=tuple((word.marked or word.special) and at > 0 for at, word in enumerate(words)),
        special=tuple(word.special for word in words),
    )


def _parted(word: _Unit, unit: _Unit, *, inside: bool) -> bool:
    """Whether a unit begins a new word after `word`."""
    if unit.marked or unit.special or word.special:
        return True
    if not word.text or not unit.text:
        return False
    before, after = word.text[-1], unit.text[0]
    if unicodedata.category(after).startswith("M"):
        return False
    if UNSPACED.match(before) and UNSPACED.match(after):
        return True
    if after in INSIDE or inside:
        return False
    return _is_mark(before) != _is_mark(after)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"


def _units(pieces: Sequence[str], specials: Collection[str]) -> Iterator[_Unit]:
    """The pieces, with runs of bytes cut into characters."""
    at = 0
    while at < len(pieces):
        if pieces[at] in specials:
            yield _Unit(pieces[at], 1, special=True)
            at += 1
        elif BYTE.fullmatch(pieces[at]):
            unit = _character(pieces[at : at + 4])
            yield unit
            at += unit.pieces
        else:
            marked = pieces[at].startswith(MARK)
            yield _Unit(pieces[at].removeprefix(MARK).replace(MARK, " "), 1, marked=marked)
            at += 1


def _character(pieces: Sequence[str]) -> _Unit:
    """The first character of pieces that begin with a byte; a byte that begins none is a replacement mark."""
    matches = [BYTE.fullmatch(piece) for piece in pieces]
    known = matches[: matches.index(None)] if None in matches else matches
    data = bytes(int(match[1], 16) for match in known if match)
    for length in range(1, len(data) + 1):
        try:
            return _Unit(data[:length].decode(), length)
        except UnicodeDecodeError:
            continue
    return _Unit("\ufffd", 1)
