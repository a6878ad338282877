"""Attention weights drawn: in colour on a terminal, and as a picture for a paper.

Knows no model: a matrix of weights with the pieces of its rows and columns is all it needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text
from torch import Tensor

from trasluz.errors import TrasluzError, unknown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURES = (".png", ".svg", ".pdf")
LOW, HIGH = (250, 250, 245), (178, 60, 20)
"""The colours of the weights 0 and 1."""


def print_weights(weights: Tensor, *, rows: Sequence[str], columns: Sequence[str], console: Console) -> None:
    """Print a matrix [T,S] with a percentage in each cell, the darker the larger."""
    table = Table(box=None, padding=0, collapse_padding=True)
    table.add_column("")
    for name in columns:
        table.add_column(Text(name), justify="right")
    for name, row in zip(rows, weights.tolist(), strict=True):
        table.add_row(Text(f"{name} "), *(_cell(weight) for weight in row))
    console.print(table)


def save_picture(
    weights: Tensor, path: Path, *, rows: Sequence[str], columns: Sequence[str], title: str
) -> None:
    """Write a matrix [T,S] as a picture; the ending of `path`, one of `PICTURES`, is its format.

    Raises `TrasluzError` for another ending, and where matplotlib, the extra `plot`, is not installed.
    """
    figure = new_figure(path, size=(2 + 0.45 * len(columns), 1.5 + 0.4 * len(rows)))
    axes = figure.add_subplot()
    image = axes.imshow(weights.numpy(), cmap="Oranges", vmin=0.0, vmax=1.0, aspect="auto")
    axes.set_xticks(range(len(columns)), list(columns), rotation=60, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set_title(title)
    for text in (axes.title, *axes.get_xticklabels(), *axes.get_yticklabels()):
        text.set_parse_math(False)  # a piece with dollars is no formula
    figure.colorbar(image, label="attention weight")
    figure.savefig(path, dpi=150)


def new_figure(path: Path, *, size: tuple[float, float]) -> Figure:
    """An empty figure of some inches for a picture at `path`.

    Raises `TrasluzError` for another ending than one of `PICTURES`, and where matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise TrasluzError("pictures need matplotlib; install it with: pip install 'trasluz[plot]'") from None
    if path.suffix.lower() not in PICTURES:
        raise unknown("kind of picture", path.suffix, PICTURES)
    return Figure(figsize=size, layout="constrained")


def _cell(weight: float) -> Text:
    red, green, blue = (round(low + (high - low) * weight) for low, high in zip(LOW, HIGH, strict=True))
    ink = "white" if weight > 0.5 else "black"
    style = Style.parse(f"{ink} on rgb({red},{green},{blue})")
    return Text(f"{100 * weight:4.0f} ", style=style)
