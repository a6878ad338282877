"""What a run hands out: the best weights so far as a model directory, with the record of their making."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from trasluz.config import Manifest
from trasluz.models.directory import FORMAT, load_weights, write_json
from trasluz.models.model import Model
from trasluz.text.tokenizer import Tokenizer
from trasluz.training.checkpoint import Checkpoints, Progress
from trasluz.training.material import Material
from trasluz.training.progress import Display
from trasluz.training.settings import RunSettings
from trasluz.training.validation import Validation, validate

RECORD = "training.json"

Save = Callable[[Manifest, Model, Tokenizer], None]
"""Hands out a model with its tokeniser."""


class Keeper:
    """Writes the model directory of a run each time its weights are the best so far."""

    def __init__(
        self,
        out: Path,
        *,
        settings: RunSettings,
        material: Material,
        model: Model,
        progress: Progress,
        save: Save,
    ) -> None:
        self.out, self.settings, self.material = out, settings, material
        self.model, self.progress, self.save = model, progress, save

    def keep(self, validation: Validation) -> None:
        """Write the present weights and their record."""
        manifest = Manifest(
            format=FORMAT,
            task=self.settings.task,
            model=self.settings.model,
            longest_source=self.material.longest_source,
            most_sentences=self.material.most_sentences,
            source_language=self.settings.source_language,
            target_language=self.settings.target_language,
        )
        self.save(manifest, self.model, self.material.tokenizer)
        write_json(self.out / RECORD, self._record(validation))

    def try_average(self, checkpoints: Checkpoints, *, display: Display) -> None:
        """Average the last checkpoints, as many as the settings say, and keep the mean if it is better."""
        count = min(self.settings.average, len(checkpoints.places()))
        if count < 2 or self.progress.averaged == self.progress.step:
            return
        load_weights(self.model, checkpoints.average(count), where=checkpoints.directory)
        validation = validate(self.model, self.material)
        figure = validation.figure(self.settings.validation.metric)
        better = self.progress.best is None or figure > self.progress.best
        if better:
            self.progress.best = figure
            self.keep(validation)
        self.progress.averaged = self.progress.step
        checkpoints.note(self.progress)
        verdict = "better, kept" if better else "no better, the best single one stays"
        display.say(
            f"mean of the last {count} checkpoints: {self.settings.validation.metric} {figure:.2f}: {verdict}"
        )

    def _record(self, validation: Validation) -> Mapping[str, Any]:
        progress = self.progress
        return {
            "steps": progress.step,
            "epochs": progress.epoch,
            "seconds": round(progress.seconds, 1),
            "target_tokens": progress.tokens,
            "target_tokens_per_second": round(progress.tokens / max(1e-9, progress.seconds), 1),
            "peak_memory_mb": peak_memory_mb(),
            "pairs": len(self.material.batches),
            "validation": {
                "loss": validation.loss,
                "pairs": len(self.material.validation),
                "metrics": {
                    name: {"value": metric.value, "signature": metric.signature}
                    for name, metric in validation.metrics.items()
                },
            },
            "threads": torch.get_num_threads(),
            "device": str(self.model.output.weight.device),
            "versions": versions(),
        }


def versions() -> dict[str, str]:
    """Which Trasluz this is, and what else decides about figures."""
    return {
        "trasluz": version("trasluz"),
        "torch": torch.__version__,
        "sentencepiece": version("sentencepiece"),
        "sacrebleu": version("sacrebleu"),
        "python": platform.python_version(),
    }


def peak_memory_mb() -> float | None:
    """The most memory this process has held, in MiB; None where the system does not say."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)
