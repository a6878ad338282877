"""Llama 1 to 3 (Touvron et al. 2023; Grattafiori et al. 2024), and whatever has their shape and name."""

from __future__ import annotations

from trasluz.config import NO_PADDING, DecoderOnlyConfig
from trasluz.models.families import tokens
from trasluz.models.families.family import Family
from trasluz.models.families.names import BOTH, WEIGHT, Table, expand
from trasluz.models.families.reading import ACTIVATIONS, Reading
from trasluz.models.families.rope import rotary_position
from trasluz.parse import parse

ATTENTION = {"q_proj": "query", "k_proj": "key", "v_proj": "value", "o_proj": "output"}
FEEDFORWARD = {"gate_proj": "gate", "up_proj": "widen", "down_proj": "narrow"}


def config_from_hf(reading: Reading) -> DecoderOnlyConfig:
    """RMS norms before each part, rotary positions, gated feed-forward, grouped heads."""
    heads, width = reading.count("num_attention_heads"), reading.count("hidden_size")
    end = reading.token("eos_token_id", 2)
    settings = {
        "width": width,
        "embedding": {
            "vocabulary": reading.count("vocab_size"),
            "scaled": False,
            "tied": reading.flag("tie_word_embeddings", default=False),
        },
        "decoder": {
            "layers": reading.layers("num_hidden_layers"),
            "attention": {
                "heads": heads,
                "kv_heads": reading.count("num_key_value_heads", heads),
                "head_width": _even(reading, reading.count("head_dim", width // heads)),
                "bias": reading.flag("attention_bias", default=False),
                "dropout": reading.number("attention_dropout", 0.0),
            },
            "feedforward": {
                "hidden": reading.count("intermediate_size"),
                "activation": reading.choice("hidden_act", ACTIVATIONS, default="silu"),
                "gated": True,
                "bias": reading.flag("mlp_bias", default=False),
            },
            "norm": {"kind": "rms", "place": "pre", "epsilon": reading.number("rms_norm_eps", 1e-6)},
            "position": rotary_position(reading),
            "dropout": 0.0,
        },
        "symbols": {
            "pad": NO_PADDING,
            "start": reading.token("bos_token_id", 1),
            "end": end,
            "unknown": reading.token("unk_token_id", 0),
        },
    }
    reading.ignore("pad_token_id", "pretraining_tp", "max_sequence_length")
    reading.finish()
    return parse(DecoderOnlyConfig, settings, where=reading.where)


def _even(reading: Reading, head_width: int) -> int:
    """The width of a head, whose numbers are turned in pairs."""
    if head_width % 2:
        key = "head_dim" if reading.settings.get("head_dim") else "hidden_size / num_attention_heads"
        raise reading.wrong(key, head_width, "rotary positions need an even one; copy the file again")
    return head_width


def table(config: DecoderOnlyConfig) -> Table:
    """Every matrix by itself, none turned."""
    attention = {f"self_attn.{one}": f"self_attention.multihead.{other}" for one, other in ATTENTION.items()}
    feedforward = {f"mlp.{one}": f"feedforward.{other}" for one, other in FEEDFORWARD.items()}
    norms = {"input_layernorm": "self_attention.residual.pre", "post_attention_layernorm": "residual.pre"}
    once = {"model.embed_tokens": "embedding.table", "model.norm": "decoder.norm"}
    once |= {} if config.embedding.tied else {"lm_head": "output"}
    own = config.decoder
    return Table(
        [
            *expand(_blocks(attention), BOTH if own.attention.bias else WEIGHT, count=own.layers),
            *expand(_blocks(feedforward), BOTH if own.feedforward.bias else WEIGHT, count=own.layers),
            *expand(_blocks(norms), WEIGHT, count=own.layers),
            *expand(once, WEIGHT),
        ],
        copies={"lm_head.weight": "model.embed_tokens.weight"} if config.embedding.tied else {},
        prefix="model.",
        derived=[r"model\.(layers\.\d+\.self_attn\.)?rotary_emb\.inv_freq"],
    )


def _blocks(names: dict[str, str]) -> dict[str, str]:
    return {f"model.layers.{{i}}.{theirs}": f"decoder.blocks.{{i}}.{ours}" for theirs, ours in names.items()}


FAMILY = Family("llama", "language-model", config_from_hf, table, tokens.llama)
