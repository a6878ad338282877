"""Every attention weight of a translation: decoded fast, then seen in one teacher-forced pass.

Knows no drawing. Letters: T target pieces, S source pieces, L layers, H heads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from trasluz.attention.attend import Listenable
from trasluz.decoding.translator import Translator
from trasluz.errors import TrasluzError
from trasluz.models.model import Model
from trasluz.text.sentences import trim


@dataclass(frozen=True, slots=True)
class Attention:
    """What one translation looked at, each row of each head a distribution.

    Row t of `decoder` and `cross` was computed from the piece before `target[t]`, while predicting it. L and
    H are 0 where a model has no attention of a kind.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    encoder: Tensor  # [L,H,S,S]
    decoder: Tensor  # [L,H,T,T]
    cross: Tensor  # [L,H,T,S]


@contextmanager
def listening(parts: Sequence[Listenable]) -> Iterator[list[Tensor]]:
    """While this lasts, gather the weights [B,H,T,S] of each of `parts`, in the order of their passes."""
    heard: list[Tensor] = []
    for part in parts:
        part.listener = lambda weights: heard.append(weights.detach().cpu())
    try:
        yield heard
    finally:
        for part in parts:
            part.listener = None


@torch.inference_mode()
def record(translator: Translator, text: str, *, target: str | None = None) -> Attention:
    """The weights behind the translation of `text`, or behind `target` where one is given.

    A text longer than the model's range has no single pass to be seen in: `TrasluzError` says so.
    """
    model, tokenizer = translator.model, translator.tokenizer
    assert isinstance(model, Model)
    source_ids = [*tokenizer.encode(trim(text)[1]), tokenizer.end_id]
    if len(source_ids) > translator.longest_source:
        raise TrasluzError(
            f"the text has {len(source_ids)} pieces, but the model sees at most {translator.longest_source} "
            "at once; give a shorter text, such as one of its sentences"
        )
    if target is None:
        target_ids = _decoded(translator, source_ids)
    else:
        target_ids = [*tokenizer.encode(trim(target)[1]), tokenizer.end_id]
    device = model.output.weight.device
    source, wanted = (torch.tensor([ids], device=device) for ids in (source_ids, target_ids))
    parts = model.attentions()
    with (
        listening(parts.encoder) as encoder,
        listening(parts.decoder) as decoder,
        listening(parts.cross) as cross,
    ):
        model(source, model.teacher_forced(wanted))
    sources, targets = len(source_ids), len(target_ids)
    return Attention(
        source=tuple(tokenizer.pieces(source_ids)),
        target=tuple(tokenizer.pieces(target_ids)),
        encoder=_layers(encoder, sources, sources),
        decoder=_layers(decoder, targets, targets),
        cross=_layers(cross, targets, sources),
    )


def _decoded(translator: Translator, source_ids: Sequence[int]) -> list[int]:
    """The very pieces that decoding chose; the text that they spell might be cut into others."""
    best = translator.search([source_ids[:-1]])[0][0]
    return [*best.ids, translator.tokenizer.end_id] if best.finished else list(best.ids)


def _layers(heard: Sequence[Tensor], queries: int, keys: int) -> Tensor:
    """What was heard of each layer, 1 x [H,T,S], as one [L,H,T,S]."""
    return torch.cat(list(heard)) if heard else torch.zeros(0, 0, queries, keys)
