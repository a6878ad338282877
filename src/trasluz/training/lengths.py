"""How trained models do by the length of the source: the study that trains nothing.

Knows no model from within; every figure comes from `trasluz.evaluation`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from trasluz.corpus.read import Pair
from trasluz.decoding.beam import check_beam
from trasluz.decoding.translator import check_translates, load
from trasluz.errors import TrasluzError
from trasluz.evaluation.length import Part, by_length, check_limits
from trasluz.evaluation.metrics import Evaluation, evaluate
from trasluz.evaluation.table import Table
from trasluz.insight.chart import Line, Panel, save_chart
from trasluz.models.directory import write_json, write_whole
from trasluz.models.load import read_manifest
from trasluz.training.keeper import versions
from trasluz.training.material import fingerprint
from trasluz.training.report import PAGE, REPORT, check_out, machine, machine_words, signatures
from trasluz.training.run import best_device

KIND, PICTURE = "lengths", "lengths.png"
ALL = "all"


@dataclass(frozen=True, slots=True)
class Scored:
    """A model, its evaluation on all test pairs, and that of their parts."""

    name: str
    directory: Path
    evaluation: Evaluation
    parts: Sequence[Part]


def score_lengths(
    models: Sequence[Path],
    pairs: Sequence[Pair],
    *,
    out: Path,
    limits: Sequence[int],
    beam: int,
    command: str,
    say: Callable[[str], None],
    source_language: str | None = None,
    target_language: str | None = None,
) -> Table:
    """Evaluate every model on `pairs` by the length of the source; leave table, figures and picture in `out`.

    See `by_length` for `limits`, and `load` for the languages. Raises `TrasluzError` for what is no model,
    and where `out` holds anything but such a study.
    """
    check_out(out, kind=KIND)
    check_limits(limits)
    check_beam(beam, n_best=1)
    for model in models:  # before anything long
        check_translates(read_manifest(model), model)
    out.mkdir(parents=True, exist_ok=True)
    scored = []
    open_one = partial(
        load, device=best_device(), source_language=source_language, target_language=target_language
    )
    for number, (name, model) in enumerate(zip(names_of(models), models, strict=True), start=1):
        say(f"{name} ({number} of {len(models)}): {len(pairs)} pairs")
        evaluation = evaluate(open_one(model), pairs, beam=beam)
        scored.append(Scored(name, model, evaluation, by_length(evaluation, limits=limits)))
    table = table_of(scored)
    write_json(out / REPORT, _facts(scored, pairs, limits=limits, command=command))
    write_whole(out / PAGE, f"{table.to_markdown()}\n\n{_notes(scored, command=command)}\n".encode())
    try:
        _draw(scored, out / PICTURE)
    except TrasluzError as error:  # the table stands without a picture
        say(f"there is no picture: {error}")
    return table


def names_of(models: Sequence[Path]) -> list[str]:
    """The names of directories, as short as they can be told apart."""
    short = [model.resolve().name for model in models]
    return short if len(set(short)) == len(short) else [str(model) for model in models]


def table_of(scored: Sequence[Scored]) -> Table:
    """BLEU of each model on each part, and on all."""
    first = scored[0]
    rows = [[part.name, f"{part.sentences}"] for part in first.parts]
    rows.append([ALL, f"{first.evaluation.sentences}"])
    for one in scored:
        figures = [*(part.metrics for part in one.parts), one.evaluation.metrics]
        for row, metrics in zip(rows, figures, strict=True):
            row.append(f"{metrics['bleu'].value:.2f}")
    return Table(["source words", "sentences", *(f"BLEU, {one.name}" for one in scored)], rows)


def _facts(
    scored: Sequence[Scored], pairs: Sequence[Pair], *, limits: Sequence[int], command: str
) -> dict[str, Any]:
    return {
        "study": KIND,
        "command": command,
        "limits": list(limits),
        "pairs": {"count": len(pairs), "sha256": fingerprint(pairs)},
        "machine": machine(),
        "versions": versions(),
        "models": [
            {
                "name": one.name,
                "directory": str(one.directory),
                "evaluation": one.evaluation.figures(),
                "parts": [asdict(part) for part in one.parts],
            }
            for one in scored
        ],
    }


def _notes(scored: Sequence[Scored], *, command: str) -> str:
    evaluation = scored[0].evaluation
    search = f"Beam {evaluation.beam}. BLEU of the sentences whose source has so many words. "
    return "\n\n".join(
        [f"`{command}`", search + signatures(evaluation.figures()["metrics"], ("bleu",)), machine_words([])]
    )


def _draw(scored: Sequence[Scored], path: Path) -> None:
    """BLEU against length, a line for each model."""
    lines = [
        Line(
            one.name,
            range(len(one.parts)),
            [part.metrics["bleu"].value for part in one.parts],
            hue=at,
            dash=at,
        )
        for at, one in enumerate(scored)
    ]
    ticks = [f"{part.name}\n({part.sentences})" for part in scored[0].parts]
    title = "BLEU by the length of the source"
    save_chart([Panel(title, "words of the source (sentences)", "BLEU", lines, ticks)], path)
