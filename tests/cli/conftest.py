"""The command line as a test calls it: arguments in, exit code and both outputs back; and a trained model."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from trasluz.cli.main import run
from trasluz.corpus.read import Pair

SETTINGS = (
    "model.width=12",
    "model.encoder={layers: 1, attention: {heads: 3}, feedforward: {hidden: 17}}",
    "model.decoder={layers: 1, attention: {heads: 3}, feedforward: {hidden: 17}}",
    "tokenizer.vocabulary=311",
    "batch.tokens=211",
    "optimizer.warmup=3",
)
Command = Callable[..., CompletedProcess[str]]


def call(*arguments: object, stdin: bytes = b"") -> CompletedProcess[str]:
    """The command `trasluz` with these arguments, in this process."""
    words = ["trasluz", *map(str, arguments)]
    out, err = io.StringIO(), io.StringIO()
    code: int | str | None = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", words)
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                run()
            except SystemExit as end:
                code = end.code
    assert code is None or isinstance(code, int), "an exit code is a number"
    return CompletedProcess(words, code or 0, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def trasluz() -> Command:
    """The command line."""
    return call


@pytest.fixture(scope="session")
def refusal() -> Callable[..., str]:
    """What follows "error: " where a command fails with one sentence and no traceback."""

    def sentence(*arguments: object, stdin: bytes = b"") -> str:
        done = call(*arguments, stdin=stdin)
        *before, last = done.stderr.splitlines()
        assert done.returncode == 1, done.stderr
        assert last.startswith("error: "), done.stderr
        assert not any(line.startswith("error: ") for line in before), "one sentence"
        assert "Traceback" not in done.stderr
        assert "something went wrong inside" not in done.stderr
        return last.removeprefix("error: ")

    return sentence


@pytest.fixture(scope="session")
def pairs_file(pairs: list[Pair], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The made-up pairs as a TSV."""
    path = tmp_path_factory.mktemp("corpus") / "pairs.tsv"
    path.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in pairs), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def small_settings() -> tuple[str, ...]:
    """Words of a command line that make a run small."""
    return SETTINGS


@pytest.fixture(scope="session")
def trained(pairs_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that `trasluz train` left after five steps; nobody may change it."""
    out = tmp_path_factory.mktemp("models") / "eng-spa"
    done = call("train", pairs_file, *SETTINGS, "--out", out, "--steps", 5)
    assert done.returncode == 0, done.stderr
    return out
