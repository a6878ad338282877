"""The models that a study compares: one choice, a score or a position, made in each of some architectures.

Knows no torch and no data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from trasluz.config import ScoreName
from trasluz.errors import TrasluzError, unknown
from trasluz.training.preset import ARCHITECTURES

SCORES: tuple[str, ...] = get_args(ScoreName)
NO_SCORE = "none"
POSITIONS = ("sinusoidal", "learned", "rotary", "relative", "none")


@dataclass(frozen=True, slots=True)
class Variant:
    """One model of a study: its architecture, what is chosen in it, and the settings that say so."""

    architecture: str
    choice: str
    settings: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its name in tables, and that of its directory."""
        return f"{self.architecture}-{self.choice}"


def score_variants(architectures: Sequence[str], scores: Sequence[str] = ()) -> list[Variant]:
    """Each architecture with each score; without `scores` all five, and `none` where recurrent.

    `none` is for the recurrent architecture alone; beside others it counts for that one only. Raises
    `TrasluzError` for what is unknown, and for `none` without the recurrent architecture.
    """
    architectures = _known("architecture", architectures, ARCHITECTURES)
    if NO_SCORE in scores and "recurrent" not in architectures:
        raise TrasluzError(
            "the score 'none' is for the recurrent architecture alone, since the others cannot do without "
            "attention; leave it out, or give --arch recurrent"
        )
    scores = _known("score", scores or (*SCORES, NO_SCORE), (*SCORES, NO_SCORE))
    return [
        Variant(arch, score, {"kind": arch, **score_setting(score, arch=arch)})
        for arch in architectures
        for score in scores
        if score != NO_SCORE or arch == "recurrent"
    ]


def position_variants(
    architectures: Sequence[str], positions: Sequence[str] = (), *, longest: int
) -> list[Variant]:
    """Each architecture with each position; without `positions` all five.

    A learnt table reaches over source and target of `longest` pieces each, so that it has a row, though an
    untrained one, for every sentence that may be asked for. Raises `TrasluzError` for what is unknown or has
    no positions.
    """
    architectures = _known("architecture", architectures, ARCHITECTURES)
    positions = _known("position", positions or POSITIONS, POSITIONS)
    if "recurrent" in architectures:
        others = [arch for arch in ARCHITECTURES if arch != "recurrent"]
        raise TrasluzError(
            "the recurrent architecture reads words in their order and has no positions to compare; "
            f"give --arch {' or '.join(others)}"
        )
    tables = {"learned": {"length": 2 * longest + 1}}
    settings = {kind: {"kind": kind, **tables.get(kind, {})} for kind in positions}
    return [
        Variant(arch, kind, {"kind": arch, **{name: {"position": settings[kind]} for name in _stacks(arch)}})
        for arch in architectures
        for kind in positions
    ]


def score_setting(score: str, *, arch: str) -> dict[str, Any]:
    """The settings of a model of an architecture with that score in all its attentions."""
    allowed = (*SCORES, NO_SCORE) if arch == "recurrent" else SCORES
    if score not in allowed:
        raise unknown("score", score, allowed)
    return {name: {"attention": {"score": score}} for name in _stacks(arch)}


def _stacks(arch: str) -> tuple[str, ...]:
    """The parts of a model that look, or have positions."""
    return ("encoder", "decoder") if arch == "transformer" else ("decoder",)


def _known(kind: str, given: Sequence[str], allowed: Sequence[str]) -> list[str]:
    """What is given, each once; what is not allowed is an error."""
    for word in given:
        if word not in allowed:
            raise unknown(kind, word, allowed)
    return list(dict.fromkeys(given))
