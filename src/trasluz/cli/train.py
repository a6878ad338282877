"""The command `trasluz train`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from trasluz.cli.model import SourceLanguage, TargetLanguage
from trasluz.errors import TrasluzError

BEYOND_SEEDS = 2**63
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def train(
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="PAIRS | SOURCE TARGET  [KEY.PATH=VALUE ...]",
            help="One file of pairs (.tsv or .jsonl), or two line-aligned files (any of them .gz); "
            "then any setting, such as model.encoder.layers=6.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="Directory of the model; a run that stands there goes on.")],
    time: Annotated[str | None, typer.Option(help="Budget of time, such as 15m, 2h or 90s.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Budget of updates.")] = None,
    preset: Annotated[str, typer.Option(help="auto, tiny, small, base or big.")] = "auto",
    arch: Annotated[
        str | None,
        typer.Option(help="Architecture: transformer (the default), recurrent or decoder-only."),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(help="translation (the default), or language-model to learn from files of text."),
    ] = None,
    score: Annotated[
        str | None,
        typer.Option(help="Attention score: scaled-dot, dot, bilinear, mlp or cosine; none, if recurrent."),
    ] = None,
    valid: Annotated[
        list[Path] | None,
        typer.Option(help="Pairs to validate on (twice for two files); otherwise some are held out."),
    ] = None,
    columns: Annotated[str, typer.Option(help="Columns of source and target in a TSV.")] = "1,2",
    config: Annotated[Path | None, typer.Option(help="YAML file of settings, laid over the preset.")] = None,
    base: Annotated[
        Path | None, typer.Option("--from", help="Go on from this model: its pieces, its weights.")
    ] = None,
    freeze: Annotated[
        list[str] | None,
        typer.Option(help="With --from: learn nothing in the embeddings, the encoder or the decoder."),
    ] = None,
    adapter: Annotated[
        int | None,
        typer.Option(min=1, help="With --from: learn a low-rank adapter (LoRA) of this rank instead."),
    ] = None,
    source_language: SourceLanguage = None,
    target_language: TargetLanguage = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of split, weights, order and dropout; 1, if not given.")
    ] = None,
) -> None:
    """Learn a translator from sentence pairs.

    Subwords, sizes and batches are chosen from the data and the time given, and the choice is explained.
    Ctrl-C saves; the same command goes on where it was.

    Example:  trasluz train pairs.tsv --out models/eng-spa --time 15m
    """
    from trasluz.training.run import read_corpus
    from trasluz.training.run import train as train_run
    from trasluz.training.settings import merge

    if base is not None and (arch or score):
        raise TrasluzError(
            f"--from brings the parts of its model; leave out {'--arch' if arch else '--score'}"
        )
    paths = [Path(word) for word in arguments if not is_setting(word)]
    changes: dict[str, Any] = {} if config is None else read_yaml(config)
    if arch is None and isinstance(asked := changes.get("model"), dict):
        arch = asked.get("kind")
    options = flags(time=time, steps=steps, arch=arch, task=task, score=score, seed=seed)
    languages = {"source_language": source_language, "target_language": target_language}
    options |= {name: value for name, value in languages.items() if value is not None}
    options |= base_of(base, freeze=freeze or (), adapter=adapter)
    for more in (options, settings_of(arguments)):
        changes = merge(changes, more)
    if isinstance(budget := changes.get("budget"), Mapping):
        # All of it is said, so that a run that goes on keeps nothing of the budget that it was begun with.
        changes["budget"] = {"seconds": None, "steps": None, **budget}
    task = changes.get("task", "translation") if base is None else task_of(base, asked=changes.get("task"))
    if task == "language-model" and "task" not in changes:
        names = " and ".join(map(str, paths))
        typer.echo(
            f"{base} is a language model: each line of {names} is read as one text, tabs too", err=True
        )
    corpus = read_corpus(
        paths, valid=valid or (), columns=column_numbers(columns), seed=seed_of(changes), task=task
    )
    train_run(corpus, out=out, preset=preset, changes=changes)
    verb, what = ("generate", "language model") if task == "language-model" else ("translate", "translator")
    typer.echo(f"the {what} is in {out}; try: trasluz {verb} {out}", err=True)


def flags(
    *,
    time: str | None,
    steps: int | None,
    score: str | None,
    seed: int | None,
    arch: str | None = None,
    task: str | None = None,
) -> dict[str, Any]:
    """The settings that the options stand for, and nothing of what was not given."""
    from trasluz.training.variant import score_setting

    changes: dict[str, Any] = {} if task is None else {"task": task}
    usual = "decoder-only" if task == "language-model" else "transformer"
    budget = {} if time is None else {"seconds": duration(time)}
    if steps is not None:
        budget["steps"] = steps
    if budget:
        changes["budget"] = budget
    model = {} if arch is None else {"kind": arch}
    if score is not None:
        model |= score_setting(score, arch=arch or usual)
    if model:
        changes["model"] = model
    if seed is not None:
        changes["seed"] = seed
    return changes


def task_of(base: Path, *, asked: str | None) -> str:
    """The task of a model that a run goes on from.

    Raises `TrasluzError` where another one is asked for.
    """
    from trasluz.models.load import read_manifest

    task = read_manifest(base).task
    if asked not in (None, task):
        what = "a language model" if task == "language-model" else "a translator"
        raise TrasluzError(f"the task {asked!r} is asked for, but {base} is {what}; leave it out")
    return task


def base_of(base: Path | None, *, freeze: Sequence[str], adapter: int | None) -> dict[str, Any]:
    """The settings of a run that goes on from a model.

    Raises `TrasluzError` where only what goes with it is given.
    """
    if base is None:
        if freeze or adapter is not None:
            raise TrasluzError("--freeze and --adapter change a model that there is; give it with --from")
        return {}
    from trasluz.models.adapter import fingerprint
    from trasluz.models.hub import directory_of

    directory = directory_of(base).resolve()
    settings: dict[str, Any] = {
        "directory": str(directory),
        "weights": fingerprint(directory),
        "freeze": list(freeze),
        "adapter": None if adapter is None else {"rank": adapter, "alpha": 2.0 * adapter},
    }
    return {"base": settings}


def duration(text: str) -> float:
    """Seconds in a text such as 15m, 1h30m, 90s or 90.

    Raises `TrasluzError` for any other text.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd]?)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise TrasluzError(f"{text!r} is no length of time; write it as 90s, 15m, 2h or 1h30m")
    return sum(float(number) * UNITS[unit or "s"] for number, unit in parts)


def column_numbers(text: str) -> tuple[int, int]:
    """The two column numbers in a text such as 1,2.

    Raises `TrasluzError` for any other text.
    """
    if not (found := re.fullmatch(r"([1-9]\d{0,8}),([1-9]\d{0,8})", text, re.ASCII)):
        raise TrasluzError(f"{text!r} names no two columns; write them as 1,2, counted from 1")
    return int(found[1]), int(found[2])


def is_setting(word: str) -> bool:
    """Whether a word of the command line is a setting and not a file."""
    return re.match(r"[a-z_]+(\.[a-z_0-9]+)*=", word, re.IGNORECASE) is not None and not _is_there(word)


def _is_there(word: str) -> bool:
    """Whether there is a file of this name; a long setting is no name of a file, and that is no error."""
    try:
        return Path(word).exists()
    except OSError:
        return False


def seed_of(changes: Mapping[str, Any]) -> int:
    """The seed among settings, by which pairs are split before the others are read.

    Raises `TrasluzError` for what is no seed.
    """
    seed = changes.get("seed", 1)
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < BEYOND_SEEDS:
        raise TrasluzError(
            f"settings: seed is {seed!r}, but it should be a whole number, 0 or more and below 2 to the 63rd"
        )
    return seed


def settings_of(words: Sequence[str]) -> dict[str, Any]:
    """The settings among the words of a command line, as nested groups; each value is read as YAML.

    Raises `TrasluzError` for what is not YAML, and for a key with capital letters, since none has any.
    """
    from trasluz.training.settings import merge

    changes: dict[str, Any] = {}
    for word in filter(is_setting, words):
        path, _, value = word.partition("=")
        if path != path.lower():
            raise TrasluzError(f"unknown key {path!r}; keys are written in small letters: {path.lower()}")
        nested: Any = _yaml(value, where=word)
        for key in reversed(path.split(".")):
            nested = {key: nested}
        changes = merge(changes, nested)
    return changes


def read_yaml(path: Path) -> dict[str, Any]:
    """The settings in a YAML file.

    Raises `TrasluzError` for a file that is missing, is not UTF-8 or not YAML, or does not hold a mapping.
    """
    if not path.exists() or path.is_dir():  # a pipe will do
        raise TrasluzError(f"{path}: there is no such file of settings")
    try:
        settings = _yaml(path.read_text(encoding="utf-8"), where=str(path))
    except UnicodeDecodeError as error:
        raise TrasluzError(f"{path} is not UTF-8 ({error}); convert it to UTF-8") from None
    if not isinstance(settings, dict):
        raise TrasluzError(f"{path}: settings are keys with values, such as 'model: {{width: 256}}'")
    return settings


def _yaml(text: str, *, where: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise TrasluzError(f"{where} is not valid YAML: {' '.join(str(error).split())}") from None
