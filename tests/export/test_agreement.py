"""How far two outputs agree, by hand, and what becomes of an export that goes beyond its tolerance."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from trasluz.errors import TrasluzError
from trasluz.export.agreement import EXACT, SHOWN, TOLERANCES, Tolerance, agree, compare
from trasluz.export.original import Original
from trasluz.export.program import Written
from trasluz.export.sample import Sample
from trasluz.models.loaded import LoadedModel


def written(text: str, score: float, *, read: tuple[int, ...] = (5, 2)) -> Written:
    """An output; its ids do not matter."""
    return Written(read, (7,), text, score)


def test_the_figures_by_hand() -> None:
    original = [written("el gato", -0.5), written("la casa", -0.25), written("dos", -1.0)]
    exported = [
        written("el gato", -0.53),
        written("la cama", -0.75, read=(6, 2)),
        written("dos", -1.01),
    ]
    found = compare(original, exported, texts=["the cat", "the house", "two"])
    assert (found.texts, found.equal, found.read_alike) == (3, 2, 2)
    assert found.share == pytest.approx(2 / 3)
    assert found.scores == pytest.approx((-1.75 / 3, -2.29 / 3))
    assert found.largest_difference == pytest.approx(0.03)
    assert found.different == [{"source": "the house", "original": "la casa", "exported": "la cama"}]
    assert found.metrics.keys() == {"bleu", "chrf"}
    assert 50 < found.metrics["chrf"].value < 100


def test_equal_outputs_have_all_of_everything() -> None:
    original = [written("el gato ve una casa", -0.5)] * 3
    found = compare(original, original, texts=["x"] * 3)
    assert (found.share, found.largest_difference) == (1.0, 0.0)
    assert found.metrics["chrf"].value == pytest.approx(100.0)
    assert found.describe() == "3 of 3 texts come out equal; largest difference of scores 0"


def test_the_likeness_of_what_differs_is_told() -> None:
    original, exported = (
        [written("a b", -1.0), written("c", -0.5)],
        [written("a b", -1.02), written("d", -1.0)],
    )
    found = compare(original, exported, texts=["x", "y"])
    assert found.describe().startswith("1 of 2 texts come out equal; chrF between both outputs ")
    assert found.describe().endswith(", largest difference of scores 0.02")


def test_only_some_of_what_differs_is_told() -> None:
    original, exported = [written("a", -1.0)] * 9, [written("b", -1.0)] * 9
    assert len(compare(original, exported, texts=["x"] * 9).different) == SHOWN


def test_what_goes_beyond_a_tolerance_is_told() -> None:
    original = [written("una casa", -0.5)] * 98
    others = [written("dos casas", -0.5), written("tres", -0.5)]
    found = compare([*original, *original[:2]], [*original, *others], texts=["x"] * 100)
    assert found.violations(EXACT) == ["98 of 100 texts came out equal, 99% must"]
    assert found.violations(Tolerance(equal=0.98)) == []
    assert found.violations(Tolerance(chrf=90.0)) == []
    [reason] = found.violations(Tolerance(chrf=99.9))
    assert reason.startswith("the chrF between both outputs is 9")


def test_scores_of_equal_texts_must_be_close() -> None:
    found = compare([written("casa", -0.5)], [written("casa", -0.502)], texts=["house"])
    [reason] = found.violations(EXACT)
    assert reason.startswith("the scores of equal texts differ by ")
    assert found.violations(TOLERANCES["int8"]) == []


@pytest.mark.parametrize("quantization", ["float32", "int8"])
@pytest.mark.parametrize("place", [0, 1])
def test_scores_must_be_numbers(place: int, quantization: str) -> None:
    scores = [-0.5, -0.5]
    scores[place] = math.nan
    found = compare(
        [written("casa", -0.5)] * 2, [written("casa", score) for score in scores], texts=["a", "b"]
    )
    assert found.violations(TOLERANCES[quantization]) == ["its scores are not numbers"]


class Canned:
    """A program that always writes the same."""

    versions: Mapping[str, str] = {"canned": "1.0"}

    def write(self, texts: Sequence[str]) -> list[Written]:
        """One word for each."""
        return [written("siempre", -0.5) for _ in texts]


def test_what_agrees_is_written_down(taught: LoadedModel, sample: Sample, tmp_path: Path) -> None:
    original, file = Original(taught), tmp_path / "agreement.json"
    found = agree(original, original, sample=sample, tolerance=EXACT, file=file, about={"to": "itself"})
    told = json.loads(file.read_text("utf-8"))
    assert told["to"] == "itself"
    assert (told["texts"], told["equal"], told["share_equal"]) == (60, 60, 1.0)
    assert told["scores"] == {
        "original": found.scores[0],
        "exported": found.scores[0],
        "largest_difference": 0.0,
    }
    assert told["metrics"]["chrf"]["signature"].startswith("nrefs:1|")
    assert (told["sample"], told["different"]) == ("sixty sentences", [])


def test_what_does_not_agree_is_refused(taught: LoadedModel, sample: Sample, tmp_path: Path) -> None:
    file = tmp_path / "agreement.json"
    with pytest.raises(TrasluzError) as error:
        agree(Original(taught), Canned(), sample=sample, tolerance=EXACT, file=file, about={})
    assert str(error.value).startswith(
        "the export does not do what the model does: 0 of 60 texts came out equal, 99% must ('"
    )
    assert "became 'siempre'). It was not kept; give a --sample" in str(error.value)
    assert not file.exists()


def test_every_tolerance_asks_for_something() -> None:
    assert all(one.equal > 0 or one.chrf >= 90 for one in TOLERANCES.values())
