"""What a person sees of a run and what stays in metrics.jsonl: a bar on a terminal, plain lines elsewhere.

Knows no loop and no model.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from trasluz.models.directory import write_whole

PLAIN_LINE_SECONDS = 10.0
LONGEST_SAMPLE = 100
SIGNED = ("bleu", "chrf")
"""The metrics whose signatures are shown at every validation; metrics.jsonl has them all."""


@dataclass(frozen=True, slots=True)
class StepReport:
    """One moment of training: loss in nats a target token, rates a second, shares of the budget."""

    step: int
    epoch: int
    seconds: float
    loss: float
    rate: float
    tokens_per_second: float
    done: float
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """One look at the validation pairs: metrics by name with their signatures, and samples.

    A sample is what was given and what was written, in this order.
    """

    step: int
    seconds: float
    loss: float
    metrics: dict[str, float]
    signatures: dict[str, str]
    samples: Sequence[dict[str, str]]
    best: bool


class Display(Protocol):
    """Where a run tells how it goes."""

    def say(self, sentence: str) -> None:
        """A sentence for the person who waits."""
        ...

    def step(self, report: StepReport) -> None:
        """One more update was made."""
        ...

    def close(self) -> None:
        """Nothing more will come."""
        ...


class PlainDisplay:
    """Lines of text, one every ten seconds: for a file, a pipe, a log."""

    def __init__(self) -> None:
        self.spoke = 0.0

    def say(self, sentence: str) -> None:
        """A line on standard error."""
        sys.stderr.write(f"{sentence}\n")
        sys.stderr.flush()

    def step(self, report: StepReport) -> None:
        """A line, unless there was one a moment ago."""
        now = time.monotonic()
        if now - self.spoke >= PLAIN_LINE_SECONDS:
            self.spoke = now
            self.say(f"{report.done:4.0%}  {describe(report)}")

    def close(self) -> None:
        """Lines need no end."""


class TerminalDisplay:
    """A progress bar that stays at the foot of what is said."""

    def __init__(self, console: Console) -> None:
        self.bar = Progress(
            TextColumn("{task.percentage:3.0f}%"),
            BarColumn(bar_width=24),
            TextColumn("{task.description}"),
            console=console,
        )
        self.task: TaskID | None = None

    def say(self, sentence: str) -> None:
        """A line above the bar."""
        self.bar.console.print(sentence, markup=False, highlight=False, emoji=False)

    def step(self, report: StepReport) -> None:
        """Move the bar."""
        if self.task is None:
            self.bar.start()
            self.task = self.bar.add_task("", total=1.0)
        self.bar.update(self.task, completed=report.done, description=describe(report))

    def close(self) -> None:
        """Leave the bar as it stands."""
        self.bar.stop()


def describe(report: StepReport) -> str:
    """A step in one line."""
    left = "" if report.seconds_left is None else f"  {clock(report.seconds_left)} left"
    return (
        f"step {report.step}  epoch {report.epoch + 1}  loss {report.loss:.3f}  rate {report.rate:.2e}  "
        f"{report.tokens_per_second:,.0f} tokens/s{left}"
    )


def describe_validation(report: ValidationReport) -> str:
    """A validation in a few lines: figures, how they were counted, sample translations."""
    figures = "  ".join(f"{name} {value:.2f}" for name, value in report.metrics.items())
    mark = "  (best so far)" if report.best else ""
    lines = [f"step {report.step}: validation loss {report.loss:.3f}  {figures}{mark}"]
    lines += [f"    {name}: {report.signatures[name]}" for name in SIGNED if name in report.signatures]
    for given, written in (sample.values() for sample in report.samples):
        lines += [f"    {shortened(given)}", f"      -> {shortened(written)}"]
    return "\n".join(lines)


def shortened(text: str) -> str:
    """A text that fits in a line."""
    return text if len(text) <= LONGEST_SAMPLE else f"{text[: LONGEST_SAMPLE - 1]}…"


def clock(seconds: float) -> str:
    """Seconds as a person reads them.

    >>> clock(3725)
    '1:02:05'
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def make_display() -> Display:
    """A bar where standard error is a terminal, lines elsewhere."""
    console = Console(stderr=True)
    return TerminalDisplay(console) if console.is_terminal else PlainDisplay()


class Record:
    """metrics.jsonl: one JSON object a line, for every so many steps and for every validation."""

    def __init__(self, path: Path, *, from_step: int) -> None:
        self.path = path
        kept = [line for line in read_record(path) if line.get("step", 0) <= from_step]
        write_whole(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept).encode())
        self.file = path.open("a", encoding="utf-8")

    def write(self, report: StepReport | ValidationReport) -> None:
        """Add a line and bring it out of the buffer."""
        kind = "validation" if isinstance(report, ValidationReport) else "training"
        self.file.write(json.dumps({"kind": kind, **asdict(report)}, ensure_ascii=False) + "\n")
        self.file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()


def read_record(path: Path) -> list[dict[str, Any]]:
    """The lines of a metrics.jsonl; none where there is no such file.

    What is no whole JSON object, such as a last line that was cut off while it was written, is left out.
    """
    if not path.is_file():
        return []
    found = (_object(line) for line in path.read_bytes().split(b"\n")[:-1])
    return [line for line in found if line is not None]


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
