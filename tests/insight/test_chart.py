"""Charts: a picture of the kind that its ending says, with every line that is named."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from trasluz.errors import TrasluzError
from trasluz.insight.chart import Line, Panel, save_chart

LINES = (
    Line("dot $x", [1, 2, 3], [0.5, 2.0, 7.0]),
    Line("_none", [1, 3], [1.0, float("nan")], hue=11, dash=5),
)
PANELS = (
    Panel("validation BLEU", "step", "BLEU", LINES),
    Panel("by length", "words", "BLEU", LINES[:1], ticks=("1-4", "5-8", "9 or more", "all")),
)


@pytest.mark.parametrize(("ending", "begins"), [(".png", b"\x89PNG\r\n\x1a\n"), (".svg", b"<?xml")])
def test_a_chart_is_of_the_kind_that_its_ending_says(tmp_path: Path, ending: str, begins: bytes) -> None:
    path = tmp_path / f"curves{ending}"
    save_chart(PANELS, path)
    assert path.read_bytes().startswith(begins)


def test_every_line_is_named_once_and_every_panel_has_its_words(tmp_path: Path) -> None:
    from matplotlib import rc_context

    path = tmp_path / "curves.svg"
    with rc_context({"svg.fonttype": "none"}):
        save_chart(PANELS, path)
    drawn = path.read_text("utf-8")
    for name in ("dot $x",):
        assert drawn.count(f">{name}<") == 1
    assert drawn.count("> _none<") == 1
    for words in ("validation BLEU", "by length", "step", "words", "9 or more"):
        assert f">{words}<" in drawn


def test_lines_without_points_and_without_names_are_drawn(tmp_path: Path) -> None:
    path = tmp_path / "curves.png"
    save_chart([Panel("", "", "", [Line("", [], [])])], path)
    assert path.stat().st_size > 0


def test_an_ending_that_is_no_picture_is_said(tmp_path: Path) -> None:
    with pytest.raises(TrasluzError, match=r"\.xyz.*png"):
        save_chart(PANELS, tmp_path / "curves.xyz")


def test_without_matplotlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(TrasluzError, match=r"install it with: pip install 'trasluz\[plot\]'"):
        save_chart(PANELS, tmp_path / "curves.png")
    assert list(tmp_path.iterdir()) == []
