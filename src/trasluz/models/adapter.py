"""Adapters: what a model learnt on top of another one, stored apart from it.

An adapter's directory has adapter.json, which names the model below, and adapter.safetensors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from safetensors.torch import save
from torch import nn
from torch.nn.utils import parametrize

from trasluz.config import AdapterConfig
from trasluz.errors import TrasluzError
from trasluz.layers.adapter import LowRank
from trasluz.models.directory import read_json, read_tensors, write_whole
from trasluz.models.families.family import Languages
from trasluz.models.loaded import LoadedModel
from trasluz.models.model import Model
from trasluz.parse import Settings, parse

ADAPTER, CHANGES = "adapter.json", "adapter.safetensors"
WEIGHTS_OF_ANY_KIND = ("*.safetensors", "pytorch_model*.bin")


class AdapterManifest(Settings):
    """What adapter.json says: the model below, by its place and its weights, and the adapter's sizes.

    `changes` is the SHA-256 of the adapter's own tensors. The languages are those that it was told to learn,
    of a model below that has several.
    """

    base: str
    weights: str
    changes: str
    adapter: AdapterConfig
    source_language: str | None = None
    target_language: str | None = None

    @property
    def languages(self) -> Languages:
        """The languages that it learnt."""
        return Languages(self.source_language, self.target_language)


@dataclass(frozen=True, slots=True)
class Below:
    """The model below an adapter: its directory, and the fingerprint of its weights."""

    directory: str
    weights: str


def adapt(model: Model, config: AdapterConfig) -> None:
    """Freeze a model, and let a low-rank change be learnt for some of its matrices.

    Raises `TrasluzError` where the model has no matrix of such a name.
    """
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    for linear in _chosen(model, config).values():
        change = LowRank(*linear.weight.shape, rank=config.rank, alpha=config.alpha)
        parametrize.register_parametrization(linear, "weight", change.to(linear.weight.device))


def merge(model: Model) -> None:
    """Put the changes into the matrices for good."""
    for _, part in _linear(model):
        if parametrize.is_parametrized(part):
            parametrize.remove_parametrizations(part, "weight", leave_parametrized=True)


def save_adapter(
    directory: Path, model: Model, config: AdapterConfig, *, below: Below, languages: Languages
) -> None:
    """Write the changes of an adapted model, and what they belong to."""
    directory.mkdir(parents=True, exist_ok=True)
    changes = save(
        {
            f"{name}.{side}": getattr(change, side).detach().contiguous().cpu()
            for name, change in _changes(model)
            for side in ("down", "up")
        }
    )
    manifest = AdapterManifest(
        base=below.directory,
        weights=below.weights,
        changes=hashlib.sha256(changes).hexdigest(),
        adapter=config,
        source_language=languages.source,
        target_language=languages.target,
    )
    write_whole(directory / CHANGES, changes)
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
    """The same; the tensors must be its own, and the model below the one that was adapted."""
    manifest = read_adapter_manifest(directory)
    base, changes = Path(manifest.base), directory / CHANGES
    if fingerprint(base) != manifest.weights:
        raise TrasluzError(
            f"{directory} is an adapter for other weights than those in {base} now; bring the old ones back"
        )
    if not changes.is_file():
        raise TrasluzError(f"{changes} is missing, and {ADAPTER} needs it; copy or train it again")
    if _digest(changes).hex() != manifest.changes:
        raise TrasluzError(
            f"{changes} is not what {ADAPTER} was written with: it is damaged, or another adapter's; copy "
            "both again"
        )
    return manifest


def with_adapter(loaded: LoadedModel, directory: Path, config: AdapterConfig) -> LoadedModel:
    """The model below with the changes of an adapter merged into it.

    Raises `TrasluzError` where they do not fit it.
    """
    model = loaded.model
    tensors = read_tensors(directory / CHANGES)
    expected: dict[str, tuple[int, ...]] = {}  # compared before there are any: a rank may be any number
    for name, linear in _chosen(model, config).items():
        rows, columns = linear.weight.shape
        expected |= {f"{name}.down": (config.rank, columns), f"{name}.up": (rows, config.rank)}
    if {name: tuple(one.shape) for name, one in tensors.items()} != expected:
        raise TrasluzError(
            f"{directory / CHANGES} does not fit {ADAPTER} and the model below; train it again"
        )
    adapt(model, config)
    for name, change in _changes(model):
        for side in ("down", "up"):
            getattr(change, side).data.copy_(tensors[f"{name}.{side}"])
    merge(model)
    return replace(loaded, model=model.eval())


def fingerprint(directory: Path) -> str:
    """A SHA-256 of all weights in a directory, to tell one model from another."""
    digest = hashlib.sha256()
    for path in files_of_weights(directory):
        digest.update(_digest(path))
    return digest.hexdigest()


def _digest(path: Path) -> bytes:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def files_of_weights(directory: Path) -> list[Path]:
    """The files of a directory that hold weights, of any kind."""
    return sorted({path for pattern in WEIGHTS_OF_ANY_KIND for path in directory.glob(pattern)})


def _chosen(model: Model, config: AdapterConfig) -> dict[str, nn.Linear]:
    """The matrices that are adapted, by their names.

    Raises `TrasluzError` where the model has none of some name.
    """
    linear = _linear(model)
    last = {name.rpartition(".")[2] for name, _ in linear}
    if missing := set(config.matrices) - last:
        known = ", ".join(sorted(last))
        raise TrasluzError(f"this model has no matrix named {sorted(missing)[0]!r} to adapt; it has {known}")
    return {name: part for name, part in linear if name.rpartition(".")[2] in config.matrices}


def _linear(model: Model) -> list[tuple[str, nn.Linear]]:
    return [(name, part) for name, part in model.named_modules() if isinstance(part, nn.Linear)]


def _changes(model: Model) -> Iterator[tuple[str, LowRank]]:
    for name, part in _linear(model):
        if parametrize.is_parametrized(part):
            yield name, cast(Mapping[str, Sequence[LowRank]], part.parametrizations)["weight"][0]
