"""The chapter of similarity: the cosine and its denominator, and the five scores on one plane of keys."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from tour import look
from tour.facts import Facts
from trasluz.attention.score import MLP, SCORES, Bilinear, Cosine, Dot, ScaledDot, Score, make_score
from trasluz.errors import TrasluzError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

QUERY = (1.0, 0.5)
KEYS = {
    "same direction": (0.6, 0.3),
    "same direction, four times as long": (2.4, 1.2),
    "turned a little": (1.0, 2.0),
    "at a right angle": (-1.0, 2.0),
    "opposite": (-2.0, -1.0),
}
CROWDS = (2, 10, 30, 100)
"""How many keys compete, where the reach of a bare cosine is measured."""
HEAD = 64
"""The width of a head whose scores are counted and whose temperature is used."""
PLANE, PLANE_QUERY = 41, (2.0, 1.0)
"""So many keys a side has the plane on which the scores are drawn, and its query."""


def facts() -> Facts:
    """What the vectors of the example score, how far a bare cosine can reach, what each score needs."""
    query, keys = torch.tensor([QUERY]), torch.tensor(list(KEYS.values()))
    dots = scores(Dot(), query, keys)[0]
    cosines = scores(Cosine(heads=1, temperature=1.0), query, keys)[0]
    return {
        "query": list(QUERY),
        "names": list(KEYS),
        "keys": keys,
        "lengths": keys.norm(dim=-1),
        "query_length": query.norm(),
        "dot": dots,
        "cosine": cosines,
        "dot_weights": dots.softmax(-1),
        "cosine_weights": cosines.softmax(-1),
        "crowds": list(CROWDS),
        "bare": [reach(count, temperature=1.0) for count in CROWDS],
        "tempered": [reach(count, temperature=math.sqrt(HEAD)) for count in CROWDS],
        "temperature": math.sqrt(HEAD),
        "head": HEAD,
        "needs": {kind: needs(kind) for kind in SCORES},
    }


@torch.no_grad()
def scores(score: Score, query: Tensor, key: Tensor) -> Tensor:
    """Scores [T,S] of queries [T,K] and keys [S,K], as one head of one sentence."""
    return score.compare(score.prepare_query(query[None, None]), score.prepare_key(key[None, None]))[0, 0]


def reach(count: int, *, temperature: float) -> float:
    """The largest weight that a cosine can give among so many keys: one the same way, all others opposite."""
    keys = torch.full((count, 1), -1.0)
    keys[0] = 1.0
    score = Cosine(heads=1, temperature=temperature)
    return float(scores(score, torch.ones(1, 1), keys).softmax(-1)[0, 0])


def needs(kind: str) -> Facts:
    """What a score learns for one head, and whether it takes a query and a key of different width."""
    score = make_score(kind, query_width=HEAD, key_width=HEAD, heads=1, kv_heads=1)
    try:
        make_score(kind, query_width=HEAD, key_width=HEAD + 1, heads=1, kv_heads=1)
        any_width = True
    except TrasluzError:
        any_width = False
    return {
        "learns": sum(parameter.numel() for parameter in score.parameters()),
        "any_width": any_width,
        "fused": score.is_dot_product,
    }


def draw_cosine(facts: Facts) -> Figure:
    """The vectors of the example, and the percentages that two scores make of them."""
    own = facts["similarity"]
    figure, (plane, bars) = look.panels(2, width=9, height=3.6, width_ratios=(1, 1.25))
    plane.set(xlim=(-2.7, 3.2), ylim=(-1.6, 2.7), aspect="equal", title="one query, five keys")
    plane.grid(visible=True)
    for number, (x, y) in enumerate(own["keys"]):
        # A lies on the query, and both lie on B: the shorter is drawn later, and named below the line
        _arrow(plane, (x, y), colour=look.COLOURS[number], width=2.2, order=6 if number == 0 else 4)
        beyond = (x + 0.08, y - 0.32) if number == 0 else _beyond((x, y))
        name = plane.text(
            beyond[0], beyond[1], "ABCDE"[number], color=look.COLOURS[number], fontweight="bold"
        )
        name.set(ha="center", va="center")
    x, y = own["query"]
    _arrow(plane, (x, y), colour=look.INK, width=2.2, order=5)
    plane.text(x + 0.05, y - 0.1, "query", ha="left", va="top", fontsize=9)
    places = torch.arange(len(own["keys"]))
    for shift, kind, colour in ((-0.2, "dot", look.BLUE), (0.2, "cosine", look.ORANGE)):
        percent = 100 * torch.tensor(own[f"{kind}_weights"])
        drawn = bars.bar((places + shift).tolist(), percent.tolist(), 0.38, color=colour, label=kind)
        bars.bar_label(drawn, fmt="%.0f", fontsize=8, padding=2)
    bars.set_xticks(places.tolist(), list("ABCDE"))
    bars.set(ylabel="softmax of the scores, %", ylim=(0, 112), title="what softmax makes of their scores")
    bars.legend(loc="upper right")
    return figure


def draw_scores(facts: Facts) -> Figure:
    """Each score of one query with every key of a plane."""
    reach_of_plane = 4.0
    line = torch.linspace(-reach_of_plane, reach_of_plane, PLANE)
    keys = torch.stack(torch.meshgrid(line, line, indexing="xy"), -1).reshape(-1, 2)
    figure, axes = look.panels(5, width=11, height=2.75, sharey=True)
    for panel, (name, score) in zip(axes, five_scores().items(), strict=True):
        height = scores(score, torch.tensor([PLANE_QUERY]), keys).reshape(PLANE, PLANE)
        most = float(height.abs().max())
        panel.imshow(
            height.numpy(),
            extent=(-reach_of_plane, reach_of_plane) * 2,
            origin="lower",
            cmap=look.signed_map(),
            vmin=-most,
            vmax=most,
            interpolation="none",
        )
        levels = [most * part for part in (-0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75)]
        lines = panel.contour(
            line.numpy(),
            line.numpy(),
            height.numpy(),
            levels=levels,
            colors=look.INK,
            linewidths=0.6,
            alpha=0.55,
        )
        lines.set_linestyle("solid")
        _arrow(panel, PLANE_QUERY, colour=look.INK, width=1.8, order=5)
        panel.set_title(f"{name}\n±{most:.1f}", fontsize=9.5)
        panel.set(xticks=[-4, 0, 4], yticks=[-4, 0, 4])
    return figure


def five_scores() -> dict[str, Score]:
    """The five, for a width of 2; what they learn is set by hand or drawn once."""
    bilinear = Bilinear(2, 2, heads=1)
    with torch.random.fork_rng():
        torch.manual_seed(24)
        mlp = MLP(2, 2, heads=1, kv_heads=1, hidden=7)
    turn = math.radians(70)
    with torch.no_grad():
        turned = torch.tensor([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
        bilinear.weight.copy_(turned[None])
    return {
        "cosine": Cosine(heads=1, temperature=1.0),
        "dot": Dot(),
        "scaled-dot": ScaledDot(2),
        "bilinear": bilinear,
        "mlp": mlp,
    }


def _arrow(axes: Axes, tip: tuple[float, ...], *, colour: str, width: float, order: int) -> None:
    head = {"arrowstyle": "-|>", "color": colour, "lw": width, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (tip[0], tip[1]), (0.0, 0.0), arrowprops=head, zorder=order)


def _beyond(tip: tuple[float, float]) -> tuple[float, float]:
    """A little beyond the tip of an arrow."""
    longer = 1 + 0.28 / math.hypot(*tip)
    return longer * tip[0], longer * tip[1]
