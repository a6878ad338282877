"""M2M100 (Fan et al. 2021) and NLLB (NLLB Team 2022)."""

from __future__ import annotations

from trasluz.config import TransformerConfig
from trasluz.models.families import tokens
from trasluz.models.families.bart import Defaults, transformer
from trasluz.models.families.bart_table import table_of
from trasluz.models.families.family import Family
from trasluz.models.families.reading import Reading

DEFAULTS = Defaults(pad=1, end=2, start=2, activation="relu", scaled=True, attention_dropout=0.1)


def config_from_hf(reading: Reading) -> TransformerConfig:
    """Pre-norm, sines and cosines in halves, counted from behind the padding symbol as fairseq does.

    Padding stands nowhere in the reference, and so cannot be the first token.
    """
    pad = reading.token("pad_token_id", DEFAULTS.pad)
    assert pad is not None
    if pad == reading.token("decoder_start_token_id", DEFAULTS.start):
        raise reading.wrong(
            "decoder_start_token_id",
            pad,
            "that is the padding symbol, which has no position in this family; Trasluz reads any other one",
        )
    return transformer(
        reading,
        place="pre",
        position={"kind": "sinusoidal", "spacing": "tensor2tensor", "first": pad + 1},
        embedding={},
        defaults=DEFAULTS,
    )


FAMILY = Family("m2m_100", "translation", config_from_hf, table_of, tokens.m2m100, most_sentences=1)
