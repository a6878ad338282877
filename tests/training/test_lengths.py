"""Models by the length of the source: table, JSON and picture say what the one scoring path says."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.models.families.checkpoints import ALL, reference_of
from trasluz.corpus.read import Pair
from trasluz.decoding.translator import load
from trasluz.errors import TrasluzError
from trasluz.evaluation.metrics import evaluate
from trasluz.evaluation.table import Table
from trasluz.models.directory import save_model
from trasluz.models.loaded import LoadedModel
from trasluz.training.lengths import PICTURE, names_of, score_lengths

COMMAND = "trasluz study lengths one two test.tsv"


@pytest.fixture(scope="module")
def models(small: LoadedModel, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same model in two directories."""
    directories = [tmp_path_factory.mktemp("models") / name for name in ("one", "two")]
    for directory in directories:
        save_model(directory, manifest=small.manifest, model=small.model, tokenizer=small.tokenizer)
    return directories


def lengths_of(
    models: list[Path], pairs: list[Pair], out: Path, **languages: str | None
) -> tuple[Table, list[str]]:
    said: list[str] = []
    table = score_lengths(
        models, pairs, out=out, limits=[5], beam=2, command=COMMAND, say=said.append, **languages
    )
    return table, said


def test_the_table_has_every_part_and_all_of_it(
    models: list[Path], pairs: list[Pair], tmp_path: Path
) -> None:
    out = tmp_path / "lengths"
    table, said = lengths_of(models, pairs[:11], out)
    evaluation = evaluate(load(models[0]), pairs[:11], beam=2)
    short = [pair for pair in pairs[:11] if len(pair.source.split()) <= 5]
    bleu = [
        evaluate(load(models[0]), some, beam=2).metrics["bleu"].value
        for some in (short, [pair for pair in pairs[:11] if pair not in short], pairs[:11])
    ]
    assert [row[0] for row in table.rows] == ["1-5", "6 or more", "all"]
    assert [row[2:] for row in table.rows] == [[f"{value:.2f}"] * 2 for value in bleu]
    assert table.headings[2:] == ["BLEU, one", "BLEU, two"]
    assert [sentence.split()[0] for sentence in said] == ["one", "two"]
    facts = json.loads((out / "study.json").read_text("utf-8"))
    assert (facts["study"], facts["command"], facts["limits"]) == ("lengths", COMMAND, [5])
    assert facts["models"][1]["evaluation"]["metrics"]["bleu"]["value"] == evaluation.metrics["bleu"].value
    assert sum(part["sentences"] for part in facts["models"][0]["parts"]) == 11
    page = (out / "study.md").read_text("utf-8")
    assert page.startswith(table.to_markdown())
    assert COMMAND in page
    assert evaluation.metrics["bleu"].signature in page
    assert (out / PICTURE).read_bytes().startswith(b"\x89PNG")


def test_it_can_be_done_again_but_not_over_anything_else(
    models: list[Path], pairs: list[Pair], tmp_path: Path
) -> None:
    out = tmp_path / "lengths"
    assert lengths_of(models[:1], pairs[:3], out)[0] == lengths_of(models[:1], pairs[:3], out)[0]
    with pytest.raises(TrasluzError, match="is there already and holds no study; choose another --out"):
        lengths_of(models[:1], pairs[:3], models[0])
    (out / "study.json").write_text('{"study": "scores"}')
    with pytest.raises(TrasluzError, match="holds a study of scores, not of lengths; choose another --out"):
        lengths_of(models[:1], pairs[:3], out)


def test_what_is_no_translator_is_said_before_anything_is_scored(
    models: list[Path], small: LoadedModel, pairs: list[Pair], tmp_path: Path
) -> None:
    with pytest.raises(TrasluzError, match="there is no such model directory"):
        lengths_of([*models, tmp_path / "nowhere"], pairs[:3], tmp_path / "lengths")
    save_model(
        tmp_path / "lm",
        manifest=small.manifest.model_copy(update={"task": "language-model"}),
        model=small.model,
        tokenizer=small.tokenizer,
    )
    with pytest.raises(TrasluzError, match="holds a language model, which does not translate"):
        lengths_of([*models, tmp_path / "lm"], pairs[:3], tmp_path / "lengths")
    assert not (tmp_path / "lengths").exists()


def test_directories_are_named_as_short_as_they_can_be_told_apart() -> None:
    assert names_of([Path("a/one"), Path("b/two")]) == ["one", "two"]
    assert names_of([Path("a/one"), Path("b/one")]) == ["a/one", "b/one"]


def test_without_matplotlib_there_is_still_a_table(
    models: list[Path], pairs: list[Pair], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    table, said = lengths_of(models[:1], pairs[:3], tmp_path / "lengths")
    assert table.rows
    assert said[-1].startswith("there is no picture: pictures need matplotlib; install it with: ")


def test_a_model_of_several_languages_is_told_which(pairs: list[Pair], tmp_path: Path) -> None:
    checkpoint = ALL["m2m100"](tmp_path / "m2m100")
    directory, asked = checkpoint.files.directory, checkpoint.languages
    reference_of(checkpoint).save_pretrained(directory)
    languages = {"source_language": asked.source, "target_language": asked.target}
    table, _ = lengths_of([directory], pairs[:3], tmp_path / "lengths", **languages)
    expected = evaluate(load(directory, **languages), pairs[:3], beam=2).metrics["bleu"].value
    assert table.rows[-1][-1] == f"{expected:.2f}"
    with pytest.raises(TrasluzError, match="the source language is missing; give one of"):
        lengths_of([directory], pairs[:3], tmp_path / "other")
