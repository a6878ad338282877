"""Trasluz: train your own translator from your own sentence pairs, and see every attention weight it used.

The public names are loaded when they are first asked for, so that `import trasluz` stays quick; so is the
version.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trasluz.decoding.generator import Generation, Generator, load_generator
    from trasluz.decoding.sample import Sampling
    from trasluz.decoding.translator import Translation, Translator, load
    from trasluz.errors import TrasluzError
    from trasluz.insight.attention import Attention, attend
    from trasluz.training.run import read_corpus, train

    __version__: str

__all__ = [
    "Attention",
    "Generation",
    "Generator",
    "Sampling",
    "Translation",
    "Translator",
    "TrasluzError",
    "attend",
    "load",
    "load_generator",
    "read_corpus",
    "train",
]

_PLACES = {
    "Attention": "trasluz.insight.attention",
    "Generation": "trasluz.decoding.generator",
    "Generator": "trasluz.decoding.generator",
    "Sampling": "trasluz.decoding.sample",
    "Translation": "trasluz.decoding.translator",
    "Translator": "trasluz.decoding.translator",
    "TrasluzError": "trasluz.errors",
    "attend": "trasluz.insight.attention",
    "load": "trasluz.decoding.translator",
    "load_generator": "trasluz.decoding.generator",
    "read_corpus": "trasluz.training.run",
    "train": "trasluz.training.run",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("trasluz")
    if name not in _PLACES:
        raise AttributeError(f"module 'trasluz' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
