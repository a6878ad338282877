"""Checkpoints of a run: all that is needed to go on as if nothing had happened, written whole or not at all.

Knows no loop. A checkpoint is a directory of safetensors and JSON; it is filled under a name that is never
read, brought to the disk, and only then given its own name.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict
from safetensors.torch import save
from torch import Tensor, nn

from trasluz.errors import TrasluzError
from trasluz.models.directory import load_weights, read_json, read_tensors, weights_of, write_whole
from trasluz.parse import parse
from trasluz.training.settings import BudgetSettings

WEIGHTS, OPTIMIZER, PROGRESS = "model.safetensors", "optimizer.safetensors", "progress.json"
CHANCE = "chance"


class Progress(BaseModel):
    """Where a run stands, besides its weights: counts, place in the data, and how good it has been.

    `seconds` is the time the run has worked, over all its sessions; `tokens` are real target tokens. `budget`
    is what it has worked under, and `averaged` the step whose checkpoints have been averaged. The metered
    figures are those since the last line of metrics.jsonl; `reserve` is the time, in seconds, that the last
    validations will take.
    """

    model_config = ConfigDict(extra="forbid")

    step: int = 0
    epoch: int = 0
    index: int = 0
    seconds: float = 0.0
    tokens: int = 0
    validations: int = 0
    best: float | None = None
    best_step: int = 0
    without_gain: int = 0
    ended: bool = False
    budget: BudgetSettings = BudgetSettings()
    reserve: float = 0.0
    averaged: int = 0
    metered_loss: float = 0.0
    metered_tokens: int = 0
    metered_seconds: float = 0.0


class Checkpoints:
    """The checkpoints of one run, in one directory: the last one complete, the `keep` latest as weights."""

    def __init__(self, directory: Path, *, keep: int) -> None:
        self.directory = directory
        self.keep = keep

    def save(
        self,
        progress: Progress,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        *,
        passing: bool = False,
    ) -> None:
        """Write a checkpoint of this moment, then let older ones go.

        A `passing` one is there to go on from and gives way to the next; it counts neither among the latest
        nor in a mean, so that a run that was stopped keeps and averages what a straight one does.

        Raises `TrasluzError` where the disk refuses; the last good checkpoint then still stands.
        """
        place = self.directory / f"{'pause' if passing else 'step'}-{progress.step:08d}"
        if (place / PROGRESS).is_file():
            write_whole(place / PROGRESS, _json(progress))
            return
        beside = self.directory / f".{place.name}.writing"
        try:
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir(parents=True)
            write_whole(beside / WEIGHTS, save(weights_of(model)))
            write_whole(beside / OPTIMIZER, save(_optimizer_tensors(model, optimizer)))
            write_whole(beside / PROGRESS, _json(progress))
            shutil.rmtree(place, ignore_errors=True)
            beside.rename(place)
            _sync(self.directory)
        except (OSError, TrasluzError) as error:
            shutil.rmtree(beside, ignore_errors=True)
            reason = error.strerror if isinstance(error, OSError) else error
            stands = "the one before it is whole, and" if self.latest() else "make room for it, then"
            raise TrasluzError(
                f"the checkpoint of step {progress.step} could not be written ({reason}); "
                f"{stands} the same command goes on from there"
            ) from None
        self._let_go(place)

    def note(self, progress: Progress) -> None:
        """Write down where the run stands in its last checkpoint."""
        if place := self.latest():
            write_whole(place / PROGRESS, _json(progress))

    def latest(self) -> Path | None:
        """The directory of the last complete checkpoint, if there is one."""
        both = sorted([*self.places(), *self._named("pause")], key=lambda place: place.name[-8:])
        complete = [place for place in both if (place / PROGRESS).is_file()]
        return complete[-1] if complete else None

    def places(self) -> list[Path]:
        """The directories of all checkpoints but passing ones, oldest first."""
        return self._named("step")

    def _named(self, kind: str) -> list[Path]:
        if not self.directory.is_dir():
            return []
        return sorted(
            place for place in self.directory.iterdir() if re.fullmatch(rf"{kind}-\d{{8}}", place.name)
        )

    def resume(self, place: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> Progress:
        """Bring model, optimiser and the global generator to where the checkpoint `place` left them."""
        load_weights(model, read_tensors(place / WEIGHTS), where=place / WEIGHTS)
        _load_optimizer(model, optimizer, read_tensors(place / OPTIMIZER))
        return parse(Progress, read_json(place / PROGRESS), where=str(place / PROGRESS))

    def average(self, count: int) -> dict[str, Tensor]:
        """The mean of the weights of the last `count` checkpoints (Vaswani et al. 2017, section 6.1)."""
        several = [read_tensors(place / WEIGHTS) for place in self.places()[-count:]]
        return {name: torch.stack([weights[name] for weights in several]).mean(0) for name in several[0]}

    def _let_go(self, last: Path) -> None:
        pauses = [place for place in self._named("pause") if place != last]
        for place in [*self.places(), *pauses]:
            if place != last:
                (place / PROGRESS).unlink(missing_ok=True)
                (place / OPTIMIZER).unlink(missing_ok=True)
        half_written = self.directory.glob(".*.writing")
        for place in [*self.places()[: -self.keep], *pauses, *half_written]:
            shutil.rmtree(place)


def _json(progress: Progress) -> bytes:
    return (progress.model_dump_json(indent=2) + "\n").encode()


def _optimizer_tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The moments of every parameter by its name, and the state of the global generator."""
    tensors = {CHANCE: torch.get_rng_state()}
    for name, parameter in model.named_parameters():
        for kind, value in optimizer.state.get(parameter, {}).items():
            tensors[f"{kind} {name}"] = value.detach().contiguous().cpu()
    return tensors


def _load_optimizer(
    model: nn.Module, optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]
) -> None:
    torch.set_rng_state(tensors[CHANCE])
    parameters = dict(model.named_parameters())
    for key, value in tensors.items():
        if key != CHANCE:
            kind, name = key.split(" ", 1)
            optimizer.state[parameters[name]][kind] = value.to(parameters[name].device)


def _sync(directory: Path) -> None:
    """Bring a directory's names to the disk."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
