"""The one kind of error a user causes: a sentence that says what was given, what is allowed, what to do.

Knows nothing of the rest of the package.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher


class TrasluzError(ValueError):
    """A mistake in what was given; its message is one clear sentence, shown as it is at every door."""


def nearest_first(given: str, allowed: Iterable[str]) -> list[str]:
    """The allowed words, those most like the given one first."""

    def distance(word: str) -> float:
        return -SequenceMatcher(None, given.lower(), word.lower()).ratio()

    return sorted(allowed, key=distance)


def unknown(kind: str, given: str, allowed: Iterable[str]) -> TrasluzError:
    """The error for a word that is not among the allowed ones.

    >>> raise unknown("score", "scaleddot", ["dot", "scaled-dot"])
    TrasluzError: unknown score 'scaleddot'; allowed, nearest first: scaled-dot, dot
    """
    return TrasluzError(
        f"unknown {kind} {given!r}; allowed, nearest first: {', '.join(nearest_first(given, allowed))}"
    )
