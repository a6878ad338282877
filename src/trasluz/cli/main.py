"""The command line: one file per command, one place where a mistake becomes one sentence.

Exit codes: 0 done, 1 failed, 2 wrong use, 3 done but some text has a bad verdict.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from trasluz.cli.ablate import ablate
from trasluz.cli.align import align
from trasluz.cli.attend import attend
from trasluz.cli.demo import demo
from trasluz.cli.embeddings import embeddings
from trasluz.cli.evaluate import evaluate
from trasluz.cli.generate import generate
from trasluz.cli.info import info
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
    if os.environ.get(SHOW_TRACEBACK):
        app()
    try:
        app()
    except TrasluzError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        _fail("stopped")
    except BrokenPipeError:
        sys.stdout = None  # whoever read it has gone; there is nobody to tell
        sys.exit(1)
    except OSError as error:
        _fail(f"{error.filename or 'the system'}: {error.strerror or error}")
    except MemoryError:
        _fail("there is not enough memory; give smaller batches (batch.tokens=512) or a smaller preset")
    except Exception as error:
        _fail(
            f"something went wrong inside Trasluz ({type(error).__name__}: {error}); "
            f"set {SHOW_TRACEBACK}=1 and run it again to see where, and please report it"
        )


def _fail(sentence: str) -> None:
    print(f"error: {sentence}", file=sys.stderr)  # noqa: T201
    sys.exit(1)
