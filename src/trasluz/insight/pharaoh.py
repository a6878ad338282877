"""Alignments of words as text, and how far they are from gold: Pharaoh format and the alignment error rate.

Knows no model. A link is a pair of numbers, source word and target word, counted from 0; words are what
stands between spaces, as for Moses and fast_align.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from trasluz.corpus.read import Pair, read_lines
from trasluz.errors import TrasluzError

Links = frozenset[tuple[int, int]]

LINK = re.compile(r"(\d{1,9})([-?])(\d{1,9})", re.ASCII)
SPACE = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class Gold:
    """The links of one pair that people made: `sure` ones, and `possible` ones, which include the sure."""

    sure: Links
    possible: Links


@dataclass(frozen=True, slots=True)
class Aligned:
    """Pairs, and the gold alignment of each."""

    pairs: Sequence[Pair]
    gold: Sequence[Gold]

    @property
    def fingerprint(self) -> str:
        """A SHA-256 of all of it, to tell it from another."""
        texts = [[pair.source, pair.target] for pair in self.pairs]
        links = [[sorted(one.sure), sorted(one.possible)] for one in self.gold]
        return hashlib.sha256(json.dumps([texts, links]).encode()).hexdigest()


def words(text: str) -> list[str]:
    """What stands between spaces and tabs; a no-break space parts no words."""
    return [word for word in SPACE.split(text.strip()) if word]


def to_pharaoh(links: Iterable[tuple[int, int]]) -> str:
    """The links as Pharaoh writes them, in the order of the source: 0-0 1-2."""
    return " ".join(f"{source}-{target}" for source, target in sorted(links))


def read_gold(path: Path, pairs: Sequence[Pair]) -> list[Gold]:
    """The gold alignment of each pair, a line each: 0-0 is a sure link, 1?2 a possible one.

    Raises `TrasluzError` for a file that is missing or has another number of lines than there are pairs, for
    what is no link, and for a link to a word that the pair does not have.
    """
    lines = list(read_lines(path))
    if len(lines) != len(pairs):
        raise TrasluzError(
            f"{path} has {len(lines)} lines of alignment, but there are {len(pairs)} pairs; "
            "give one line for each pair, an empty one where nothing is aligned"
        )
    return [
        _gold(line, pair, where=f"{path}, line {number}")
        for number, (line, pair) in enumerate(zip(lines, pairs, strict=True), start=1)
    ]


def error_rate(found: Sequence[Links], gold: Sequence[Gold]) -> float:
    """AER = 1 - (|A and S| + |A and P|) / (|A| + |S|), over all pairs (Och and Ney 2003, section 5).

    A are the links found, S the sure and P the possible ones. 0 is perfect, 1 has no link right.
    """
    right = sum(len(a & g.sure) + len(a & g.possible) for a, g in zip(found, gold, strict=True))
    there = sum(len(a) + len(g.sure) for a, g in zip(found, gold, strict=True))
    return 1 - right / there if there else 0.0


def _gold(line: str, pair: Pair, *, where: str) -> Gold:
    counts = {"source": len(words(pair.source)), "target": len(words(pair.target))}
    sure: set[tuple[int, int]] = set()
    possible: set[tuple[int, int]] = set()
    for word in line.split():
        link = LINK.fullmatch(word)
        if link is None:
            raise TrasluzError(
                f"{where}: {word!r} is no link; write 0-1 for a sure one and 0?1 for a possible one, "
                "source word first, counted from 0"
            )
        at = {"source": int(link[1]), "target": int(link[3])}
        for side, count in counts.items():
            if at[side] >= count:
                raise TrasluzError(
                    f"{where}: the link {word} names {side} word {at[side]}, but the {side} has {count} "
                    f"words, numbered 0 to {count - 1}"
                )
        possible.add((at["source"], at["target"]))
        if link[2] == "-":
            sure.add((at["source"], at["target"]))
    return Gold(frozenset(sure), frozenset(possible))
