"""Resumed is the same run: stopped or killed anywhere, it ends with the bits of one that went straight."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from trasluz.corpus.read import Pair
from trasluz.decoding.translator import load
from trasluz.training.checkpoint import OPTIMIZER, PROGRESS, WEIGHTS, Checkpoints
from trasluz.training.loop import Stopped
from trasluz.training.progress import StepReport
from trasluz.training.run import CHECKPOINTS, METRICS, Corpus, train

Settings = Callable[..., dict[str, Any]]

STEPS, EVERY, RECORDED = 13, 4, 2
TIMES = {"seconds", "seconds_left", "metered_seconds", "tokens_per_second", "reserve"}
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "accumulated": {"batch": {"tokens": 101, "accumulate": 2}},
    "sampled": {"tokenizer": {"sampling": 0.5}},
    "bpe": {"tokenizer": {"kind": "bpe", "vocabulary": 311}},
}


class Quiet:
    """A display that keeps what is said, and lets a test act after an update."""

    def __init__(self, act: Callable[[StepReport], None] = lambda report: None) -> None:
        self.said: list[str] = []
        self.act = act

    def say(self, sentence: str) -> None:
        """Keep it."""
        self.said.append(sentence)

    def step(self, report: StepReport) -> None:
        """Act."""
        self.act(report)

    def close(self) -> None:
        """Nothing to close."""


def signal_at(step: int, kind: signal.Signals) -> Quiet:
    """A display that sends this process a signal after an update."""

    def act(report: StepReport) -> None:
        if report.step == step:
            signal.raise_signal(kind)

    return Quiet(act)


@pytest.fixture(autouse=True)
def often_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """So short a run would otherwise not write down a single update."""
    monkeypatch.setattr("trasluz.training.loop.RECORD_STEPS", RECORDED)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """As many threads here as in the processes that are killed: sums may depend on it in their last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def corpus(pairs: list[Pair]) -> Corpus:
    return Corpus(pairs[:53], pairs[53:])


@pytest.fixture(scope="module")
def straight(
    corpus: Corpus, tiny: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """The directory of a run that nothing interrupted, by its variant; each is made once."""
    made: dict[str, Path] = {}

    def directory(variant: str) -> Path:
        if variant not in made:
            made[variant] = tmp_path_factory.mktemp("straight") / variant
            train(corpus, out=made[variant], changes=tiny(**VARIANTS[variant]), display=Quiet())
        return made[variant]

    return directory


def records(out: Path, *, kind: str) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl of one kind, without what a clock measured."""
    lines = map(json.loads, (out / METRICS).read_text(encoding="utf-8").split("\n")[:-1])
    return [{key: line[key] for key in line.keys() - TIMES} for line in lines if line["kind"] == kind]


def outcome(out: Path) -> dict[str, Any]:
    """All of a run that an interruption must not change; the weights bit for bit."""
    last = Checkpoints(out / CHECKPOINTS, keep=5).latest()
    assert last is not None
    progress = json.loads((last / PROGRESS).read_text())
    return {
        "weights": (last / WEIGHTS).read_bytes(),
        "moments and chance": (last / OPTIMIZER).read_bytes(),
        "progress": {key: progress[key] for key in progress.keys() - TIMES},
        "best": (out / WEIGHTS).read_bytes(),
        "validations": records(out, kind="validation"),
        "updates": records(out, kind="training"),
    }


def assert_same(out: Path, straight: Path, *, but: str = "") -> None:
    """Two runs had the same outcome; compared part by part, so that a difference has a name."""
    here, there = outcome(out), outcome(straight)
    assert [name for name in here if here[name] != there[name] and name != but] == []


def test_a_straight_run_is_what_it_should_be(straight: Callable[[str], Path]) -> None:
    found = outcome(straight("plain"))
    assert found["progress"]["step"] == STEPS
    assert found["progress"]["epoch"] >= 1, "a run of one epoch would show nothing of the order of the data"
    assert [line["step"] for line in found["validations"]] == [4, 8, 12, 13]
    assert [line["step"] for line in found["updates"]] == [2, 4, 6, 8, 10, 12]
    rates = [line["rate"] for line in found["updates"]]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < rates[0] / 2
    assert load_file(straight("plain") / CHECKPOINTS / "step-00000013" / OPTIMIZER)["chance"].numel() > 0


@pytest.mark.parametrize("variant", VARIANTS)
def test_two_runs_are_one(
    corpus: Corpus, tiny: Settings, straight: Callable[[str], Path], tmp_path: Path, variant: str
) -> None:
    train(corpus, out=tmp_path / "run", changes=tiny(**VARIANTS[variant]), display=Quiet())
    assert_same(tmp_path / "run", straight(variant))


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("variant", VARIANTS)
def test_stopped_and_resumed_is_the_same_run(
    corpus: Corpus,
    tiny: Settings,
    straight: Callable[[str], Path],
    tmp_path: Path,
    variant: str,
    kind: signal.Signals,
) -> None:
    out, changes = tmp_path / "run", tiny(**VARIANTS[variant])
    for step in (3, 6, 8):
        with pytest.raises(Stopped):
            train(corpus, out=out, changes=changes, display=signal_at(step, kind))
        last = Checkpoints(out / CHECKPOINTS, keep=5).latest()
        assert last is not None
        assert last.name.endswith(f"-{step:08d}")
    display = Quiet()
    train(corpus, out=out, changes=changes, display=display)
    assert f"{out} holds a run of 8 steps: going on from there" in display.said
    assert_same(out, straight(variant), but="updates")


def test_the_losses_that_are_written_down_do_not_depend_on_a_stop(
    corpus: Corpus, tiny: Settings, straight: Callable[[str], Path], tmp_path: Path
) -> None:
    with pytest.raises(Stopped):
        train(corpus, out=tmp_path / "run", changes=tiny(), display=signal_at(7, signal.SIGINT))
    train(corpus, out=tmp_path / "run", changes=tiny(), display=Quiet())
    assert records(tmp_path / "run", kind="training") == records(straight("plain"), kind="training")


def test_the_mean_of_the_last_checkpoints_does_not_depend_on_a_stop(
    corpus: Corpus, tiny: Settings, tmp_path: Path
) -> None:
    changes = tiny(average=3, keep=3)
    train(corpus, out=tmp_path / "straight", changes=changes, display=Quiet())
    with pytest.raises(Stopped):
        train(corpus, out=tmp_path / "stopped", changes=changes, display=signal_at(10, signal.SIGINT))
    train(corpus, out=tmp_path / "stopped", changes=changes, display=Quiet())
    averaged = [
        [place.name for place in Checkpoints(tmp_path / name / CHECKPOINTS, keep=3).places()[-3:]]
        for name in ("straight", "stopped")
    ]
    assert averaged[0] == averaged[1]
    assert_same(tmp_path / "stopped", tmp_path / "straight", but="updates")


KILLS: list[tuple[str, str, int, int | None]] = [
    ("plain", "update", 3, None),
    ("plain", "update", 11, 8),
    ("sampled", "update", 7, 4),
    ("accumulated", "update", 9, 8),
    ("plain", f"half of {WEIGHTS}", 8, 4),
    ("plain", f"before {OPTIMIZER}", 8, 4),
    ("plain", f"before {PROGRESS}", 8, 4),
    ("plain", f"before {PROGRESS}", 4, None),
    ("plain", "before the rename", 8, 4),
    ("plain", "after the rename", 8, 8),
    ("plain", "while older ones go", 8, 8),
    ("plain", "in the model directory", 8, 4),
]
"""Variant, place and step of each kill, and the step of the checkpoint that is then the last whole one."""

VICTIMS = """
import json, os, signal, sys
from pathlib import Path

import sacrebleu, torch, torch._dynamo  # all that takes long to load, before the forks
from trasluz.corpus.read import Pair
from trasluz.models import directory
from trasluz.training import checkpoint, loop
from trasluz.training.run import Corpus, train


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def run(corpus, *, out, changes, place, step):
    class Display:
        def say(self, sentence):
            pass

        def close(self):
            pass

        def step(self, report):
            if report.step != step:
                return
            if place == "update":
                die()
            if place == "in the model directory":
                directory.weights_of = die
            if place == "after the rename":
                checkpoint.Checkpoints._let_go = die

    really_write, really_rename, really_unlink = checkpoint.write_whole, Path.rename, Path.unlink
    writing = f".step-{step:08d}.writing"

    def write_whole(path, data):
        if path.parent.name == writing and place == f"before {path.name}":
            die()
        if path.parent.name == writing and place == f"half of {path.name}":
            path.write_bytes(data[: len(data) // 2])
            die()
        really_write(path, data)

    def rename(path, target):
        if path.name == writing and place == "before the rename":
            die()
        return really_rename(path, target)

    def unlink(path, missing_ok=False):
        if path.name == checkpoint.OPTIMIZER and place == "while older ones go":
            die()
        really_unlink(path, missing_ok=missing_ok)

    checkpoint.write_whole, Path.rename, Path.unlink = write_whole, rename, unlink
    train(corpus, out=Path(out), changes=changes, display=Display())


torch.set_num_threads(1)
asked = json.load(sys.stdin)
loop.RECORD_STEPS = asked["recorded"]
corpus = Corpus(*([Pair(**pair) for pair in side] for side in asked["corpus"]))
ends = []
for victim in asked["victims"]:
    if not (child := os.fork()):
        run(corpus, **victim)
        os._exit(0)
    ends.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(json.dumps(ends))
"""
"""A process for each kill, as the kernel ends it (kill -9); they are forked, so that torch is loaded once."""


@pytest.fixture(scope="module")
def killed(corpus: Corpus, tiny: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the remains of each of the `KILLS`, by their numbers."""
    directory = tmp_path_factory.mktemp("killed")
    asked = {
        "corpus": [[asdict(pair) for pair in side] for side in (corpus.training, corpus.validation)],
        "recorded": RECORDED,
        "victims": [
            {
                "out": str(directory / str(number)),
                "changes": tiny(**VARIANTS[variant]),
                "place": place,
                "step": step,
            }
            for number, (variant, place, step, _) in enumerate(KILLS)
        ],
    }
    done = subprocess.run(
        [sys.executable, "-c", VICTIMS],
        input=json.dumps(asked),
        text=True,
        capture_output=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [-signal.SIGKILL] * len(KILLS), done.stderr
    return directory


@pytest.mark.parametrize("number", range(len(KILLS)), ids=[" ".join(map(str, kill[:3])) for kill in KILLS])
def test_killed_and_resumed_is_the_same_run(
    corpus: Corpus, tiny: Settings, straight: Callable[[str], Path], killed: Path, number: int
) -> None:
    variant, _, _, resumed_from = KILLS[number]
    out, display = killed / str(number), Quiet()
    train(corpus, out=out, changes=tiny(**VARIANTS[variant]), display=display)
    said = [sentence for sentence in display.said if "holds a run" in sentence]
    assert said == (
        [f"{out} holds a run of {resumed_from} steps: going on from there"] if resumed_from else []
    )
    assert_same(out, straight(variant))
    assert [path.name for path in (out / CHECKPOINTS).iterdir() if "writing" in path.name] == []
    load(out)
