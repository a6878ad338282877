"""The command `trasluz study`: several models side by side, in one table."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trasluz.cli.model import SourceLanguage, TargetLanguage
from trasluz.cli.train import column_numbers, flags, is_setting, read_yaml, seed_of, settings_of
from trasluz.errors import TrasluzError

if TYPE_CHECKING:
    from rich.console import Console

    from trasluz.evaluation.table import Table
    from trasluz.insight.pharaoh import Aligned as AlignedPairs
    from trasluz.training.study import Parts, Study

WIDTH_ELSEWHERE = 200

study = typer.Typer(
    no_args_is_help=True,
    help="Train models that differ in one choice under one budget, or score several; leave one table.",
)

Arguments = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[PAIRS | SOURCE TARGET]  [KEY.PATH=VALUE ...]",
        help="One file of pairs (.tsv or .jsonl), or two line-aligned files (any of them .gz); "
        "then any setting for all models, such as model.width=128.",
        show_default=False,
    ),
]
Out = Annotated[Path, typer.Option(help="Directory of the study; one that stands there goes on.")]
Starter = Annotated[
    int | None, typer.Option(min=1, help="In place of files: so many pairs of the bundled corpus.")
]
Architectures = Annotated[
    list[str] | None,
    typer.Option("--arch", help="transformer (the default), recurrent, decoder-only; several by commas."),
]
Time = Annotated[str | None, typer.Option(help="Budget of time for each model, such as 15m, 2h or 90s.")]
Steps = Annotated[int | None, typer.Option(min=1, help="Budget of updates for each model.")]
Preset = Annotated[str, typer.Option(help="auto, tiny, small, base or big.")]
Valid = Annotated[
    list[Path] | None,
    typer.Option(help="Pairs to validate on (twice for two files); otherwise some are held out."),
]
Test = Annotated[
    list[Path] | None,
    typer.Option(help="Pairs to test on (twice for two files); otherwise some are held out."),
]
Aligned = Annotated[
    list[Path] | None,
    typer.Option(help="Pairs whose words people aligned (twice for two files), for --gold."),
]
Gold = Annotated[
    Path | None,
    typer.Option(help="Their alignments, a line for each pair: 0-0 is sure, 1?2 possible."),
]
Columns = Annotated[str, typer.Option(help="Columns of source and target in a TSV.")]
Config = Annotated[Path | None, typer.Option(help="YAML file of settings, laid over the preset.")]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of splits, weights, order and dropout.")]


@study.command()
def scores(
    out: Out,
    arguments: Arguments = None,
    starter: Starter = None,
    arch: Architectures = None,
    score: Annotated[
        list[str] | None,
        typer.Option(help="Scores to compare, by commas; all five (and none, if recurrent) otherwise."),
    ] = None,
    time: Time = None,
    steps: Steps = None,
    preset: Preset = "auto",
    valid: Valid = None,
    test: Test = None,
    aligned: Aligned = None,
    gold: Gold = None,
    columns: Columns = "1,2",
    config: Config = None,
    seed: Seed = None,
) -> None:
    """Compare the similarity scores of attention: the same model under each of them.

    Each model is trained in a process of its own. Ctrl-C saves; the same command goes on where it was, and
    trains nothing twice.

    Example:  trasluz study scores pairs.tsv --out studies/scores --time 10m
    """
    from trasluz.training.study import score_study

    changes = _changes(arguments or [], config=config, time=time, steps=steps, seed=seed, starter=starter)
    parts = _parts(arguments or [], starter=starter, valid=valid, test=test, columns=columns, changes=changes)
    asked = score_study(
        parts,
        architectures=_several(arch) or ["transformer"],
        scores=_several(score),
        preset=preset,
        changes=changes,
        command=_command(),
        aligned=_aligned(aligned or (), gold, columns=columns),
    )
    _conduct(asked, out=out)


@study.command()
def positions(
    out: Out,
    arguments: Arguments = None,
    starter: Starter = None,
    arch: Annotated[
        list[str] | None,
        typer.Option("--arch", help="transformer (the default), decoder-only; several by commas."),
    ] = None,
    position: Annotated[
        list[str] | None,
        typer.Option(help="Positions to compare, by commas; all of them otherwise."),
    ] = None,
    longest_words: Annotated[
        int | None,
        typer.Option(min=1, help="Most words of a training source; a tenth has more, if left out."),
    ] = None,
    time: Time = None,
    steps: Steps = None,
    preset: Preset = "auto",
    valid: Valid = None,
    test: Test = None,
    aligned: Aligned = None,
    gold: Gold = None,
    columns: Columns = "1,2",
    config: Config = None,
    seed: Seed = None,
) -> None:
    """Compare the ways to say where a word stands, also on sentences longer than any of training.

    Each model is trained in a process of its own. Ctrl-C saves; the same command goes on where it was, and
    trains nothing twice.

    Example:  trasluz study positions pairs.tsv --out studies/positions --time 10m
    """
    from trasluz.training.study import position_study

    changes = _changes(arguments or [], config=config, time=time, steps=steps, seed=seed, starter=starter)
    parts = _parts(arguments or [], starter=starter, valid=valid, test=test, columns=columns, changes=changes)
    asked = position_study(
        parts,
        architectures=_several(arch) or ["transformer"],
        positions=_several(position),
        longest_words=longest_words,
        preset=preset,
        changes=changes,
        command=_command(),
        aligned=_aligned(aligned or (), gold, columns=columns),
    )
    _conduct(asked, out=out)


@study.command()
def lengths(
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL ... TEST", help="Model directories, then a file of test pairs.", show_default=False
        ),
    ],
    out: Out,
    beam: Annotated[int, typer.Option(help="Hypotheses kept in the search; 1 is greedy.")] = 5,
    limits: Annotated[str, typer.Option(help="Most words of each part but the last.")] = "4,8,12,16,20",
    columns: Columns = "1,2",
    source_language: SourceLanguage = None,
    target_language: TargetLanguage = None,
) -> None:
    """Score models by the length of the source: BLEU of short sentences, of longer ones, and so on.

    Example:  trasluz study lengths models/lstm models/attention test.tsv --out studies/lengths
    """
    from trasluz.corpus.read import read_pairs
    from trasluz.training.lengths import score_lengths

    *models, test = map(Path, arguments)
    if not models:
        raise TrasluzError(f"only {test} is given; give one or more model directories, then a file of pairs")
    pairs = read_pairs([test], columns=column_numbers(columns))
    table = score_lengths(
        models,
        pairs,
        out=out,
        beam=beam,
        limits=numbers(limits),
        command=_command(),
        say=_say,
        source_language=source_language,
        target_language=target_language,
    )
    _show(table, out=out)


def numbers(text: str) -> list[int]:
    """The numbers in a text such as 4,8,12.

    Raises `TrasluzError` for any other text.
    """
    words = text.split(",")
    if not all(re.fullmatch(r"\s*\d{1,9}\s*", word, re.ASCII) for word in words):
        raise TrasluzError(f"{text!r} are no numbers of words; write them as 4,8,12")
    return [int(word) for word in words]


def _several(given: Sequence[str] | None) -> list[str]:
    """What an option was given, several times or with commas between."""
    return [word.strip() for text in given or () for word in text.split(",") if word.strip()]


def _changes(
    arguments: Sequence[str],
    *,
    config: Path | None,
    time: str | None,
    steps: int | None,
    seed: int | None,
    starter: int | None,
) -> dict[str, Any]:
    """The settings that all models share, the last word being that of the command line."""
    from trasluz.training.settings import merge

    languages = {} if starter is None else {"source_language": "en", "target_language": "es"}
    changes: dict[str, Any] = merge(languages, {} if config is None else read_yaml(config))
    for more in (flags(time=time, steps=steps, score=None, seed=seed), settings_of(arguments)):
        changes = merge(changes, more)
    return changes


def _parts(
    arguments: Sequence[str],
    *,
    starter: int | None,
    valid: Sequence[Path] | None,
    test: Sequence[Path] | None,
    columns: str,
    changes: Mapping[str, Any],
) -> Parts:
    """The pairs of a study, from files or from the bundled corpus."""
    from trasluz.training.study import comparable, read_parts, starter_parts

    comparable(changes)  # before anything long
    paths = [Path(word) for word in arguments if not is_setting(word)]
    seed = seed_of(changes)
    if starter is None and not paths:
        raise TrasluzError(
            "no pairs are given; give a file of pairs, two line-aligned files, or --starter 20000 for the "
            "bundled corpus"
        )
    if starter is None:
        return read_parts(
            paths, valid=valid or (), test=test or (), columns=column_numbers(columns), seed=seed
        )
    if paths or valid or test:
        raise TrasluzError(
            "--starter brings pairs of its own to learn from, to validate and to test on; leave it out, or "
            "the files"
        )
    return starter_parts(starter, seed=seed)


def _aligned(pairs: Sequence[Path], gold: Path | None, *, columns: str) -> AlignedPairs | None:
    """The pairs that are given with gold alignments, if any are."""
    from trasluz.corpus.read import read_pairs
    from trasluz.insight.pharaoh import Aligned, read_gold

    if not pairs and gold is None:
        return None
    if not pairs or gold is None:
        raise TrasluzError(
            "--aligned gives pairs and --gold the alignments of their words; give both, or neither"
        )
    read = read_pairs(pairs, columns=column_numbers(columns), every=True)
    return Aligned(read, read_gold(gold, read))


def _conduct(asked: Study, *, out: Path) -> None:
    """Run a study and show its table."""
    from trasluz.training.loop import Stopped
    from trasluz.training.report import table_of
    from trasluz.training.series import conduct

    try:
        rows = conduct(asked, out=out, say=_say)
    except Stopped:
        raise Stopped(f"stopped; the same command goes on from what is in {out}") from None
    _show(table_of(asked, rows), out=out)


def _show(table: Table, *, out: Path) -> None:
    from rich.console import Console
    from rich.measure import Measurement
    from rich.table import Table as Frame

    console = Console(markup=False, emoji=False, highlight=False)  # names and figures as they are
    if not console.is_terminal:
        console.width = WIDTH_ELSEWHERE
    frame = Frame()
    for at, heading in enumerate(table.headings):
        frame.add_column(heading, justify="left" if at < table.texts else "right")
    for row in table.rows:
        frame.add_row(*row)
    if Measurement.get(console, console.options, frame).maximum <= console.width:
        console.print(frame)
    else:
        _show_apart(table, console)
    _say(f"all figures are in {out / 'study.json'}, the table for a page in {out / 'study.md'}")


def _show_apart(table: Table, console: Console) -> None:
    """The rows of a table one below another, for a terminal that is too narrow for it."""
    from rich.table import Table as Frame

    for row in table.rows:
        frame = Frame(title=" ".join(row[: table.texts]), title_justify="left", show_header=False, box=None)
        for heading, cell in zip(table.headings[table.texts :], row[table.texts :], strict=True):
            frame.add_row(heading, cell)
        console.print(frame)


def _say(sentence: str) -> None:
    typer.echo(sentence, err=True)


def _command() -> str:
    """What was typed."""
    return shlex.join(["trasluz", *sys.argv[1:]])
