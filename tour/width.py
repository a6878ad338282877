"""The chapter of width: why a dot product grows, what softmax makes of it, what is left of the gradient.

Query and key are drawn from the normal distribution, each of their numbers with mean 0 and variance 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from tour import look
from tour.facts import Facts
from trasluz.attention.score import make_score

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTHS = (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
KEYS, ROWS, SEED = 16, 1000, 3
EXAMPLES = (4, 64, 1024)
"""The widths of which one row of percentages is shown."""
STARVED = 0.01
"""A row counts as starved where less than this share of a gradient comes through its softmax."""
KINDS = ("dot", "scaled-dot")
COLOUR = {"dot": look.VERMILION, "scaled-dot": look.BLUE}


def facts() -> Facts:
    """For each width, of `ROWS` queries with `KEYS` keys: scores, weights, gradients, scaled or not."""
    chance = torch.Generator().manual_seed(SEED)
    found: Facts = {kind: {"spread": [], "largest": [], "passes": [], "starved": []} for kind in KINDS}
    examples: Facts = {kind: [] for kind in KINDS}
    for width in WIDTHS:
        query = torch.randn(ROWS, 1, 1, width, generator=chance)
        key = torch.randn(ROWS, 1, KEYS, width, generator=chance)
        on_weights = torch.randn(ROWS, KEYS, generator=chance)
        for kind in KINDS:
            score = make_score(kind, query_width=width, key_width=width, heads=1, kv_heads=1)
            scores = score.compare(score.prepare_query(query), score.prepare_key(key))[:, 0, 0]  # [ROWS,KEYS]
            for name, figure in measure(scores, on_weights).items():
                found[kind][name].append(figure)
            if width in EXAMPLES:
                examples[kind].append(usual_row(scores.softmax(-1)))
    lead = round(found["dot"]["spread"][WIDTHS.index(EXAMPLES[1])])
    return {
        "lead": lead,
        "factor": math.exp(lead),
        "widths": list(WIDTHS),
        "keys": KEYS,
        "rows": ROWS,
        "even": 1 / KEYS,
        "threshold": STARVED,
        **found,
        "examples": {"widths": list(EXAMPLES), **examples},
    }


def measure(scores: Tensor, on_weights: Tensor) -> Mapping[str, float]:
    """What is said of scores [N,S], and of how a gradient on the weights [N,S] arrives at the scores.

    `spread` is the standard deviation of the scores, `largest` the mean of the largest weights of the rows,
    `passes` the median over the rows of the length of the gradient behind the softmax over its length before
    it, `starved` the share of rows where that is below `STARVED`.
    """
    scores = scores.detach().requires_grad_()
    weights = scores.softmax(-1)
    (weights * on_weights).sum().backward()  # type: ignore[no-untyped-call]
    assert scores.grad is not None
    passes = scores.grad.norm(dim=-1) / on_weights.norm(dim=-1)
    return {
        "spread": float(scores.detach().std()),
        "largest": float(weights.detach().amax(-1).mean()),
        "passes": float(passes.median()),
        "starved": float((passes < STARVED).float().mean()),
    }


def usual_row(weights: Tensor) -> Tensor:
    """Of rows of weights [N,S] the one whose largest weight is the middle one of all; largest first."""
    order = weights.amax(-1).argsort()
    return weights[order[len(order) // 2]].sort(descending=True).values


def draw_spread(facts: Facts) -> Figure:
    """The standard deviation of the scores at each width."""
    own = facts["width"]
    figure, (axes,) = look.panels(1, width=6.4, height=3.5)
    roots = [width**0.5 for width in own["widths"]]
    axes.loglog(own["widths"], roots, color=look.FAINT, linewidth=1.2, linestyle=(0, (4, 3)))
    for kind in KINDS:
        axes.loglog(own["widths"], own[kind]["spread"], "o", color=COLOUR[kind], markersize=6)
    axes.text(300, 30, "dot", color=COLOUR["dot"], fontweight="bold", ha="right")
    axes.text(300, 1.25, "scaled-dot", color=COLOUR["scaled-dot"], fontweight="bold", ha="right")
    axes.text(26, 3.1, "square root of the width", color=look.FAINT, ha="left")
    _widths_below(axes, own["widths"])
    axes.set_yticks([1, 2, 4, 8, 16, 32], ["1", "2", "4", "8", "16", "32"])
    axes.minorticks_off()
    axes.set(ylabel="standard deviation of the scores", ylim=(0.7, 45))
    return figure


def draw_softmax(facts: Facts) -> Figure:
    """One usual row of percentages at three widths, and the mean largest weight at all."""
    own = facts["width"]
    figure, axes = look.panels(4, width=11, height=3.1, width_ratios=(1, 1, 1, 1.5))
    for number, (panel, width) in enumerate(zip(axes, own["examples"]["widths"], strict=False)):
        for shift, kind in ((-0.21, "dot"), (0.21, "scaled-dot")):
            percent = [100 * one for one in own["examples"][kind][number]]
            panel.bar([at + shift for at in range(KEYS)], percent, 0.42, color=COLOUR[kind])
        panel.set(ylim=(0, 103), xticks=[], title=f"width {width}", xlabel=f"{KEYS} keys, largest first")
        if number:
            panel.set_yticklabels([])
    axes[0].set_ylabel("attention, %")
    last = axes[-1]
    for kind in KINDS:
        percent = [100 * one for one in own[kind]["largest"]]
        last.semilogx(own["widths"], percent, "o-", color=COLOUR[kind], label=kind, markersize=4.5)
    last.axhline(100 * own["even"], color=look.FAINT, linewidth=1.0, linestyle=(0, (4, 3)))
    last.set(ylim=(0, 105), title="the largest weight, %")
    _widths_below(last, own["widths"][::3])
    last.legend(loc="upper left")
    return figure


def draw_gradient(facts: Facts) -> Figure:
    """How much of a gradient comes through the softmax, and how many rows are starved."""
    own = facts["width"]
    figure, (passes, starved) = look.panels(2, width=9, height=3.3)
    for kind in KINDS:
        passes.loglog(own["widths"], own[kind]["passes"], "o-", color=COLOUR[kind], label=kind, markersize=5)
        percent = [100 * one for one in own[kind]["starved"]]
        starved.semilogx(own["widths"], percent, "o-", color=COLOUR[kind], label=kind, markersize=5)
    passes.set_title("what passes of a gradient (median)")
    starved.set(title=f"rows where less than {100 * STARVED:.0f} % passes, %", ylim=(-3, 103))
    for axes in (passes, starved):
        _widths_below(axes, own["widths"][::3])
    passes.legend(loc="lower left")
    return figure


def _widths_below(axes: Axes, widths: list[int]) -> None:
    """Name the widths themselves on a logarithmic axis."""
    from matplotlib.ticker import NullLocator

    axes.set_xticks(widths, [str(width) for width in widths])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("width of query and key")
    axes.grid(visible=True)
