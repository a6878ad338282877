"""Heads switched off, alone or together, and what that does to the loss, to BLEU and to one sentence.

Knows no parts of models but their attentions. Letters: B rows, T target tokens, H heads, K head width.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from trasluz.attention.attend import Gate, Listenable
from trasluz.corpus.batch import Batches, Sequences
from trasluz.corpus.read import Pair
from trasluz.decoding.rules import not_a_number
from trasluz.decoding.translator import Translator
from trasluz.errors import TrasluzError, unknown
from trasluz.evaluation.metrics import evaluate
from trasluz.insight.exhibit import KINDS
from trasluz.insight.matrix import NAMES, check_number
from trasluz.insight.record import encode_source, encode_target, model_of
from trasluz.models.model import Model

BATCH_TOKENS = 2048
NAME = re.compile(r"([a-z-]+):(\d{1,9})\.(\d{1,9})", re.ASCII)


class Head(NamedTuple):
    """One head: a kind of attention, and its layer and number, both counted from 1; as text, cross:2.4."""

    kind: str
    layer: int
    head: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.layer}.{self.head}"


@dataclass(frozen=True, slots=True)
class Effect:
    """How a model does without some heads; without none, how it does.

    `loss` is the cross-entropy in nats a target token. `bleu` and `text` are there where they were asked for.
    """

    heads: tuple[Head, ...]
    loss: float
    bleu: float | None = None
    text: str | None = None


def heads_of(model: Model) -> list[Head]:
    """Every head of a model, by kind, layer and number."""
    return [
        Head(kind, layer, head)
        for kind in KINDS
        for layer, part in enumerate(_parts(model, kind), start=1)
        for head in range(1, part.heads + 1)
    ]


def parse_heads(text: str, model: Model) -> list[Head]:
    """The heads that a text such as `cross:1.3,decoder:2.1` names.

    Raises `TrasluzError` for a text of another form, and for a head that the model does not have.
    """
    heads = []
    for name in text.split(","):
        found = NAME.fullmatch(name.strip())
        if found is None:
            raise TrasluzError(
                f"{name.strip()!r} names no head; write its kind, layer and number, counted from 1, such as "
                "cross:1.3, and a comma between several"
            )
        heads.append(Head(found[1], int(found[2]), int(found[3])))
    for head in heads:
        part_of(model, head)
    return heads


def part_of(model: Model, head: Head) -> Listenable:
    """The attention that a head belongs to.

    Raises `TrasluzError` for a head that the model does not have.
    """
    if head.kind not in KINDS:
        raise unknown("kind of attention", head.kind, KINDS)
    parts = _parts(model, head.kind)
    if not parts:
        there = ", ".join(kind for kind in KINDS if _parts(model, kind)) or "none"
        raise TrasluzError(f"this model has no {NAMES[head.kind]}; what it has: {there}")
    check_number("layer", head.layer, count=len(parts), where=NAMES[head.kind])
    part = parts[head.layer - 1]
    check_number("head", head.head, count=part.heads, where=f"layer {head.layer} of the {NAMES[head.kind]}")
    return part


@contextmanager
def without(model: Model, heads: Sequence[Head]) -> Iterator[None]:
    """While this lasts, what these heads find is zero before anything is made of it, on every path
    (Michel et al. 2019, section 2.3).

    Raises `TrasluzError` for a head that the model does not have.
    """
    places: dict[int, list[int]] = {}
    parts: dict[int, Listenable] = {}
    for head in heads:
        part = part_of(model, head)
        parts[id(part)] = part
        places.setdefault(id(part), []).append(head.head - 1)
    before = {key: part.gate for key, part in parts.items()}
    try:
        for key, part in parts.items():
            part.gate = _closed(places[key], behind=before[key], heads=part.heads)
        yield
    finally:
        for key, part in parts.items():
            part.gate = before[key]


def ablate(
    translator: Translator,
    pairs: Sequence[Pair],
    *,
    groups: Sequence[Sequence[Head]] | None = None,
    bleu: bool = False,
    text: str | None = None,
    watch: Callable[[Effect], None] = lambda effect: None,
) -> list[Effect]:
    """How a model does on `pairs`, first whole and then without each group of heads in turn.

    Without `groups` each head is a group of its own. With `bleu` the pairs are translated each time,
    greedily, and scored as everywhere else; `text` is one more text to translate. `watch` gets each effect
    as soon as it is known. Raises `TrasluzError` where there is no pair, for a pair beyond the model's
    range, for a head that the model does not have, and for a model that has none.
    """
    model = model_of(translator)
    if groups is None:
        groups = [[head] for head in heads_of(model)]
        if not groups:
            raise TrasluzError(
                "this model has no attention, so there is no head to switch off; train one with attention, "
                "such as --arch recurrent --score bilinear"
            )
    batches = _batches(translator, pairs)
    effects = []
    nothing: Sequence[Head] = ()
    for group in (nothing, *groups):
        with without(model, group):
            effect = Effect(
                heads=tuple(group),
                loss=_loss(model, batches),
                bleu=evaluate(translator, pairs, beam=1).metrics["bleu"].value if bleu else None,
                text=None if text is None else translator.translate(text).text,
            )
        watch(effect)
        effects.append(effect)
    return effects


def _parts(model: Model, kind: str) -> Sequence[Listenable]:
    parts: Sequence[Listenable] = getattr(model.attentions(), kind)
    return parts


def _closed(places: Sequence[int], *, behind: Gate, heads: int) -> Gate:
    """A gate that stops the heads at `places`, and lets pass what the gate before it gives of the others."""
    kept = torch.ones(heads, 1, 1)  # [H,1,1]
    kept[list(places)] = 0.0

    def gate(found: Tensor) -> Tensor:
        return behind(found) * kept.to(found)  # [B,H,T,K]

    return gate


def _batches(translator: Translator, pairs: Sequence[Pair]) -> Batches:
    """The pairs as batches of ids, ends included."""
    if not pairs:
        raise TrasluzError("there are no pairs to try a model on; give at least one")
    source, target = [], []
    for number, pair in enumerate(pairs, start=1):
        try:
            source.append(encode_source(translator, pair.source))
            target.append(encode_target(translator, pair.target))
        except TrasluzError as error:
            raise TrasluzError(f"pair {number}: {error}") from None
    return Batches(
        Sequences.from_lists(source),
        Sequences.from_lists(target),
        tokens=BATCH_TOKENS,
        seed=0,
        pad_id=model_of(translator).pad_id,
    )


@torch.inference_mode()
def _loss(model: Model, batches: Batches) -> float:
    """The mean cross-entropy of the targets, in nats a token."""
    assert not model.training, "call model.eval() first"
    device = model.output.weight.device
    total, tokens = 0.0, 0
    for index in range(len(batches.plan(0))):
        batch = batches.batch(0, index)
        source, target = batch.source.to(device), batch.target.to(device)
        real = target != model.pad_id  # [B,T]
        logits = model.output(model(source, model.teacher_forced(target))[real])  # [N,V]
        total += float(functional.cross_entropy(logits.float(), target[real], reduction="sum"))
        tokens += batch.target_tokens
    if math.isnan(total):
        raise not_a_number()
    return total / tokens
