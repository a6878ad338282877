"""Lines drawn as a picture: curves of training, figures against length.

Knows no model and no run: what is drawn are numbers with names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trasluz.insight.plot import LONGEST_TITLE, drawable, new_figure, write

HUES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#7a4b9d")
"""Colours that people who see red and green alike tell apart (Okabe and Ito 2008), and one more."""
DASHES = ("-", "--", ":", "-.")


@dataclass(frozen=True, slots=True)
class Line:
    """Points in their order, joined; `hue` and `dash` number its colour and its kind of stroke."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    hue: int = 0
    dash: int = 0


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines in one frame; with `ticks`, what stands at 0, 1, 2 ... of the x axis."""

    title: str
    x_name: str
    y_name: str
    lines: Sequence[Line]
    ticks: Sequence[str] = ()


def save_chart(panels: Sequence[Panel], path: Path) -> None:
    """Write panels side by side, with one legend; the ending of `path` is the format of the picture.

    Raises `TrasluzError` as `trasluz.insight.plot.save_picture` does.
    """
    figure = new_figure(path, size=(6.4 * len(panels), 4.8))
    for panel, axes in zip(panels, figure.subplots(1, len(panels), squeeze=False)[0], strict=True):
        for line in panel.lines:
            axes.plot(
                line.x,
                line.y,
                label=_label(line.name),
                color=HUES[line.hue % len(HUES)],
                linestyle=DASHES[line.dash % len(DASHES)],
                marker="o",
                markersize=3,
                linewidth=1.2,
            )
        axes.set_title(panel.title)
        axes.set_xlabel(panel.x_name)
        axes.set_ylabel(panel.y_name)
        axes.grid(alpha=0.3)
        if panel.ticks:
            axes.set_xticks(range(len(panel.ticks)), list(panel.ticks))
    if named := [line for line in panels[0].lines if line.name]:
        legend = figure.legend(
            *figure.axes[0].get_legend_handles_labels(),
            loc="outside lower center",
            ncols=min(4, len(named)),
            fontsize="small",
        )
        for text in legend.get_texts():
            text.set_parse_math(False)  # a directory with dollars is no formula
    write(figure, path)


def _label(name: str) -> str:
    """A name for the legend, which would leave out one that begins with an underscore."""
    shown = drawable(name, longest=LONGEST_TITLE)
    return f" {shown}" if shown.startswith("_") else shown
