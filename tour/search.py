"""A beam search that can be read: every step written down, slow and obvious, the same as the fast one.

Its steps are those of `trasluz.decoding.beam`; what it finds is checked against that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from tour.facts import Facts
from trasluz.decoding.rules import Rules
from trasluz.decoding.translator import Translator
from trasluz.models.model import Model

CLOSE = 1e-3


@dataclass(frozen=True, slots=True)
class Running:
    """A hypothesis: its ids, and the sum of their natural log-probabilities."""

    ids: tuple[int, ...]
    logprob: float


def follow(translator: Translator, source: Tensor, *, size: int, steps: int) -> Facts:
    """The `size` best hypotheses behind each of so many steps, and those that ended, best first.

    Raises `AssertionError` where the fast search finds another best one.
    """
    model, tokenizer = cast(Model, translator.model), translator.tokenizer
    rules = Rules.of(model, source, length_penalty=1.0, caps=None)
    running, ended = [Running((), 0.0)], list[Running]()
    rounds = []
    for _ in range(steps):
        candidates = sorted(
            (
                one
                for parent in running
                for one in _extensions(model, source, parent, rules=rules, most=2 * size)
            ),
            key=lambda one: -one.logprob,
        )
        ended += [one for one in candidates[:size] if one.ids[-1] == model.end_id]
        running = [one for one in candidates if one.ids[-1] != model.end_id][:size]
        rounds.append([{"text": tokenizer.decode(one.ids), "logprob": one.logprob} for one in running])
    ended.sort(key=lambda one: -one.logprob / len(one.ids))
    fast = translator.search([source[0, :-1].tolist()], beam=size)[0][0]
    assert ended[0].ids[:-1] == fast.ids
    assert abs(ended[0].logprob - fast.logprob) < CLOSE
    return {
        "size": size,
        "rounds": rounds,
        "ended": [
            {
                "text": tokenizer.decode(one.ids[:-1]),
                "length": len(one.ids),
                "logprob": one.logprob,
                "score": one.logprob / len(one.ids),
            }
            for one in ended
        ],
    }


def _extensions(model: Model, source: Tensor, parent: Running, *, rules: Rules, most: int) -> list[Running]:
    """The most likely ways to go on from a hypothesis by one token."""
    target = torch.tensor([[*parent.ids, model.end_id]])
    logits: Tensor = model.output(model(source, model.teacher_forced(target)))[0, -1]  # [V]
    best = rules.log_probabilities(logits).topk(most)
    return [
        Running((*parent.ids, token), parent.logprob + logprob)
        for token, logprob in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    ]
