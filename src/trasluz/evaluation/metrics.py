"""How good translations are against references: BLEU, chrF and TER as sacreBLEU counts them.

The one scoring path: validation in training, the command line and tests call `evaluate`. Knows no model.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import Any

from trasluz.corpus.read import Pair
from trasluz.corpus.split import group_by_source
from trasluz.decoding.translator import Translation, Translator
from trasluz.errors import TrasluzError


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure, with the signature by which sacreBLEU says exactly how it was counted."""

    name: str
    value: float
    signature: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Translations of distinct sources beside their references, and what the metrics say of them.

    `metrics` has the keys bleu, chrf and ter; `seconds` is the time that translating took.
    """

    metrics: dict[str, Metric]
    translations: list[Translation]
    references: list[list[str]]
    beam: int
    length_penalty: float
    seconds: float

    @property
    def sentences(self) -> int:
        """How many distinct sources were translated."""
        return len(self.translations)

    @property
    def verdicts(self) -> dict[str, int]:
        """How often each verdict was given, the most frequent first."""
        return dict(Counter(translation.verdict.value for translation in self.translations).most_common())

    def describe(self) -> str:
        """The metrics with their signatures, and the verdicts, a line each."""
        figures = [f"{one.name:5} {one.value:6.2f}  {one.signature}" for one in self.metrics.values()]
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in self.verdicts.items())
        search = f"beam {self.beam}, length penalty {self.length_penalty:g}"
        return "\n".join(
            [*figures, f"{self.sentences} sentences in {self.seconds:.1f} s ({search}): {verdicts}"]
        )

    def figures(self) -> dict[str, Any]:
        """All of it but the translations as plain values, ready for `json.dumps`."""
        return {
            "sentences": self.sentences,
            "metrics": {key: asdict(metric) for key, metric in self.metrics.items()},
            "verdicts": self.verdicts,
            "beam": self.beam,
            "length_penalty": self.length_penalty,
            "seconds": self.seconds,
        }

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values, ready for `json.dumps`."""
        return {
            **self.figures(),
            "translations": [
                {
                    "source": translation.source,
                    "text": translation.text,
                    "references": references,
                    "score": translation.score,
                    "verdict": translation.verdict.value,
                }
                for translation, references in zip(self.translations, self.references, strict=True)
            ],
        }


def evaluate(
    translator: Translator, pairs: Sequence[Pair], *, beam: int = 5, length_penalty: float = 1.0
) -> Evaluation:
    """Translate each distinct source of `pairs` once and score it against all its targets.

    Raises `TrasluzError` where there is no pair.
    """
    if not pairs:
        raise TrasluzError("there are no pairs to evaluate on; give at least one")
    groups = group_by_source(pairs)
    begin = time.monotonic()
    translations = translator.translate(
        [source for source, _ in groups], beam=beam, length_penalty=length_penalty
    )
    seconds = time.monotonic() - begin
    references = [targets for _, targets in groups]
    metrics = score_texts([translation.text for translation in translations], references=references)
    return Evaluation(metrics, translations, references, beam, length_penalty, seconds)


def score_texts(hypotheses: Sequence[str], *, references: Sequence[Sequence[str]]) -> dict[str, Metric]:
    """BLEU, chrF and TER of a corpus of hypotheses, each with one or more references of its own.

    With one reference each, the figures are those of sacreBLEU's `corpus_bleu`, `corpus_chrf` and
    `corpus_ter` (Post 2018); with several, its multi-reference ones. BLEU and chrF go from 0 to 100, more is
    better; TER counts edits per 100 reference words, fewer are better.
    """
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF
    from sacrebleu.metrics.ter import TER

    _check(hypotheses, references)
    streams = [list(stream) for stream in zip_longest(*references)]  # None where a text has fewer
    metrics = {}
    for key, metric in {"bleu": BLEU(), "chrf": CHRF(), "ter": TER()}.items():
        score = metric.corpus_score(list(hypotheses), streams)
        metrics[key] = Metric(score.name, score.score, str(metric.get_signature()))
    return metrics


def _check(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    if not hypotheses:
        raise TrasluzError("there are no translations to score; give at least one")
    if len(hypotheses) != len(references):
        raise TrasluzError(
            f"there are {len(hypotheses)} translations, but references for {len(references)}; "
            "give references for each translation"
        )
    for number, own in enumerate(references, start=1):
        if not own:
            raise TrasluzError(f"translation {number} has no reference; give at least one")
