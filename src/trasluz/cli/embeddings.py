"""The command `trasluz embeddings`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from trasluz.cli.model import Model, SourceLanguage, TargetLanguage, open_any
from trasluz.errors import TrasluzError


def embeddings(
    model: Model,
    words: Annotated[
        list[str] | None, typer.Argument(help="Words to find the neighbours of.", show_default=False)
    ] = None,
    side: Annotated[str, typer.Option(help="Whose table: source or target.")] = "source",
    most: Annotated[int, typer.Option(help="Neighbours of each word.")] = 10,
    picture: Annotated[
        Path | None,
        typer.Option("--map", help="Draw the most frequent pieces and the words (.png, .svg or .pdf)."),
    ] = None,
    pieces: Annotated[int, typer.Option(help="Pieces on the map.")] = 300,
    positions: Annotated[
        Path | None, typer.Option(help="Draw how the places of tokens are told apart (.png, .svg or .pdf).")
    ] = None,
    source_language: SourceLanguage = None,
    target_language: TargetLanguage = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look at the table of embeddings: the neighbours of words, a map, and the code of positions.

    Neighbours are the pieces whose vectors have the largest cosine with that of the word. A map shows the two
    directions in which the vectors differ most. A checkpoint that wants to be told languages may be told any
    two of its own: the table is one for all of them.

    Example:  trasluz embeddings models/eng-spa house dog --map map.png
    """
    from trasluz.insight.embeddings import embedding_of, map_of, neighbors
    from trasluz.insight.plot import save_map
    from trasluz.insight.positions import save_positions

    asked = words or []
    if not asked and picture is None and positions is None:
        raise TrasluzError("nothing is asked for; give words, or --map or --positions with a file to write")
    seen, _ = open_any(model, source_language, target_language)
    found = {word: neighbors(seen, word, side=side, most=most) for word in asked}
    if picture is not None:
        drawn = map_of(seen, side=side, most=pieces, words=tuple(asked))
        marked = range(len(drawn.names) - len(asked), len(drawn.names))
        share = sum(drawn.explained)
        title = f"embeddings of the {side}: two directions with {share:.0%} of all variance"
        save_map(drawn.points, picture, names=drawn.names, marked=marked, title=title)
        typer.echo(f"the map is in {picture}", err=True)
    if positions is not None:
        save_positions(embedding_of(seen, side=side).position, positions)
        typer.echo(f"the positions are in {positions}", err=True)
    if as_json:
        told = {word: [list(one) for one in near] for word, near in found.items()}
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    for word, near in found.items():
        typer.echo(f"{word}: " + ", ".join(f"{one.piece} {one.cosine:.2f}" for one in near))
