"""The command `trasluz evaluate`: the figures of validation, with signatures, and every translation."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from trasluz.corpus.read import read_pairs
from trasluz.decoding.translator import Translation, load
from trasluz.decoding.verdict import Verdict
from trasluz.evaluation.metrics import evaluate

Command = Callable[..., CompletedProcess[str]]
Refusal = Callable[..., str]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "test.tsv"
    lines = ["the cat sees a house\tel gato ve una casa", "the cat sees a house\tuna casa ve el gato"]
    path.write_text("\n".join([*lines, "my sister paints two apples\tmi hermana pinta dos manzanas"]))
    return path


def test_json_has_the_figures_that_python_gives(trasluz: Command, trained: Path, file: Path) -> None:
    done = trasluz("evaluate", trained, file, "--json", "--beam", 3)
    assert (done.returncode, done.stderr) == (3, ""), "five steps teach nobody to translate well"
    told = json.loads(done.stdout)
    expected = evaluate(load(trained), read_pairs([file]), beam=3).to_json()
    assert {**told, "seconds": 0} == {**expected, "seconds": 0}
    assert (told["sentences"], told["beam"]) == (2, 3)
    assert len(told["translations"][0]["references"]) == 2


def test_lines_have_every_metric_with_its_signature(trasluz: Command, trained: Path, file: Path) -> None:
    lines = trasluz("evaluate", trained, file, "--beam", 1).stdout.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["BLEU", "chrF2", "TER"]
    assert all("nrefs:" in line and "version:" in line for line in lines[:3])
    assert lines[3].startswith("2 sentences in ")


def test_the_figures_of_training_are_found_again(trasluz: Command, trained: Path, pairs_file: Path) -> None:
    from trasluz.training.run import read_corpus

    held_out = read_corpus([pairs_file]).validation
    path = trained.parent / "held-out.tsv"
    path.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in held_out), encoding="utf-8")
    told = json.loads(trasluz("evaluate", trained, path, "--json", "--beam", 1).stdout)["metrics"]
    record = json.loads((trained / "training.json").read_text())["validation"]["metrics"]
    assert {name: metric["value"] for name, metric in told.items()} == {
        name: metric["value"] for name, metric in record.items()
    }


def test_translations_are_written_a_line_each(
    trasluz: Command, trained: Path, file: Path, tmp_path: Path
) -> None:
    output = tmp_path / "translations.txt"
    done = trasluz("evaluate", trained, file, "--json", "--output", output)
    texts = [one["text"] for one in json.loads(done.stdout)["translations"]]
    assert output.read_text(encoding="utf-8").split("\n") == [*texts, ""]


def test_figures_are_told_even_where_translations_cannot_be_written(
    trasluz: Command, trained: Path, file: Path, tmp_path: Path
) -> None:
    done = trasluz("evaluate", trained, file, "--beam", 1, "--output", tmp_path)
    assert done.returncode == 1
    assert done.stderr == f"error: {tmp_path}: Is a directory\n"
    assert done.stdout.startswith("BLEU ")


@pytest.mark.parametrize(("verdict", "code"), [(Verdict.complete, 0), (Verdict.looping, 3)])
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_bad_verdict_is_3(
    trasluz: Command,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    verdict: Verdict,
    code: int,
    form: list[str],
) -> None:
    class Canned:
        def translate(self, texts: list[str], **how: Any) -> list[Translation]:
            verdicts = [Verdict.complete] * (len(texts) - 1) + [verdict]
            return [
                Translation(text, "hola", -0.5, one, ()) for text, one in zip(texts, verdicts, strict=True)
            ]

    monkeypatch.setattr("trasluz.cli.evaluate.open_translator", lambda *_: Canned())
    done = trasluz("evaluate", "model", file, *form)
    assert (done.returncode, done.stderr) == (code, "")
    assert verdict.value in done.stdout


def test_source_and_reference_may_be_two_files_or_other_columns(
    trasluz: Command, trained: Path, file: Path, tmp_path: Path
) -> None:
    pairs = read_pairs([file])
    source, target, turned = (tmp_path / name for name in ("test.en", "test.es", "turned.tsv"))
    source.write_text("".join(f"{pair.source}\n" for pair in pairs))
    target.write_text("".join(f"{pair.target}\n" for pair in pairs))
    turned.write_text("".join(f"{pair.target}\t17\t{pair.source}\n" for pair in pairs))
    told = [
        json.loads(trasluz("evaluate", trained, *arguments, "--json", "--beam", 1).stdout)["translations"]
        for arguments in ([file], [source, target], [turned, "--columns", "3,1"])
    ]
    assert told[0] == told[1] == told[2]


def test_what_cannot_be_evaluated_is_refused(
    refusal: Refusal, trained: Path, file: Path, tmp_path: Path
) -> None:
    missing, empty, narrow = (tmp_path / name for name in ("missing.tsv", "empty.tsv", "narrow.tsv"))
    empty.touch()
    narrow.write_text("the cat\tel gato\nthe dog\n")
    assert refusal("evaluate", trained, missing).startswith(f"{missing}: no such file")
    assert refusal("evaluate", trained, empty).startswith(f"{empty} is empty")
    assert refusal("evaluate", trained, narrow).startswith(f"{narrow}, line 2: 1 column where at least 2")
    assert refusal("evaluate", trained, file, "--columns", "1;2").startswith("'1;2' names no two columns")
    assert refusal("evaluate", trained, file, "--columns", "1,5").startswith(
        f"{file}, line 1: 2 columns where at least 5"
    )
    assert refusal("evaluate", tmp_path / "nowhere", file).startswith(
        f"{tmp_path / 'nowhere'}: there is no such model directory"
    )
    assert refusal("evaluate", trained, file, "--beam", 0).startswith("the beam is 0")
    assert refusal("evaluate", trained, file, "--length-penalty", -1).startswith("the length penalty is")
    assert "3 files of pairs are given" in refusal("evaluate", trained, *[file] * 3)
    assert str(tmp_path / "no" / "such") in refusal(
        "evaluate", trained, file, "--beam", 1, "--output", tmp_path / "no" / "such"
    )
