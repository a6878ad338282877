"""The chapter of positions: the squiggles, what two codes say of a distance, and the three other kinds.

What is learnt comes from a trained model, whose facts are made by `tour.lesson`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from tour import look
from tour.facts import Facts
from trasluz.attention.position import Relative, Rotary, Sinusoidal
from trasluz.attention.rotary import frequencies

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, HEAD, SEED = 64, 32, 2
STARTS = (0, 17, 101)
"""Where the first of two tokens stands, when a distance is measured from several places."""
FAR = 60
BUCKETS, LONGEST = 32, 128


def facts() -> Facts:
    """What the dot product of two codes, and of two turned vectors, is at each distance."""
    codes, turned = sinusoidal_products(), rotary_products()  # [starts, distances]
    table = Relative(1, buckets=BUCKETS, longest=LONGEST, both_ways=True)
    distances = torch.arange(-LONGEST - 20, LONGEST + 21)
    return {
        "width": WIDTH,
        "head": HEAD,
        "starts": list(STARTS),
        "sinusoidal": codes[0],
        "sinusoidal_unevenness": spread(codes),
        "rotary": turned[0],
        "rotary_unevenness": spread(turned),
        "code": Sinusoidal(8).table(torch.arange(4)),
        "buckets": BUCKETS,
        "longest": LONGEST,
        "distances": distances,
        "bucket": table.bucket(distances),
    }


def spread(products: Tensor) -> float:
    """How far one distance gives different products, measured from different places; to 3 decimals."""
    return round(float((products.amax(0) - products.amin(0)).max()), 3)


def sinusoidal_products() -> Tensor:
    """code(p) . code(p + d) for every start p and distance d from 0 to `FAR`."""
    position = Sinusoidal(WIDTH)
    rows = []
    for start in STARTS:
        codes = position.table(torch.arange(start, start + FAR + 1).double())
        rows.append(codes @ codes[0])
    return torch.stack(rows)


def rotary_products() -> Tensor:
    """The dot product of one query at p and one key at p + d, both turned, for every start and distance."""
    rotary = Rotary(frequencies(HEAD))
    vector = torch.randn(HEAD, generator=torch.Generator().manual_seed(SEED)).double()
    vector = vector / vector.norm() * HEAD**0.5
    rows = []
    for start in STARTS:
        at = torch.arange(start, start + FAR + 1).double()[None]
        turned = rotary.rotate(vector.expand(1, 1, FAR + 1, HEAD), at)[0, 0]  # [distances, HEAD]
        rows.append(turned @ turned[0])
    return torch.stack(rows)


def draw_squiggles(facts: Facts) -> Figure:
    """Some numbers of the code along the positions, and the whole table."""
    shown = 100
    table = Sinusoidal(WIDTH).table(torch.arange(shown))  # [positions, WIDTH]
    figure, (curves, whole) = look.panels(2, width=10, height=3.5, width_ratios=(1.35, 1))
    for shift, number in enumerate((0, 4, 8, 12)):
        height = table[:, number] - 2.4 * shift
        curves.plot(range(shown), height.numpy(), color=look.COLOURS[shift], linewidth=1.6)
        curves.text(-3, -2.4 * shift, f"number {number}", ha="right", va="center", color=look.COLOURS[shift])
    curves.set(xlabel="position", yticks=[], title="four of the numbers")
    curves.spines["left"].set_visible(False)
    whole.imshow(
        table.T.numpy(),
        cmap=look.signed_map(),
        vmin=-1,
        vmax=1,
        aspect="auto",
        interpolation="none",
        origin="upper",
    )
    whole.set(xlabel="position", ylabel="number of the code", title=f"all {WIDTH}: sines, then cosines")
    return figure


def draw_distance(facts: Facts) -> Figure:
    """The two products against the distance; the curves of all starts lie on one another."""
    figure, axes = look.panels(2, width=9, height=3.2)
    titles = ("two sinusoidal codes", "one vector, turned by two positions")
    for panel, products, title in zip(axes, (sinusoidal_products(), rotary_products()), titles, strict=True):
        for number, (row, start) in enumerate(zip(products, STARTS, strict=True)):
            colour, thick = (look.SKY, look.BLUE, look.INK)[number], 5.5 - 2.2 * number
            panel.plot(
                range(FAR + 1), row.numpy(), color=colour, linewidth=thick, label=f"from position {start}"
            )
        panel.set(xlabel="distance", title=title)
        panel.grid(visible=True)
    axes[0].set_ylabel("dot product")
    axes[0].legend(loc="upper right")
    return figure


def draw_rotary(facts: Facts) -> Figure:
    """A few pairs of numbers of a head, turned by the first positions."""
    pairs, shown = (0, 2, 4, 6), 8
    rotary = Rotary(frequencies(HEAD))
    unit = torch.cat([torch.ones(HEAD // 2), torch.zeros(HEAD // 2)])
    turned = rotary.rotate(unit.expand(1, 1, shown, HEAD), torch.arange(shown)[None])[0, 0]  # [shown, HEAD]
    figure, axes = look.panels(len(pairs), width=10, height=2.7)
    for panel, pair in zip(axes, pairs, strict=True):
        circle = torch.linspace(0, 2 * torch.pi, 120)
        panel.plot(circle.cos().numpy(), circle.sin().numpy(), color=look.LINE, linewidth=1.2)
        tips = turned[:, [pair, pair + HEAD // 2]]
        for position, (x, y) in enumerate(tips.tolist()):
            strength = 1 - 0.8 * position / shown
            panel.plot([0, x], [0, y], color=look.BLUE, alpha=strength, linewidth=2)
            panel.text(1.17 * x, 1.17 * y, str(position), ha="center", va="center", fontsize=7.5, alpha=0.9)
        degrees = float(torch.rad2deg(rotary.frequencies[pair]))
        panel.set_title(f"pair {pair}: {degrees:.1f}° a step", fontsize=9.5)
        panel.set(xlim=(-1.35, 1.35), ylim=(-1.35, 1.35), aspect="equal")
        panel.set_axis_off()
    return figure


def draw_learned(facts: Facts) -> Figure:
    """How alike the codes of two positions are: the sinusoidal ones, and those that a model learnt."""
    own = facts["positions"]
    learned = torch.tensor(own["learned_cosines"])
    count = len(learned)
    codes = functional.normalize(Sinusoidal(WIDTH).table(torch.arange(count)), dim=-1)
    figure, axes = look.panels(2, width=8.4, height=3.9)
    titles = ("sinusoidal", "learnt")
    for panel, cosines, title in zip(axes, (codes @ codes.T, learned), titles, strict=True):
        drawn = panel.imshow(
            cosines.numpy(), cmap=look.signed_map(), vmin=-1, vmax=1, interpolation="none", origin="upper"
        )
        panel.set(xlabel="position", ylabel="position", title=title)
    seen = own["positions_seen"] - 0.5
    axes[1].axvline(seen, color=look.INK, linewidth=1.0, linestyle=(0, (4, 3)))
    axes[1].axhline(seen, color=look.INK, linewidth=1.0, linestyle=(0, (4, 3)))
    figure.colorbar(drawn, ax=axes, label="cosine of two codes", shrink=0.85)
    return figure


def draw_relative(facts: Facts) -> Figure:
    """The bucket of every distance, and the bias that each head of a model learnt for it."""
    own, learnt = facts["places"], facts["positions"]
    figure, (stairs, heads) = look.panels(2, width=9.5, height=3.4, width_ratios=(1, 1.3))
    stairs.plot(own["distances"], own["bucket"], color=look.INK, linewidth=1.4, drawstyle="steps-mid")
    stairs.set(xlabel="key position - query position", ylabel="bucket", title="distances share buckets")
    for number, bias in enumerate(learnt["relative_bias"]):
        heads.plot(learnt["relative_distances"], bias, color=look.COLOURS[number], label=f"head {number + 1}")
    heads.axvline(0, color=look.LINE, linewidth=1.0)
    heads.set(xlabel="key position - query position", title="learnt: what is added to the score")
    heads.legend(loc="best", ncols=2)
    for panel in (stairs, heads):
        panel.grid(visible=True)
    return figure
