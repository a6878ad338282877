"""What config.json says of the descendants of BART (Lewis et al. 2020): Marian, mBART, M2M100 and Pegasus.

Knows none of the four, and no weights; those are in `trasluz.models.families.bart_table`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trasluz.config import TransformerConfig
from trasluz.models.families.reading import ACTIVATIONS, Reading
from trasluz.parse import parse

SIDES = ("encoder", "decoder")


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
            for side in SIDES
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
