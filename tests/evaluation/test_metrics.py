from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, cast

import pytest
import sacrebleu

from trasluz.corpus.read import Pair
from trasluz.decoding.translator import Translation, Translator
from trasluz.decoding.verdict import Verdict
from trasluz.errors import TrasluzError
from trasluz.evaluation.metrics import evaluate, score_texts

HYPOTHESES = ["the cat sat on a mat", "it rains today, does it not?", "we go home now"]
REFERENCES = [
    ["the cat sat on the mat", "a cat was sitting on a mat"],
    ["it is raining today, isn't it?"],
    ["we are going home now", "we go home now.", "now we go home"],
]


class Phrasebook:
    """Stands in for a translator: translates by a table, and remembers what it was asked."""

    def __init__(self, table: dict[str, str]) -> None:
        self.table = table
        self.asked: list[tuple[list[str], int, float]] = []

    def translate(self, texts: Sequence[str], *, beam: int, length_penalty: float) -> list[Translation]:
        """Look the texts up."""
        self.asked.append((list(texts), beam, length_penalty))
        return [
            Translation(text, self.table[text], -0.5, Verdict.complete if len(text) > 1 else Verdict.looping)
            for text in texts
        ]


def test_a_perfect_translation_has_all_that_can_be_had() -> None:
    found = score_texts(HYPOTHESES, references=[[text] for text in HYPOTHESES])
    assert {key: metric.value for key, metric in found.items()} == pytest.approx(
        {"bleu": 100.0, "chrf": 100.0, "ter": 0.0}
    )


def test_bleu_worked_by_hand() -> None:
    # 1- to 4-grams that match: 5 of 6, 3 of 5, 2 of 4, 1 of 3; the lengths are equal, so nothing is taken off
    found = score_texts([HYPOTHESES[0]], references=[["the cat sat on the mat"]])
    assert found["bleu"].value == pytest.approx(100 * math.pow(5 / 6 * 3 / 5 * 2 / 4 * 1 / 3, 1 / 4))


def test_ter_worked_by_hand() -> None:
    assert score_texts([HYPOTHESES[0]], references=[["the cat sat on the mat"]])[
        "ter"
    ].value == pytest.approx(100 / 6)


def test_with_one_reference_each_the_figures_are_those_of_sacrebleu() -> None:
    first = [own[0] for own in REFERENCES]
    found = score_texts(HYPOTHESES, references=[[text] for text in first])
    assert found["bleu"].value == sacrebleu.corpus_bleu(HYPOTHESES, [first]).score
    assert found["chrf"].value == sacrebleu.corpus_chrf(HYPOTHESES, [first]).score
    assert found["ter"].value == sacrebleu.corpus_ter(HYPOTHESES, [first]).score


def test_with_several_references_the_figures_are_the_multi_reference_ones() -> None:
    streams: Any = [  # sacreBLEU allows None, but does not say so in its types
        [REFERENCES[0][0], REFERENCES[1][0], REFERENCES[2][0]],
        [REFERENCES[0][1], None, REFERENCES[2][1]],
        [None, None, REFERENCES[2][2]],
    ]
    found = score_texts(HYPOTHESES, references=REFERENCES)
    assert found["bleu"].value == sacrebleu.BLEU().corpus_score(HYPOTHESES, streams).score
    assert found["chrf"].value == sacrebleu.CHRF().corpus_score(HYPOTHESES, streams).score
    assert found["ter"].value == sacrebleu.TER().corpus_score(HYPOTHESES, streams).score
    assert (
        found["bleu"].value
        > score_texts(HYPOTHESES, references=[own[:1] for own in REFERENCES])["bleu"].value
    )


def test_a_signature_says_how_many_references_and_which_version() -> None:
    one = score_texts(HYPOTHESES, references=[own[:1] for own in REFERENCES])
    several = score_texts(HYPOTHESES, references=REFERENCES)
    assert all("nrefs:1|" in metric.signature for metric in one.values())
    assert all("nrefs:var|" in metric.signature for metric in several.values())
    assert one["bleu"].signature.endswith(f"version:{sacrebleu.__version__}")
    assert [metric.name for metric in one.values()] == ["BLEU", "chrF2", "TER"]


def test_empty_translations_are_scored_as_they_are() -> None:
    found = score_texts(["", ""], references=[["something"], ["something else"]])
    assert {key: metric.value for key, metric in found.items()} == {"bleu": 0.0, "chrf": 0.0, "ter": 100.0}


def test_what_cannot_be_scored_is_refused() -> None:
    with pytest.raises(TrasluzError, match="there are no translations to score"):
        score_texts([], references=[])
    with pytest.raises(TrasluzError, match="there are 3 translations, but references for 2"):
        score_texts(HYPOTHESES, references=REFERENCES[:2])
    with pytest.raises(TrasluzError, match="translation 2 has no reference"):
        score_texts(["a", "b"], references=[["a"], []])


def test_each_distinct_source_is_translated_once_and_scored_against_all_its_targets() -> None:
    pairs = [Pair("uno", "one"), Pair("y", "and"), Pair("uno", "a single one"), Pair("dos tres", "two three")]
    book = Phrasebook({"uno": "a single", "y": "and", "dos tres": "two threes"})
    found = evaluate(cast(Translator, book), pairs, beam=3, length_penalty=0.6)
    assert book.asked == [(["uno", "y", "dos tres"], 3, 0.6)]
    assert found.references == [["one", "a single one"], ["and"], ["two three"]]
    assert found.metrics == score_texts(["a single", "and", "two threes"], references=found.references)
    assert found.sentences == 3
    assert found.verdicts == {"complete": 2, "looping": 1}
    assert found.seconds >= 0


def test_an_evaluation_can_be_written_down() -> None:
    found = evaluate(cast(Translator, Phrasebook({"uno": "one"})), [Pair("uno", "one")])
    written = json.loads(json.dumps(found.to_json()))
    assert written["metrics"]["bleu"] == {
        "name": "BLEU",
        "value": found.metrics["bleu"].value,
        "signature": found.metrics["bleu"].signature,
    }
    assert written["translations"] == [
        {"source": "uno", "text": "one", "references": ["one"], "score": -0.5, "verdict": "complete"}
    ]
    assert (written["sentences"], written["beam"], written["length_penalty"]) == (1, 5, 1.0)


def test_an_evaluation_describes_itself_in_a_few_lines() -> None:
    found = evaluate(
        cast(Translator, Phrasebook({"uno": "one", "y": "or"})), [Pair("uno", "one"), Pair("y", "and")]
    )
    bleu, chrf, ter, rest = found.describe().splitlines()
    assert bleu.startswith("BLEU ")
    assert bleu.endswith(found.metrics["bleu"].signature)
    assert chrf.split()[:2] == ["chrF2", f"{found.metrics['chrf'].value:.2f}"]
    assert ter.split()[:2] == ["TER", "50.00"]
    assert rest.startswith("2 sentences in ")
    assert rest.endswith(" s (beam 5, length penalty 1): 1 complete, 1 looping")


def test_an_evaluation_needs_pairs() -> None:
    with pytest.raises(TrasluzError, match="there are no pairs to evaluate on"):
        evaluate(cast(Translator, Phrasebook({})), [])
