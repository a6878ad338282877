"""The commands of Trasluz gathered: one file for each, and one `--help`."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

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
