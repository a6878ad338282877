"""The chapter of the one vector: what a step of a recurrent decoder feels of each source token.

Measured, not supposed: the length of the gradient of what a step reads out, on the embedding of each source
token, as a share of all of them, in untrained models that differ in nothing but their attention.
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
    """The share of each of `LENGTH` source tokens in what is felt, without attention and with it."""
    felt = {name: influence(score) for name, score in KINDS.items()}
    middle = LENGTH // 2
    return {
        "length": LENGTH,
        "sentences": SENTENCES,
        "width": WIDTH,
        "step": STEP,
        **felt,
        "last": {name: float(own[-1]) for name, own in felt.items()},
        "middle": {name: float(own[middle]) for name, own in felt.items()},
        "even": 1 / LENGTH,
    }


def influence(score: ScoreName | None) -> Tensor:
    """The share of each source embedding in the mean length of the gradients of one decoder step, [S]."""
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
    return felt / felt.sum()


def draw(facts: Facts) -> Figure:
    """The share of each source token in what is felt."""
    own = facts["one_vector"]
    figure, (axes,) = look.panels(1, width=7.2, height=3.5)
    places = range(1, own["length"] + 1)
    middle = own["length"] // 2
    for name, colour, label, above in (
        ("attention", look.BLUE, "with attention", 0.35),
        ("none", look.VERMILION, "through one vector", -0.6),
    ):
        shares = [100 * share for share in own[name]]
        axes.plot(places, shares, "o-", color=colour, markersize=3.5)
        axes.text(middle + 1, shares[middle] + above, label, color=colour, ha="center", fontweight="bold")
    axes.grid(visible=True)
    axes.set(
        xlabel="source token",
        ylabel="share of what is felt, %",
        ylim=(0, None),
        title=f"what step {own['step']} of the decoder feels of each source token",
    )
    return figure
