"""Pictures of the trained model at work: how it learnt, and what its heads look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tour import look
from tour.facts import Facts

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_lesson(facts: Facts) -> Figure:
    """The loss and the BLEU of the held-out pairs over the steps of training."""
    own = facts["lesson"]
    figure, (loss, bleu) = look.panels(2, width=9, height=3.2)
    loss.plot(own["loss_steps"], own["loss"], color=look.SKY, label="training, smoothed labels")
    loss.plot(
        own["look_steps"], own["look_loss"], "o-", color=look.BLUE, label="held-out pairs", markersize=5
    )
    loss.set(xlabel="step", title="loss, nats for each piece", ylim=(0, None))
    loss.legend(loc="upper right")
    bleu.plot(own["look_steps"], own["look_bleu"], "o-", color=look.VERMILION, markersize=5)
    bleu.set(xlabel="step", title="BLEU of held-out pairs", ylim=(0, 100), xlim=loss.get_xlim())
    for axes in (loss, bleu):
        axes.grid(visible=True)
    return figure


def draw_cross(facts: Facts) -> Figure:
    """What each head of the last layer looks at in the source, while each target piece is written."""
    own = facts["walk"]
    weights = torch.tensor(own["cross"][-1])  # [H,T,S]
    heads = len(weights)
    figure, axes = look.panels(heads, width=2.9 * heads, height=3.9)
    for number, (panel, one) in enumerate(zip(axes, weights, strict=True)):
        rows = own["target"] if number == 0 else [""] * len(own["target"])
        look.matrix(panel, one, rows=rows, columns=own["source"])
        panel.set_title(f"head {number + 1}")
    axes[0].set_ylabel("piece that is written")
    return figure


def draw_head(facts: Facts) -> Figure:
    """The scores of one query with every key, and the percentages that softmax makes of them."""
    own, source = facts["walk"]["head"], facts["walk"]["source"]
    figure, (scores, weights) = look.panels(2, width=9.5, height=3.3, sharex=True)
    places = range(len(source))
    scores.bar(places, own["scores"], 0.65, color=look.BLUE)
    scores.axhline(0, color=look.FAINT, linewidth=0.8)
    scores.set_title("scores of the keys")
    drawn = weights.bar(places, [100 * one for one in own["weights"]], 0.65, color=look.VERMILION)
    weights.bar_label(drawn, fmt="%.0f", fontsize=8, padding=2)
    weights.set(title="softmax: percentages", ylim=(0, 112))
    for axes in (scores, weights):
        axes.set_xticks(places, source, rotation=50, ha="right", rotation_mode="anchor")
        for label in axes.get_xticklabels():
            label.set_parse_math(False)
    return figure
