"""From configuration to modules: the one file that knows both, and the one place of initialisation."""

from __future__ import annotations

import math
from typing import cast

from torch import nn

from trasluz.attention.multihead import MultiHead
from trasluz.attention.position import Learned, Position, Relative, Rotary, Sinusoidal
from trasluz.attention.score import Score
from trasluz.config import (
    AttentionConfig,
    LearnedPosition,
    ModelConfig,
    NoPosition,
    RelativePosition,
    RotaryPosition,
    SinusoidalPosition,
    StackConfig,
    TransformerConfig,
)
from trasluz.layers.embedding import Embedding, Output
from trasluz.layers.feedforward import FeedForward
from trasluz.layers.norm import make_norm
from trasluz.layers.residual import Residual
from trasluz.layers.stack import Block, CrossAttention, NoMemory, SelfAttention, Stack
from trasluz.models.transformer import Transformer

INITIAL_SPREAD = 0.02
"""Standard deviation of every matrix and table at the beginning (Radford et al. 2018, section 4.1)."""


def build_model(config: ModelConfig) -> Transformer:
    """The model that `config` describes, with fresh weights from torch's global generator."""
    model = build_transformer(config)
    initialise(model)
    return model


def build_transformer(config: TransformerConfig) -> Transformer:
    """An encoder-decoder Transformer, its weights as torch's layers leave them."""
    table = nn.Embedding(config.embedding.vocabulary, config.width)
    shared = config.embedding.shared
    target_table = table if shared else nn.Embedding(config.embedding.vocabulary, config.width)
    encoder = build_stack(config.encoder, width=config.width, causal=False, cross=False)
    decoder = build_stack(config.decoder, width=config.width, causal=True, cross=True)
    weight = cast(nn.Parameter, target_table.weight)
    if not config.embedding.tied:
        weight = nn.Parameter(weight.new_empty(weight.shape))
    return Transformer(
        _embedding(config, config.encoder, table=table, position=encoder.position),
        _embedding(config, config.decoder, table=target_table, position=decoder.position),
        encoder,
        decoder,
        Output(weight, bias=config.embedding.output_bias, scale=config.embedding.output_scale),
        pad_id=config.symbols.pad,
        start_id=config.symbols.start,
        end_id=config.symbols.end,
        unknown_id=config.symbols.unknown,
    )


def build_stack(config: StackConfig, *, width: int, causal: bool, cross: bool) -> Stack:
    """A stack of equal blocks; with `cross` each of them looks at a memory."""

    def residual() -> Residual:
        norm = make_norm(config.norm.kind, width, epsilon=config.norm.epsilon)
        return Residual(norm, place=config.norm.place, dropout=config.dropout)

    def block() -> Block:
        look = _multihead(config.attention, width)
        memory = (
            CrossAttention(_multihead(config.attention, width), residual=residual()) if cross else NoMemory()
        )
        feedforward = FeedForward(width, **config.feedforward.model_dump())
        return Block(
            SelfAttention(look, residual=residual()), memory, feedforward=feedforward, residual=residual()
        )

    last = make_norm(config.norm.kind, width, epsilon=config.norm.epsilon)
    return Stack(
        [block() for _ in range(config.layers)],
        position=build_position(config, width=width, causal=causal),
        norm=last if config.norm.place == "pre" else nn.Identity(),
        causal=causal,
    )


def build_position(config: StackConfig, *, width: int, causal: bool) -> Position:
    """The position of a stack; a relative one looks both ways unless the stack is causal."""
    heads = config.attention.heads
    match config.position:
        case SinusoidalPosition(layout=layout):
            return Sinusoidal(width, layout=layout)
        case LearnedPosition(length=length):
            return Learned(width, length=length)
        case RotaryPosition(base=base):
            return Rotary(_head_width(config.attention, width), base=base)
        case RelativePosition(buckets=buckets, longest=longest):
            return Relative(heads, buckets=buckets, longest=longest, both_ways=not causal)
        case NoPosition():
            return Position()


def initialise(model: nn.Module) -> None:
    """Give every parameter of a model its first value.

    | parameter | value |
    |---|---|
    | matrices of linear layers, embedding tables, untied output | normal, `INITIAL_SPREAD` |
    | biases | 0 |
    | norms | weight 1, bias 0 |
    | scores | what each begins with, see `trasluz.attention.score` |
    """
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Embedding | Output):
            nn.init.normal_(module.weight, std=INITIAL_SPREAD)
        if isinstance(module, nn.Linear | Output) and module.bias is not None:
            nn.init.zeros_(module.bias)
        if isinstance(module, nn.LayerNorm | nn.RMSNorm | Score):
            module.reset_parameters()


def _embedding(
    config: TransformerConfig, stack: StackConfig, *, table: nn.Embedding, position: Position
) -> Embedding:
    norm = make_norm(stack.norm.kind, config.width, epsilon=stack.norm.epsilon)
    return Embedding(
        table,
        position=position,
        scale=math.sqrt(config.width) if config.embedding.scaled else 1.0,
        norm=norm if config.embedding.norm else nn.Identity(),
        dropout=stack.dropout,
    )


def _head_width(config: AttentionConfig, width: int) -> int:
    return config.head_width or width // config.heads


def _multihead(config: AttentionConfig, width: int) -> MultiHead:
    return MultiHead(
        width,
        heads=config.heads,
        kv_heads=config.kv_heads or config.heads,
        head_width=_head_width(config, width),
        score=config.score,
        bias=config.bias,
        dropout=config.dropout,
    )
