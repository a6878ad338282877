"""A model from a directory, whoever wrote it: Trasluz, or Hugging Face for a family of ours.

Knows neither format.
"""

from __future__ import annotations

from pathlib import Path

import torch

from trasluz.config import Manifest
from trasluz.errors import TrasluzError
from trasluz.models.adapter import ADAPTER, read_adapter, read_adapter_manifest, with_adapter
from trasluz.models.directory import CONFIG, WEIGHTS, load_own, read_json, read_own_manifest
from trasluz.models.families.checkpoint import load_checkpoint, read_checkpoint_manifest
from trasluz.models.families.family import Languages
from trasluz.models.hub import directory_of
from trasluz.models.learnt import read_learnt
from trasluz.models.loaded import LoadedModel
from trasluz.text.sentencepieces import FILE as TOKENIZER


def load_model(
    directory: Path, *, device: torch.device | None = None, languages: Languages | None = None
) -> LoadedModel:
    """Read a model directory, in evaluation mode; `languages` are for checkpoints of several.

    An adapter, and a checkpoint that was trained on here, have the languages that they learnt, unless others
    are given.

    Raises `TrasluzError` for a part that is missing, damaged, of an unknown kind, or that does not fit the
    others, and for languages that the model does not know.
    """
    directory, asked = directory_of(directory), languages or Languages()
    if (directory / ADAPTER).is_file():
        own = read_adapter(directory)
        base = load_model(Path(own.base), device=device, languages=_or_learnt(asked, own.languages))
        return with_adapter(base, directory, own.adapter)
    if is_checkpoint(directory):
        languages = _or_learnt(asked, read_learnt(directory))
        return load_checkpoint(directory, device=device, languages=languages)
    loaded = load_own(directory, device=device)
    _check_languages(loaded.manifest, asked, directory)
    return loaded


def read_manifest(directory: Path) -> Manifest:
    """What a model directory says of its model, checked."""
    directory = directory_of(directory)
    if (directory / ADAPTER).is_file():
        own = read_adapter(directory)
        return _that_learnt(own.languages, read_manifest(Path(own.base)))
    if is_checkpoint(directory):
        return _that_learnt(read_learnt(directory), read_checkpoint_manifest(directory))
    return read_own_manifest(directory)


def is_checkpoint(directory: Path) -> bool:
    """Whether a directory is of Hugging Face's kind, or the one below an adapter is.

    Raises `TrasluzError` where there is no such directory.
    """
    _check_there(directory)
    if (directory / ADAPTER).is_file():
        return is_checkpoint(Path(read_adapter_manifest(directory).base))
    return "model_type" in read_json(directory / CONFIG)


def _check_there(directory: Path) -> None:
    """Raise where there is no directory, or nothing in it that any model has."""
    if not directory.is_dir():
        what = "this is a file, not a" if directory.is_file() else "there is no such"
        raise TrasluzError(
            f"{directory}: {what} model directory; give the --out of a `trasluz train`, or a checkpoint of "
            "Hugging Face's kind"
        )
    if not any((directory / name).is_file() for name in (ADAPTER, CONFIG)):
        raise TrasluzError(
            f"{directory} is not a whole model: {CONFIG} is missing (a model of Trasluz's own has {CONFIG}, "
            f"{WEIGHTS} and {TOKENIZER}; a checkpoint of Hugging Face's kind has {CONFIG}, its weights and "
            "the files of its tokenizer)"
        )


def _or_learnt(asked: Languages, learnt: Languages) -> Languages:
    """The languages that are asked for, and where none are those that were learnt."""
    return Languages(asked.source or learnt.source, asked.target or learnt.target)


def _that_learnt(languages: Languages, manifest: Manifest) -> Manifest:
    """What is said of a model that learnt some languages since."""
    told = _or_learnt(languages, Languages(manifest.source_language, manifest.target_language))
    return manifest.model_copy(update={"source_language": told.source, "target_language": told.target})


def _check_languages(manifest: Manifest, languages: Languages, directory: Path) -> None:
    """A model of Trasluz's own has one pair; another one that is asked for is a mistake."""
    for side, asked, has in (
        ("source", languages.source, manifest.source_language),
        ("target", languages.target, manifest.target_language),
    ):
        if asked is not None and asked != has:
            told = "does not say which it has" if has is None else f"has {has}"
            raise TrasluzError(
                f"the {side} language {asked!r} is asked for, but {directory} {told}; leave it out"
            )
