"""The runs of a study: each once, each under the same budget, with the figures of the models they leave."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from trasluz.cli.app import app
from trasluz.corpus.read import Pair
from trasluz.decoding.translator import load
from trasluz.errors import TrasluzError
from trasluz.evaluation.metrics import evaluate
from trasluz.models.load import load_model
from trasluz.training.keeper import RECORD
from trasluz.training.loop import Stopped
from trasluz.training.measure import Row, attention_entropy
from trasluz.training.progress import PlainDisplay, read_record
from trasluz.training.report import table_of
from trasluz.training.run import METRICS, SETTINGS
from trasluz.training.series import as_process, conduct
from trasluz.training.settings import merge
from trasluz.training.study import Parts, Study, position_study, score_study

SETTINGS_OF_ALL: dict[str, Any] = {
    "model": {"width": 24, "decoder": {"layers": 1}},
    "tokenizer": {"vocabulary": 311},
    "batch": {"tokens": 211},
    "optimizer": {"warmup": 3},
    "validation": {"every": 2, "metric": "loss"},
    "budget": {"steps": 3},
    "seed": 7,
}


def here(words: Sequence[str]) -> None:
    """Run a command of `trasluz` in this process, which is quicker."""
    if app(list(words), standalone_mode=False):
        raise Stopped


def nowhere(words: Sequence[str]) -> None:
    """Nothing may be run."""
    raise AssertionError(f"{words} was run")


@pytest.fixture(scope="module")
def parts(pairs: list[Pair]) -> Parts:
    return Parts(pairs[:47], pairs[47:53], pairs[53:])


def scores_of(parts: Parts, *, changes: dict[str, Any] | None = None, **more: Any) -> Study:
    arguments: dict[str, Any] = {
        "architectures": ["transformer", "recurrent", "decoder-only"],
        "scores": ["cosine", "none"],
        "preset": "tiny",
        "command": "trasluz study scores pairs.tsv --steps 3",
        **more,
    }
    return score_study(parts, changes=merge(SETTINGS_OF_ALL, changes or {}), **arguments)


def conducted(study: Study, out: Path, **more: Any) -> tuple[list[Row], list[str]]:
    said: list[str] = []
    return conduct(study, out=out, say=said.append, **{"run": here, **more}), said


def contents(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def done(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Row]]:
    """A study of one score in every architecture, and of none; nobody may change it."""
    out = tmp_path_factory.mktemp("studies") / "scores"
    rows, said = conducted(scores_of(parts), out)
    assert said == [
        "transformer-cosine (1 of 4): training",
        "recurrent-cosine (2 of 4): training",
        "recurrent-none (3 of 4): training",
        "decoder-only-cosine (4 of 4): training",
    ]
    return out, rows


def test_the_figures_are_those_of_the_models_that_are_left(
    done: tuple[Path, list[Row]], parts: Parts
) -> None:
    out, rows = done
    for row in rows:
        directory = out / row.name
        evaluation = evaluate(load(directory), parts.test, beam=5)
        assert row.figure("test", "bleu") == evaluation.metrics["bleu"].value
        assert row.figure("test", "chrf") == evaluation.metrics["chrf"].value
        made = json.loads((directory / RECORD).read_text("utf-8"))
        looks = [line for line in read_record(directory / METRICS) if line["kind"] == "validation"]
        assert row.validation_loss == made["validation"]["loss"] == min(look["loss"] for look in looks)
        model = load_model(directory).model
        assert row.parameters == sum(parameter.numel() for parameter in model.parameters())
        assert row.attention_entropy == attention_entropy(load(directory), parts.validation)
        assert row.tokens_per_second > 0
        settings = json.loads((directory / SETTINGS).read_text("utf-8"))["settings"]
        assert (settings["seed"], settings["budget"]["steps"], settings["preset"]) == (7, 3, "tiny")
        assert settings["model"]["decoder"]["attention"]["score"] == row.choice


def test_only_a_model_without_attention_has_no_entropy(done: tuple[Path, list[Row]]) -> None:
    without = [row.name for row in done[1] if row.attention_entropy is None]
    assert without == ["recurrent-none"]


def test_the_report_has_every_figure_and_what_it_depends_on(
    done: tuple[Path, list[Row]], parts: Parts
) -> None:
    out, rows = done
    facts = json.loads((out / "study.json").read_text("utf-8"))
    assert (facts["study"], facts["seed"], facts["preset"], facts["beam"]) == ("scores", 7, "tiny", 5)
    assert [Row(**model) for model in facts["models"]] == rows
    assert facts["settings"]["budget"] == {"steps": 3}
    assert {name: part["count"] for name, part in facts["pairs"].items()} == {
        "training": 47,
        "validation": 6,
        "test": 7,
    }
    assert {"trasluz", "torch", "sacrebleu"} <= set(facts["versions"])
    assert facts["machine"]["cores"] >= 1
    page = (out / "study.md").read_text("utf-8")
    study = scores_of(parts)
    assert page.startswith(table_of(study, rows).to_markdown() + "\n\n")
    for words in (study.command, "seed 7", "3 steps", "beam 5", "float32", "thread", "cores", "nrefs:"):
        assert words in page
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_the_table_has_a_line_for_each_model(done: tuple[Path, list[Row]], parts: Parts) -> None:
    table = table_of(scores_of(parts), done[1])
    assert list(table.headings)[:4] == ["architecture", "score", "BLEU", "chrF"]
    assert [tuple(row[:2]) for row in table.rows] == [(row.architecture, row.choice) for row in done[1]]
    none = dict(zip(table.headings, table.rows[2], strict=True))
    assert none["attention entropy"] == "-"
    assert "alignment error" not in none


def test_what_is_finished_is_neither_trained_nor_measured_again(
    done: tuple[Path, list[Row]], parts: Parts
) -> None:
    out, rows = done
    before = contents(out)
    again, said = conducted(scores_of(parts), out, run=nowhere)
    assert again == rows
    assert said[0] == "transformer-cosine (1 of 4): finished before, not trained again"
    assert len(said) == 4
    after = contents(out)
    assert after.keys() == before.keys()
    assert {name for name in before if before[name] != after[name]} <= {"curves.png"}


def test_other_test_pairs_are_scored_without_training(
    done: tuple[Path, list[Row]], parts: Parts, pairs: list[Pair], tmp_path: Path
) -> None:
    out = tmp_path / "scores"
    one: dict[str, Any] = {"architectures": ["recurrent"], "scores": ["none"]}
    conducted(scores_of(parts, **one), out)
    other = Parts(parts.training, parts.validation, pairs[55:])
    (row,), _ = conducted(scores_of(other, **one), out, run=nowhere)
    assert row.evaluations["test"]["sentences"] == 5
    assert row.figure("test", "chrf") == evaluate(load(out / row.name), pairs[55:]).metrics["chrf"].value


def test_a_stopped_study_goes_on_where_it_was(
    done: tuple[Path, list[Row]], parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "scores"
    with monkeypatch.context() as patch:
        patch.setattr(PlainDisplay, "step", lambda self, report: signal.raise_signal(signal.SIGINT))
        with pytest.raises(Stopped):
            conducted(scores_of(parts), out)
    assert [model["name"] for model in json.loads((out / "study.json").read_text("utf-8"))["models"]] == []
    rows, said = conducted(scores_of(parts), out)
    assert said[0] == "transformer-cosine (1 of 4): going on where it was"
    assert said[1] == "recurrent-cosine (2 of 4): training"
    for row, straight in zip(rows, done[1], strict=True):
        assert (row.evaluations["test"]["metrics"], row.validation_loss) == (
            straight.evaluations["test"]["metrics"],
            straight.validation_loss,
        )


def test_a_study_in_which_one_run_fails_keeps_the_others(parts: Parts, tmp_path: Path) -> None:
    ran: list[str] = []

    def failing(words: Sequence[str]) -> None:
        ran.append(words[-1])
        if len(ran) == 2:
            raise TrasluzError("a wheel came off")
        here(words)

    with pytest.raises(TrasluzError, match="a wheel came off"):
        conducted(scores_of(parts), tmp_path / "scores", run=failing)
    facts = json.loads((tmp_path / "scores" / "study.json").read_text("utf-8"))
    assert [model["name"] for model in facts["models"]] == ["transformer-cosine"]


class TestWhatCannotBe:
    """Refused before anything is trained or written."""

    def refusal(self, study: Study, out: Path) -> str:
        """The sentence with which a study is refused; what stands in `out` is as it was."""
        before = contents(out)
        with pytest.raises(TrasluzError) as refused:
            conducted(study, out, run=nowhere)
        assert contents(out) == before
        return str(refused.value)

    def test_another_budget(self, done: tuple[Path, list[Row]], parts: Parts) -> None:
        sentence = self.refusal(scores_of(parts, changes={"budget": {"steps": 5}}), done[0])
        assert sentence == (
            f"{done[0] / 'transformer-cosine'} was begun with a budget of 3 steps, and now one of 5 steps is "
            "given; the models of a study have one budget, so give the same, or choose another --out"
        )

    def test_other_settings_and_pairs(
        self, done: tuple[Path, list[Row]], parts: Parts, pairs: list[Pair]
    ) -> None:
        sentence = self.refusal(scores_of(parts, changes={"seed": 11}), done[0])
        assert "transformer-cosine holds another run: seed is 7 there and 11 here" in sentence
        fewer = Parts(pairs[:43], parts.validation, parts.test)
        assert "holds another run: the pairs are others" in self.refusal(scores_of(fewer), done[0])

    def test_a_directory_of_anything_else(self, parts: Parts, tmp_path: Path) -> None:
        (tmp_path / "thesis.txt").write_text("dear to somebody")
        sentence = f"{tmp_path} is there already and holds no study; choose another --out"
        assert self.refusal(scores_of(parts), tmp_path) == sentence
        (tmp_path / "study.json").write_text('{"study": "positions"}')
        sentence = f"{tmp_path} holds a study of positions, not of scores; choose another --out"
        assert self.refusal(scores_of(parts), tmp_path) == sentence

    def test_settings_that_one_of_the_models_cannot_have(self, parts: Parts, tmp_path: Path) -> None:
        study = position_study(
            parts,
            architectures=["transformer"],
            positions=["sinusoidal", "rotary"],
            longest_words=5,
            preset="tiny",
            changes={"budget": {"steps": 2}, "model": {"width": 12}},
            command="",
        )
        sentence = self.refusal(study, tmp_path / "positions")
        assert sentence == "rotary positions need an even head width, but it is 3"
        sentence = self.refusal(scores_of(parts, changes={"model": {"widht": 24}}), tmp_path / "scores")
        assert sentence.startswith("settings: unknown key 'model.widht'; known, nearest first: model.width")
        sentence = self.refusal(scores_of(parts, preset="tinny"), tmp_path / "scores")
        assert sentence.startswith("unknown preset 'tinny'; allowed, nearest first: tiny")


def test_longer_sentences_are_scored_apart_and_in_one_go(parts: Parts, tmp_path: Path) -> None:
    study = position_study(
        parts,
        architectures=["transformer", "decoder-only"],
        positions=["learned", "relative"],
        longest_words=5,
        preset="tiny",
        changes=merge(SETTINGS_OF_ALL, {"budget": {"steps": 2}}),
        command="trasluz study positions",
    )
    longer = [Pair(" ".join([parts.test[0].source] * 5), parts.test[0].target)]
    study = replace(study, tests={**study.tests, "longer": longer})
    rows, _ = conducted(study, tmp_path / "positions")
    assert [row.choice for row in rows] == ["learned", "relative"] * 2
    for row in rows:
        assert set(row.evaluations) == {"up to 5 words", "longer"}
        assert row.evaluations["longer"]["verdicts"]
        assert row.attention_entropy is not None
    headings = table_of(study, rows).headings
    assert list(headings[2:6]) == [
        "BLEU, up to 5 words",
        "BLEU, longer",
        "chrF, up to 5 words",
        "chrF, longer",
    ]
    lines = (tmp_path / "positions" / "pairs" / "longer.jsonl").read_text("utf-8").splitlines()
    assert json.loads(lines[0])["source"] == longer[0].source


def test_a_model_is_trained_in_a_process_of_its_own(
    parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    study = scores_of(parts, architectures=["recurrent"], scores=["dot"])
    (row,), _ = conducted(study, tmp_path / "apart", run=None)
    (same,), _ = conducted(study, tmp_path / "here")
    assert row.evaluations["test"]["metrics"] == same.evaluations["test"]["metrics"]
    assert row.validation_loss == same.validation_loss
    assert row.threads == 1


def test_a_command_that_fails_is_said_with_its_exit_code(tmp_path: Path) -> None:
    with pytest.raises(TrasluzError) as refused:
        as_process(["info", str(tmp_path / "nowhere")])
    assert str(refused.value).startswith(
        f"training did not come to its end (exit code 1 of: trasluz info {tmp_path / 'nowhere'}); what went "
    )


@pytest.mark.skipif(sys.platform == "win32", reason="signals are passed on elsewhere")
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_is_passed_on_to_the_process(monkeypatch: pytest.MonkeyPatch, kind: signal.Signals) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Interrupted(subprocess.Popen[bytes]):
        """A process for which whoever waits is told to stop."""

        def wait(self, timeout: float | None = None) -> int:
            """Wait, after that."""
            if not started:
                started.append(self)
                signal.raise_signal(kind)
            return super().wait(timeout)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(Stopped):
        as_process(["--version"])
    assert started[0].returncode != 0, "the process was told as well"
