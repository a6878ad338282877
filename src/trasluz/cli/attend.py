"""The command `trasluz attend`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from trasluz.cli.model import Model, SourceLanguage, TargetLanguage, open_any


def attend(
    model: Model,
    text: Annotated[
        str,
        typer.Argument(help="A text to translate, or the prompt of a language model.", show_default=False),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="Write here: .html is a page with every weight, .json the data of it, "
            ".png, .svg and .pdf a picture of one matrix.",
        ),
    ],
    target: Annotated[
        str | None, typer.Option(help="See this translation instead of the one that the model finds.")
    ] = None,
    kind: Annotated[str | None, typer.Option(help="Of a picture: cross, encoder or decoder.")] = None,
    layer: Annotated[
        int | None, typer.Option(help="Of a picture: the layer, counted from 1; the last, if not given.")
    ] = None,
    head: Annotated[
        int | None, typer.Option(help="Of a picture: the head, counted from 1; the mean, if not given.")
    ] = None,
    beam: Annotated[int, typer.Option(help="Hypotheses kept in the search; 1 is greedy.")] = 5,
    source_language: SourceLanguage = None,
    target_language: TargetLanguage = None,
    most: Annotated[
        int,
        typer.Option(
            "--max-tokens", min=0, help="The most tokens a language model writes; 0 looks at the text alone."
        ),
    ] = 50,
) -> None:
    """Show every attention weight behind a translation, or behind what a language model writes.

    The page is one file that needs no network. A translation that is cut, loops, or is odd in another way is
    named on standard error.

    Example:  trasluz attend models/eng-spa "She is reading a book." -o page.html
    """
    from trasluz.insight.attention import Attention
    from trasluz.insight.attention import attend as look

    seen, manifest = open_any(model, source_language, target_language)
    attention = look(seen, text, target=target, beam=beam, most=most)
    languages = (manifest.source_language or "", manifest.target_language or "")
    exhibit = replace(attention.exhibit, model=model.resolve().name, languages=languages)
    Attention(exhibit).save(output, kind=kind, layer=layer, head=head)
    if exhibit.verdict not in (None, "complete"):
        typer.echo(f"the translation that is shown: {exhibit.verdict}", err=True)
    typer.echo(f"the attention is in {output}", err=True)
