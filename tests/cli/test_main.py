"""The command itself: help, version, exit codes, and one sentence for whatever goes wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from trasluz.cli.app import app
from trasluz.cli.main import SHOW_TRACEBACK

Command = Callable[..., CompletedProcess[str]]
NAMES = [command.callback.__name__ for command in app.registered_commands if command.callback]


def test_the_commands_are_these() -> None:
    assert {"train", "translate", "evaluate", "info", "demo"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_every_command_has_help_with_an_example(trasluz: Command, name: str, flag: str) -> None:
    done = trasluz(name, flag)
    assert (done.returncode, done.stderr) == (0, "")
    examples = [line.strip() for line in done.stdout.splitlines() if line.strip().startswith("Example:")]
    assert len(examples) == 1
    assert examples[0].split()[:3] == ["Example:", "trasluz", name]


def test_the_version_is_that_of_the_package(trasluz: Command) -> None:
    done = trasluz("--version")
    assert (done.returncode, done.stdout) == (0, f"trasluz {version('trasluz')}\n")


def test_wrong_use_is_2(trasluz: Command) -> None:
    for arguments in (
        ["tranlsate"],
        ["train"],
        ["train", "x.tsv"],
        ["info", "--nothing"],
        ["info", "a", "b"],
    ):
        done = trasluz(*arguments)
        assert done.returncode == 2, arguments
        assert "Usage:" in done.stderr
        assert "Traceback" not in done.stderr


def test_without_a_command_there_is_help(trasluz: Command) -> None:
    done = trasluz()
    assert "Usage:" in done.stdout + done.stderr
    assert all(name in done.stdout + done.stderr for name in NAMES)


def test_every_command_says_of_a_model_what_it_may_be(trasluz: Command) -> None:
    for name in sorted({*NAMES} - {"train", "demo"}):
        said = " ".join(trasluz(name, "--help").stdout.replace("│", " ").split())
        assert "Trasluz's own, or a checkpoint (T5, mBART, Marian, Pegasus, " in said, name


@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        (OSError(28, "No space left on device", "/data/model"), "/data/model: No space left on device"),
        (OSError("the network is down"), "the system: the network is down"),
        (MemoryError(), "there is not enough memory; "),
        (RuntimeError("a wheel came off"), "something went wrong inside Trasluz (RuntimeError: a wheel came"),
    ],
)
def test_whatever_goes_wrong_is_one_sentence(
    trasluz: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: Exception, sentence: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise trouble

    monkeypatch.setattr("trasluz.models.load.read_manifest", fail)
    done = trasluz("info", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {sentence}")
    assert len(done.stderr.splitlines()) == 1


def test_whoever_looks_for_the_cause_can_have_the_traceback(
    trasluz: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SHOW_TRACEBACK, "1")
    with pytest.raises(ValueError, match="there is no such model directory"):
        trasluz("info", tmp_path / "nowhere")


@pytest.mark.parametrize("asked", [False, True])
def test_whoever_stops_a_run_made_no_mistake(
    trasluz: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: bool
) -> None:
    from trasluz.training.loop import Stopped

    def stop(*_: object, **__: object) -> None:
        raise Stopped("stopped; the same command goes on from the checkpoint in models/mine")

    if asked:
        monkeypatch.setenv(SHOW_TRACEBACK, "1")
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("the cat\tel gato\nthe dog\tel perro\n")
    monkeypatch.setattr("trasluz.training.run.train", stop)
    for command in (("train", pairs, "--out", tmp_path / "model"), ("demo", "--out", tmp_path / "demo")):
        done = trasluz(*command)
        assert done.returncode == 1
        assert done.stderr == "stopped; the same command goes on from the checkpoint in models/mine\n"


def test_ctrl_c_is_130_without_a_word(
    trasluz: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("trasluz.cli.translate.open_any", interrupt)
    done = trasluz("translate", tmp_path, "--text", "the cat")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


INTERRUPTED = """
import runpy, signal, sys

class Interruption:
    moment = sys.argv.pop(1)

    @classmethod
    def find_spec(cls, name, *_):
        if name == cls.moment:
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Interruption)
runpy.run_module("trasluz", run_name="__main__")
"""
"""The command, and Ctrl-C as soon as a module is looked for."""


@pytest.mark.parametrize(
    "moment",
    ["typer", "trasluz.cli.translate", "torch", "numpy.exceptions", "numpy.dtypes", "trasluz.models.build"],
)
def test_ctrl_c_is_130_without_a_word_while_libraries_are_still_imported(moment: str, trained: Path) -> None:
    """Torch's C code imports numpy, and numpy's C code parts of it: what is raised there may be swallowed."""
    words = [sys.executable, "-c", INTERRUPTED, moment, "translate", trained, "--text", "the cat"]
    done = subprocess.run(list(map(str, words)), capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def as_a_process(*arguments: object, stdin: bytes = b"") -> CompletedProcess[bytes]:
    words = [sys.executable, "-m", "trasluz", *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(words, input=stdin, capture_output=True, check=False, env=environment)


def test_python_m_trasluz_is_the_command(trained: Path) -> None:
    done = as_a_process("translate", trained, "--beam", 1, stdin=b"the cat\n")
    assert done.returncode in (0, 3)
    assert done.stdout.count(b"\n") == 1


def test_where_nobody_reads_the_output_it_ends_without_a_word(trained: Path) -> None:
    words = [sys.executable, "-m", "trasluz", "info", str(trained)]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_mistake_reaches_the_shell_as_1_and_one_sentence(tmp_path: Path) -> None:
    done = as_a_process("info", tmp_path / "nowhere")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"error: ")
    assert done.stderr.count(b"\n") == 1
