"""mBART (Liu et al. 2020) of 25 and of 50 languages (Tang et al. 2020)."""

from __future__ import annotations

from dataclasses import replace

from trasluz.config import TransformerConfig
from trasluz.models.families import tokens
from trasluz.models.families.bart import Defaults, transformer
from trasluz.models.families.bart_table import table_of
from trasluz.models.families.family import Family
from trasluz.models.families.names import BOTH, Entry, Table, behind_rows, expand
from trasluz.models.families.reading import Reading

DEFAULTS = Defaults(pad=1, end=2, start=None)
UNUSED_ROWS = 2
"""Of the table of positions: they were kept free for symbols, and no position looks them up."""


def config_from_hf(reading: Reading) -> TransformerConfig:
    """Pre-norm, learnt positions, a norm behind the embeddings, an output with a bias."""
    for key in ("normalize_before", "normalize_embedding", "add_final_layer_norm"):
        reading.must_be(key, True)
    reading.must_be("static_position_embeddings", False)
    reading.ignore("add_bias_logits", "extra_pos_embeddings")
    return transformer(
        reading,
        place="pre",
        position={"kind": "learned", "length": reading.length("max_position_embeddings", 1024)},
        embedding={"norm": True},
        defaults=DEFAULTS,
    )


def table(config: TransformerConfig) -> Table:
    """As the others, with positions and the norm behind them."""
    usual = table_of(config)
    own = [
        entry
        for side, ours in (("encoder", "source_embedding"), ("decoder", "target_embedding"))
        for entry in (
            Entry(
                f"model.{side}.embed_positions.weight",
                (f"{ours}.position.embedding.weight",),
                behind_rows(UNUSED_ROWS),
            ),
            *expand({f"model.{side}.layernorm_embedding": f"{ours}.norm"}, BOTH),
        )
    ]
    return replace(usual, entries=[*usual.entries, *own])


FAMILY = Family("mbart", "translation", config_from_hf, table, tokens.mbart, most_sentences=1)
