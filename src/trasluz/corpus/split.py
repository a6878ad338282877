"""Pairs grouped and split, so that nothing that is held out has been seen.

Knows no files and no tokens.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Sequence

from trasluz.corpus.read import Pair
from trasluz.errors import TrasluzError

NO_LETTER_OR_DIGIT = re.compile(r"[\W_]+")


def group_by_source(pairs: Sequence[Pair]) -> list[tuple[str, list[str]]]:
    """Each distinct source once, in the order of its first pair, with all its distinct targets."""
    targets: dict[str, dict[str, None]] = defaultdict(dict)
    for pair in pairs:
        targets[pair.source][pair.target] = None
    return [(source, list(own)) for source, own in targets.items()]


def split_pairs(pairs: Sequence[Pair], *, held_out: int, seed: int) -> tuple[list[Pair], list[Pair]]:
    """Training pairs and about `held_out` others, chosen by `seed`, each in the order that it had.

    Pairs that share a source or a target (case, spaces and punctuation aside) stay together, over any number
    of steps from one to the next, so no sentence of either language is on both sides; an empty side is shared
    by nobody. Raises `TrasluzError` where that leaves nothing to learn from, or nothing to hold out.
    """
    if len(pairs) == 1:
        raise TrasluzError(
            "there is only 1 pair left, and it cannot be both learnt from and held out; give more pairs, or "
            "files of those to hold out"
        )
    groups = _families(pairs)
    random.Random(seed).shuffle(groups)
    chosen: set[int] = set()
    for group in groups:
        if len(chosen) + len(group) <= held_out:
            chosen.update(group)
    if not chosen or len(chosen) == len(pairs):
        raise TrasluzError(
            f"the {len(pairs)} pairs cannot be split into some to learn from and {held_out} to hold out, "
            "since they share their sentences; give more pairs, or files of those to hold out"
        )
    training = [pair for number, pair in enumerate(pairs) if number not in chosen]
    return training, [pairs[number] for number in sorted(chosen)]


def _families(pairs: Sequence[Pair]) -> list[list[int]]:
    """The numbers of the pairs, in groups that share no sentence with one another."""
    parent = list(range(len(pairs)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    first: dict[tuple[str, str], int] = {}
    for number, pair in enumerate(pairs):
        for side, text in (("source", pair.source), ("target", pair.target)):
            if text:
                parent[root(number)] = root(first.setdefault((side, folded(text)), number))
    groups: dict[int, list[int]] = defaultdict(list)
    for number in range(len(pairs)):
        groups[root(number)].append(number)
    return list(groups.values())


def folded(text: str) -> str:
    """What is left of a sentence without case, spaces and punctuation; all of it where that is nothing."""
    return NO_LETTER_OR_DIGIT.sub(" ", text.casefold()).strip() or text
