"""The command `trasluz demo`: everything from training to the page of one attention, on very few pairs."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from trasluz.cli.demo import HELD_OUT, LOOK_AT, PAIRS, SENTENCES

Command = Callable[..., CompletedProcess[str]]


@pytest.fixture(autouse=True)
def little_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """A corpus that is learnt from in a moment."""
    monkeypatch.setattr("trasluz.cli.demo.PAIRS", 409)
    monkeypatch.setattr("trasluz.cli.demo.HELD_OUT", 7)


@pytest.mark.parametrize("pictures", [True, False])
def test_the_demo_goes_to_its_end(
    trasluz: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pictures: bool
) -> None:
    if not pictures:
        monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    out = tmp_path / ":car:" / "[b]demo"
    out.parent.mkdir()
    done = trasluz("demo", "--out", out, "--time", "1s")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    parts = [line for line in lines if line[:1].isdigit() and line[1:3] == ". "]
    assert [line.split()[1] for line in parts] == ["Train", "Score", "Translate", "Look"]
    assert sum(line.startswith("   -> ") for line in lines) == SENTENCES
    assert any(line.startswith("BLEU ") for line in lines)
    page = lines.index(f"   every head of every layer, in a browser: {out / 'attention.html'}")
    table = lines[lines.index(parts[-1]) + 1 : page]
    assert any(re.search(r" \d+ +\d+ ", line) for line in table), "percentages"
    assert f"   trasluz info {out}" in lines, "paths are shown as they are"
    assert (out / "attention.html").is_file()
    assert (out / "attention.png").is_file() == pictures
    if pictures:
        assert f"   the same as a picture: {out / 'attention.png'}" in lines
    else:
        wanted = "pictures need matplotlib; install it with: pip install 'trasluz[plot]'"
        assert f"   there is no picture: {wanted}" in lines
    assert json.loads(trasluz("info", out, "--json").stdout)["target_language"] == "es"


def test_the_real_demo_is_larger_and_looks_at_a_whole_sentence() -> None:
    assert PAIRS >= 40 * HELD_OUT
    assert LOOK_AT.endswith(".")
