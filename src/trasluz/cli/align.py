"""The command `trasluz align`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from trasluz.cli.model import Model, SourceLanguage, TargetLanguage, open_translator
from trasluz.cli.train import column_numbers


def align(
    model: Model,
    files: Annotated[
        list[Path], typer.Argument(help="Pairs: one file, or source and target.", show_default=False)
    ],
    gold: Annotated[
        Path | None,
        typer.Option(help="Alignments made by people, a line for each pair: 0-0 is sure, 1?2 possible."),
    ] = None,
    layer: Annotated[
        int | None, typer.Option(help="The layer, counted from 1; chosen, if not given.")
    ] = None,
    head: Annotated[int | None, typer.Option(help="The head, counted from 1; chosen, if not given.")] = None,
    rows: Annotated[
        str | None,
        typer.Option(help="predicting: the row that predicts a word; reading: the one computed from it."),
    ] = None,
    columns: Annotated[str, typer.Option(help="Columns of source and target in a TSV.")] = "1,2",
    source_language: SourceLanguage = None,
    target_language: TargetLanguage = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say which words of each pair belong together, read off attention, in Pharaoh format.

    A line has the links of a pair, such as 0-0 1-2: source word and target word, those that stand between
    spaces, counted from 0. Which head they are read off is chosen by a measure and said on standard error:
    by the lowest alignment error rate (AER) where --gold is given, otherwise by how well the linked words go
    together in all pairs (their Dice coefficient).

    Example:  trasluz align models/eng-spa pairs.tsv --gold gold.txt
    """
    from trasluz.corpus.read import read_pairs
    from trasluz.insight.align import align as links_of
    from trasluz.insight.align import choose
    from trasluz.insight.pharaoh import error_rate, read_gold, to_pharaoh

    pairs = read_pairs(files, columns=column_numbers(columns), every=True)
    golden = None if gold is None else read_gold(gold, pairs)
    translator = open_translator(model, source_language, target_language)
    choice = choose(translator, pairs, gold=golden, layer=layer, head=head, rows=rows)
    typer.echo(choice.describe(), err=True)
    found = []
    for links in links_of(translator, pairs, choice):
        found.append(links)
        if not as_json:
            typer.echo(to_pharaoh(links))
    if as_json:
        told = {
            "choice": asdict(choice),
            "aer": None if golden is None else error_rate(found, golden),
            "alignments": [sorted(links) for links in found],
        }
        typer.echo(json.dumps(told))
    elif golden is not None:
        typer.echo(f"AER {error_rate(found, golden):.4f}", err=True)
