"""From configuration to modules: the one file that knows both, and the one place of initialisation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast, overload

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from trasluz.attention import rotary
from trasluz.attention.multihead import MultiHead
from trasluz.attention.position import Learned, Position, Relative, Rotary, Sinusoidal
from trasluz.attention.score import Score, make_score
from trasluz.config import (
    AttentionConfig,
    DecoderOnlyConfig,
    EmbeddingConfig,
    LearnedPosition,
    LinearScaling,
    Llama3Scaling,
    ModelConfig,
    NoPosition,
    NoScaling,
    RecurrentAttentionConfig,
    RecurrentConfig,
    RelativePosition,
    RotaryPosition,
    SinusoidalPosition,
    StackConfig,
    SymbolsConfig,
    TransformerConfig,
    YarnScaling,
)
from trasluz.layers.embedding import Embedding, Output
from trasluz.layers.feedforward import FeedForward
from trasluz.layers.norm import make_norm
from trasluz.layers.recurrent import (
    GRU,
    LSTM,
    Attention,
    Bridge,
    Cells,
    CurrentQuery,
    Decoder,
    Encoder,
    InputFeeding,
    Looking,
    OneVector,
    PreviousQuery,
    Readout,
    make_cell,
)
from trasluz.layers.residual import Residual
from trasluz.layers.stack import Block, CrossAttention, NoMemory, SelfAttention, Stack
from trasluz.models.decoder_only import DecoderOnly
from trasluz.models.model import Model, Symbols
from trasluz.models.recurrent import Recurrent
from trasluz.models.transformer import Transformer

INITIAL_SPREAD = 0.02
"""Standard deviation of linear layers and tables at the beginning (Radford et al. 2018, section 4.1)."""


@overload
def build_model(config: TransformerConfig) -> Transformer:
    """The Transformer that `config` describes."""


@overload
def build_model(config: RecurrentConfig) -> Recurrent:
    """The recurrent model that `config` describes."""


@overload
def build_model(config: DecoderOnlyConfig) -> DecoderOnly:
    """The decoder-only model that `config` describes."""


def build_model(config: ModelConfig) -> Transformer | Recurrent | DecoderOnly:
    """The model that `config` describes, with fresh weights from torch's global generator.

    Raises `TrasluzError` for parts that do not fit each other.
    """
    model = _build(config)
    initialise(model)
    return model


def build_to_fill(config: ModelConfig) -> Model:
    """The same, its weights whatever their memory held, for whoever writes them all; nothing is drawn."""
    with _Undrawn():
        return _build(config)


def _build(config: ModelConfig) -> Transformer | Recurrent | DecoderOnly:
    match config:
        case TransformerConfig():
            return build_transformer(config)
        case RecurrentConfig():
            return build_recurrent(config)
        case DecoderOnlyConfig():
            return build_decoder_only(config)


class _Undrawn(TorchFunctionMode):
    """While it lasts, torch's layers do not draw first weights, which takes longer than reading real ones."""

    def __torch_function__(
        self, function: Any, types: Any, arguments: Sequence[Any] = (), options: Any = None
    ) -> Any:
        if getattr(function, "__module__", None) == nn.init.__name__:
            return None
        return function(*arguments, **(options or {}))


def build_shapes(config: ModelConfig) -> Model:
    """The same without its weights: parameters that have a shape and take no memory."""
    with torch.device("meta"):
        return _build(config)


def count_parameters(config: ModelConfig) -> int:
    """How many numbers the model that `config` describes learns; none of them is made."""
    return sum(parameter.numel() for parameter in build_shapes(config).parameters())


def build_transformer(config: TransformerConfig) -> Transformer:
    """An encoder-decoder Transformer, its weights as torch's layers leave them."""
    source_table, target_table, output = _tables(config.embedding, width=config.width, pad=config.symbols.pad)
    encoder = build_stack(config.encoder, width=config.width, causal=False, cross=False)
    decoder = build_stack(config.decoder, width=config.width, causal=True, cross=True)
    return Transformer(
        _embedding(config, config.encoder, table=source_table, position=encoder.position),
        _embedding(config, config.decoder, table=target_table, position=decoder.position),
        encoder,
        decoder,
        output,
        _symbols(config.symbols),
    )


def build_decoder_only(config: DecoderOnlyConfig) -> DecoderOnly:
    """A decoder-only Transformer, its weights as torch's layers leave them."""
    table, _, output = _tables(config.embedding, width=config.width, pad=config.symbols.pad)
    decoder = build_stack(config.decoder, width=config.width, causal=True, cross=False)
    embedding = _embedding(config, config.decoder, table=table, position=decoder.position)
    return DecoderOnly(embedding, decoder, output, _symbols(config.symbols))


def build_recurrent(config: RecurrentConfig) -> Recurrent:
    """A recurrent encoder-decoder, its weights as torch's layers leave them."""
    source_table, target_table, output = _tables(config.embedding, width=config.width, pad=config.symbols.pad)

    def embedding(table: nn.Embedding, dropout: float) -> Embedding:
        return Embedding(
            table,
            position=Position(),
            scale=math.sqrt(config.width) if config.embedding.scaled else 1.0,
            norm=make_norm("layer", config.width) if config.embedding.norm else nn.Identity(),
            dropout=dropout,
        )

    return Recurrent(
        embedding(source_table, config.encoder.dropout),
        embedding(target_table, config.decoder.dropout),
        build_encoder(config),
        build_decoder(config),
        output,
        _symbols(config.symbols),
    )


def build_encoder(config: RecurrentConfig) -> Encoder:
    """Layers of two cells, each of half the encoder's width."""
    memory = config.encoder.width or config.width
    inputs = [config.width] + [memory] * (config.encoder.layers - 1)

    def cell(below: int) -> LSTM | GRU:
        return make_cell(config.cell, below, width=memory // 2)

    return Encoder([(cell(below), cell(below)) for below in inputs], dropout=config.encoder.dropout)


def build_decoder(config: RecurrentConfig) -> Decoder:
    """The decoder of the convention that is asked for, its parts as wide as that needs."""
    attention = config.decoder.attention
    memory, state = config.encoder.width or config.width, config.decoder.width or config.width
    if attention.score == "none":
        inputs, known = config.width + memory, memory + state + config.width
        return OneVector(*_decoder_parts(config, inputs=inputs, known=known))
    kind, inputs, known, fed = _convention(attention, width=config.width, context=memory, state=state)
    score = make_score(attention.score, query_width=state, key_width=memory, heads=1, kv_heads=1)
    return kind(*_decoder_parts(config, inputs=inputs, known=known), attention=Attention(score), fed=fed)


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
        case SinusoidalPosition(layout=layout, spacing=spacing, first=first):
            return Sinusoidal(width, layout=layout, spacing=spacing, first=first)
        case LearnedPosition(length=length):
            return Learned(width, length=length)
        case RotaryPosition():
            return build_rotary(config.position, head_width=_head_width(config.attention, width))
        case RelativePosition(buckets=buckets, longest=longest):
            return Relative(heads, buckets=buckets, longest=longest, both_ways=not causal)
        case NoPosition():
            return Position()


def build_rotary(config: RotaryPosition, *, head_width: int) -> Rotary:
    """Rotary positions, stretched over longer texts where the configuration says so."""
    own = rotary.frequencies(head_width, base=config.base)
    match config.scaling:
        case NoScaling():
            return Rotary(own)
        case LinearScaling(factor=factor):
            return Rotary(own / factor)
        case Llama3Scaling() as scaling:
            return Rotary(rotary.llama3(own, **scaling.model_dump(exclude={"kind"})))
        case YarnScaling(magnitude=magnitude) as scaling:
            settings = scaling.model_dump(exclude={"kind", "magnitude"})
            return Rotary(rotary.yarn(own, base=config.base, **settings), magnitude=magnitude)


def initialise(model: nn.Module) -> None:
    """Give every parameter of a model its first value.

    | parameter | value |
    |---|---|
    | matrices of linear layers, embedding tables, untied output | normal, `INITIAL_SPREAD` |
    | biases | 0 |
    | norms | weight 1, bias 0 |
    | scores | what each begins with, see `trasluz.attention.score` |
    | bridge and readout of a recurrent decoder | uniform (Glorot and Bengio 2010, equation 16) |
    | recurrent matrices of LSTM and GRU | each gate orthogonal (Bahdanau et al. 2015, section B.1) |
    | input matrices of LSTM and GRU | each gate uniform (Glorot and Bengio 2010, equation 16) |
    | forget gate of LSTM | bias 1 (Jozefowicz et al. 2015), the others 0 |
    """
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Embedding | Output):
            nn.init.normal_(module.weight, std=INITIAL_SPREAD)
        if isinstance(module, nn.Linear | Output) and module.bias is not None:
            nn.init.zeros_(module.bias)
        if isinstance(module, nn.LayerNorm | nn.RMSNorm | Score):
            module.reset_parameters()
    for module in model.modules():
        if isinstance(module, Bridge | Readout):
            nn.init.xavier_uniform_(module.linear.weight)
        if isinstance(module, nn.LSTM | nn.GRU):
            _initialise_cell(module)


def _initialise_cell(cell: nn.LSTM | nn.GRU) -> None:
    """Give a cell of one layer its first values, see `initialise`."""
    input_weight, recurrent_weight, input_bias, recurrent_bias = cell.all_weights[0]
    for gate in torch.split(input_weight.data, cell.hidden_size):
        nn.init.xavier_uniform_(gate)
    for gate in torch.split(recurrent_weight.data, cell.hidden_size):
        nn.init.orthogonal_(gate)
    nn.init.zeros_(recurrent_bias)
    nn.init.zeros_(input_bias)
    if isinstance(cell, nn.LSTM):  # of the two biases, which are added, only one: input, forget, cell, output
        nn.init.ones_(torch.split(input_bias.data, cell.hidden_size)[1])


def _tables(config: EmbeddingConfig, *, width: int, pad: int) -> tuple[nn.Embedding, nn.Embedding, Output]:
    """The tables of the source and of the target, and the output, each its own or the same as another."""
    fixed = pad if config.fixed_padding else None
    source = nn.Embedding(config.vocabulary, width, padding_idx=fixed)
    target = source if config.shared else nn.Embedding(config.vocabulary, width, padding_idx=fixed)
    weight = cast(nn.Parameter, target.weight)
    if not config.tied:
        weight = nn.Parameter(weight.new_empty(weight.shape))
    return source, target, Output(weight, bias=config.output_bias, scale=config.output_scale)


def _symbols(config: SymbolsConfig) -> Symbols:
    return Symbols(**dict(config))


def _convention(
    config: RecurrentAttentionConfig, *, width: int, context: int, state: int
) -> tuple[type[Looking], int, int, int]:
    """The class of decoder; the widths of what goes into its cells, of what is read out, of what is fed back.

    `width` is the model's, `context` that of what attention finds, `state` that of the cells.
    """
    if config.query == "previous":
        return PreviousQuery, width + context, context + state + width, 0
    if config.input_feeding:
        return InputFeeding, width + width, context + state, width
    return CurrentQuery, width, context + state, 0


def _decoder_parts(config: RecurrentConfig, *, inputs: int, known: int) -> tuple[Cells, Bridge, Readout]:
    """What every recurrent decoder has: `inputs` numbers go into its cells, of `known` a word is made."""
    memory, state = config.encoder.width or config.width, config.decoder.width or config.width
    below = [inputs] + [state] * (config.decoder.layers - 1)
    layers = [make_cell(config.cell, one, width=state) for one in below]
    return (
        Cells(layers, dropout=config.decoder.dropout),
        Bridge(memory, parts=layers[0].parts, layers=len(layers), width=state),
        Readout(known, width=config.width, dropout=config.decoder.dropout),
    )


def _embedding(
    config: TransformerConfig | DecoderOnlyConfig,
    stack: StackConfig,
    *,
    table: nn.Embedding,
    position: Position,
) -> Embedding:
    norm = make_norm(stack.norm.kind, config.width, epsilon=stack.norm.epsilon)
    return Embedding(
        table,
        position=position,
        scale=math.sqrt(config.width) if config.embedding.scaled else 1.0,
        norm=norm if config.embedding.norm else nn.Identity(),
        dropout=stack.dropout if config.embedding.dropout is None else config.embedding.dropout,
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
