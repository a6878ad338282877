"""Pegasus (Zhang et al. 2020), as which models with norms before each part go out."""

from __future__ import annotations

from trasluz.config import TransformerConfig
from trasluz.models.families import tokens
from trasluz.models.families.bart import table_of, transformer
from trasluz.models.families.family import Family
from trasluz.models.families.reading import Reading


def config_from_hf(reading: Reading) -> TransformerConfig:
    """Marian's parts with norms before each; the padding symbol is the first token."""
    for key in ("static_position_embeddings", "normalize_before", "add_final_layer_norm"):
        reading.must_be(key, True)
    reading.must_be("normalize_embedding", False)
    reading.ignore("add_bias_logits", "extra_pos_embeddings", "force_bos_token_to_be_generated")
    return transformer(
        reading,
        place="pre",
        position={"kind": "sinusoidal"},
        embedding={},
        start=reading.token("decoder_start_token_id", reading.token("pad_token_id", 0)),
    )


FAMILY = Family("pegasus", "translation", config_from_hf, table_of, tokens.one_pair, most_sentences=1)
