"""From files of sentence pairs to a model directory: what is learnt, resumed, kept and written down.

Knows no command line. The loop itself is in `trasluz.training.loop`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from trasluz.config import SymbolsConfig
from trasluz.corpus.read import Pair, read_pairs, read_texts
from trasluz.corpus.split import split_pairs
from trasluz.errors import TrasluzError
from trasluz.models.directory import read_json, write_json, write_tokenizer
from trasluz.models.load import read_manifest
from trasluz.parse import Settings, parse
from trasluz.training.beginning import beginning_of
from trasluz.training.checkpoint import Checkpoints, Progress
from trasluz.training.keeper import Keeper
from trasluz.training.loop import Loop
from trasluz.training.material import fingerprint, prepare, with_vocabulary
from trasluz.training.optimizer import make_optimizer
from trasluz.training.preset import choose, onward
from trasluz.training.progress import Display, Record, make_display
from trasluz.training.settings import (
    BaseSettings,
    BatchSettings,
    BudgetSettings,
    RunSettings,
    TokenizerSettings,
    differences,
    longest_held,
    merge,
    value_at,
)

SETTINGS, METRICS, CHECKPOINTS = "settings.json", "metrics.jsonl", "checkpoints"
LOCK = ".training.lock"
HELD_OUT_SHARE, MOST_HELD_OUT = 20, 1000


@dataclass(frozen=True, slots=True)
class Corpus:
    """The pairs of a run: those it learns from and those it validates on."""

    training: Sequence[Pair]
    validation: Sequence[Pair]


def read_corpus(
    paths: Path | str | Sequence[Path | str],
    *,
    valid: Path | str | Sequence[Path | str] = (),
    columns: tuple[int, int] = (1, 2),
    seed: int = 1,
    task: str = "translation",
) -> Corpus:
    """Pairs from files; without `valid`, one in twenty (at most a thousand) is held out, and never leaks.

    For the task `language-model` the files hold text, and each line is a target without a source.
    """
    read = read_texts if task == "language-model" else partial(read_pairs, columns=columns)
    pairs = read(_several(paths))
    if valid:
        return Corpus(pairs, read(_several(valid)))
    return Corpus(*hold_out(pairs, seed=seed))


def _several(paths: Path | str | Sequence[Path | str]) -> list[Path]:
    return [Path(paths)] if isinstance(paths, Path | str) else [Path(path) for path in paths]


def hold_out(pairs: Sequence[Pair], *, seed: int) -> tuple[list[Pair], list[Pair]]:
    """The pairs to learn from, and one in twenty (at most a thousand) that are held out and never leak."""
    return split_pairs(pairs, held_out=held_out_of(len(pairs)), seed=seed)


def held_out_of(pairs: int) -> int:
    """How many of so many pairs are held out."""
    return min(MOST_HELD_OUT, max(1, pairs // HELD_OUT_SHARE))


def train(
    corpus: Corpus,
    *,
    out: Path | str,
    preset: str = "auto",
    changes: Mapping[str, Any] | None = None,
    display: Display | None = None,
    device: torch.device | None = None,
) -> Progress:
    """Train a translator into the directory `out`; where a run of the same settings stands there, go on.

    `changes` are settings laid over the preset's, as nested groups (see `RunSettings`). Raises
    `TrasluzError` for what cannot be, `trasluz.training.loop.Stopped` after an interruption.
    """
    begin = time.monotonic()
    out = Path(out)
    display = display or make_display()
    marks = marks_of(corpus)
    settings = resolve(corpus, out=out, preset=preset, changes=changes or {}, marks=marks, display=display)
    beginning = beginning_of(settings, out=out, begun=_has_begun(out))
    tokenizer = beginning.tokenizer(list(corpus.training), say=display.say)
    material = beginning.ranged(
        prepare(corpus.training, corpus.validation, tokenizer=tokenizer, settings=settings)
    )
    config = beginning.config(tokenizer)
    with alone(out):
        torch.manual_seed(settings.seed)
        model = beginning.model(config).to(device or best_device())
        write_json(out / SETTINGS, {**marks, "settings": settings.model_dump()})
        write_tokenizer(out, tokenizer)
        if material.left_out:
            longest = settings.batch.longest
            display.say(f"{material.left_out} pairs are longer than {longest} pieces: left out")
        optimizer = make_optimizer(model, settings.optimizer)
        checkpoints = Checkpoints(out / CHECKPOINTS, keep=max(settings.keep, settings.average))
        progress = Progress()
        place = checkpoints.latest()
        if place is not None:
            progress = checkpoints.resume(place, model, optimizer)
        progress.seconds += time.monotonic() - begin
        keeper = Keeper(
            out,
            settings=settings.model_copy(update={"model": config}),
            material=material,
            model=model,
            progress=progress,
            save=beginning.save,
        )
        with Record(out / METRICS, from_step=progress.step) as record:
            loop = Loop(
                model,
                optimizer,
                material,
                settings=settings,
                progress=progress,
                checkpoints=checkpoints,
                display=display,
                record=record,
                keep_best=keeper.keep,
            )
            if place is not None:
                display.say(f"{out} holds {_standing(progress)}")
            try:
                loop.run()
                keeper.try_average(checkpoints, display=display)
            finally:
                display.close()
        return progress


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Make the directory `out`, and keep every other process from training in it while this lasts.

    Raises `TrasluzError` where another one does. The lock falls with the process, however that ends.
    """
    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / LOCK, blocking=False):
            yield
    except Timeout:
        raise TrasluzError(
            f"another process is training in {out}; wait for its end, stop it, or choose another --out"
        ) from None


def resolve(
    corpus: Corpus,
    *,
    out: Path,
    preset: str,
    changes: Mapping[str, Any],
    marks: Mapping[str, str],
    display: Display,
) -> RunSettings:
    """The settings of a run: those it was begun with, or for a new one the preset's with `changes` over them.

    Raises `TrasluzError` where a run of other settings or of other pairs stands in `out`; only the budget
    may change.
    """
    begun = out / SETTINGS
    if _has_begun(out):
        return _go_on(read_json(begun), preset=preset, changes=changes, marks=marks, out=out)
    if not begun.is_file() and out.exists() and (not out.is_dir() or _has_files(out)):
        raise TrasluzError(f"{out} is there already and holds no run; choose another --out")
    given = {key: changes[key] for key in ("budget",) if key in changes}
    budget = parse(_WithBudget, given, where="settings").budget
    choice = choose(
        preset,
        pairs=len(corpus.training),
        seconds=budget.seconds,
        steps=budget.steps,
        arch=_architecture(changes),
    )
    base = parse(_WithBase, {"base": changes.get("base")}, where="settings").base
    if base is not None:
        choice = onward(choice, adapter=base.adapter is not None)
        _check_choices(preset, changes)
        changes = merge(own := _of_base(base), changes)
        _check_model(own, changes)
    chosen = merge(choice.settings, {"validation": {"metric": "loss"}} if _is_language_model(changes) else {})
    settings = parse(RunSettings, merge(chosen, changes), where="settings")
    settings = settings if base is not None else _with_one_vocabulary(settings, changes)
    for key, reason in choice.reasons.items():
        if value_at(settings.model_dump(), key) == value_at(choice.settings, key):
            display.say(reason)
    return settings


def _with_one_vocabulary(settings: RunSettings, changes: Mapping[str, Any]) -> RunSettings:
    """The settings with the tokeniser's vocabulary and symbols in the model; others cannot be asked for."""
    vocabulary, asked = settings.tokenizer.vocabulary, value_at(changes, "model.embedding.vocabulary")
    if asked not in (None, vocabulary):
        raise TrasluzError(
            f"settings: model.embedding.vocabulary is {asked}, but a model has the vocabulary of its "
            f"tokenizer, {vocabulary}; give tokenizer.vocabulary alone"
        )
    if settings.model.symbols != SymbolsConfig():
        raise TrasluzError("settings: model.symbols are those of the tokenizer; leave them out")
    return settings.model_copy(update={"model": with_vocabulary(settings.model, vocabulary)})


def _of_base(base: BaseSettings) -> dict[str, Any]:
    """What the model that a run goes on from decides: its task, its parts, its languages, its room."""
    manifest = read_manifest(Path(base.directory))
    languages = {
        name: value
        for name in ("source_language", "target_language")
        if (value := getattr(manifest, name)) is not None
    }
    usual, held = BatchSettings().longest, longest_held(manifest.task, manifest.model)
    return {
        "task": manifest.task,
        "model": manifest.model.model_dump(),
        "batch": {"longest": usual if held is None else min(usual, held)},
        **languages,
    }


def _check_choices(preset: str, changes: Mapping[str, Any]) -> None:
    """Raise for what chooses parts and pieces of a model, where a run goes on from one that has them."""
    if preset != "auto":
        raise TrasluzError(
            f"the preset {preset!r} is asked for, but the model to go on from has its sizes; leave it out"
        )
    pieces = changes.get("tokenizer")
    for name, value in pieces.items() if isinstance(pieces, Mapping) else ():
        if name in TokenizerSettings.model_fields and name != "sampling":
            raise TrasluzError(
                f"settings: tokenizer.{name} is {value!r}, but the model to go on from has its pieces; leave "
                "it out"
            )


def _check_model(own: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Raise where a run that goes on from a model asks for another one: only dropout may change."""
    decided = {name: own[name] for name in ("task", "model")}
    for difference in differences(decided, {name: asked.get(name) for name in decided}):
        if not re.match(r"[\w.]*dropout ", difference):
            raise TrasluzError(
                f"settings: {difference}, but the model to go on from decides that, all but its dropout; "
                "leave it out"
            )


def _standing(progress: Progress) -> str:
    """Where a run stands that is begun again, for the person who did so."""
    if progress.ended:
        return f"a finished run of {progress.step} steps; give it more time or steps to go on"
    return f"a run of {progress.step} steps: going on from there"


def marks_of(corpus: Corpus) -> dict[str, str]:
    """What tells the pairs of a run from others."""
    return {"pairs": fingerprint(corpus.training), "validation_pairs": fingerprint(corpus.validation)}


class _WithBudget(Settings):
    """The one group of settings that is needed before the others are chosen."""

    budget: BudgetSettings = BudgetSettings()


class _WithBase(Settings):
    """The group of settings that says whether others come from a model."""

    base: BaseSettings | None = None


def best_device() -> torch.device:
    """A CUDA device where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _architecture(changes: Mapping[str, Any]) -> str:
    """The kind of model that is asked for; where nothing is said of it, what the task usually has."""
    model = changes.get("model")
    usual = "decoder-only" if _is_language_model(changes) else "transformer"
    return str(model.get("kind", usual)) if isinstance(model, Mapping) else usual


def _is_language_model(changes: Mapping[str, Any]) -> bool:
    return changes.get("task") == "language-model"


def _go_on(
    saved: Mapping[str, Any], *, preset: str, changes: Mapping[str, Any], marks: Mapping[str, str], out: Path
) -> RunSettings:
    """The saved settings of a run with the budget that is given now."""
    before = parse(RunSettings, saved.get("settings", {}), where=str(out / SETTINGS))
    asked = merge(before.model_dump(), {"preset": preset, **changes})
    now = parse(RunSettings, asked, where="settings")
    others = differences(before.model_dump(exclude={"budget"}), now.model_dump(exclude={"budget"}))
    others += [f"the {name.replace('_', ' ')} are others" for name in marks if saved.get(name) != marks[name]]
    if others:
        raise TrasluzError(
            f"{out} holds another run: {'; '.join(others)}; choose another --out, or give what it was begun "
            "with"
        )
    return now


def _has_files(out: Path) -> bool:
    """Whether anything stands in a directory besides the lock of a run that never began."""
    return any(path.name != LOCK for path in out.iterdir())


def _has_begun(out: Path) -> bool:
    """Whether a run stands in `out` that has a checkpoint to go on from."""
    return (out / SETTINGS).is_file() and Checkpoints(out / CHECKPOINTS, keep=1).latest() is not None
