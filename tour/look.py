"""How every picture of the tour looks: one card, one ink, colours that the colour-blind can tell apart.

Knows no facts. A picture is an SVG on a light card of its own, with outlines for letters: it can be read on a
light page and on a dark one, and is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from trasluz.insight.plot import HIGH, LOW

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

CARD, INK, FAINT, LINE = "#fbfaf6", "#23272e", "#6b7078", "#d9d6cc"
BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#e69f00",
    "#cc79a7",
    "#56b4e9",
)
"""The colours of Okabe and Ito (2008)."""
COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)

STYLE: Any = {
    "figure.facecolor": CARD,
    "savefig.facecolor": CARD,
    "axes.facecolor": CARD,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8.0,
    "axes.labelsize": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    "text.color": INK,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 2.0,
    "font.family": ["DejaVu Sans"],
    "font.size": 9.5,
    "svg.fonttype": "path",
    "svg.hashsalt": "trasluz",
}


@contextmanager
def styled() -> Iterator[None]:
    """While this lasts, what is drawn looks as the tour looks."""
    from matplotlib import rc_context

    with rc_context(STYLE):
        yield


def panels(columns: int, *, width: float, height: float, **more: Any) -> tuple[Figure, list[Axes]]:
    """A picture of so many inches with panels side by side."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.1, wspace=0.06)  # type: ignore[union-attr, call-arg]
    axes = figure.subplots(1, columns, squeeze=False, **more)
    return figure, list(axes[0])


def save(figure: Figure, path: Path) -> None:
    """Write a picture; the same picture gives the same file, whenever it is drawn."""
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def weights_map() -> Colormap:
    """The colours of the weights 0 to 1, which are the product's own."""
    from matplotlib.colors import LinearSegmentedColormap

    ends = [tuple(part / 255 for part in colour) for colour in (LOW, HIGH)]
    return LinearSegmentedColormap.from_list("weights", ends)


def signed_map() -> Colormap:
    """Blue below zero, the card at zero, vermilion above."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("signed", [BLUE, "#8fc1de", CARD, "#f0b184", VERMILION])


def matrix(
    axes: Axes,
    weights: Tensor,
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    numbers: bool = False,
) -> None:
    """Draw weights [T,S] between 0 and 1 with the names of rows and columns, as percentages if asked for."""
    axes.imshow(weights.numpy(), cmap=weights_map(), vmin=0.0, vmax=1.0, aspect="auto", interpolation="none")
    axes.set_xticks(range(len(columns)), list(columns), rotation=50, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(rows)), list(rows))
    axes.tick_params(length=0)
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set_parse_math(False)  # a piece with dollars is no formula
    axes.spines[:].set_visible(False)
    if numbers:
        for row, line in enumerate(weights.tolist()):
            for column, weight in enumerate(line):
                ink = "white" if weight > 0.6 else INK if weight > 0 else LINE
                axes.text(column, row, f"{100 * weight:.0f}", ha="center", va="center", color=ink, fontsize=8)
