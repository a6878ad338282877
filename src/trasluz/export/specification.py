"""What CTranslate2 calls a specification: the weights of a Transformer under its names.

Knows no files and no tokeniser. Letters: D model, H heads, K head width, V vocabulary, P positions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from trasluz.attention.multihead import MultiHead
from trasluz.attention.position import Learned, Position, Relative, Sinusoidal
from trasluz.attention.score import Bilinear, ScaledDot
from trasluz.config import (
    DecoderOnlyConfig,
    LinearScaling,
    Llama3Scaling,
    ModelConfig,
    RelativePosition,
    RotaryPosition,
    RotaryScaling,
    StackConfig,
    TransformerConfig,
    YarnScaling,
)
from trasluz.errors import TrasluzError
from trasluz.layers.embedding import Embedding
from trasluz.layers.feedforward import FeedForward
from trasluz.layers.residual import Residual
from trasluz.layers.stack import Block, CrossAttention, Stack
from trasluz.models.decoder_only import DecoderOnly
from trasluz.models.model import Model
from trasluz.models.transformer import Transformer

Linear = tuple[Tensor, Tensor | None]
"""A weight and its bias."""

ACTIVATIONS = {"relu": "RELU", "gelu": "GELU", "gelu-tanh": "GELUTanh", "silu": "SWISH"}
SCORES = ("scaled-dot", "dot", "bilinear")
"""Those that are a dot product of projections, which is all that CTranslate2 computes."""
NEVER = -1e4
"""What is added to the scores of tokens that no translation may hold: none is left of their probability, and
half precision can still write it."""


def library() -> Any:
    """CTranslate2.

    Raises `TrasluzError` where it is not installed.
    """
    try:
        import ctranslate2
    except ImportError:
        raise TrasluzError(
            "this export needs ctranslate2; install it with: pip install 'trasluz[export]'"
        ) from None
    return ctranslate2


def refusals(config: ModelConfig) -> list[str]:
    """Why CTranslate2 cannot hold such a model: a reason for each part, none where it can."""
    stacks = stacks_of(config)
    if not stacks:
        return ["it is recurrent, and CTranslate2 runs Transformers only"]
    reasons = [reason for side, stack in stacks.items() for reason in _refusals_of(side, stack)]
    if isinstance(config, DecoderOnlyConfig) and isinstance(config.decoder.position, RelativePosition):
        reasons.append(
            "it is decoder-only with relative positions, and CTranslate2 miscounts the distances in a prompt"
        )
    epsilons = {stack.norm.epsilon for stack in stacks.values()}
    if len(epsilons) > 1:
        told = " and ".join(f"{epsilon:g}" for epsilon in sorted(epsilons))
        reasons.append(f"the norms of its stacks have the epsilons {told}, and CTranslate2 has one for all")
    return reasons


def stacks_of(config: ModelConfig) -> dict[str, StackConfig]:
    """The stacks of a Transformer by their names; another model has none."""
    match config:
        case TransformerConfig():
            return {"encoder": config.encoder, "decoder": config.decoder}
        case DecoderOnlyConfig():
            return {"decoder": config.decoder}
        case _:
            return {}


def _shares_keys(stack: StackConfig) -> bool:
    return (stack.attention.kv_heads or stack.attention.heads) < stack.attention.heads


def _refusals_of(side: str, stack: StackConfig) -> Iterator[str]:
    score, position = stack.attention.score, stack.position
    if score not in SCORES:
        yield f"the {side} has the score {score!r}, and CTranslate2 has only the dot product"
    if isinstance(position, RotaryPosition):
        if isinstance(position.scaling, YarnScaling):
            yield f"the {side} has rotary positions stretched as 'yarn', for which CTranslate2 has no place"
        if score == "bilinear":
            yield (
                f"the {side} has the score 'bilinear' behind rotary positions, which stand between the "
                "query and its matrix"
            )


def specification(config: ModelConfig, model: Model, *, rows: int) -> Any:
    """A model with its weights, without its vocabulary; positions that can be coded are, `rows` of them.

    The configuration is one without `refusals`.
    """
    specs = library().specs.transformer_spec
    if isinstance(config, DecoderOnlyConfig):
        only = cast(DecoderOnly, model)
        decoder = specs.TransformerDecoderSpec(
            **_settings(config.decoder, config), with_encoder_attention=False
        )
        _fill_stack(decoder, only.decoder, config.decoder, only.embedding, rows=rows)
        _fill_output(decoder, model)
        spec = specs.TransformerDecoderModelSpec(decoder)
        epsilon = config.decoder.norm.epsilon
    else:
        assert isinstance(config, TransformerConfig), "CTranslate2 holds such a model"
        whole = cast(Transformer, model)
        encoder = specs.TransformerEncoderSpec(**_settings(config.encoder, config))
        decoder = specs.TransformerDecoderSpec(**_settings(config.decoder, config))
        _fill_stack(encoder, whole.encoder, config.encoder, whole.source_embedding, rows=rows)
        _fill_stack(decoder, whole.decoder, config.decoder, whole.target_embedding, rows=rows)
        _fill_output(decoder, model)
        spec = specs.TransformerSpec(encoder, decoder)
        epsilon = config.encoder.norm.epsilon
    spec.config.layer_norm_epsilon = epsilon
    spec.config.multi_query_attention = any(_shares_keys(stack) for stack in stacks_of(config).values())
    return spec


def _settings(stack: StackConfig, config: TransformerConfig | DecoderOnlyConfig) -> dict[str, Any]:
    """What the library's encoder and decoder are made with."""
    common = library().specs.common_spec
    attention, rotary = stack.attention, stack.position
    settings = {
        "num_layers": stack.layers,
        "num_heads": attention.heads,
        "num_heads_kv": attention.kv_heads if _shares_keys(stack) else None,
        "head_dim": attention.head_width or config.width // attention.heads,
        "pre_norm": stack.norm.place == "pre",
        "rms_norm": stack.norm.kind == "rms",
        "activation": getattr(common.Activation, ACTIVATIONS[stack.feedforward.activation]),
        "ffn_glu": stack.feedforward.gated,
        "layernorm_embedding": config.embedding.norm,
        "relative_attention_bias": isinstance(stack.position, RelativePosition),
    }
    if isinstance(rotary, RotaryPosition):
        settings |= {"rotary_dim": 0, "rotary_interleave": False, "rotary_base": rotary.base}
    return settings


def scaling_attributes(scaling: RotaryScaling) -> dict[str, Any]:
    """What the engine reads of how rotary positions are stretched, by its names."""
    kinds = library().specs.attention_spec.RotaryScalingType
    match scaling:
        case LinearScaling():
            return {
                "rotary_scaling_type": _number(kinds.Linear, "int8"),
                "rotary_scaling_factor": _number(scaling.factor, "float32"),
            }
        case Llama3Scaling():
            return {
                "rotary_scaling_type": _number(kinds.Llama3, "int8"),
                "rotary_scaling_factor": _number(scaling.factor, "float32"),
                "rotary_low_freq_factor": _number(scaling.low, "float32"),
                "rotary_high_freq_factor": _number(scaling.high, "float32"),
                "original_max_position_embeddings": _number(scaling.length, "int32"),
            }
        case _:
            return {}


def _fill_stack(spec: Any, stack: Stack, config: StackConfig, embedding: Embedding, *, rows: int) -> None:
    tables = spec.embeddings if isinstance(spec.embeddings, list) else [spec.embeddings]
    tables[0].weight = _plain(embedding.table.weight)
    spec.scale_embeddings = float(embedding.scale)
    if not isinstance(embedding.norm, nn.Identity):
        _fill_norm(spec.layernorm_embedding, embedding.norm)
    if not isinstance(stack.norm, nn.Identity):
        _fill_norm(spec.layer_norm, stack.norm)
    if hasattr(spec, "position_encodings"):
        width = embedding.table.embedding_dim
        spec.position_encodings.encodings = position_table(stack.position, width=width, rows=rows)
    for layer, block in zip(spec.layer, stack.blocks, strict=True):
        _fill_block(layer, block)
        if isinstance(stack.position, Relative):
            layer.self_attention.relative_attention_bias = _plain(stack.position.embedding.weight)
            layer.self_attention.relative_attention_max_distance = _number(stack.position.longest, "int32")
        if isinstance(config.position, RotaryPosition):
            # The engine reads more of it than the specification has places for, so they are made here.
            vars(layer.self_attention).update(scaling_attributes(config.position.scaling))


def position_table(position: Position, *, width: int, rows: int) -> Tensor:
    """What is added to the embedding of each position [P,D]; a learnt table has its own length."""
    if isinstance(position, Learned):
        return _plain(position.embedding.weight)
    if isinstance(position, Sinusoidal):
        return _plain(position.table(torch.arange(rows, device=position.frequencies.device)))
    return torch.zeros(rows, width)


def _fill_block(spec: Any, block: Block) -> None:
    own = block.self_attention
    _fill_attention(spec.self_attention, own.multihead, own.residual, crossing=False)
    if isinstance(block.cross_attention, CrossAttention):
        other = block.cross_attention
        _fill_attention(spec.attention, other.multihead, other.residual, crossing=True)
    _fill_feedforward(spec.ffn, block.feedforward, block.residual)


def _fill_attention(spec: Any, multihead: MultiHead, residual: Residual, *, crossing: bool) -> None:
    query, memory = query_of(multihead), [_linear(multihead.key), _linear(multihead.value)]
    groups = [[query], memory] if crossing else [[query, *memory]]
    for linear, parts in zip(spec.linear, [*groups, [_linear(multihead.output)]], strict=True):
        _fill_linear(linear, parts)
    spec.queries_scale = multihead.score.scale if isinstance(multihead.score, ScaledDot) else 1.0
    _fill_norm(spec.layer_norm, _norm_of(residual))


def query_of(multihead: MultiHead) -> Linear:
    """The projection of queries; the matrices of a bilinear score are multiplied into it."""
    weight, bias = _linear(multihead.query)
    if not isinstance(multihead.score, Bilinear):
        return weight, bias
    H, K = multihead.heads, multihead.head_width
    matrix = _plain(multihead.score.weight)  # [H,K,K]
    folded = matrix.mT @ weight.view(H, K, -1)  # [H,K,D]
    moved = None if bias is None else (bias.view(H, 1, K) @ matrix).flatten()
    return folded.flatten(0, 1), moved


def _fill_feedforward(spec: Any, feedforward: FeedForward, residual: Residual) -> None:
    if feedforward.gate is None:
        _fill_linear(spec.linear_0, [_linear(feedforward.widen)])
    else:
        _fill_linear(spec.linear_0, [_linear(feedforward.gate)])
        _fill_linear(spec.linear_0_noact, [_linear(feedforward.widen)])
    _fill_linear(spec.linear_1, [_linear(feedforward.narrow)])
    _fill_norm(spec.layer_norm, _norm_of(residual))


def _fill_output(spec: Any, model: Model) -> None:
    """The output, with a bias that keeps a search from writing what no translation may hold."""
    output = model.output
    bias = torch.zeros(model.vocabulary) if output.bias is None else _plain(output.bias)
    bias[list(model.forbidden_ids)] = NEVER
    _fill_linear(spec.projection, [(_plain(output.weight), bias)])
    if output.scale != 1.0:
        spec.scale_outputs = float(output.scale)


def _fill_linear(spec: Any, parts: Sequence[Linear]) -> None:
    """Projections one above the other; with a bias if they have one."""
    spec.weight = torch.cat([weight for weight, _ in parts])
    biases = [bias for _, bias in parts if bias is not None]
    if biases:
        spec.bias = torch.cat(biases)


def _fill_norm(spec: Any, norm: nn.Module) -> None:
    for name, parameter in norm.named_parameters():
        setattr(spec, {"weight": "gamma", "bias": "beta"}[name], _plain(parameter))


def _norm_of(residual: Residual) -> nn.Module:
    """The one norm of a residual, in whichever slot it stands."""
    return residual.post if isinstance(residual.pre, nn.Identity) else residual.pre


def _linear(linear: nn.Linear) -> Linear:
    bias = dict(linear.named_parameters()).get("bias")
    return _plain(linear.weight), None if bias is None else _plain(bias)


def _plain(parameter: Tensor) -> Tensor:
    """A copy of its numbers, in float32 on the CPU: the library quantises where they stand."""
    return parameter.detach().to("cpu", torch.float32, copy=True)


def _number(value: float, kind: str) -> Any:
    """A single number as the library stores it."""
    return np.dtype(kind).type(value)
