"""How checkpoints with rotary positions say how fast they turn, and how they are stretched over longer texts.

Knows no family.
"""

from __future__ import annotations

import math
from typing import Any

from trasluz.models.families.reading import Reading


def rotary_position(reading: Reading) -> dict[str, Any]:
    """Rotary, and how it is stretched; old checkpoints say it in two keys, new ones in one group.

    Where both groups stand, the old one alone counts, as in the reference, unless it is empty.
    """
    longest = reading.length("max_position_embeddings", 2048)
    base = reading.number("rope_theta", 10000.0)
    group = reading.group("rope_scaling" if reading.settings.get("rope_scaling") else "rope_parameters")
    reading.ignore("rope_scaling", "rope_parameters")
    if group is None:
        return {"kind": "rotary", "base": base}
    kind = group.choice("rope_type", KINDS, default=group.word("type", default="default"))
    group.must_be("partial_rotary_factor", 1.0)
    position = {"kind": "rotary", "base": group.number("rope_theta", base), "scaling": kind(group, longest)}
    group.finish()
    return position


def _none(group: Reading, longest: int) -> dict[str, Any]:
    group.ignore("factor", "original_max_position_embeddings")
    return {"kind": "none"}


def _linear(group: Reading, longest: int) -> dict[str, Any]:
    group.ignore("original_max_position_embeddings")
    return {"kind": "linear", "factor": group.number("factor")}


def _llama3(group: Reading, longest: int) -> dict[str, Any]:
    return {
        "kind": "llama3",
        "factor": group.number("factor"),
        "low": group.number("low_freq_factor"),
        "high": group.number("high_freq_factor"),
        "length": group.length("original_max_position_embeddings", longest),
    }


def _yarn(group: Reading, longest: int) -> dict[str, Any]:
    length = group.length("original_max_position_embeddings", longest)
    factor = group.number("factor", longest / length)
    one, all_of_them = group.number("mscale", 0.0), group.number("mscale_all_dim", 0.0)
    usual = (
        _magnitude(factor, one) / _magnitude(factor, all_of_them)
        if one and all_of_them
        else _magnitude(factor)
    )
    return {
        "kind": "yarn",
        "factor": factor,
        "fast": group.number("beta_fast", 32.0) or 32.0,
        "slow": group.number("beta_slow", 1.0) or 1.0,
        "length": length,
        "magnitude": group.number("attention_factor", usual),
        "whole": group.flag("truncate", default=True),
    }


def _magnitude(factor: float, share: float = 1.0) -> float:
    """How much longer what is turned is made (Peng et al. 2024, equation 22)."""
    return 1.0 if factor <= 1 else 0.1 * share * math.log(factor) + 1.0


KINDS = {"default": _none, "linear": _linear, "llama3": _llama3, "yarn": _yarn}
