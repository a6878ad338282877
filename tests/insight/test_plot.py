"""Drawn attention: percentages on a terminal, pictures in a file, and what is said without matplotlib."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch
from rich.console import Console

from trasluz.errors import TrasluzError
from trasluz.insight.plot import HIGH, LOW, MOST_NAMES, print_weights, save_grid, save_map, save_picture

WEIGHTS = torch.tensor([[0.07, 0.9, 0.03], [0.5, 0.25, 0.25]])
ROWS, COLUMNS = ("▁el", "▁gato"), ("▁the", "▁cat", "</s>")


@pytest.mark.parametrize("name", ["a\x1bb", "\x00", "x" * 500, "猫", "_$"])
def test_any_name_makes_a_picture_that_can_be_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / "one.svg"
    save_picture(torch.ones(1, 1), path, rows=[name], columns=[name], title=name)
    assert ElementTree.parse(path).getroot().tag.endswith("svg")


def printed(
    weights: torch.Tensor = WEIGHTS,
    *,
    rows: tuple[str, ...] = ROWS,
    columns: tuple[str, ...] = COLUMNS,
    color: bool = False,
) -> str:
    screen = io.StringIO()
    console = Console(
        file=screen, width=80, force_terminal=color, color_system="truecolor" if color else None
    )
    print_weights(weights, rows=rows, columns=columns, console=console)
    return screen.getvalue()


def test_a_terminal_shows_every_weight_as_a_percentage() -> None:
    lines = [line.split() for line in printed().splitlines() if line.strip()]
    assert lines == [["▁the", "▁cat", "</s>"], ["▁el", "7", "90", "3"], ["▁gato", "50", "25", "25"]]


def test_weights_have_colours_from_low_to_high() -> None:
    shown = printed(torch.tensor([[0.0, 1.0]]), rows=("▁el",), columns=("▁the", "▁cat"), color=True)
    low, high = (";".join(map(str, colour)) for colour in (LOW, HIGH))
    assert shown.index(f"48;2;{low}") < shown.index(f"48;2;{high}")


def test_pieces_that_look_like_markup_are_shown_as_they_are() -> None:
    shown = printed(rows=("[/x]", "[b]"), columns=("[bold]", "[/y]", ":cat:"))
    for piece in ("[/x]", "[b]", "[bold]", "[/y]", ":cat:"):
        assert piece in shown


@pytest.mark.parametrize(
    ("ending", "begins"), [(".png", b"\x89PNG\r\n\x1a\n"), (".svg", b"<?xml"), (".pdf", b"%PDF")]
)
def test_a_picture_is_of_the_kind_that_its_ending_says(tmp_path: Path, ending: str, begins: bytes) -> None:
    path = tmp_path / f"attention{ending}"
    save_picture(WEIGHTS, path, rows=ROWS, columns=COLUMNS, title="cross-attention")
    assert path.read_bytes().startswith(begins)


def test_pieces_that_look_like_mathematics_are_drawn_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "attention.svg"
    save_picture(WEIGHTS, path, rows=("$\\frac$", "$$"), columns=("$a$", "$", "_^"), title="5 $ and 7 $")
    assert path.stat().st_size > 0


def test_an_ending_that_is_no_picture_is_said(tmp_path: Path) -> None:
    with pytest.raises(TrasluzError, match=r"\.xyz.*png"):
        save_picture(WEIGHTS, tmp_path / "attention.xyz", rows=ROWS, columns=COLUMNS, title="")


def test_without_matplotlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(TrasluzError) as refused:
        save_picture(WEIGHTS, tmp_path / "attention.png", rows=ROWS, columns=COLUMNS, title="")
    assert str(refused.value) == "pictures need matplotlib; install it with: pip install 'trasluz[plot]'"
    assert list(tmp_path.iterdir()) == []


def test_more_than_can_be_read_is_refused(tmp_path: Path) -> None:
    names = [str(at) for at in range(MOST_NAMES + 1)]
    weights = torch.zeros(len(names), 2)
    with pytest.raises(TrasluzError, match="129 rows and 2 columns, and a picture shows at most 128 of each"):
        save_picture(weights, tmp_path / "attention.png", rows=names, columns=("a", "b"), title="")


def test_a_map_has_a_name_at_each_point(tmp_path: Path) -> None:
    import matplotlib as mpl

    points = torch.tensor([[0.0, 1.0], [2.0, 3.0], [5.0, 7.0]])
    with mpl.rc_context({"svg.fonttype": "none"}):
        save_map(
            points, tmp_path / "map.svg", names=["uno", "$dos", "tres"], marked=[2], title="a map of 5 $"
        )
    drawn = (tmp_path / "map.svg").read_text("utf-8")
    for text in ("uno", "$dos", "tres", "a map of 5 $"):
        assert f">{text}<" in drawn


def test_a_grid_is_a_picture_even_where_all_is_zero(tmp_path: Path) -> None:
    for numbers in (torch.zeros(2, 3), torch.tensor([[1.0, -5.0, 0.0]])):
        save_grid(
            numbers, tmp_path / "grid.png", across="this", up="that", title="", extent=(-0.5, 2.5, 1.5, -0.5)
        )
        assert (tmp_path / "grid.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(TrasluzError, match="unknown kind of picture"):
        save_grid(numbers, tmp_path / "grid", across="", up="", title="", extent=(0, 1, 0, 1))
