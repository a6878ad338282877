"""Marian (Junczys-Dowmunt et al. 2018), the family of the OPUS-MT translators."""

from __future__ import annotations

from trasluz.config import TransformerConfig
from trasluz.models.families import tokens
from trasluz.models.families.bart import Defaults, transformer
from trasluz.models.families.bart_table import table_of
from trasluz.models.families.family import Family
from trasluz.models.families.reading import Reading

DEFAULTS = Defaults(pad=58100, end=0, start=58100)


def config_from_hf(reading: Reading) -> TransformerConfig:
    """Post-norm, sines and cosines in halves, an output with a bias; padding is the first token."""
    reading.must_be("static_position_embeddings", True)
    reading.must_be("decoder_vocab_size", reading.count("vocab_size"))
    for key in ("normalize_before", "normalize_embedding", "add_final_layer_norm"):
        reading.must_be(key, False)
    reading.ignore("add_bias_logits", "extra_pos_embeddings")
    return transformer(
        reading,
        place="post",
        position={"kind": "sinusoidal"},
        embedding={"shared": reading.flag("share_encoder_decoder_embeddings", default=True)},
        defaults=DEFAULTS,
    )


FAMILY = Family("marian", "translation", config_from_hf, table_of, tokens.marian, most_sentences=1)
