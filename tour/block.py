"""The chapter of the block: its parts drawn, and what a stack makes of its tokens without the residual.

The stack is untrained, every matrix drawn so that it keeps the variance of what passes through it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from tour import look
from tour.facts import Facts
from trasluz.config import AttentionConfig, FeedForwardConfig, NormConfig, StackConfig
from trasluz.layers.norm import make_norm
from trasluz.layers.stack import Block, Stack
from trasluz.models.build import build_stack

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DEPTH, WIDTH, TOKENS, TEXTS, SEED = 24, 64, 23, 16, 13
ALIKE = 0.9
LABELS = {"none": "no residual", "post": "residual, norm behind it", "pre": "residual, norm before the part"}
COLOUR = {"none": look.VERMILION, "post": look.GREEN, "pre": look.BLUE}


def facts() -> Facts:
    """How alike the tokens of a text are after each block, with the residual and without it."""
    found = {
        "none": [alikeness(x) for x in without_residual(make_stack("pre"), texts())],
        **{
            place: [alikeness(x) for x in with_residual(make_stack(place), texts())]
            for place in ("post", "pre")
        },
    }
    return {
        "depth": DEPTH,
        "width": WIDTH,
        "tokens": TOKENS,
        "texts": TEXTS,
        "alike": ALIKE,
        **found,
        "blocks_to_alike": {name: first_alike(own) for name, own in found.items()},
        "at_the_end": {name: own[-1] for name, own in found.items()},
    }


def first_alike(alikenesses: list[float]) -> int | None:
    """After how many blocks the tokens are more alike than `ALIKE`; None where they never are."""
    return next((at for at, own in enumerate(alikenesses) if own > ALIKE), None)


def texts() -> Tensor:
    """Texts of tokens that have nothing to do with one another, [B,T,D]."""
    return torch.randn(TEXTS, TOKENS, WIDTH, generator=torch.Generator().manual_seed(SEED))


def make_stack(place: str) -> Stack:
    """An encoder of `DEPTH` blocks, its norms before or behind the residual."""
    config = StackConfig(
        layers=DEPTH,
        attention=AttentionConfig(heads=4),
        feedforward=FeedForwardConfig(hidden=4 * WIDTH),
        norm=NormConfig.model_validate({"place": place}),
        dropout=0.0,
    )
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        stack = build_stack(config, width=WIDTH, causal=False, cross=False)
        for module in stack.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=module.in_features**-0.5)
                nn.init.zeros_(module.bias)
    return stack.eval()


def with_residual(stack: Stack, x: Tensor) -> Iterator[Tensor]:
    """What goes into the first block, and what comes out of each."""
    heard = [x]

    def keep(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        heard.append(output)

    handles = [block.register_forward_hook(keep) for block in stack.blocks]
    with torch.no_grad():
        stack(x, torch.arange(TOKENS)[None], torch.ones(TEXTS, TOKENS, dtype=torch.bool), stack.begin())
    for handle in handles:
        handle.remove()
    return iter(heard)


def without_residual(stack: Stack, x: Tensor) -> Iterator[Tensor]:
    """The same parts in the same order, each given what the one before it made, and nothing else."""
    norm = make_norm("layer", WIDTH)
    yield x
    with torch.no_grad():
        for block in stack.blocks:
            for part in parts(block):
                x = part(norm(x))
            yield x


def parts(block: Block) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
    """The attention and the feed-forward of a block, without what stands around them."""
    look_at = block.self_attention.multihead

    def attend(h: Tensor) -> Tensor:
        attended: Tensor = look_at(h, *look_at.keys_values(h))
        return attended

    return attend, partial(block.feedforward)


def alikeness(x: Tensor) -> float:
    """The mean cosine of two different tokens of one text, over all of them."""
    unit = functional.normalize(x, dim=-1)
    cosines = unit @ unit.transpose(1, 2)  # [B,T,T]
    tokens = x.shape[1]
    others = cosines.sum((1, 2)) - cosines.diagonal(dim1=1, dim2=2).sum(-1)
    return float((others / (tokens * (tokens - 1))).mean())


def draw_residual(facts: Facts) -> Figure:
    """How alike the tokens are at each depth."""
    own = facts["block"]
    figure, (axes,) = look.panels(1, width=6.8, height=3.4)
    for kind, label in LABELS.items():
        axes.plot(range(own["depth"] + 1), own[kind], "o-", color=COLOUR[kind], label=label, markersize=3.5)
    axes.set(xlabel="blocks passed", ylabel="mean cosine of two tokens", ylim=(-0.05, 1.05))
    axes.grid(visible=True)
    axes.legend(loc="center right")
    return figure


ENCODER = ("self-attention", "add and normalise", "feed-forward", "add and normalise")
DECODER = (
    "masked self-attention",
    "add and normalise",
    "attention to the source",
    "add and normalise",
    "feed-forward",
    "add and normalise",
)
BOX_COLOUR = {
    "self-attention": "#cfe3f1",
    "masked self-attention": "#cfe3f1",
    "attention to the source": "#f6d9c3",
    "feed-forward": "#cdeade",
    "add and normalise": "#f4ecd0",
}
STEP, BOX = 0.78, 0.52
"""The distance of two boxes from foot to foot, and the height of a box."""


def draw_block(facts: Facts) -> Figure:
    """The block of an encoder, the block of a decoder, and what stands below and above them."""
    figure, (axes,) = look.panels(1, width=8.6, height=6.6)
    axes.set(xlim=(0, 10.4), ylim=(-0.9, 7.4))
    axes.set_axis_off()
    encoder_top = _column(axes, ENCODER, x=0.9, below="pieces of the source", frame="× layers")
    decoder_top = _column(axes, DECODER, x=6.0, below="start, then what is written", frame="× layers")
    _box(axes, "linear: one number for each piece", x=6.0, y=decoder_top + 0.25, colour="#ead6e4")
    _box(axes, "softmax: percentages", x=6.0, y=decoder_top + 0.25 + STEP, colour="#ead6e4")
    _line(axes, [(7.6, decoder_top - 0.26), (7.6, decoder_top + 0.25)])
    _line(axes, [(7.6, decoder_top + 0.25 + BOX), (7.6, decoder_top + 0.25 + STEP)])
    high = encoder_top + 0.45
    across = 1.0 + 2 * STEP + BOX / 2
    _line(axes, [(2.5, encoder_top - 0.26), (2.5, high), (5.0, high), (5.0, across)])
    _line(axes, [(5.0, across), (6.0, across)], colour=look.VERMILION)
    axes.text(3.75, high + 0.08, "memory", fontsize=8.5, color=look.FAINT, ha="center")
    return figure


def _column(axes: Axes, names: tuple[str, ...], *, x: float, below: str, frame: str) -> float:
    """Boxes from foot to head inside a frame, the residual beside each pair; the height where it ends."""
    from matplotlib.patches import FancyBboxPatch

    foot, middle = 1.0, x + 1.6
    top = foot + len(names) * STEP
    card = FancyBboxPatch(
        (x - 0.45, foot - 0.32),
        4.1,
        top - foot + 0.2,
        boxstyle="round,pad=0.02,rounding_size=0.15",
        facecolor="none",
        edgecolor=look.LINE,
        linewidth=1.4,
    )
    axes.add_patch(card)
    axes.text(x + 3.6, top - 0.07, frame, ha="right", va="bottom", fontsize=8.5, color=look.FAINT)
    _box(axes, "embedding + position", x=x, y=-0.2, colour="#e7e5dd")
    axes.text(middle, -0.45, below, ha="center", va="top", fontsize=9)
    for number, name in enumerate(names):
        y = foot + number * STEP
        _line(axes, [(middle, y - (STEP - BOX) if number else y - 0.68), (middle, y)])
        _box(axes, name, x=x, y=y, colour=BOX_COLOUR[name])
        if name == "add and normalise":
            start = y - STEP - 0.13
            side = x - 0.25
            _line(
                axes,
                [(middle, start), (side, start), (side, y + BOX / 2), (x, y + BOX / 2)],
                colour=look.BLUE,
            )
    return top


def _box(axes: Axes, name: str, *, x: float, y: float, colour: str) -> None:
    from matplotlib.patches import FancyBboxPatch

    box = FancyBboxPatch(
        (x, y),
        3.2,
        BOX,
        boxstyle="round,pad=0,rounding_size=0.1",
        facecolor=colour,
        edgecolor=look.FAINT,
        linewidth=0.9,
    )
    axes.add_patch(box)
    axes.text(x + 1.6, y + BOX / 2, name, ha="center", va="center", fontsize=9)


def _line(axes: Axes, points: list[tuple[float, float]], *, colour: str = look.INK) -> None:
    """A line through points, an arrow at its end."""
    for begin, end in pairwise(points[:-1]):
        axes.plot(*zip(begin, end, strict=True), color=colour, linewidth=1.2, solid_capstyle="round")
    head = {"arrowstyle": "-|>", "color": colour, "lw": 1.2, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", points[-1], points[-2], arrowprops=head)
