"""Files of sentence pairs and of text, read a line at a time; every error names the file and the line.

Lines end at a line feed and nowhere else, so that U+2028 or U+0085 inside of a sentence cannot put two files
out of step. `.gz` files are read as what they hold.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from trasluz.errors import TrasluzError

JSON_KEYS = (("source", "target"), ("src", "tgt"))
HALF_A_CHARACTER = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Pair:
    """A text and its translation."""

    source: str
    target: str


BLANK = Pair("", "")


def read_pairs(
    paths: Sequence[Path], *, columns: tuple[int, int] = (1, 2), every: bool = False
) -> list[Pair]:
    """The pairs in one file (.tsv or .jsonl), or in two whose lines belong together; any may be .gz.

    A TSV has no quoting rules; `columns` are those of source and target, counted from 1. White space around
    a sentence is left out, and so are pairs of which one side is blank, unless `every` line has to be a pair.
    Each file is read once, so a pipe will do. Raises `TrasluzError` for a file that is missing, empty or not
    UTF-8, for a line that is no pair, for two files of different length, and where no pair is left.
    """
    if len(paths) not in (1, 2):
        raise TrasluzError(
            f"{len(paths)} files of pairs are given; give one file of pairs, or one of sources and one of "
            "targets"
        )
    first = paths[0]
    if len(paths) == 2:
        found = _aligned(first, paths[1])
    elif ".jsonl" in first.suffixes[-2:]:
        found = _jsonl(first)
    else:
        found = _tsv(first, columns)
    pairs, lines = [], 0
    for pair in found:
        lines += 1
        source, target = pair.source.strip(), pair.target.strip()
        if source and target:
            pairs.append(Pair(source, target))
    if not pairs:
        names = " and ".join(map(str, paths))
        raise TrasluzError(f"{names}: no pair is left, since one side of each is blank; give other pairs")
    if every and len(pairs) < lines:
        raise TrasluzError(
            f"{first} has {lines} lines, but only {len(pairs)} of them are pairs: the others are blank on "
            "one side; leave them out, so that what is said of each line can be told by its place"
        )
    return pairs


def read_texts(paths: Sequence[Path]) -> list[Pair]:
    """The lines of text files as targets without a source, which is what a language model learns from.

    White space around a line and blank lines are left out. Raises `TrasluzError` as `read_pairs` does.
    """
    texts = [text for path in paths for _, line in _lines(path) if (text := line.strip())]
    if not texts:
        raise TrasluzError(f"{' and '.join(map(str, paths))}: all lines are blank; give a file of text")
    return [Pair("", text) for text in texts]


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a text file, without their ends; a byte order mark at the beginning is left out.

    Anything that can be read will do, such as a pipe or `/dev/stdin`. Raises `TrasluzError` for a file that
    is missing, and for a line that is not UTF-8.
    """
    if not path.exists() or path.is_dir():
        what = "a directory, not a file" if path.is_dir() else "no such file"
        raise TrasluzError(f"{path}: {what}; give the path of a text file")
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield from decode_lines(file, where=str(path))
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise TrasluzError(f"{path} is no whole gzip file ({error}); copy it again") from None


def decode_lines(lines: Iterable[bytes], *, where: str) -> Iterator[str]:
    """Lines of bytes as text, without their ends; a byte order mark at the beginning is left out.

    Raises `TrasluzError` for a line that is not UTF-8; `where` says what the lines stand in.
    """
    for number, line in enumerate(lines, start=1):
        try:
            text = line.decode("utf-8").removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError as error:
            raise TrasluzError(
                f"{where}, line {number}: the byte {line[error.start]:#04x} at place {error.start + 1} is "
                "not UTF-8; convert it to UTF-8"
            ) from None
        yield text.removeprefix("\ufeff") if number == 1 else text


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The numbered lines of a file that must have some."""
    number = 0
    for number, line in enumerate(read_lines(path), start=1):
        yield number, line
    if not number:
        raise TrasluzError(f"{path} is empty; give a file with a sentence pair, or a text, on each line")


def _tsv(path: Path, columns: tuple[int, int]) -> Iterator[Pair]:
    needed = max(columns)
    for number, line in _lines(path):
        if not line.strip():
            yield BLANK
            continue
        cells = line.split("\t")
        if len(cells) < needed:
            raise TrasluzError(
                f"{path}, line {number}: {len(cells)} column{'s' * (len(cells) > 1)} where at least {needed} "
                "are needed; source and target are separated by a tab"
            )
        yield Pair(cells[columns[0] - 1], cells[columns[1] - 1])


def _aligned(source: Path, target: Path) -> Iterator[Pair]:
    both = zip_longest(_lines(source), _lines(target))
    for there, here in both:
        if there is None or here is None:
            longer = sum(1 for _ in both) + (there or here)[0]
            shorter = (there or here)[0] - 1
            counts = (shorter, longer) if there is None else (longer, shorter)
            raise TrasluzError(
                f"{source} has {counts[0]} lines and {target} has {counts[1]}; "
                "each line of one must be the translation of the same line of the other"
            )
        yield Pair(there[1], here[1])


def _jsonl(path: Path) -> Iterator[Pair]:
    for number, line in _lines(path):
        where = f"{path}, line {number}"
        if not line.strip():
            yield BLANK
            continue
        pair = _pair_in(_json(line, where=where))
        if pair is None:
            raise TrasluzError(
                f"{where}: no pair; a line is "
                '{"source": ..., "target": ...}, {"src": ..., "tgt": ...} or '
                '{"translation": {"en": ..., "es": ...}} with the source first'
            )
        if found := HALF_A_CHARACTER.search(pair.source + pair.target):
            raise TrasluzError(
                f"{where}: \\u{ord(found[0]):04x} is half of a surrogate pair and no character; write both "
                "halves, or the character itself"
            )
        yield pair


def _json(line: str, *, where: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise TrasluzError(f"{where}: not valid JSON ({error})") from None
    except RecursionError:
        raise TrasluzError(f"{where}: the JSON is nested too deeply; a line is a pair and no more") from None
    except ValueError:  # Python reads no integer of thousands of digits
        raise TrasluzError(f"{where}: a number has too many digits; leave it out or quote it") from None


def _pair_in(value: Any) -> Pair | None:
    """The pair in a JSON object of one of the three usual shapes."""
    if not isinstance(value, Mapping):
        return None
    sides: list[Any] = []
    for keys in JSON_KEYS:
        if all(key in value for key in keys):
            sides = [value[key] for key in keys]
    if not sides and isinstance(value.get("translation"), Mapping):
        sides = list(value["translation"].values())
    if len(sides) != 2 or not all(isinstance(side, str) for side in sides):
        return None
    return Pair(*sides)
