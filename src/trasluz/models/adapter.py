"""Adapters: what a model learnt on top of another one, stored apart from it.

An adapter's directory has adapter.json, which names the model below, and adapter.safetensors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

from safetensors.torch import save
from torch import nn
from torch.nn.utils import parametrize

from trasluz.config import AdapterConfig
from trasluz.errors import TrasluzError
from trasluz.layers.adapter import LowRank
from trasluz.models.directory import read_json, read_tensors, write_whole
from trasluz.models.loaded import LoadedModel
from trasluz.models.model import Model
from trasluz.parse import Settings, parse

ADAPTER, CHANGES = "adapter.json", "adapter.safetensors"
WEIGHTS_OF_ANY_KIND = ("*.safetensors", "pytorch_model*.bin")


class AdapterManifest(Settings):
    """What adapter.json says: the model below, by its place and its weights, and the adapter's sizes.

    The languages are those that it was told to learn, of a model below that has several.
    """

    base: str
    weights: str
    adapter: AdapterConfig
    source_language: str | None = None
    target_language: str | None = None


def adapt(model: Model, config: AdapterConfig) -> None:
    """Freeze a model, and let a low-rank change be learnt for some of its matrices.

    Raises `TrasluzError` where the model has no matrix of such a name.
    """
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    chosen = dict(_matrices(model, config))
    missing = set(config.matrices) - {name.rpartition(".")[2] for name in chosen}
    if missing:
        known = sorted({name.rpartition(".")[2] for name, _ in _linear(model)})
        raise TrasluzError(
            f"this model has no matrix named {sorted(missing)[0]!r} to adapt; it has {', '.join(known)}"
        )
    for linear in chosen.values():
        change = LowRank(*linear.weight.shape, rank=config.rank, alpha=config.alpha)
        parametrize.register_parametrization(linear, "weight", change.to(linear.weight.device))


def merge(model: Model) -> None:
    """Put the changes into the matrices for good."""
    for _, part in _linear(model):
        if parametrize.is_parametrized(part):
            parametrize.remove_parametrizations(part, "weight", leave_parametrized=True)


def save_adapter(directory: Path, model: Model, manifest: AdapterManifest) -> None:
    """Write the changes of an adapted model, and what they belong to."""
    directory.mkdir(parents=True, exist_ok=True)
    tensors = {
        f"{name}.{side}": getattr(change, side).detach().contiguous().cpu()
        for name, change in _changes(model)
        for side in ("down", "up")
    }
    write_whole(directory / CHANGES, save(tensors))
    write_whole(directory / ADAPTER, (manifest.model_dump_json(indent=2) + "\n").encode())


def read_adapter_manifest(directory: Path) -> AdapterManifest:
    """What adapter.json says, checked; the model below must be there."""
    path = directory / ADAPTER
    manifest = parse(AdapterManifest, read_json(path), where=str(path))
    base = Path(manifest.base)
    if base.resolve() == directory.resolve():
        raise TrasluzError(f"{path}: the adapter names itself as the model below it; write its place there")
    if not base.is_dir():
        raise TrasluzError(
            f"{directory} is an adapter for the model in {base}, which is not there; put it back, or write "
            f"its new place into {path}"
        )
    return manifest


def read_adapter(directory: Path) -> AdapterManifest:
    """The same; the model below must be the one that was adapted."""
    manifest = read_adapter_manifest(directory)
    base = Path(manifest.base)
    if fingerprint(base) != manifest.weights:
        raise TrasluzError(
            f"{directory} is an adapter for other weights than those in {base} now; bring the old ones back"
        )
    return manifest


def with_adapter(loaded: LoadedModel, directory: Path, config: AdapterConfig) -> LoadedModel:
    """The model below with the changes of an adapter merged into it.

    Raises `TrasluzError` where they do not fit it.
    """
    model = loaded.model
    adapt(model, config)
    changes = dict(_changes(model))
    tensors = read_tensors(directory / CHANGES)
    expected = {
        f"{name}.{side}": getattr(change, side) for name, change in changes.items() for side in ("down", "up")
    }
    if {name: one.shape for name, one in tensors.items()} != {
        name: one.shape for name, one in expected.items()
    }:
        raise TrasluzError(
            f"{directory / CHANGES} does not fit {ADAPTER} and the model below; train it again"
        )
    for name, own in expected.items():
        own.data.copy_(tensors[name])
    merge(model)
    return replace(loaded, model=model.eval())


def fingerprint(directory: Path) -> str:
    """A SHA-256 of all weights in a directory, to tell one model from another."""
    digest = hashlib.sha256()
    for path in files_of_weights(directory):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def files_of_weights(directory: Path) -> list[Path]:
    """The files of a directory that hold weights, of any kind."""
    return sorted({path for pattern in WEIGHTS_OF_ANY_KIND for path in directory.glob(pattern)})


def _matrices(model: Model, config: AdapterConfig) -> Iterator[tuple[str, nn.Linear]]:
    return ((name, part) for name, part in _linear(model) if name.rpartition(".")[2] in config.matrices)


def _linear(model: Model) -> list[tuple[str, nn.Linear]]:
    return [(name, part) for name, part in model.named_modules() if isinstance(part, nn.Linear)]


def _changes(model: Model) -> Iterator[tuple[str, LowRank]]:
    for name, part in _linear(model):
        if parametrize.is_parametrized(part):
            yield name, cast(LowRank, part.parametrizations["weight"][0])  # type: ignore[index]
