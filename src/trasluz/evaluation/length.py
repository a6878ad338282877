"""How good translations are by the length of their sources: an evaluation, looked at in parts.

Knows no model. A length is a number of words, which stand between white space.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from trasluz.errors import TrasluzError
from trasluz.evaluation.metrics import Evaluation, Metric, score_texts

LIMITS = (4, 8, 12, 16, 20)
"""The most words of a source in each part, unless others are asked for; a last part has all longer ones."""


@dataclass(frozen=True, slots=True)
class Part:
    """The sentences of `least` to `most` words, None for no limit, and what the metrics say of them."""

    least: int
    most: int | None
    sentences: int
    metrics: dict[str, Metric]

    @property
    def name(self) -> str:
        """The range of words, as a heading says it."""
        if self.most is None:
            return f"{self.least} or more"
        return str(self.least) if self.least == self.most else f"{self.least}-{self.most}"


def words_of(text: str) -> int:
    """How many words a text has."""
    return len(text.split())


def check_limits(limits: Sequence[int]) -> None:
    """Raise `TrasluzError` for limits that do not rise from 1 or more."""
    if not limits or limits[0] < 1 or any(one >= other for one, other in pairwise(limits)):
        raise TrasluzError(
            f"the limits {', '.join(map(str, limits))} do not rise from 1 or more; write them as 4,8,12"
        )


def by_length(evaluation: Evaluation, *, limits: Sequence[int] = LIMITS) -> list[Part]:
    """The metrics of the sentences up to each of `limits`, and of those beyond; empty parts are left out.

    A sentence's translation does not depend on the others, so the figures of a part are those of evaluating
    its pairs alone. Raises `TrasluzError` for limits that do not rise.
    """
    check_limits(limits)
    lengths = [words_of(translation.source) for translation in evaluation.translations]
    parts = []
    for least, most in zip((1, *(limit + 1 for limit in limits)), (*limits, None), strict=True):
        inside = [at for at, length in enumerate(lengths) if least <= length <= (most or length)]
        if inside:
            texts = [evaluation.translations[at].text for at in inside]
            metrics = score_texts(texts, references=[evaluation.references[at] for at in inside])
            parts.append(Part(least, most, len(inside), metrics))
    return parts
