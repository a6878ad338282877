"""The chapter of the one vector: what a step of a recurrent decoder feels of each source token.

Measured, not supposed: the length of the gradient of what a step reads out, on the embedding of each source
token, in untrained models that differ in nothing but their attention.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from tour import look
from tour.facts import Facts
from trasluz.attention.mask import not_padding, positions
from trasluz.config import EmbeddingConfig, RecurrentAttentionConfig, RecurrentConfig, RecurrentDecoderConfig
from trasluz.models.build import build_model

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from trasluz.config import ScoreName

LENGTH, SENTENCES, WIDTH, VOCABULARY, SEED = 61, 64, 64, 97, 11
STEP = 31
"""The step of the decoder that is looked at, counted from 1: halfway through the target."""
KINDS: dict[str, ScoreName | None] = {"none": None, "attention": "bilinear"}


def facts() -> Facts:
    """How much each of `LENGTH` source tokens is felt, without attention and with it."""
    felt = {name: influence(score) for name, score in KINDS.items()}
    middle = LENGTH // 2
    return {
        "length": LENGTH,
        "sentences": SENTENCES,
        "width": WIDTH,
        "step": STEP,
        **felt,
        "last_over_middle": {name: float(own[-1] / own[middle]) for name, own in felt.items()},
        "gain_at_middle": float(felt["attention"][middle] / felt["none"][middle]),
    }


def influence(score: ScoreName | None) -> Tensor:
    """The mean length of the gradient of one decoder step on each source embedding, [S]."""
    config = RecurrentConfig(
        width=WIDTH,
        embedding=EmbeddingConfig(vocabulary=VOCABULARY),
        decoder=RecurrentDecoderConfig(attention=RecurrentAttentionConfig(score=score or "none")),
    )
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        model = build_model(config).eval()
    chance = torch.Generator().manual_seed(SEED)
    source, given = torch.randint(4, VOCABULARY, (2, SENTENCES, LENGTH), generator=chance)
    embedded = model.source_embedding(source, positions(source)).detach().requires_grad_()  # [B,S,D]
    filled = not_padding(source, pad_id=model.pad_id)
    memory, summary = model.encoder(embedded, filled)
    state = model.decoder.begin(memory, summary, filled)
    read = model.decoder(model.target_embedding(given, positions(given)), state)[:, STEP - 1]  # [B,D]
    direction = torch.randn(read.shape, generator=chance)
    (read * direction).sum().backward()
    assert embedded.grad is not None
    felt: Tensor = embedded.grad.norm(dim=-1).mean(0)
    return felt


def draw(facts: Facts) -> Figure:
    """How much each source token is felt, on a logarithmic scale."""
    own = facts["one_vector"]
    figure, (axes,) = look.panels(1, width=7.2, height=3.5)
    places = range(1, own["length"] + 1)
    middle = own["length"] // 2
    for name, colour, label in (
        ("attention", look.BLUE, "with attention"),
        ("none", look.VERMILION, "through one vector"),
    ):
        axes.semilogy(places, own[name], "o-", color=colour, markersize=3.5)
        axes.text(middle + 1, 1.25 * own[name][middle], label, color=colour, ha="center", fontweight="bold")
    axes.grid(visible=True)
    axes.set(
        xlabel="source token",
        ylabel="length of the gradient",
        ylim=(0.01, 0.5),
        title=f"what step {own['step']} of the decoder feels of each source token",
    )
    axes.set_yticks([0.01, 0.02, 0.05, 0.1, 0.2, 0.5], ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5"])
    axes.minorticks_off()
    return figure
