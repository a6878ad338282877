"""T5 (Raffel et al. 2020) and T5 1.1, whose feed-forward is gated and whose output is a table of its own."""

from __future__ import annotations

from trasluz.config import TransformerConfig
from trasluz.models.families import tokens
from trasluz.models.families.family import Family
from trasluz.models.families.names import WEIGHT, Entry, Table, expand
from trasluz.models.families.reading import ACTIVATIONS, Reading
from trasluz.parse import parse

FEEDFORWARDS = {
    **{name: (name, False) for name in ACTIVATIONS},
    **{f"gated-{name}": (name, True) for name in ACTIVATIONS},
    "gated-gelu": ("gelu_new", True),
}
"""The activation, by its name there, and whether it is gated."""
ATTENTION = {"q": "query", "k": "key", "v": "value", "o": "output"}


def config_from_hf(reading: Reading) -> TransformerConfig:
    """RMS norms before each part, no bias, the plain dot product, one relative bias for each stack."""
    usual, gated = reading.choice("feed_forward_proj", FEEDFORWARDS, default="relu")
    tied = reading.flag("tie_word_embeddings", default=True)
    scaled = reading.flag("scale_decoder_outputs", default=tied)
    width, layers = reading.count("d_model"), reading.layers("num_layers")
    dropout = reading.number("dropout_rate", 0.1)
    stack = {
        "attention": {
            "score": "dot",
            "heads": reading.count("num_heads"),
            "head_width": reading.count("d_kv"),
            "bias": False,
            "dropout": dropout,
        },
        "feedforward": {
            "hidden": reading.count("d_ff"),
            "activation": reading.choice("dense_act_fn", ACTIVATIONS, default=usual),
            "gated": reading.flag("is_gated_act", default=gated),
            "bias": False,
            "dropout": dropout,
        },
        "norm": {"kind": "rms", "place": "pre", "epsilon": reading.number("layer_norm_epsilon", 1e-6)},
        "position": {
            "kind": "relative",
            "buckets": reading.count("relative_attention_num_buckets", 32),
            "longest": reading.length("relative_attention_max_distance", 128),
        },
        "dropout": dropout,
    }
    pad = reading.token("pad_token_id", 0)
    settings = {
        "width": width,
        "embedding": {
            "vocabulary": reading.count("vocab_size"),
            "scaled": False,
            "tied": scaled or "lm_head.weight" not in reading.stored,
            "output_scale": width**-0.5 if scaled else 1.0,
        },
        "encoder": {**stack, "layers": layers},
        "decoder": {**stack, "layers": reading.layers("num_decoder_layers", layers)},
        "symbols": {
            "pad": pad,
            "start": reading.token("decoder_start_token_id", pad),
            "end": reading.token("eos_token_id", 1),
            "unknown": reading.token("unk_token_id", 2),
        },
    }
    reading.length("n_positions", 512)
    reading.ignore("bos_token_id")
    reading.finish()
    return parse(TransformerConfig, settings, where=reading.where)


def table(config: TransformerConfig) -> Table:
    """A block of theirs is a list of layers; the relative bias of a stack stands in its first block."""
    tables = [Entry("shared.weight", ("source_embedding.table.weight",))]
    if not config.embedding.tied:
        tables.append(Entry("lm_head.weight", ("output.weight",)))
    copies = {
        f"{name}.weight": "shared.weight"
        for name in ("encoder.embed_tokens", "decoder.embed_tokens", "lm_head")
    }
    return Table([*tables, *_stack(config, "encoder"), *_stack(config, "decoder")], copies)


def _stack(config: TransformerConfig, side: str) -> list[Entry]:
    own = getattr(config, side)
    parts = {
        "SelfAttention": "self_attention",
        **({"EncDecAttention": "cross_attention"} if side == "decoder" else {}),
    }
    names = {}
    for at, (theirs, ours) in enumerate(parts.items()):
        names[f"layer.{at}.layer_norm"] = f"{ours}.residual.pre"
        names |= {
            f"layer.{at}.{theirs}.{one}": f"{ours}.multihead.{other}" for one, other in ATTENTION.items()
        }
    feedforward = (
        {"wi_0": "gate", "wi_1": "widen", "wo": "narrow"}
        if own.feedforward.gated
        else {"wi": "widen", "wo": "narrow"}
    )
    names |= {
        f"layer.{len(parts)}.DenseReluDense.{one}": f"feedforward.{other}"
        for one, other in feedforward.items()
    }
    names[f"layer.{len(parts)}.layer_norm"] = "residual.pre"
    blocks = {f"{side}.block.{{i}}.{theirs}": f"{side}.blocks.{{i}}.{ours}" for theirs, ours in names.items()}
    embedding = "source_embedding" if side == "encoder" else "target_embedding"
    once = {
        f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias": f"{embedding}.position.embedding",
        f"{side}.final_layer_norm": f"{side}.norm",
    }
    return [*expand(blocks, WEIGHT, count=own.layers), *expand(once, WEIGHT)]


FAMILY = Family("t5", "translation", config_from_hf, table, tokens.t5)
