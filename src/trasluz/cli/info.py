"""The command `trasluz info`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from trasluz.cli.model import Model


def info(
    model: Model,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what a model is made of and how it was trained.

    Example:  trasluz info models/eng-spa
    """
    facts = describe_model(model)
    if as_json:
        typer.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    for name, value in flatten(facts):
        typer.echo(f"{name:<44} {value}")


def describe_model(directory: Path) -> dict[str, Any]:
    """Sizes, settings and training record of the model in a directory, as nested groups.

    Of an adapter they are those of the model below, which `adapter` names, with the sizes of the change.
    """
    from trasluz.models.adapter import ADAPTER, files_of_weights, read_adapter_manifest
    from trasluz.models.build import count_parameters
    from trasluz.models.directory import CONFIG, read_json
    from trasluz.models.hub import directory_of
    from trasluz.models.load import is_checkpoint, load_model, read_manifest
    from trasluz.training.keeper import RECORD

    directory = directory_of(directory)
    manifest = read_manifest(directory)
    if (directory / CONFIG).is_file() and not is_checkpoint(directory):
        load_model(directory)  # so that damage is said
    record, adapter = directory / RECORD, None
    if (directory / ADAPTER).is_file():
        own = read_adapter_manifest(directory)
        adapter = {"base": own.base, **own.adapter.model_dump()}
    return {
        "directory": str(directory),
        "parameters": count_parameters(manifest.model),
        "weights_bytes": sum(path.stat().st_size for path in files_of_weights(directory)),
        **manifest.model_dump(),
        "adapter": adapter,
        "training": read_json(record) if record.is_file() else None,
    }


def flatten(facts: dict[str, Any], *, path: str = "") -> list[tuple[str, Any]]:
    """Nested groups as dotted names with their values."""
    rows: list[tuple[str, Any]] = []
    for key, value in facts.items():
        name = f"{path}{key}"
        rows += flatten(value, path=f"{name}.") if isinstance(value, dict) else [(name, value)]
    return rows
