"""What Marian, mBART and M2M100 have in common, all descendants of BART (Lewis et al. 2020).

Knows none of the three.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from trasluz.config import EmbeddingConfig, StackConfig, TransformerConfig
from trasluz.models.families.names import ONE_ROW, Entry, Table, expand
from trasluz.models.families.reading import Reading
from trasluz.parse import parse

ACTIVATIONS = {
    "relu": "relu",
    "gelu": "gelu",
    "gelu_new": "gelu-tanh",
    "gelu_pytorch_tanh": "gelu-tanh",
    "silu": "silu",
    "swish": "silu",
}
ATTENTIONS = {"encoder": {"self_attn": "self_attention"}}
ATTENTIONS["decoder"] = {**ATTENTIONS["encoder"], "encoder_attn": "cross_attention"}
PROJECTIONS = {"q_proj": "query", "k_proj": "key", "v_proj": "value", "out_proj": "output"}


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a key that is missing means in one of the families; without `start`, the end symbol is the first.

    They are those of the family's class of configurations in transformers.
    """

    pad: int
    end: int
    start: int | None
    activation: str = "gelu"
    scaled: bool = False
    attention_dropout: float = 0.0


def transformer(
    reading: Reading,
    *,
    place: str,
    position: dict[str, Any],
    embedding: dict[str, Any],
    defaults: Defaults,
) -> TransformerConfig:
    """The configuration of a Transformer whose norms stand at `place`; `embedding` goes over the usual.

    A table of both languages is that of the output as well.
    """
    reading.length("max_position_embeddings", 1024)
    end = reading.token("eos_token_id", defaults.end)
    if embedding.get("shared", True):
        reading.must_be("tie_word_embeddings", True)
    settings = {
        "width": reading.count("d_model"),
        "embedding": {
            "vocabulary": reading.count("vocab_size"),
            "scaled": reading.flag("scale_embedding", default=defaults.scaled),
            "tied": reading.flag("tie_word_embeddings", default=True),
            "output_bias": "final_logits_bias" in reading.stored,
            "fixed_padding": True,
            **embedding,
        },
        **{
            side: _stack_settings(reading, side, place=place, position=position, defaults=defaults)
            for side in ATTENTIONS
        },
        "symbols": {
            "pad": reading.token("pad_token_id", defaults.pad),
            "end": end,
            "start": reading.token(
                "decoder_start_token_id", end if defaults.start is None else defaults.start
            ),
            "unknown": reading.token("unk_token_id", 3),
        },
    }
    reading.ignore("bos_token_id", "num_hidden_layers")
    reading.finish()
    return parse(TransformerConfig, settings, where=reading.where)


def table_of(config: TransformerConfig) -> Table:
    """All tensors of a checkpoint with such a configuration."""
    shared = "model.shared.weight" if config.embedding.shared else "model.decoder.embed_tokens.weight"
    copies = {"lm_head.weight": shared}
    if config.embedding.shared:
        copies |= {f"model.{side}.embed_tokens.weight": shared for side in ATTENTIONS}
    return Table(
        entries=[
            *_tables(config.embedding),
            *_stack(config.encoder, "encoder"),
            *_stack(config.decoder, "decoder"),
        ],
        copies=copies,
        prefix="model.",
        derived=[r"model\.(encoder|decoder)\.embed_positions\.weights?"],
    )


def _stack_settings(
    reading: Reading, side: str, *, place: str, position: dict[str, Any], defaults: Defaults
) -> dict[str, Any]:
    return {
        "layers": reading.layers(f"{side}_layers"),
        "attention": {
            "heads": reading.count(f"{side}_attention_heads"),
            "dropout": reading.number("attention_dropout", defaults.attention_dropout),
        },
        "feedforward": {
            "hidden": reading.count(f"{side}_ffn_dim"),
            "activation": reading.choice("activation_function", ACTIVATIONS, default=defaults.activation),
            "dropout": reading.number("activation_dropout", 0.0),
        },
        "norm": {"place": place},
        "position": position,
        "dropout": reading.number("dropout", 0.1),
    }


def _tables(config: EmbeddingConfig) -> Iterator[Entry]:
    if config.shared:
        yield Entry("model.shared.weight", ("source_embedding.table.weight",))
    else:
        yield Entry("model.encoder.embed_tokens.weight", ("source_embedding.table.weight",))
        yield Entry("model.decoder.embed_tokens.weight", ("target_embedding.table.weight",))
    if not config.tied:
        yield Entry("lm_head.weight", ("output.weight",))
    if config.output_bias:
        yield Entry("final_logits_bias", ("output.bias",), ONE_ROW)


def _stack(config: StackConfig, side: str) -> list[Entry]:
    names = {
        "fc1": "feedforward.widen",
        "fc2": "feedforward.narrow",
        "final_layer_norm": f"residual.{config.norm.place}",
    }
    for theirs, ours in ATTENTIONS[side].items():
        names[f"{theirs}_layer_norm"] = f"{ours}.residual.{config.norm.place}"
        names |= {f"{theirs}.{one}": f"{ours}.multihead.{other}" for one, other in PROJECTIONS.items()}
    blocks = {
        f"model.{side}.layers.{{i}}.{theirs}": f"{side}.blocks.{{i}}.{ours}" for theirs, ours in names.items()
    }
    last = {f"model.{side}.layer_norm": f"{side}.norm"} if config.norm.place == "pre" else {}
    return [*expand(blocks, count=config.layers), *expand(last)]
