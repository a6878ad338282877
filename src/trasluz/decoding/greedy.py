"""The shortest search: the most likely token at each step.

Knows no particular model and no text. Letters: B sentences, S source tokens, C longest length.
"""

from __future__ import annotations

import torch
from torch import Tensor

from trasluz.decoding.rules import Hypothesis, Rules
from trasluz.layers.state import AnyState, Decodable

WORTH_LEAVING = 0.25
"""Rows leave the batch when at least this share of it has ended: leaving sooner costs more than it saves."""


def greedy(
    model: Decodable[AnyState], source: Tensor, *, length_penalty: float = 1.0, caps: Tensor | None = None
) -> list[Hypothesis]:
    """The hypothesis of each source [B,S] that takes the most likely token at each step.

    `source` ends in the end symbol and is padded at the right. `caps` [B] is the most tokens of each
    hypothesis, end symbol included (`length_cap` by default); `length_penalty` only touches the scores.
    """
    rules = Rules.of(model, source, length_penalty=length_penalty, caps=caps)
    sentences = source.shape[0]
    ids = source.new_full((sentences, rules.longest), rules.end_id)  # [B,C]
    logprobs = torch.zeros(sentences, device=source.device)
    rows = torch.arange(sentences, device=source.device)  # the sentence of each row of the state
    running = torch.ones_like(rows, dtype=torch.bool)
    tokens, state = model.start(source)
    for length in range(1, rules.longest + 1):
        best, tokens = rules.log_probabilities(model.step(tokens, state)).max(-1)
        ids[rows, length - 1] = tokens.where(running, rules.end_id)
        logprobs[rows] += best.where(running, 0.0)
        running &= (tokens != rules.end_id) & (length < rules.caps[rows])
        left = int(running.sum())
        if left == 0:
            break
        if left <= (1 - WORTH_LEAVING) * len(rows):
            rows, tokens, state = rows[running], tokens[running], state.select(running.nonzero()[:, 0])
            running = running[running]
    return [
        rules.hypothesis(row, logprob=logprob, cap=cap)
        for row, logprob, cap in zip(ids.tolist(), logprobs.tolist(), rules.caps.tolist(), strict=True)
    ]
