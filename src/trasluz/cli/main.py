"""The command line: one file per command, one place where a mistake becomes one sentence.

Exit codes: 0 done, 1 failed (or stopped after saving), 2 wrong use, 3 done but some text has a bad verdict,
130 interrupted. Typer itself ends with 130 on Ctrl-C, and quietly with 1 where nobody reads the output.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer

from trasluz.cli.ablate import ablate
from trasluz.cli.align import align
from trasluz.cli.attend import attend
from trasluz.cli.demo import demo
from trasluz.cli.embeddings import embeddings
from trasluz.cli.evaluate import evaluate
from trasluz.cli.export import export
from trasluz.cli.generate import generate
from trasluz.cli.info import info
from trasluz.cli.score import score
from trasluz.cli.study import study
from trasluz.cli.train import train
from trasluz.cli.translate import translate
from trasluz.errors import TrasluzError

SHOW_TRACEBACK = "TRASLUZ_TRACEBACK"

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    train,
    translate,
    evaluate,
    attend,
    align,
    ablate,
    embeddings,
    generate,
    score,
    export,
    info,
    demo,
):
    app.command()(command)
app.add_typer(study, name="study")


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"trasluz {version('trasluz')}")
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Say which version this is."),
    ] = False,
) -> None:
    """Train your own translator from your own sentence pairs, and see every attention weight it used."""


def run() -> None:
    """The command `trasluz`: no traceback reaches the user, unless the environment asks for one."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app()
    except Exception as error:
        if _was_stopped(error):
            _end(str(error))
        if os.environ.get(SHOW_TRACEBACK):
            raise
        _end(f"error: {_sentence(error)}")


def _terminate(number: int, frame: object) -> NoReturn:
    """End as by an error, so that what was begun is cleared away."""
    sys.exit(128 + number)


def _was_stopped(error: Exception) -> bool:
    """Whether it is no mistake, but a run that somebody stopped; asked without importing torch for it."""
    loop = sys.modules.get("trasluz.training.loop")
    return loop is not None and isinstance(error, loop.Stopped)


def _sentence(error: Exception) -> str:
    """What went wrong, for a person."""
    if isinstance(error, TrasluzError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'the system'}: {error.strerror or error}"
    if isinstance(error, MemoryError) or _is_out_of_memory(error):
        return (
            "there is not enough memory; give less at once, such as a shorter text, smaller batches "
            "(batch.tokens=512) or a smaller preset"
        )
    return (
        f"something went wrong inside Trasluz ({type(error).__name__}: {error}); "
        f"set {SHOW_TRACEBACK}=1 and run it again to see where, and please report it"
    )


def _is_out_of_memory(error: Exception) -> bool:
    """Whether torch had no room, which on a CPU is a plain `RuntimeError`."""
    said = str(error)
    return isinstance(error, RuntimeError) and ("can't allocate memory" in said or "out of memory" in said)


def _end(sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr)  # noqa: T201
    sys.exit(1)
