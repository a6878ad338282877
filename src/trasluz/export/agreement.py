"""How far an export agrees with its original on a sample, and how far it must.

Knows no kind of export.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trasluz.errors import TrasluzError
from trasluz.evaluation.metrics import Metric, score_texts
from trasluz.export.original import Original
from trasluz.export.program import Program, Written
from trasluz.export.sample import Sample
from trasluz.models.directory import write_json

FILE = "agreement.json"
SHOWN, QUOTED = 5, 80
"""How many of the texts that came out differently are told in full, and how much of one in an error."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What an export must keep to: the share of texts that come out equal, how close the scores of those are,
    or the chrF between both outputs, where other numbers make other words."""

    equal: float = 0.0
    score: float | None = None
    chrf: float = 0.0


EXACT = Tolerance(equal=0.99, score=1e-3)
TOLERANCES = {
    "float32": EXACT,
    "float16": Tolerance(chrf=97.0),
    "int16": Tolerance(chrf=97.0),
    "bfloat16": Tolerance(chrf=95.0),
    "int8": Tolerance(chrf=90.0),
    "int8_float32": Tolerance(chrf=90.0),
    "int8_float16": Tolerance(chrf=90.0),
    "int8_bfloat16": Tolerance(chrf=90.0),
}
"""Float32 computes the same, but for the order of its sums: at most one text in a hundred may come out
differently, where two words were about as likely. Fewer digits may choose another word here and there."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """The outputs of both on the same texts, and what is made of them.

    `read_alike` counts the texts that both cut into the same ids, `equal` those whose outputs are the same
    text. `scores` are the mean log-probabilities of a token, averaged over the texts, the original's first;
    `largest_difference` is that of the scores of one text that came out equal. `metrics` take the original's
    outputs as references; `different` has some of the texts that came out differently.
    """

    texts: int
    read_alike: int
    equal: int
    scores: tuple[float, float]
    largest_difference: float
    metrics: Mapping[str, Metric]
    different: Sequence[Mapping[str, str]]

    @property
    def share(self) -> float:
        """The share of texts that came out equal."""
        return self.equal / self.texts

    def violations(self, tolerance: Tolerance) -> list[str]:
        """In what it goes beyond a tolerance."""
        chrf = self.metrics["chrf"].value
        if not math.isfinite(self.scores[1]):
            return ["its scores are not numbers"]
        found = []
        if self.share < tolerance.equal:
            found.append(f"{self.equal} of {self.texts} texts came out equal, {tolerance.equal:.0%} must")
        if tolerance.score is not None and not self.largest_difference <= tolerance.score:
            found.append(
                f"the scores of equal texts differ by {self.largest_difference:.2g}, {tolerance.score:g} is "
                "allowed"
            )
        if self.equal < self.texts and chrf < tolerance.chrf:
            found.append(f"the chrF between both outputs is {chrf:.1f}, it must be {tolerance.chrf:g}")
        return found

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values, ready for `json.dumps`."""
        scores = {"original": self.scores[0], "exported": self.scores[1]}
        return {
            "texts": self.texts,
            "read_alike": self.read_alike,
            "equal": self.equal,
            "share_equal": self.share,
            "scores": {**scores, "largest_difference": self.largest_difference},
            "metrics": {name: asdict(metric) for name, metric in self.metrics.items()},
            "different": list(self.different),
        }

    def describe(self) -> str:
        """The figures in a line."""
        alike = f"chrF between both outputs {self.metrics['chrf'].value:.1f}, " * (self.equal < self.texts)
        return (
            f"{self.equal} of {self.texts} texts come out equal; {alike}"
            f"largest difference of scores {self.largest_difference:.1g}"
        )


def agree(
    original: Original,
    exported: Program,
    *,
    sample: Sample,
    tolerance: Tolerance,
    file: Path,
    about: Mapping[str, Any],
) -> Agreement:
    """Let both write on the sample, and write into `file` how far they agree; `about` goes with it.

    Raises `TrasluzError` where they differ by more than the tolerance, and for a sample of which the model
    reads nothing.
    """
    texts = [text for text in sample.parts(original.fits) if original.reads(text)]
    if not texts:
        raise TrasluzError(f"the model has no piece for any text of {sample.origin}; give another --sample")
    agreement = compare(original.write(texts), exported.write(texts), texts=texts)
    if violations := agreement.violations(tolerance):
        example = next(map(_example, agreement.different), "")
        another = ", or another --quantization" if about.get("quantization") else ""
        raise TrasluzError(
            f"the export does not do what the model does: {'; '.join(violations)}{example}. It was not kept; "
            f"give a --sample of the kind that the model learnt from{another}"
        )
    write_json(
        file,
        {
            **about,
            "sample": sample.origin,
            "tolerance": asdict(tolerance),
            **agreement.to_json(),
            "versions": {**original.versions, **exported.versions},
        },
    )
    return agreement


def compare(original: Sequence[Written], exported: Sequence[Written], *, texts: Sequence[str]) -> Agreement:
    """What two programs made of the same texts."""
    pairs = list(zip(original, exported, strict=True))
    same = [(one, other) for one, other in pairs if one.text == other.text]
    metrics = score_texts([other.text for _, other in pairs], references=[[one.text] for one, _ in pairs])
    return Agreement(
        texts=len(pairs),
        read_alike=sum(one.read == other.read for one, other in pairs),
        equal=len(same),
        scores=(_mean([one.score for one in original]), _mean([other.score for other in exported])),
        largest_difference=max((abs(one.score - other.score) for one, other in same), default=0.0),
        metrics={name: metrics[name] for name in ("bleu", "chrf")},
        different=[
            {"source": text, "original": one.text, "exported": other.text}
            for text, (one, other) in zip(texts, pairs, strict=True)
            if one.text != other.text
        ][:SHOWN],
    )


def _example(different: Mapping[str, str]) -> str:
    return f" ({_quoted(different['original'])} became {_quoted(different['exported'])})"


def _quoted(text: str) -> str:
    return repr(text if len(text) <= QUOTED else f"{text[:QUOTED]} ...")


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
