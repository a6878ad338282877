"""The chapter of masks, heads and families: who may look at whom, what heads cost, what families choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from tour import look
from tour.facts import Facts
from trasluz.attention.attend import attention_weights
from trasluz.attention.mask import every_key, no_later_key, not_padding, positions
from trasluz.attention.multihead import MultiHead
from trasluz.attention.score import Dot
from trasluz.config import (
    AttentionConfig,
    DecoderOnlyConfig,
    EmbeddingConfig,
    FeedForwardConfig,
    LearnedPosition,
    NormConfig,
    RelativePosition,
    RotaryPosition,
    SinusoidalPosition,
    StackConfig,
    TransformerConfig,
)
from trasluz.models.build import build_model

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SOURCE = ("The", "girl", "reads", ".", "pad")
TARGET = ("start", "La", "niña", "lee", ".")
PAD = 0
SOURCE_IDS = torch.tensor([[5, 6, 7, 8, PAD]])
TARGET_IDS = torch.tensor([[1, 9, 10, 11, 8]])

WIDTH, HEADS, HEAD_WIDTH = 512, 8, 64
GROUPS = (8, 4, 2, 1)
MASKS = {
    "source looks at source": (SOURCE, SOURCE),
    "target looks at target": (TARGET, TARGET),
    "target looks at source": (TARGET, SOURCE),
}


def facts() -> Facts:
    """Weights under each mask where all scores are equal, the cost of heads, the choices of the families."""
    return {
        "masks": dict(zip(MASKS, map(even_weights, three_masks()), strict=True)),
        "width": WIDTH,
        "heads": HEADS,
        "head_width": HEAD_WIDTH,
        "groups": [grouped(kv_heads) for kv_heads in GROUPS],
        "families": {name: choices(config) for name, config in families().items()},
    }


def three_masks() -> list[Tensor]:
    """Who may look at whom in an encoder, in a decoder, and from the one to the other; each [T,S]."""
    source, target = not_padding(SOURCE_IDS, pad_id=PAD), not_padding(TARGET_IDS, pad_id=PAD)
    at = positions(TARGET_IDS)
    rows = len(SOURCE), len(TARGET), len(TARGET)
    masks = every_key(source), no_later_key(target, query_at=at, key_at=at), every_key(source)
    return [mask[0, 0].expand(count, -1) for mask, count in zip(masks, rows, strict=True)]


def even_weights(allowed: Tensor) -> Tensor:
    """The weights [T,S] where every score is 0 and only the mask speaks."""
    queries, keys = torch.zeros(1, 1, allowed.shape[0], 1), torch.zeros(1, 1, allowed.shape[1], 1)
    return attention_weights(Dot(), queries, keys, allowed=allowed[None, None])[0, 0]


def grouped(kv_heads: int) -> Facts:
    """What `HEADS` query heads and so many key/value heads learn, and keep for each token."""
    multihead = MultiHead(WIDTH, heads=HEADS, kv_heads=kv_heads, head_width=HEAD_WIDTH, bias=False)
    keys, values = multihead.keys_values(torch.zeros(1, 1, WIDTH))
    return {
        "kv_heads": kv_heads,
        "learns": sum(parameter.numel() for parameter in multihead.parameters()),
        "kept": keys.numel() + values.numel(),
    }


def families() -> dict[str, TransformerConfig | DecoderOnlyConfig]:
    """What each family chooses of the same parts, at a small size."""
    table = EmbeddingConfig(vocabulary=97)

    def pair(embedding: EmbeddingConfig, stack: StackConfig) -> TransformerConfig:
        return TransformerConfig(width=64, embedding=embedding, encoder=stack, decoder=stack)

    pre, rms = NormConfig(place="pre"), NormConfig(kind="rms", place="pre")
    no_bias = AttentionConfig(score="dot", bias=False)
    return {
        "Vaswani 2017": pair(table, StackConfig(position=SinusoidalPosition(layout="interleaved"))),
        "T5": pair(
            EmbeddingConfig(vocabulary=97, scaled=False, output_scale=64**-0.5),
            StackConfig(
                attention=no_bias,
                feedforward=FeedForwardConfig(bias=False),
                norm=rms,
                position=RelativePosition(),
            ),
        ),
        "mBART": pair(
            EmbeddingConfig(vocabulary=97, norm=True),
            StackConfig(
                feedforward=FeedForwardConfig(activation="gelu"), norm=pre, position=LearnedPosition()
            ),
        ),
        "GPT-2": DecoderOnlyConfig(
            width=64,
            embedding=EmbeddingConfig(vocabulary=97, scaled=False),
            decoder=StackConfig(
                feedforward=FeedForwardConfig(activation="gelu-tanh"), norm=pre, position=LearnedPosition()
            ),
        ),
        "Llama 3": DecoderOnlyConfig(
            width=64,
            embedding=EmbeddingConfig(vocabulary=97, scaled=False, tied=False),
            decoder=StackConfig(
                attention=AttentionConfig(bias=False, kv_heads=2),
                feedforward=FeedForwardConfig(activation="silu", gated=True, bias=False),
                norm=rms,
                position=RotaryPosition(),
            ),
        ),
    }


def choices(config: TransformerConfig | DecoderOnlyConfig) -> Facts:
    """What a configuration chooses, in words; it is built, so that nobody is promised what cannot be had."""
    build_model(config)
    stack = config.decoder
    gate = "gated " if stack.feedforward.gated else ""
    shared = stack.attention.kv_heads is not None
    return {
        "stacks": "encoder and decoder" if isinstance(config, TransformerConfig) else "decoder",
        "norm": f"{'RMS' if stack.norm.kind == 'rms' else 'layer'} norm, {stack.norm.place}",
        "position": stack.position.kind,
        "score": stack.attention.score + (", grouped heads" if shared else ""),
        "feedforward": gate + stack.feedforward.activation,
        "biases": "yes" if stack.attention.bias else "no",
        "output": "the table of tokens" if config.embedding.tied else "its own",
    }


def draw_masks(facts: Facts) -> Figure:
    """The percentages under each of the three masks, all scores being equal."""
    figure, axes = look.panels(3, width=10, height=3.5)
    for panel, (title, (rows, columns)) in zip(axes, MASKS.items(), strict=True):
        weights = torch.tensor(facts["sight"]["masks"][title])
        look.matrix(panel, weights, rows=rows, columns=columns, numbers=True)
        panel.set_title(title)
    return figure


def draw_families(facts: Facts) -> Figure:
    """Who may look at whom, source and target together: two stacks, and one."""
    encoder, decoder, cross = three_masks()
    source = [name for name in SOURCE if name != "pad"]
    names, kept = [*source, *TARGET], len(source)
    top = torch.cat([encoder[:kept, :kept], torch.zeros(kept, len(TARGET), dtype=torch.bool)], 1)
    bottom = torch.cat([cross[:, :kept], decoder], 1)
    at = torch.arange(len(names))[None]
    one_stack = no_later_key(torch.ones(1, len(names), dtype=torch.bool), query_at=at, key_at=at)[0, 0]
    figure, axes = look.panels(2, width=9, height=4.4)
    titles = ("encoder and decoder", "decoder only")
    for panel, mask, title in zip(axes, (torch.cat([top, bottom]), one_stack), titles, strict=True):
        look.matrix(panel, 0.5 * mask.float(), rows=names, columns=names)
        panel.axhline(kept - 0.5, color=look.INK, linewidth=1.0)
        panel.axvline(kept - 0.5, color=look.INK, linewidth=1.0)
        panel.set_title(title)
    return figure
