"""The training loop: one visible loop of updates, looks at the validation pairs, and checkpoints.

Knows no files of pairs and no command line.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import torch
from torch import nn

from trasluz.corpus.batch import Batch
from trasluz.models.model import Model
from trasluz.training.checkpoint import Checkpoints, Progress
from trasluz.training.material import Material
from trasluz.training.optimizer import rate_at, set_rate
from trasluz.training.progress import Display, Record, StepReport, ValidationReport, describe_validation
from trasluz.training.settings import RunSettings
from trasluz.training.validation import Validation, batch_loss, validate

VALIDATIONS_IN_A_BUDGET = 10
RECORD_STEPS = 50


class Stopped(Exception):  # noqa: N818  # it is no error to be stopped
    """Somebody asked the run to stop, and all it had learnt is in a checkpoint."""


@dataclass(slots=True)
class Meter:
    """The loss a token and the tokens a second since the last time it was read."""

    loss: float = 0.0
    tokens: int = 0
    begin: float = field(default_factory=time.monotonic)

    def add(self, loss: float, tokens: int) -> None:
        """Count an update."""
        self.loss += loss
        self.tokens += tokens


class Loop:
    """A run in motion: the model, what it learns from, and where it stands."""

    def __init__(
        self,
        model: Model,
        optimizer: torch.optim.Optimizer,
        material: Material,
        *,
        settings: RunSettings,
        progress: Progress,
        checkpoints: Checkpoints,
        display: Display,
        record: Record,
        keep_best: Callable[[Validation], None],
    ) -> None:
        self.model, self.optimizer, self.material, self.settings = model, optimizer, material, settings
        self.progress, self.checkpoints, self.display, self.record = progress, checkpoints, display, record
        self.keep_best = keep_best
        self.begin = time.monotonic() - progress.seconds
        self.meter = Meter(
            progress.metered_loss, progress.metered_tokens, time.monotonic() - progress.metered_seconds
        )
        self.stop = False
        if progress.budget != settings.budget:
            progress.budget, progress.ended = settings.budget, progress.step > 0 and self._over()
            progress.validations = int(self._done() * VALIDATIONS_IN_A_BUDGET)

    def run(self) -> None:
        """Update until the budget is used up, looking at the validation pairs on the way.

        Raises `Stopped` after a checkpoint when an interruption or a termination is asked for.
        """
        self.model.train()
        stream = self.material.batches.iterate(epoch=self.progress.epoch, index=self.progress.index)
        with stop_signals(self._ask_to_stop):
            while not self.progress.ended:
                self._update(stream)
                stop = self.stop  # read once, since a signal may come at any moment
                if stop:
                    self.display.say("stopping after this update; a checkpoint is written first")
                if self.progress.step % RECORD_STEPS == 0:
                    self._write_down()
                if self._over() or self._validation_is_due():
                    self._look()
                elif stop:
                    self._save(passing=True)
                if stop and not self.progress.ended:
                    out = self.checkpoints.directory.parent
                    raise Stopped(f"stopped; the same command goes on from the checkpoint in {out}")

    def _update(self, stream: Iterator[tuple[int, int, Batch]]) -> None:
        """One step of the optimiser, from as many batches as are accumulated."""
        taken = [next(stream) for _ in range(self.settings.batch.accumulate)]
        tokens = sum(batch.target_tokens for _, _, batch in taken)
        self.optimizer.zero_grad(set_to_none=False)
        total = 0.0
        for epoch, index, batch in taken:
            loss = batch_loss(self.model, batch, smoothing=self.settings.smoothing)
            torch.autograd.backward(loss / tokens)
            total += float(loss.detach())
            self.progress.epoch, self.progress.index = epoch, index + 1
        nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.optimizer.clip)
        set_rate(self.optimizer, self._rate())
        self.optimizer.step()
        self.progress.step += 1
        self.progress.tokens += tokens
        self.progress.seconds = time.monotonic() - self.begin
        self.meter.add(total, tokens)
        self.display.step(self._report())

    def _rate(self) -> float:
        return rate_at(self.progress.step, progress=self._done(), settings=self.settings.optimizer)

    def _done(self) -> float:
        """The share of the budget that is used up; 0 where there is no budget."""
        budget = self.settings.budget
        by_steps = 0.0 if budget.steps is None else self.progress.step / budget.steps
        by_time = (
            0.0 if budget.seconds is None else self.progress.seconds / max(1e-9, self._seconds_to_learn())
        )
        return min(1.0, max(by_steps, by_time))

    def _seconds_to_learn(self) -> float:
        """The budget of time less what the last validations will take."""
        assert self.settings.budget.seconds is not None
        return self.settings.budget.seconds - self.progress.reserve

    def _over(self) -> bool:
        return self._done() >= 1.0

    def _validation_is_due(self) -> bool:
        every = self.settings.validation.every
        if every is not None:
            return self.progress.step % every == 0
        return self._done() * VALIDATIONS_IN_A_BUDGET >= self.progress.validations + 1

    def _look(self) -> None:
        """Validate, keep the weights if they are the best so far, decide whether to go on, checkpoint."""
        validation = validate(self.model, self.material)
        progress, settings = self.progress, self.settings.validation
        progress.reserve = (2 if self.settings.average else 1) * validation.seconds
        progress.validations += 1
        progress.seconds = time.monotonic() - self.begin
        figure = validation.figure(settings.metric)
        better = progress.best is None or figure > progress.best
        if better:
            progress.best, progress.best_step, progress.without_gain = figure, progress.step, 0
            self.keep_best(validation)
        else:
            progress.without_gain += 1
        self._tell(validation, better=better)
        patient = settings.patience == 0 or progress.without_gain < settings.patience
        progress.ended = self._over() or not patient
        self._save()

    def _save(self, *, passing: bool = False) -> None:
        progress, meter = self.progress, self.meter
        progress.metered_loss, progress.metered_tokens = meter.loss, meter.tokens
        progress.metered_seconds = time.monotonic() - meter.begin
        self.checkpoints.save(progress, self.model, self.optimizer, passing=passing)

    def _tell(self, validation: Validation, *, better: bool) -> None:
        metrics = validation.metrics
        report = ValidationReport(
            step=self.progress.step,
            seconds=self.progress.seconds,
            loss=validation.loss,
            metrics={name: metric.value for name, metric in metrics.items()},
            signatures={name: metric.signature for name, metric in metrics.items()},
            samples=validation.samples,
            best=better,
        )
        self.record.write(report)
        self.display.say(describe_validation(report))

    def _write_down(self) -> None:
        self.record.write(self._report())
        self.meter = Meter()

    def _report(self) -> StepReport:
        progress, budget, meter = self.progress, self.settings.budget, self.meter
        done = self._done()
        known = budget.seconds is not None or budget.steps is not None
        return StepReport(
            step=progress.step,
            epoch=progress.epoch,
            seconds=progress.seconds,
            loss=meter.loss / max(1, meter.tokens),
            rate=self._rate(),
            tokens_per_second=meter.tokens / max(1e-9, time.monotonic() - meter.begin),
            done=done,
            seconds_left=progress.seconds * (1 / done - 1) if known and done > 0 else None,
        )

    def _ask_to_stop(self) -> None:
        self.stop = True


HANGUP = [signal.SIGHUP] if hasattr(signal, "SIGHUP") else []
"""What a terminal sends when it is closed, on the systems that have it."""


@contextmanager
def stop_signals(ask: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and a closed terminal ask for a stop; a second one stops at once, as ever."""
    before: dict[signal.Signals, Any] = {}

    def once(number: int, frame: FrameType | None) -> None:
        signal.signal(number, before[signal.Signals(number)])
        ask()

    try:
        for number in (signal.SIGINT, signal.SIGTERM, *HANGUP):
            before[number] = signal.signal(number, once)
    except ValueError:  # only the main thread may do so
        pass
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
