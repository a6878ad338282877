"""The command `trasluz study`: one command, one table, and one sentence for each mistake."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from rich.console import Console

from trasluz.cli.app import app
from trasluz.cli.study import _show_apart, numbers
from trasluz.corpus.read import Pair
from trasluz.errors import TrasluzError
from trasluz.evaluation.table import Table
from trasluz.training.loop import Stopped

Command = Callable[..., CompletedProcess[str]]
Refusal = Callable[..., str]

FOR_ALL = (
    "model.width=24",
    "model.encoder={layers: 1}",
    "model.decoder={layers: 1}",
    "tokenizer.vocabulary=311",
    "batch.tokens=211",
    "optimizer.warmup=3",
    "validation.metric=loss",
)
TINY = ("--preset", "tiny", "--steps", 2, *FOR_ALL)


def here(words: Sequence[str]) -> None:
    """Train in this process, which is quicker."""
    if app(list(words), standalone_mode=False):
        raise Stopped


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """No processes, unless a test starts one."""
    monkeypatch.setattr("trasluz.training.series.as_process", here)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "study"


def facts_in(out: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((out / "study.json").read_text("utf-8"))
    return facts


@pytest.mark.parametrize("name", ["scores", "positions", "lengths"])
def test_every_study_has_help_with_an_example(trasluz: Command, name: str) -> None:
    done = trasluz("study", name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    examples = [line.strip() for line in done.stdout.splitlines() if line.strip().startswith("Example:")]
    assert [example.split()[:4] for example in examples] == [["Example:", "trasluz", "study", name]]


def test_the_studies_are_these(trasluz: Command) -> None:
    done = trasluz("study", "--help")
    assert done.returncode == 0
    assert all(name in done.stdout for name in ("scores", "positions", "lengths"))


def test_scores_of_several_architectures_make_one_table(
    trasluz: Command, pairs_file: Path, out: Path
) -> None:
    done = trasluz(
        *("study", "scores", pairs_file, "--out", out, *TINY, "--seed", 7),
        *("--arch", "transformer,recurrent", "--score", "dot", "--score", "none"),
    )
    assert done.returncode == 0, done.stderr
    facts = facts_in(out)
    assert [model["name"] for model in facts["models"]] == [
        "transformer-dot",
        "recurrent-dot",
        "recurrent-none",
    ]
    for model in facts["models"]:
        bleu = model["evaluations"]["test"]["metrics"]["bleu"]["value"]
        line = next(line for line in done.stdout.splitlines() if _cells(line)[:2] == _names(model))
        assert _cells(line)[2] == f"{bleu:.2f}"
        assert _cells(line)[5] == f"{model['parameters']:,}"
    assert (facts["seed"], facts["settings"]["model"]["width"]) == (7, 24)
    assert facts["command"].startswith(f"trasluz study scores {pairs_file} --out {out} --preset tiny")
    assert "recurrent-none (3 of 3): training" in done.stderr
    again = trasluz(
        *("study", "scores", pairs_file, "--out", out, *TINY, "--seed", 7, "--arch", "recurrent"),
        *("--score", "none"),
    )
    assert again.returncode == 0
    assert "recurrent-none (1 of 1): finished before, not trained again" in again.stderr


def test_gold_alignments_add_a_column(
    trasluz: Command, pairs_file: Path, out: Path, pairs: list[Pair], tmp_path: Path
) -> None:
    few, gold = tmp_path / "few.tsv", tmp_path / "gold.txt"
    few.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in pairs[:3]), "utf-8")
    gold.write_text("0-0\n0-0\n0?0\n", "utf-8")
    done = trasluz(
        *("study", "scores", pairs_file, "--out", out, *TINY, "--aligned", few, "--gold", gold),
        *("--arch", "recurrent", "--score", "dot,none"),
    )
    assert done.returncode == 0, done.stderr
    dot, none = facts_in(out)["models"]
    assert 0 <= dot["alignment_error"] <= 1
    assert none["alignment_error"] is None
    page = (out / "study.md").read_text("utf-8")
    assert page.splitlines()[0].endswith("| attention entropy | alignment error |")
    assert "on 3 pairs with gold alignments, less" in page


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("│")[1:-1]]


def _names(model: dict[str, Any]) -> list[str]:
    return [model["architecture"], model["choice"]]


def test_the_bundled_corpus_is_tested_on_unseen_combinations(trasluz: Command, out: Path) -> None:
    from trasluz.training.study import starter_parts

    done = trasluz(
        *("study", "positions", "--starter", 300, "--out", out, *TINY, "validation.pairs=5"),
        *("--position", "none", "--longest-words", 6, "tokenizer.vocabulary=421"),
    )
    assert done.returncode == 0, done.stderr
    facts = facts_in(out)
    test = starter_parts(300).test
    counts = {name: part["count"] for name, part in facts["pairs"].items()}
    assert counts["up to 6 words"] + counts["longer"] == len(test) == 15
    assert counts["training"] < 300
    assert facts["longest_words"] == 6
    assert facts["settings"]["target_language"] == "es"
    assert [model["choice"] for model in facts["models"]] == ["none"]


def test_models_are_scored_by_length(trasluz: Command, trained: Path, pairs_file: Path, out: Path) -> None:
    done = trasluz("study", "lengths", trained, pairs_file, "--out", out, "--beam", 1, "--limits", "5,6")
    assert done.returncode == 0, done.stderr
    whole = json.loads(trasluz("evaluate", trained, pairs_file, "--beam", 1, "--json").stdout)
    facts = facts_in(out)
    assert facts["models"][0]["evaluation"]["metrics"] == whole["metrics"]
    last = [line for line in done.stdout.splitlines() if _cells(line)[:1] == ["all"]]
    assert [_cells(line)[1:] for line in last] == [["60", f"{whole['metrics']['bleu']['value']:.2f}"]]
    assert (out / "lengths.png").is_file()


def test_a_study_is_done_in_processes_of_its_own(pairs_file: Path, out: Path) -> None:
    words = [sys.executable, "-m", "trasluz", "study", "scores", pairs_file, "--out", out, *TINY]
    words += ["--arch", "recurrent", "--score", "none"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        list(map(str, words)), capture_output=True, text=True, encoding="utf-8", check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    (model,) = facts_in(out)["models"]
    assert (model["name"], model["threads"]) == ("recurrent-none", 1)
    assert f"all figures are in {out / 'study.json'}" in done.stderr
    assert "recurrent" in done.stdout


def test_stopped_is_1_and_says_how_to_go_on(
    trasluz: Command, pairs_file: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(words: Sequence[str]) -> None:
        raise Stopped

    monkeypatch.setattr("trasluz.training.series.as_process", stop)
    done = trasluz("study", "scores", pairs_file, "--out", out, *TINY)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"stopped; the same command goes on from what is in {out}"


def test_the_table_shows_names_as_they_are(
    trasluz: Command, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trasluz.corpus.read.read_pairs", lambda *_, **__: [])
    table = Table(headings=["up to :car:", "all"], rows=[["[b]mine[/b] :car:", "41.30"]], texts=1)
    monkeypatch.setattr("trasluz.training.lengths.score_lengths", lambda *_, **__: table)
    done = trasluz("study", "lengths", "models/mine", "test.tsv", "--out", out)
    assert done.returncode == 0, done.stderr
    cells = [_cells(line) for line in done.stdout.splitlines() if "41.30" in line]
    assert cells == [["[b]mine[/b] :car:", "41.30"]]
    assert "up to :car:" in done.stdout


def test_on_a_narrow_terminal_no_figure_is_cut() -> None:
    headings = ["architecture", "score", *(f"a long heading {number}" for number in range(7))]
    table = Table(headings, [["transformer", "dot", *(f"{number}.25" for number in range(7))]], texts=2)
    screen = io.StringIO()
    _show_apart(table, Console(file=screen, width=40))
    lines = [line.split() for line in screen.getvalue().splitlines() if line.strip()]
    assert lines[0] == ["transformer", "dot"]
    assert lines[1:] == [["a", "long", "heading", str(number), f"{number}.25"] for number in range(7)]


class TestWhatCannotBeStudied:
    """Every mistake is one sentence, exit code 1, and nothing is written."""

    @pytest.fixture(autouse=True)
    def nothing_written(self, out: Path) -> Any:
        """Afterwards there is no directory."""
        yield
        assert not out.exists()

    @pytest.mark.parametrize(
        ("words", "begin"),
        [
            (
                ["scores", "--arch", "transfomer"],
                "unknown architecture 'transfomer'; allowed, nearest first: tr",
            ),
            (
                ["scores", "--score", "dot,cosinus"],
                "unknown score 'cosinus'; allowed, nearest first: cosine, ",
            ),
            (["scores", "--score", "none"], "the score 'none' is for the recurrent architecture alone, "),
            (["scores", "seed=soon"], "settings: seed is 'soon', but it should be a whole number, 0 or more"),
            (["scores", "--preset", "bigg"], "unknown preset 'bigg'; allowed, nearest first: big, "),
            (["scores", "--starter", 300], "--starter brings pairs of its own to learn from, "),
            (
                ["scores", "model.decoder.attention.score=dot"],
                "model.decoder.attention.score is given, but that is what the study compares; leave it out, "
                "and choose with --score",
            ),
            (
                ["positions", "model.encoder.position.kind=none"],
                "model.encoder.position is given, but that is what the study compares; leave it out, and "
                "choose with --position",
            ),
            (["scores", "--columns", "1"], "'1' names no two columns; write them as 1,2, counted from 1"),
            (["scores", "model.kind=recurrent"], "model.kind is 'recurrent', but a study goes through archi"),
            (["scores", "task=language-model"], "the task is 'language-model', but a study compares transl"),
            (
                ["scores", "model.widht=12"],
                "settings: unknown key 'model.widht'; known, nearest first: model.w",
            ),
            (
                ["positions", "--position", "rotatory"],
                "unknown position 'rotatory'; allowed, nearest first: ro",
            ),
            (
                ["positions", "--arch", "recurrent"],
                "the recurrent architecture reads words in their order and ",
            ),
            (
                ["positions", "--longest-words", 97],
                "no test pair has a source of more than 97 words; give a sm",
            ),
            (
                ["positions", "--longest-words", 2],
                "no training pair has a source of up to 2 words; give a la",
            ),
        ],
    )
    def test_choices(
        self, refusal: Refusal, out: Path, pairs_file: Path, words: list[object], begin: str
    ) -> None:
        sentence = refusal("study", words[0], pairs_file, "--out", out, "--steps", 2, *words[1:])
        assert sentence.startswith(begin)

    def test_no_budget(self, refusal: Refusal, out: Path, pairs_file: Path) -> None:
        assert refusal("study", "scores", pairs_file, "--out", out) == (
            "no budget is given, and models are compared under an equal one; give --steps or --time for each "
            "model, such as --time 10m"
        )
        assert refusal("study", "positions", pairs_file, "--out", out, "--time", "soon") == (
            "'soon' is no length of time; write it as 90s, 15m, 2h or 1h30m"
        )

    def test_gold_alignments(self, refusal: Refusal, out: Path, pairs_file: Path, tmp_path: Path) -> None:
        short = tmp_path / "gold.txt"
        short.write_text("0-0\n", "utf-8")
        study = ("study", "scores", pairs_file, "--out", out, "--steps", 2)
        both = "--aligned gives pairs and --gold the alignments of their words; give both, or neither"
        assert refusal(*study, "--gold", short) == both
        assert refusal(*study, "--aligned", pairs_file) == both
        assert refusal(*study, "--aligned", pairs_file, "--gold", short).startswith(
            f"{short} has 1 lines of alignment, but there are "
        )

    def test_pairs(self, refusal: Refusal, out: Path, tmp_path: Path, pairs: list[Pair]) -> None:
        missing = tmp_path / "missing.tsv"
        assert refusal("study", "scores", "--out", out, "--steps", 2) == (
            "no pairs are given; give a file of pairs, two line-aligned files, or --starter 20000 for the "
            "bundled corpus"
        )
        assert refusal("study", "scores", missing, "--out", out, "--steps", 2) == (
            f"{missing}: no such file; give the path of a text file"
        )
        assert refusal("study", "scores", "--starter", 200_001, "--out", out, "--steps", 2).startswith(
            "the bundled corpus has 200000 pairs and "
        )

    def test_lengths(self, refusal: Refusal, out: Path, trained: Path, pairs_file: Path) -> None:
        assert refusal("study", "lengths", pairs_file, "--out", out) == (
            f"only {pairs_file} is given; give one or more model directories, then a file of pairs"
        )
        assert "there is no such model directory" in refusal(
            "study", "lengths", trained / "nowhere", pairs_file, "--out", out
        )
        assert refusal("study", "lengths", trained, pairs_file, "--out", out, "--limits", "4,x") == (
            "'4,x' are no numbers of words; write them as 4,8,12"
        )
        assert "do not rise from 1 or more" in refusal(
            "study", "lengths", trained, pairs_file, "--out", out, "--limits", "8,4"
        )


def test_a_directory_of_something_else_is_refused(refusal: Refusal, pairs_file: Path, trained: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in trained.rglob("*")}
    for command in (
        ("scores", pairs_file, "--steps", 2),
        ("positions", pairs_file, "--steps", 2, "--test", pairs_file, "--longest-words", 5),
        ("lengths", trained, pairs_file),
    ):
        sentence = refusal("study", *command, "--out", trained)
        assert sentence == f"{trained} is there already and holds no study; choose another --out"
    assert {path: path.stat().st_mtime_ns for path in trained.rglob("*")} == before


def test_wrong_use_is_2(trasluz: Command, pairs_file: Path) -> None:
    for words in (["study", "score"], ["study", "scores", pairs_file], ["study", "lengths"]):
        done = trasluz(*words)
        assert done.returncode == 2, words
        assert "Usage:" in done.stderr


def test_numbers_are_read_with_commas_between() -> None:
    assert numbers("4, 8,12") == [4, 8, 12]
    with pytest.raises(TrasluzError, match="are no numbers of words; write them as 4,8,12"):
        numbers("")
