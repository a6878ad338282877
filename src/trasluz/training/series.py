"""The runs of a study, one after another, each in a process of its own, and each only once.

Knows no command line but that of `trasluz train`, by which every model is trained.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import yaml

from trasluz.config import ModelConfig
from trasluz.corpus.read import Pair
from trasluz.errors import TrasluzError
from trasluz.models.build import build_model
from trasluz.models.directory import read_json, write_whole
from trasluz.parse import parse
from trasluz.training.checkpoint import PROGRESS, Checkpoints, Progress
from trasluz.training.loop import Stopped, stop_signals
from trasluz.training.material import with_vocabulary
from trasluz.training.measure import Questions, Row, measured
from trasluz.training.progress import StepReport
from trasluz.training.report import REPORT, budget_of, check_out, draw_curves, write_report
from trasluz.training.run import CHECKPOINTS, SETTINGS, marks_of, resolve
from trasluz.training.settings import RunSettings
from trasluz.training.study import Study, longest_pieces
from trasluz.training.variant import Variant

PAIRS, GIVEN = "pairs", "settings"
TRIAL_VOCABULARY = 8

Runner = Callable[[Sequence[str]], None]
"""Runs a `trasluz` command, given as its words, to its end.

Raises `Stopped` where somebody asked for that, `TrasluzError` where the command failed.
"""
Say = Callable[[str], None]


def conduct(
    study: Study,
    *,
    out: Path,
    say: Say,
    run: Runner | None = None,
) -> list[Row]:
    """Train and measure every model of a study into directories below `out`; leave its report there.

    What is finished is not run again, what was interrupted goes on. `run` is how a model is trained: as a
    process of its own, unless another way is given. Raises `TrasluzError` before anything is trained for
    settings that one of the models cannot have, and where `out` holds anything else.
    """
    run = run or as_process
    check_out(out, kind=study.kind)
    settings = [_settings(study, variant, out=out) for variant in study.variants]
    questions = _questions(study)
    rows: list[Row] = []
    if not (out / REPORT).is_file():  # what stands there already stays until there is better
        write_report(study, rows, out=out)
    training, validation = _write_pairs(study, out=out)
    for number, (variant, own) in enumerate(zip(study.variants, settings, strict=True), start=1):
        directory, place = out / variant.name, f"{variant.name} ({number} of {len(settings)})"
        standing = _standing(directory, own)
        say(f"{place}: {standing}")
        if standing != FINISHED:
            given = out / GIVEN / f"{variant.name}.yaml"
            given.parent.mkdir(exist_ok=True)
            changes = yaml.safe_dump(study.changes_of(variant), allow_unicode=True, sort_keys=False)
            write_whole(given, changes.encode())
            run(_words(training, validation, given=given, preset=study.preset, out=directory))
        rows.append(measured(directory, variant=variant, questions=questions))
        write_report(study, rows, out=out)
    try:
        draw_curves(study, out=out)
    except TrasluzError as error:  # the table stands without a picture
        say(f"there is no picture: {error}")
    return rows


def as_process(words: Sequence[str]) -> None:
    """Run a `trasluz` command in a process of its own, whose memory and threads are then its alone.

    Ctrl-C and termination are passed on, so that it saves what it has learnt.
    """
    # A group of its own, so that Ctrl-C on a terminal reaches it once, from here, and not twice: a second
    # one would stop it at once. (Windows has no such groups, and sends it there itself.)
    child = subprocess.Popen([sys.executable, "-m", "trasluz", *words], process_group=0)
    asked = False

    def pass_on() -> None:
        nonlocal asked
        asked = True
        if sys.platform != "win32":
            child.send_signal(signal.SIGINT)

    try:
        with stop_signals(pass_on):
            code = child.wait()
    except BaseException:
        if sys.platform != "win32":
            child.send_signal(signal.SIGINT)
        child.wait()
        raise
    if asked:
        raise Stopped
    if code:
        raise TrasluzError(
            f"training did not come to its end (exit code {code} of: trasluz {' '.join(words)}); what went "
            "wrong stands above; the same command goes on from there"
        )


FRESH, FINISHED, INTERRUPTED = "training", "finished before, not trained again", "going on where it was"


def _standing(directory: Path, settings: RunSettings) -> str:
    """How far the run in a directory has come."""
    checkpoints = Checkpoints(directory / CHECKPOINTS, keep=settings.keep)
    place = checkpoints.latest()
    if place is None:
        return FRESH
    progress = parse(Progress, read_json(place / PROGRESS), where=str(place / PROGRESS))
    averages = min(settings.average, len(checkpoints.places())) >= 2
    done = progress.ended and not (averages and progress.averaged != progress.step)
    return FINISHED if done else INTERRUPTED


def _settings(study: Study, variant: Variant, *, out: Path) -> RunSettings:
    """The settings of one model, if it can be had and is what may stand in its directory already."""
    directory = out / variant.name
    settings = resolve(
        study.corpus,
        out=directory,
        preset=study.preset,
        changes=study.changes_of(variant),
        marks=marks_of(study.corpus),
        display=_Nobody(),
    )
    _check_parts(settings.model)
    begun = directory / SETTINGS
    if begun.is_file():
        before = parse(RunSettings, read_json(begun).get("settings", {}), where=str(begun)).budget
        if before != settings.budget:
            raise TrasluzError(
                f"{directory} was begun with a budget of {budget_of(before)}, and now "
                f"one of {budget_of(settings.budget)} is given; the models of a study have one budget, so "
                "give the same, or choose another --out"
            )
    return settings


def _check_parts(config: ModelConfig) -> None:
    """Raise for parts that do not fit each other, found by building a model of one layer and few tokens."""
    stacks = {name: getattr(config, name) for name in ("encoder", "decoder") if hasattr(config, name)}
    one = {name: stack.model_copy(update={"layers": 1}) for name, stack in stacks.items()}
    build_model(with_vocabulary(config.model_copy(update=one), TRIAL_VOCABULARY))


def _questions(study: Study) -> Questions:
    return Questions(
        tests=study.tests,
        watched=study.watched,
        in_one_go=None if study.longest_words is None else longest_pieces(study.changes),
        aligned=study.aligned,
    )


def _write_pairs(study: Study, *, out: Path) -> tuple[Path, Path]:
    """The files of pairs that all models share, those of the tests beside them; gives the first two."""
    parts = {"training": study.corpus.training, "validation": study.corpus.validation, **study.tests}
    (out / PAIRS).mkdir(exist_ok=True)
    paths = {name: out / PAIRS / f"{name.replace(' ', '-')}.jsonl" for name in parts}
    for name, pairs in parts.items():
        write_whole(paths[name], "".join(map(_line, pairs)).encode())
    return paths["training"], paths["validation"]


def _line(pair: Pair) -> str:
    return json.dumps({"source": pair.source, "target": pair.target}, ensure_ascii=False) + "\n"


def _words(training: Path, validation: Path, *, given: Path, preset: str, out: Path) -> list[str]:
    """The command that trains one model, without its first word; it can be given by hand as well."""
    options = {"--valid": validation, "--config": given, "--preset": preset, "--out": out}
    return ["train", str(training), *(str(word) for option in options.items() for word in option)]


class _Nobody:
    """A display that nobody looks at."""

    def say(self, sentence: str) -> None:
        """Nothing is shown."""

    def step(self, report: StepReport) -> None:
        """Nothing is shown."""

    def close(self) -> None:
        """Nothing to close."""
