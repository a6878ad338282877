"""The command `trasluz ablate`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trasluz.cli.model import Model, SourceLanguage, TargetLanguage, open_translator
from trasluz.cli.train import column_numbers

if TYPE_CHECKING:
    from trasluz.insight.ablate import Effect


def ablate(
    model: Model,
    files: Annotated[
        list[Path], typer.Argument(help="Test pairs: one file, or source and reference.", show_default=False)
    ],
    heads: Annotated[
        str | None,
        typer.Option(help="Switch these off together, such as cross:1.3,decoder:2.1; otherwise each alone."),
    ] = None,
    bleu: Annotated[bool, typer.Option("--bleu", help="Also translate the pairs each time (slow).")] = False,
    text: Annotated[str | None, typer.Option("--text", "-t", help="Also translate this text.")] = None,
    columns: Annotated[str, typer.Option(help="Columns of source and reference in a TSV.")] = "1,2",
    source_language: SourceLanguage = None,
    target_language: TargetLanguage = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Switch heads off and see which of them matter: what becomes of the loss, of BLEU, of a sentence.

    A head is named by its kind (encoder, decoder or cross), its layer and its number, both counted from 1 as
    on the page of `trasluz attend`. The head whose absence costs most stands first.

    Example:  trasluz ablate models/eng-spa test.tsv --heads cross:1.3,decoder:2.1
    """
    from trasluz.corpus.read import read_pairs
    from trasluz.insight.ablate import ablate as switch_off
    from trasluz.insight.ablate import parse_heads
    from trasluz.insight.record import model_of

    pairs = read_pairs(files, columns=column_numbers(columns))
    translator = open_translator(model, source_language, target_language)
    groups = None if heads is None else [parse_heads(heads, model_of(translator))]
    whole, *effects = switch_off(translator, pairs, groups=groups, bleu=bleu, text=text)
    ranked = sorted(effects, key=lambda effect: -effect.loss)
    if as_json:
        told = {"whole": to_json(whole), "without": [to_json(effect) for effect in ranked]}
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    for line in table(whole, ranked):
        typer.echo(line)


def to_json(effect: Effect) -> dict[str, Any]:
    """An effect as plain values."""
    return {
        "heads": [str(head) for head in effect.heads],
        "loss": effect.loss,
        "bleu": effect.bleu,
        "text": effect.text,
    }


def table(whole: Effect, effects: Sequence[Effect]) -> list[str]:
    """The effects as lines: what is switched off, the loss and its change, BLEU and its change, the text."""
    names = [",".join(map(str, effect.heads)) for effect in effects]
    width = max(map(len, ["switched off", *names]))
    title = f"{'switched off':<{width}}     loss   change"
    title += "" if whole.bleu is None else "    BLEU   change"
    lines = [title + ("" if whole.text is None else "  text")]
    for name, effect in zip(["nothing", *names], [whole, *effects], strict=True):
        line = f"{name:<{width}} {effect.loss:8.4f} {effect.loss - whole.loss:+8.4f}"
        if effect.bleu is not None and whole.bleu is not None:
            line += f" {effect.bleu:7.2f} {effect.bleu - whole.bleu:+8.2f}"
        lines.append(line if effect.text is None else f"{line}  {effect.text}")
    return lines
