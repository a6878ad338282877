"""What a study leaves: its table, study.json with every figure, study.md for a page, the curves as a picture.

Knows no training: rows are measured elsewhere.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from trasluz.errors import TrasluzError
from trasluz.evaluation.table import Table
from trasluz.insight.chart import Line, Panel, save_chart
from trasluz.models.directory import read_json, write_json, write_whole
from trasluz.training.keeper import versions
from trasluz.training.material import fingerprint
from trasluz.training.measure import BEAM, Row
from trasluz.training.progress import clock, read_record
from trasluz.training.run import METRICS
from trasluz.training.settings import BudgetSettings, RunSettings, ValidationSettings
from trasluz.training.study import LONGER, Study

REPORT, PAGE, CURVES = "study.json", "study.md", "curves.png"
NOTHING = "-"


def check_out(out: Path, *, kind: str) -> None:
    """Raise `TrasluzError` where anything but a study of this kind stands in `out`."""
    mark = out / REPORT
    there = read_json(mark).get("study") if mark.is_file() else None
    if there is not None and there != kind:
        raise TrasluzError(f"{out} holds a study of {there}, not of {kind}; choose another --out")
    if there is None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise TrasluzError(f"{out} is there already and holds no study; choose another --out")


def table_of(study: Study, rows: Sequence[Row]) -> Table:
    """The figures of a study, a line for each model."""
    columns: dict[str, Callable[[Row], str]] = {
        "architecture": lambda row: row.architecture,
        study.choice: lambda row: row.choice,
        **{
            heading: _metric(test, metric)
            for metric, name in (("bleu", "BLEU"), ("chrf", "chrF"))
            for test in study.tests
            for heading in [name if len(study.tests) == 1 else f"{name}, {test}"]
        },
        "validation loss": lambda row: _number(row.validation_loss, ".3f"),
        "parameters": lambda row: f"{row.parameters:,}",
        "tokens/s": lambda row: _number(row.tokens_per_second, ",.0f"),
        "peak MiB": lambda row: _number(row.peak_memory_mb, ",.0f"),
        "attention entropy": lambda row: _number(row.attention_entropy, ".2f"),
    }
    if any(row.alignment_error is not None for row in rows):
        columns["alignment error"] = lambda row: _number(row.alignment_error, ".3f")
    return Table(list(columns), [[cell(row) for cell in columns.values()] for row in rows], texts=2)


def write_report(study: Study, rows: Sequence[Row], *, out: Path) -> None:
    """Write study.json and study.md of the models so far."""
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / REPORT, facts_of(study, rows))
    page = f"{table_of(study, rows).to_markdown()}\n\n{notes_of(study, rows)}\n"
    write_whole(out / PAGE, page.encode())


def facts_of(study: Study, rows: Sequence[Row]) -> dict[str, Any]:
    """All figures of a study with all that they depend on, as plain values."""
    parts = {"training": study.corpus.training, "validation": study.corpus.validation, **study.tests}
    return {
        "study": study.kind,
        "command": study.command,
        "preset": study.preset,
        "settings": study.changes,
        "seed": seed_of(study),
        "longest_words": study.longest_words,
        "aligned": None if study.aligned is None else study.aligned.fingerprint,
        "beam": BEAM,
        "pairs": {name: {"count": len(pairs), "sha256": fingerprint(pairs)} for name, pairs in parts.items()},
        "machine": machine(),
        "versions": versions(),
        "models": [asdict(row) for row in rows],
    }


def notes_of(study: Study, rows: Sequence[Row]) -> str:
    """What a reader must know about the table: command, pairs, how figures were counted, machine."""
    metrics = next(iter(rows[0].evaluations.values()))["metrics"] if rows else {}
    counts = ", ".join(f"{len(pairs)} ({name})" for name, pairs in study.tests.items())
    corpus, watched = study.corpus, len(study.watched)
    sentences = [
        f"`{study.command}`",
        f"{len(corpus.training)} training pairs, {len(corpus.validation)} of validation, tested on {counts}. "
        f"Preset {study.preset}, {_budget(study)} for each model, seed {seed_of(study)}.",
        f"Of each model the weights with the best validation {_by(study)} were kept, and tested by beam "
        f"{BEAM}. {signatures(metrics, ('bleu', 'chrf'))}",
        "Validation loss in nats a target token; tokens/s are target tokens of training, the median over its "
        "stretches; peak MiB is the most memory that its training process held; attention entropy in nats, "
        f"the mean over heads, layers and target tokens of up to {watched} validation pairs.",
    ]
    if study.longest_words is not None:
        sentences.append(
            f"Training and validation had sources of up to {study.longest_words} words; '{LONGER}' are test "
            "sentences beyond, each translated in one go."
        )
    if study.aligned is not None:
        sentences.append(
            "Alignment error is the lowest AER that a head, or the mean of a layer's heads, has on "
            f"{len(study.aligned.pairs)} pairs with gold alignments, less those too long for one pass."
        )
    return "\n\n".join([*sentences, machine_words(rows)])


def draw_curves(study: Study, *, out: Path) -> None:
    """BLEU and loss of the validations over the steps of each run, as a picture.

    Raises `TrasluzError` where matplotlib is not installed.
    """
    architectures = list(dict.fromkeys(variant.architecture for variant in study.variants))
    choices = list(dict.fromkeys(variant.choice for variant in study.variants))
    lines: dict[str, list[Line]] = {"BLEU": [], "loss": []}
    for variant in study.variants:
        record = read_record(out / variant.name / METRICS)
        looks = [line for line in record if line["kind"] == "validation"]
        hue, dash = choices.index(variant.choice), architectures.index(variant.architecture)
        steps = [look["step"] for look in looks]
        for name, values in (
            ("BLEU", [look["metrics"]["bleu"] for look in looks]),
            ("loss", [look["loss"] for look in looks]),
        ):
            lines[name].append(Line(variant.name, steps, values, hue, dash))
    panels = [Panel(f"validation {name}", "step", name, several) for name, several in lines.items()]
    save_chart(panels, out / CURVES)


def machine() -> dict[str, Any]:
    """What this machine is, as far as figures of speed depend on it."""
    return {"cores": os.cpu_count(), "processor": platform.machine(), "system": platform.system()}


def seed_of(study: Study) -> int:
    """The seed of every model of a study."""
    seed: int = study.changes.get("seed", RunSettings.model_fields["seed"].default)
    return seed


def budget_of(budget: BudgetSettings) -> str:
    """A budget as a person reads it."""
    steps = [] if budget.steps is None else [f"{budget.steps} steps"]
    return " or ".join([*steps, *([] if budget.seconds is None else [f"{clock(budget.seconds)} of time"])])


def _budget(study: Study) -> str:
    return budget_of(BudgetSettings.model_validate(study.changes["budget"]))


def _by(study: Study) -> str:
    """The figure by which the best weights are chosen."""
    given: str = study.changes.get("validation", {}).get("metric", ValidationSettings().metric)
    return {"bleu": "BLEU (greedy)", "chrf": "chrF (greedy)"}.get(given, given)


def signatures(metrics: Mapping[str, Any], names: Sequence[str]) -> str:
    """How sacreBLEU counted some metrics of an evaluation, as its figures have them."""
    return " ".join(
        f"{metrics[name]['name']}: `{metrics[name]['signature']}`." for name in names if name in metrics
    )


def machine_words(rows: Sequence[Row]) -> str:
    """What a reader must know of the machine: of this one, and of what the rows were trained on."""
    here, several = machine(), versions()
    words = [f"{here['cores']} cores ({here['processor']})"]
    if rows:
        words += [f"{_all(rows, 'threads')} threads", _all(rows, "device"), _all(rows, "precision")]
    return ", ".join([*words, *(f"{name} {several[name]}" for name in ("trasluz", "torch", "python"))]) + "."


def _all(rows: Sequence[Row], name: str) -> str:
    """A figure that rows should share; where they do not, all that there are."""
    return " and ".join(dict.fromkeys(str(getattr(row, name)) for row in rows))


def _metric(test: str, metric: str) -> Callable[[Row], str]:
    return lambda row: f"{row.figure(test, metric):.2f}"


def _number(value: float | None, form: str) -> str:
    return NOTHING if value is None else format(value, form)
