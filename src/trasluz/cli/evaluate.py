"""The command `trasluz evaluate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from trasluz.cli.model import Model, SourceLanguage, TargetLanguage, open_translator
from trasluz.cli.train import column_numbers
from trasluz.cli.translate import BAD_VERDICT


def evaluate(
    model: Model,
    files: Annotated[
        list[Path], typer.Argument(help="Test pairs: one file, or source and reference.", show_default=False)
    ],
    beam: Annotated[int, typer.Option(help="Hypotheses kept in the search; 1 is greedy.")] = 5,
    length_penalty: Annotated[float, typer.Option(help="Above 1 favours longer translations.")] = 1.0,
    columns: Annotated[str, typer.Option(help="Columns of source and reference in a TSV.")] = "1,2",
    output: Annotated[Path | None, typer.Option(help="Write the translations here, a line each.")] = None,
    source_language: SourceLanguage = None,
    target_language: TargetLanguage = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Score a model on test pairs: BLEU, chrF and TER, each with its sacreBLEU signature.

    Pairs of the same source are one sentence with several references. The exit code is 3 where some sentence
    could not be translated well; how many, and why, stands with the figures.

    Example:  trasluz evaluate models/eng-spa test.tsv
    """
    from trasluz.corpus.read import read_pairs
    from trasluz.evaluation.metrics import evaluate as score

    pairs = read_pairs(files, columns=column_numbers(columns))
    translator = open_translator(model, source_language, target_language)
    evaluation = score(translator, pairs, beam=beam, length_penalty=length_penalty)
    if as_json:
        typer.echo(json.dumps(evaluation.to_json(), indent=2, ensure_ascii=False))
    else:
        typer.echo(evaluation.describe())
    if output is not None:  # last, so that no bad path can lose the figures
        text = "".join(f"{translation.text}\n" for translation in evaluation.translations)
        output.write_text(text, encoding="utf-8")
    if any(translation.verdict != "complete" for translation in evaluation.translations):
        raise typer.Exit(BAD_VERDICT)
