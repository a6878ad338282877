"""A model from a directory, whoever wrote it: Trasluz, or Hugging Face for a family of ours.

Knows neither format.
"""

from __future__ import annotations

from pathlib import Path

import torch

from trasluz.config import Manifest
from trasluz.errors import TrasluzError
from trasluz.models.adapter import ADAPTER, read_adapter, read_adapter_manifest, with_adapter
from trasluz.models.directory import CONFIG, load_own, read_json, read_own_manifest
from trasluz.models.families.checkpoint import load_checkpoint, read_checkpoint_manifest
from trasluz.models.families.family import Languages
from trasluz.models.hub import directory_of
from trasluz.models.loaded import LoadedModel


def load_model(
    directory: Path, *, device: torch.device | None = None, languages: Languages | None = None
) -> LoadedModel:
    """Read a model directory, in evaluation mode; `languages` are for checkpoints of several.

    An adapter has the languages that it learnt, unless others are given.

    Raises `TrasluzError` for a part that is missing, damaged, of an unknown kind, or that does not fit the
    others, and for languages that the model does not know.
    """
    directory, asked = directory_of(directory), languages or Languages()
    if (directory / ADAPTER).is_file():
        own = read_adapter(directory)
        learnt = Languages(asked.source or own.source_language, asked.target or own.target_language)
        base = load_model(Path(own.base), device=device, languages=learnt)
        return with_adapter(base, directory, own.adapter)
    if is_checkpoint(directory):
        return load_checkpoint(directory, device=device, languages=asked)
    loaded = load_own(directory, device=device)
    _check_languages(loaded.manifest, asked, directory)
    return loaded


def read_manifest(directory: Path) -> Manifest:
    """What a model directory says of its model, checked."""
    directory = directory_of(directory)
    if (directory / ADAPTER).is_file():
        own = read_adapter(directory)
        below = read_manifest(Path(own.base))
        languages = {
            "source_language": own.source_language or below.source_language,
            "target_language": own.target_language or below.target_language,
        }
        return below.model_copy(update=languages)
    if is_checkpoint(directory):
        return read_checkpoint_manifest(directory)
    return read_own_manifest(directory)


def is_checkpoint(directory: Path) -> bool:
    """Whether a directory is of Hugging Face's kind, or the one below an adapter is.

    Raises `TrasluzError` where there is no such directory.
    """
    if not directory.is_dir():
        raise TrasluzError(
            f"{directory}: there is no such model directory; give the --out of a `trasluz train`, or a "
            "checkpoint of Hugging Face's kind"
        )
    if (directory / ADAPTER).is_file():
        return is_checkpoint(Path(read_adapter_manifest(directory).base))
    path = directory / CONFIG
    return path.is_file() and "model_type" in read_json(path)


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
