"""A model directory: config.json, model.safetensors and tokenizer.model, written whole or not at all.

Only safetensors, JSON and sentencepiece's own format are read; nothing is unpickled.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from trasluz.config import Manifest
from trasluz.errors import TrasluzError
from trasluz.models.build import build_to_fill
from trasluz.models.loaded import LoadedModel
from trasluz.parse import parse
from trasluz.text.sentencepieces import FILE as TOKENIZER
from trasluz.text.sentencepieces import SentencePieces
from trasluz.text.tokenizer import Tokenizer

FORMAT = 1
CONFIG, WEIGHTS = "config.json", "model.safetensors"


def save_model(directory: Path, *, manifest: Manifest, model: nn.Module, tokenizer: Tokenizer) -> None:
    """Write a model directory; each file is replaced in one move, so a reader never meets half a file."""
    directory.mkdir(parents=True, exist_ok=True)
    write_tokenizer(directory, tokenizer)
    write_whole(directory / CONFIG, (manifest.model_dump_json(indent=2) + "\n").encode())
    write_whole(directory / WEIGHTS, save(weights_of(model)))


def write_tokenizer(directory: Path, tokenizer: Tokenizer) -> None:
    """Write the files of a tokeniser."""
    for name, data in tokenizer.files().items():
        write_whole(directory / name, data)


def load_own(directory: Path, *, device: torch.device | None = None) -> LoadedModel:
    """Read a directory that `save_model` wrote, in evaluation mode.

    Raises `TrasluzError` for a part that is missing, damaged, of another format, or that does not fit the
    others.
    """
    manifest = read_own_manifest(directory)
    tokenizer = SentencePieces.from_bytes(_part(directory, TOKENIZER).read_bytes())
    vocabulary = manifest.model.embedding.vocabulary
    if len(tokenizer) != vocabulary:
        raise TrasluzError(
            f"{directory}: {TOKENIZER} has {len(tokenizer)} entries, but {CONFIG} says {vocabulary}; "
            "one of them belongs to another model"
        )
    model = build_to_fill(manifest.model)
    load_weights(model, read_tensors(_part(directory, WEIGHTS)), where=directory / WEIGHTS)
    return LoadedModel(manifest, model.to(device or torch.device("cpu")).eval(), tokenizer)


def read_own_manifest(directory: Path) -> Manifest:
    """What config.json of a directory that `save_model` wrote says, checked."""
    path = _part(directory, CONFIG)
    settings = read_json(path)
    given = settings.get("format")
    if given != FORMAT:
        raise TrasluzError(
            f"{path}: the format version is {given!r}, but this Trasluz reads version {FORMAT}; "
            "use the Trasluz that wrote the model, or train it again"
        )
    return parse(Manifest, settings, where=str(path))


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """Every parameter once, by its first name; a tied table is not written twice."""
    return {name: parameter.detach().contiguous().cpu() for name, parameter in model.named_parameters()}


def load_weights(model: nn.Module, weights: Mapping[str, Tensor], *, where: Path) -> None:
    """Copy `weights` into a model; an error lists what is missing, left over or of another shape."""
    parameters = dict(model.named_parameters())
    problems = [f"lacks {name}" for name in parameters.keys() - weights.keys()]
    problems += [f"has {name}, which the model does not know" for name in weights.keys() - parameters.keys()]
    problems += [
        f"has {name} of shape {list(weights[name].shape)} where the model expects {list(parameter.shape)}"
        for name, parameter in parameters.items()
        if name in weights and weights[name].shape != parameter.shape
    ]
    if problems:
        raise TrasluzError(f"{where} does not fit its {CONFIG}: it {'; it '.join(sorted(problems))}")
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(weights[name])


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file; one that is truncated or of another kind is an error."""
    try:
        return load_file(path)
    except FileNotFoundError:
        raise TrasluzError(
            f"{path} is missing, and what stands beside it needs it; copy or train it again"
        ) from None
    except SafetensorError as error:
        raise TrasluzError(
            f"{path} is damaged or is no safetensors file ({error}); copy or train it again"
        ) from None


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; a damaged file is an error with its line."""
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise TrasluzError(f"{path} is damaged: it is not valid JSON ({error})") from None
    except RecursionError:
        raise TrasluzError(f"{path} is damaged: its JSON is nested too deeply") from None
    except ValueError:  # Python reads no integer of thousands of digits
        raise TrasluzError(f"{path} is damaged: a number in it has too many digits") from None
    if not isinstance(settings, dict):
        raise TrasluzError(
            f"{path} is damaged: it should hold a JSON object, but holds a {type(settings).__name__}"
        )
    return settings


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write an object as JSON, whole or not at all."""
    write_whole(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def write_whole(path: Path, data: bytes) -> None:
    """Write a file beside its place, make sure that it is on the disk, and move it there.

    Raises `TrasluzError` where the disk refuses; what stood at `path` then still stands.
    """
    beside = path.with_name(f".{path.name}.writing")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise TrasluzError(
            f"{path} could not be written ({error.strerror}); what was there before is untouched. "
            "Free some room or choose another --out"
        ) from None


def _part(directory: Path, name: str) -> Path:
    path = directory / name
    if not path.is_file():
        raise TrasluzError(
            f"{directory} is not a whole model: {name} is missing "
            f"(a model has {CONFIG}, {WEIGHTS} and {TOKENIZER})"
        )
    return path
