"""Sizes of models, and the choice of one from the data and the time given, with its reasons.

Knows no torch. The figures behind the choices are in docs/log.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from trasluz.errors import unknown

NAMES = ("auto", "tiny", "small", "base", "big")
ARCHITECTURES = ("transformer", "recurrent", "decoder-only")

FEW_PAIRS, ENOUGH_PAIRS, MANY_PAIRS = 20_000, 50_000, 1_000_000
SHORT_TIME = 4 * 60.0


@dataclass(frozen=True, slots=True)
class Choice:
    """Settings to begin from, as nested groups, and why they were chosen: a sentence for some of the keys."""

    settings: dict[str, Any]
    reasons: dict[str, str]


def choose(
    name: str, *, pairs: int, seconds: float | None, steps: int | None, arch: str = "transformer"
) -> Choice:
    """The settings of the preset `name` for so many training pairs and such a budget.

    `auto` chooses the size too. Raises `TrasluzError` for a name not in `NAMES`, or an architecture not in
    `ARCHITECTURES`.
    """
    if name not in NAMES:
        raise unknown("preset", name, NAMES)
    if arch not in ARCHITECTURES:
        raise unknown("architecture", arch, ARCHITECTURES)
    size, why_size = _auto_size(pairs, seconds) if name == "auto" else (name, "as asked for")
    vocabulary, (dropout, why_dropout) = _vocabulary(pairs), _dropout(pairs, seconds)
    settings = _SIZES[arch][size](dropout)
    settings["model"]["embedding"] = {"vocabulary": vocabulary}
    settings["tokenizer"] = {"vocabulary": vocabulary}
    ending, why_ending = _ending(seconds, steps)
    reasons = {
        "model.width": f"size {size}: {why_size}",
        "tokenizer.vocabulary": f"a vocabulary of {vocabulary} pieces: {pairs} pairs show more too seldom",
        "model.decoder.dropout": f"dropout {dropout}: {why_dropout}",
        "optimizer.schedule": why_ending,
    }
    return Choice({"preset": name, **settings, **ending(settings["optimizer"])}, reasons)


def onward(choice: Choice, *, adapter: bool) -> Choice:
    """The same for a model that has learnt before: a smaller rate, or for an adapter a larger one."""
    rate, warmup = (2e-3, 50) if adapter else (2e-4, 50)
    kept = {name: value for name, value in choice.settings.items() if name not in ("model", "tokenizer")}
    optimizer = {**choice.settings["optimizer"], "rate": rate, "warmup": warmup}
    what = "an adapter begins at nothing" if adapter else "the model has learnt before"
    reasons = {"optimizer.rate": f"rate {rate:g}: {what}"}
    if "optimizer.schedule" in choice.reasons:
        reasons["optimizer.schedule"] = choice.reasons["optimizer.schedule"]
    return Choice({**kept, "optimizer": optimizer}, reasons)


def _auto_size(pairs: int, seconds: float | None) -> tuple[str, str]:
    if pairs <= FEW_PAIRS or (seconds is not None and seconds <= SHORT_TIME):
        return "tiny", f"{pairs} pairs{_in(seconds)} teach no more than it can hold"
    if pairs <= MANY_PAIRS or seconds is not None:
        return "small", f"the best that {pairs} pairs{_in(seconds)} can fill"
    return "base", f"{pairs} pairs and no limit of time"


def _in(seconds: float | None) -> str:
    return "" if seconds is None else f" in {seconds / 60:g} minutes"


def _vocabulary(pairs: int) -> int:
    """Few pairs want short pieces, seen often (Gowda and May 2020)."""
    for most, vocabulary in ((30_000, 2000), (60_000, 4000), (1_000_000, 8000)):
        if pairs <= most:
            return vocabulary
    return 32_000


def _dropout(pairs: int, seconds: float | None) -> tuple[float, str]:
    if pairs > ENOUGH_PAIRS:
        return 0.1, "enough pairs to learn from"
    if seconds is not None and seconds <= SHORT_TIME:
        return 0.1, "too little time to know the pairs by heart"
    return 0.2, "few pairs are soon known by heart"


Ending = Callable[[dict[str, Any]], dict[str, Any]]


def _ending(seconds: float | None, steps: int | None) -> tuple[Ending, str]:
    """How a run goes to its end: with a budget the rate falls to zero, without one it waits for no gain."""
    if seconds is None and steps is None:

        def patient(optimizer: dict[str, Any]) -> dict[str, Any]:
            return {
                "optimizer": {**optimizer, "schedule": "inverse-sqrt"},
                "validation": {"every": 1000, "patience": 5},
                "average": 5,
            }

        return patient, "no budget: it ends after 5 validations without gain, and averages its last weights"

    def budgeted(optimizer: dict[str, Any]) -> dict[str, Any]:
        return {"optimizer": {**optimizer, "schedule": "cosine"}, "average": 0}

    return budgeted, "a budget: the rate falls to zero as it ends"


def _transformer(
    *, width: int, heads: int, hidden: int, layers: tuple[int, int], dropout: float, place: str = "post"
) -> dict[str, Any]:
    stack = {
        "attention": {"heads": heads},
        "feedforward": {"hidden": hidden},
        "norm": {"place": place},
        "dropout": dropout,
    }
    encoder, decoder = layers
    return {
        "kind": "transformer",
        "width": width,
        "encoder": {"layers": encoder, **stack},
        "decoder": {"layers": decoder, **stack},
    }


def _decoder_only(name: str, dropout: float) -> dict[str, Any]:
    """As deep as the encoder and the decoder of a Transformer of that size together."""
    settings = _SIZES["transformer"][name](dropout)
    model = settings["model"]
    stack = {**model["decoder"], "layers": model["encoder"]["layers"] + model["decoder"]["layers"]}
    return {**settings, "model": {"kind": "decoder-only", "width": model["width"], "decoder": stack}}


def _recurrent(*, width: int, layers: int, dropout: float) -> dict[str, Any]:
    stack = {"layers": layers, "dropout": dropout}
    return {"kind": "recurrent", "width": width, "encoder": stack, "decoder": stack}


def _tiny(dropout: float) -> dict[str, Any]:
    model = _transformer(width=128, heads=4, hidden=512, layers=(3, 2), dropout=dropout, place="pre")
    return {"model": model, "batch": {"tokens": 1024}, "optimizer": {"rate": 2e-3, "warmup": 200}}


def _small(dropout: float) -> dict[str, Any]:
    model = _transformer(width=256, heads=4, hidden=1024, layers=(3, 3), dropout=dropout)
    return {"model": model, "batch": {"tokens": 1024}, "optimizer": {"rate": 1e-3, "warmup": 300}}


def _base(dropout: float) -> dict[str, Any]:
    model = _transformer(width=512, heads=8, hidden=2048, layers=(6, 6), dropout=dropout, place="pre")
    return {"model": model, "batch": {"tokens": 8192}, "optimizer": {"rate": 7e-4, "warmup": 4000}}


def _big(dropout: float) -> dict[str, Any]:
    model = _transformer(width=1024, heads=16, hidden=4096, layers=(6, 6), dropout=dropout, place="pre")
    return {"model": model, "batch": {"tokens": 16384}, "optimizer": {"rate": 5e-4, "warmup": 4000}}


def _recurrent_tiny(dropout: float) -> dict[str, Any]:
    model = _recurrent(width=128, layers=1, dropout=dropout)
    return {"model": model, "batch": {"tokens": 1024}, "optimizer": {"rate": 6e-3, "warmup": 200}}


def _recurrent_small(dropout: float) -> dict[str, Any]:
    model = _recurrent(width=256, layers=1, dropout=dropout)
    return {"model": model, "batch": {"tokens": 1024}, "optimizer": {"rate": 4e-3, "warmup": 300}}


def _recurrent_base(dropout: float) -> dict[str, Any]:
    model = _recurrent(width=512, layers=2, dropout=dropout)
    return {"model": model, "batch": {"tokens": 8192}, "optimizer": {"rate": 1e-3, "warmup": 1000}}


def _recurrent_big(dropout: float) -> dict[str, Any]:
    model = _recurrent(width=1024, layers=4, dropout=dropout)
    return {"model": model, "batch": {"tokens": 16384}, "optimizer": {"rate": 5e-4, "warmup": 2000}}


_SIZES: dict[str, dict[str, Callable[[float], dict[str, Any]]]] = {
    "transformer": {"tiny": _tiny, "small": _small, "base": _base, "big": _big},
    "recurrent": {
        "tiny": _recurrent_tiny,
        "small": _recurrent_small,
        "base": _recurrent_base,
        "big": _recurrent_big,
    },
    "decoder-only": {name: partial(_decoder_only, name) for name in NAMES[1:]},
}
