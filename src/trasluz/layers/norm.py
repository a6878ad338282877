"""Normalisation of each token's vector: layer norm and RMS norm."""

from __future__ import annotations

from torch import nn

from trasluz.errors import unknown

NORMS: dict[str, type[nn.LayerNorm] | type[nn.RMSNorm]] = {"layer": nn.LayerNorm, "rms": nn.RMSNorm}


def make_norm(kind: str, width: int, *, epsilon: float = 1e-5) -> nn.Module:
    """A norm over vectors of `width` numbers: `layer` (Ba et al. 2016) or `rms` (Zhang and Sennrich 2019).

    Raises `TrasluzError` for another kind.
    """
    if kind not in NORMS:
        raise unknown("norm", kind, NORMS)
    return NORMS[kind](width, eps=epsilon)
