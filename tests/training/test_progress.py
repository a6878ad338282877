"""What is shown and what is written down: a bar on a terminal, lines elsewhere, whole lines in the file."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from trasluz.training.progress import (
    PLAIN_LINE_SECONDS,
    PlainDisplay,
    Record,
    StepReport,
    TerminalDisplay,
    ValidationReport,
    clock,
    describe,
    describe_validation,
    make_display,
    read_record,
)

STEP = StepReport(
    step=7,
    epoch=2,
    seconds=11.0,
    loss=3.14159,
    rate=0.00123,
    tokens_per_second=2345.6,
    done=0.25,
    seconds_left=75.0,
)
LOOK = ValidationReport(
    step=7,
    seconds=11.0,
    loss=2.71828,
    metrics={"bleu": 12.345, "chrf": 43.21},
    signatures={"bleu": "nrefs:1|case:mixed", "chrf": "nrefs:1|nc:6"},
    samples=[{"source": "the [b]girl[/b]", "translation": "la niña"}],
    best=True,
)


def read(path: Path) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def test_a_step_is_one_line() -> None:
    assert describe(STEP) == "step 7  epoch 3  loss 3.142  rate 1.23e-03  2,346 tokens/s  1:15 left"
    assert describe(replace(STEP, seconds_left=None)).endswith("2,346 tokens/s")


def test_a_validation_shows_its_figures_and_its_samples() -> None:
    lines = describe_validation(LOOK).splitlines()
    assert lines[0] == "step 7: validation loss 2.718  bleu 12.35  chrf 43.21  (best so far)"
    assert [line.strip() for line in lines[-2:]] == ["the [b]girl[/b]", "-> la niña"]
    assert "best" not in describe_validation(replace(LOOK, best=False))


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (75, "1:15"), (3600, "1:00:00"), (3725, "1:02:05")]
)
def test_time_is_written_as_people_read_it(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_plain_lines_come_one_at_a_time_and_not_too_often(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    display = PlainDisplay()
    display.say("size tiny: as asked for")
    display.step(STEP)
    display.step(replace(STEP, step=8))
    now += PLAIN_LINE_SECONDS
    display.step(replace(STEP, step=9, done=1.0))
    display.close()
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert [line.split("  ")[:2] for line in lines[1:]] == [[" 25%", "step 7"], ["100%", "step 9"]]
    assert lines[0] == "size tiny: as asked for"
    assert "\r" not in captured.err
    assert "\x1b" not in captured.err


def test_a_terminal_shows_a_bar_and_what_is_said_above_it() -> None:
    screen = io.StringIO()
    display = TerminalDisplay(Console(force_terminal=True, file=screen, width=120))
    display.say("what [b]is[/b] said")
    display.step(STEP)
    display.step(replace(STEP, step=11, done=0.5))
    display.say(describe_validation(LOOK))
    display.close()
    shown = screen.getvalue()
    assert "what [b]is[/b] said" in shown, "what is said is no markup"
    assert "the [b]girl[/b]" in shown
    assert "50%" in shown
    assert "step 11" in shown
    assert "━" in shown


def test_a_bar_that_never_began_can_be_closed() -> None:
    TerminalDisplay(Console(force_terminal=True, file=io.StringIO())).close()


def test_where_there_is_no_terminal_there_is_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert isinstance(make_display(), PlainDisplay)


def test_where_there_is_a_terminal_there_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", Terminal())
    assert isinstance(make_display(), TerminalDisplay)


def test_every_report_is_a_whole_line_at_once(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    with Record(path, from_step=0) as record:
        record.write(STEP)
        assert [line["kind"] for line in read(path)] == ["training"]
        record.write(LOOK)
        step, look = read(path)
    assert (step["step"], step["loss"], step["rate"]) == (7, 3.14159, 0.00123)
    assert (look["kind"], look["metrics"]["bleu"]) == ("validation", 12.345)
    assert look["signatures"]["bleu"] == "nrefs:1|case:mixed"
    assert look["samples"] == [{"source": "the [b]girl[/b]", "translation": "la niña"}]
    assert "niña" in path.read_text(encoding="utf-8")


def test_on_resuming_what_will_be_learnt_again_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    with Record(path, from_step=0) as record:
        for step in (2, 4, 6):
            record.write(replace(STEP, step=step))
    with Record(path, from_step=4) as record:
        record.write(replace(STEP, step=5))
    assert [line["step"] for line in read(path)] == [2, 4, 5]


@pytest.mark.parametrize("cut", [1, 2, 11, "in the middle of a letter"])
def test_a_last_line_that_was_cut_off_is_left_out(tmp_path: Path, cut: int | str) -> None:
    path = tmp_path / "metrics.jsonl"
    with Record(path, from_step=0) as record:
        record.write(STEP)
        record.write(LOOK)
    data = path.read_bytes()
    path.write_bytes(data[:-cut] if isinstance(cut, int) else data[: data.index("ñ".encode()) + 1])
    with Record(path, from_step=7) as record:
        record.write(replace(LOOK, best=False))
    assert [(line["kind"], line.get("best")) for line in read(path)] == [
        ("training", None),
        ("validation", False),
    ]


def test_a_letter_that_other_readers_take_for_a_line_end_ends_no_line(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    look = replace(LOOK, samples=[{"source": "one\u2028two\u0085three", "translation": "uno\r\ndos"}])
    with Record(path, from_step=0) as record:
        record.write(look)
    with Record(path, from_step=7):
        pass
    (line,) = path.read_text(encoding="utf-8").split("\n")[:-1]
    assert json.loads(line)["samples"] == look.samples


def test_lines_that_are_no_objects_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"kind": "training", "step": 3}\ngarbage\n[1]\n{"kind": "training", "step": 7}\n{"cut')
    assert [line["step"] for line in read_record(path)] == [3, 7]
    with Record(path, from_step=5):
        assert [line["step"] for line in read_record(path)] == [3]
