"""The command `trasluz demo`: the whole of Trasluz on the corpus that comes with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trasluz.errors import TrasluzError

if TYPE_CHECKING:
    from rich.console import Console

    from trasluz.decoding.translator import Translator

PAIRS, HELD_OUT = 20_000, 500
SENTENCES = 5
LOOK_AT = "The girl does not read the old letters."


def demo(
    out: Annotated[Path, typer.Option(help="Directory of the model.")] = Path("demo"),
    time: Annotated[str, typer.Option(help="Budget of time for training.")] = "3m30s",
) -> None:
    """Train a translator on the bundled corpus, score it, translate, and look at one attention.

    The corpus is made by a grammar; what is scored are combinations of words that training never met.

    Example:  trasluz demo --out models/demo
    """
    from rich.console import Console

    from trasluz.cli.train import duration
    from trasluz.corpus.starter import starter_split
    from trasluz.decoding.translator import load
    from trasluz.evaluation.metrics import evaluate
    from trasluz.training.run import Corpus, train

    console = Console()
    training, validation, test = starter_split(PAIRS, held_out=HELD_OUT)
    console.print(f"[bold]1. Train[/] on {len(training)} sentence pairs, English to Spanish")
    languages = {"source_language": "en", "target_language": "es"}
    changes = {"budget": {"seconds": duration(time)}, **languages}
    train(Corpus(training, validation), out=out, changes=changes)
    translator = load(out)
    console.print(f"\n[bold]2. Score[/] {len(test)} sentences whose combinations of words were never met")
    typer.echo(evaluate(translator, test).describe())
    console.print("\n[bold]3. Translate[/]")
    for pair in test[:SENTENCES]:
        typer.echo(f"   {pair.source}\n   -> {translator.translate(pair.source).text}")
    console.print("\n[bold]4. Look[/] at the attention from the Spanish (rows) to the English (columns)")
    _show_attention(translator, out / "attention.png", console)
    console.print("\n[bold]Now you[/]")
    _say_what_next(out)


def _show_attention(translator: Translator, picture: Path, console: Console) -> None:
    """Print and draw the cross-attention of the last layer, the mean of its heads; and make the page.

    What was learnt and scored until here does not depend on a picture: where there can be none, it is said.
    """
    from trasluz.insight.attention import attend
    from trasluz.insight.matrix import matrix_of
    from trasluz.insight.plot import print_weights

    attention = attend(translator, LOOK_AT)
    matrix = matrix_of(attention.exhibit)
    print_weights(matrix.weights, rows=matrix.rows, columns=matrix.columns, console=console)
    try:
        attention.save(picture)
        typer.echo(f"   the same as a picture: {picture}")
    except TrasluzError as error:
        typer.echo(f"   there is no picture: {error}")
    page = picture.with_suffix(".html")
    attention.save(page)
    typer.echo(f"   every head of every layer, in a browser: {page}")


def _say_what_next(out: Path) -> None:
    for line in (
        f'trasluz translate {out} --text "The boys are tired."',
        f'trasluz attend {out} "The boys are tired." -o tired.html',
        f"trasluz info {out}",
        "trasluz train YOUR_PAIRS.tsv --out models/mine --time 15m",
    ):
        typer.echo(f"   {line}")
