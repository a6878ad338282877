"""Attention weights, vectors and positions drawn: in colour on a terminal, and as pictures for a paper.

Knows no model: numbers with the names of their rows and columns are all it needs.
"""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text
from torch import Tensor

from trasluz.errors import TrasluzError, unknown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURES = (".png", ".svg", ".pdf")
MOST_NAMES = 128
"""The most rows or columns of a matrix in a picture: more cannot be read and takes gigabytes to draw."""
LONGEST_NAME, LONGEST_TITLE = 32, 100
"""In characters."""
LOW, HIGH = (250, 250, 245), (178, 60, 20)
"""The colours of the weights 0 and 1."""


def print_weights(weights: Tensor, *, rows: Sequence[str], columns: Sequence[str], console: Console) -> None:
    """Print a matrix [T,S] with a percentage in each cell, the darker the larger."""
    table = Table(box=None, padding=0, collapse_padding=True)
    table.add_column("")
    for name in columns:
        table.add_column(Text(f"{name} "), justify="right")  # as wide as a cell, which ends in a space
    for name, row in zip(rows, weights.tolist(), strict=True):
        table.add_row(Text(f"{name} "), *(_cell(weight) for weight in row))
    console.print(table)


def save_picture(
    weights: Tensor, path: Path, *, rows: Sequence[str], columns: Sequence[str], title: str
) -> None:
    """Write a matrix [T,S] as a picture; the ending of `path`, one of `PICTURES`, is its format.

    Raises `TrasluzError` for another ending, for more than `MOST_NAMES` rows or columns, and where
    matplotlib, the extra `plot`, is not installed.
    """
    if max(weights.shape) > MOST_NAMES:
        raise TrasluzError(
            f"this matrix has {weights.shape[0]} rows and {weights.shape[1]} columns, and a picture shows at "
            f"most {MOST_NAMES} of each; give a shorter text, or save a page (.html)"
        )
    across, down = ([drawable(name) for name in names] for names in (columns, rows))
    beside, below = (0.08 * max(map(len, names)) for names in (down, across))
    figure = new_figure(path, size=(2 + beside + 0.45 * len(columns), 1.5 + below + 0.4 * len(rows)))
    axes = figure.add_subplot()
    image = axes.imshow(weights.numpy(), cmap="Oranges", vmin=0.0, vmax=1.0, aspect="auto")
    axes.set_xticks(range(len(across)), across, rotation=60, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(down)), down)
    axes.set_title(drawable(title, longest=LONGEST_TITLE))
    for text in (axes.title, *axes.get_xticklabels(), *axes.get_yticklabels()):
        text.set_parse_math(False)  # a piece with dollars is no formula
    figure.colorbar(image, label="attention weight")
    write(figure, path)


def save_map(
    points: Tensor, path: Path, *, names: Sequence[str], marked: Sequence[int] = (), title: str
) -> None:
    """Write points [N,2] as a picture with a name beside each; the names of the `marked` ones stand out.

    Raises `TrasluzError` as `save_picture` does.
    """
    figure = new_figure(path, size=(12, 9))
    axes = figure.add_subplot()
    across, up = points.T.tolist()
    axes.scatter(across, up, s=4, color="0.6")
    for at, name in enumerate(names):
        look: dict[str, Any] = (
            {"color": "C3", "fontsize": 11, "fontweight": "bold"} if at in marked else {"fontsize": 7}
        )
        axes.annotate(
            drawable(name),
            (across[at], up[at]),
            xytext=(2, 2),
            textcoords="offset points",
            parse_math=False,
            **look,
        )
    axes.set_title(drawable(title, longest=LONGEST_TITLE), parse_math=False)
    axes.set_xlabel("first principal component")
    axes.set_ylabel("second principal component")
    write(figure, path)


def save_grid(
    numbers: Tensor, path: Path, *, across: str, up: str, title: str, extent: Sequence[float]
) -> None:
    """Write numbers [rows, columns] as colours, red above zero and blue below it, the first row at the top.

    `extent` is what the axes count: left, right, bottom, top. Raises `TrasluzError` as `save_picture` does.
    """
    figure = new_figure(path, size=(9, 6))
    axes = figure.add_subplot()
    largest = float(numbers.abs().max()) or 1.0
    left, right, bottom, top = extent
    image = axes.imshow(
        numbers.numpy(),
        cmap="RdBu_r",
        vmin=-largest,
        vmax=largest,
        aspect="auto",
        interpolation="nearest",
        extent=(left, right, bottom, top),
    )
    axes.set_title(title)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    figure.colorbar(image)
    write(figure, path)


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


def write(figure: Figure, path: Path) -> None:
    """Write a figure; a sign that the font of pictures lacks is drawn as a box, without a word."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(path, dpi=150)


def drawable(name: str, *, longest: int = LONGEST_NAME) -> str:
    """A name as a picture can hold it: no control characters, which break files of text, and not too long."""
    shown = "".join("\ufffd" if unicodedata.category(one) == "Cc" else one for one in name)
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def _cell(weight: float) -> Text:
    red, green, blue = (round(low + (high - low) * weight) for low, high in zip(LOW, HIGH, strict=True))
    ink = "white" if weight > 0.5 else "black"
    style = Style.parse(f"{ink} on rgb({red},{green},{blue})")
    return Text(f"{100 * weight:4.0f} ", style=style)
