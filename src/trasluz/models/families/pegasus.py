"""Pegasus (Zhang et al. 2020), as which models with norms before each part go out."""

from __future__ import annotations

from trasluz.config import TransformerConfig
from trasluz.models.families import tokens
from trasluz.models.families.bart import Defaults, transformer
from trasluz.models.families.bart_table import table_of
from trasluz.models.families.family import Family
from trasluz.models.families.reading import Reading

DEFAULTS = Defaults(pad=0, end=1, start=0)


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
        defaults=DEFAULTS,
    )


FAMILY = Family("pegasus", "translation", config_from_hf, table_of, tokens.one_pair, most_sentences=1)
