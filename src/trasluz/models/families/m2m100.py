"""M2M100 (Fan et al. 2021) and NLLB (NLLB Team 2022)."""

from __future__ import annotations

from trasluz.config import TransformerConfig
from trasluz.models.families import tokens
from trasluz.models.families.bart import table_of, transformer
from trasluz.models.families.family import Family
from trasluz.models.families.reading import Reading


def config_from_hf(reading: Reading) -> TransformerConfig:
    """Pre-norm, sines and cosines in halves, counted from behind the padding symbol as fairseq does."""
    pad = reading.token("pad_token_id", 1)
    assert pad is not None
    return transformer(
        reading,
        place="pre",
        position={"kind": "sinusoidal", "spacing": "tensor2tensor", "first": pad + 1},
        embedding={},
        start=reading.token("decoder_start_token_id"),
    )


FAMILY = Family("m2m_100", "translation", config_from_hf, table_of, tokens.m2m100, most_sentences=1)
