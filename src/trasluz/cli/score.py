"""The command `trasluz score`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from trasluz.cli.model import Model, open_model


def score(
    model: Model,
    text: Annotated[str, typer.Argument(help="The text to score.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say how likely a language model finds each token of a text: natural logarithms of probabilities.

    The first token of a model whose texts begin with nothing has none.

    Example:  trasluz score models/stories "Once upon a time"
    """
    from trasluz.decoding.generator import check_generates, generator_of

    loaded = open_model(model)
    check_generates(loaded.manifest, model)
    scored = generator_of(loaded).score(text)
    if as_json:
        typer.echo(json.dumps(asdict(scored), ensure_ascii=False))
        return
    for token in scored.tokens:
        shown = "" if token.log_probability is None else f"{token.log_probability:.4f}"
        typer.echo(f"{shown:>10}  {token.piece}")
    typer.echo(f"{scored.log_probability:10.4f}  all {len(scored.tokens)} tokens")
