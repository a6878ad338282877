"""Sampling: the next token is drawn from the model's probabilities, after they are sharpened and cut.

Knows no particular model and no text. Letters: B rows, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from trasluz.decoding.rules import not_a_number
from trasluz.errors import TrasluzError
from trasluz.layers.state import AnyState, Decodable


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How a token is drawn; as it stands, from the model's own probabilities.

    In this order, each on what the one before left, made to sum to 1: `repetition_penalty` divides the logits
    above 0 of tokens that are there already (Keskar et al. 2019, section 4.1), and multiplies those below,
    which the paper divides too; logits are divided by `temperature`, where 0 takes the likeliest token; the
    `top_k` likeliest stay, 0 for all (Fan et al. 2018, section 5.4); the likeliest that together have the
    probability `top_p` stay (Holtzman et al. 2020, section 3.1); those with `min_p` times the probability of
    the likeliest stay (Nguyen et al. 2025). Raises `TrasluzError` for a number out of its range.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0

    def __post_init__(self) -> None:
        for name, given, holds, allowed in (
            ("temperature", self.temperature, 0 <= self.temperature < math.inf, "0 (greedy) or more"),
            ("top_k", self.top_k, self.top_k >= 0, "0 (all tokens) or more"),
            ("top_p", self.top_p, 0 < self.top_p <= 1, "above 0 and at most 1"),
            ("min_p", self.min_p, 0 <= self.min_p <= 1, "from 0 to 1"),
            (
                "repetition_penalty",
                self.repetition_penalty,
                0.01 <= self.repetition_penalty <= 100,
                "from 0.01 to 100; 1 is no penalty",
            ),
        ):
            if not holds:
                raise TrasluzError(f"{name} is {given}, but it must be {allowed}")

    def probabilities(self, logits: Tensor, seen: Tensor) -> Tensor:
        """What tokens are drawn by [B,V], of logits [B,V]; `seen` [B,V] is True for tokens already there.

        Raises `TrasluzError` where the logits are no numbers, which a broken model gives.
        """
        if not (logits < math.inf).all():
            raise not_a_number()
        penalty = self.repetition_penalty
        logits = logits.float()
        logits = logits.where(~seen, (logits / penalty).where(logits > 0, logits * penalty))
        if self.temperature == 0:
            return torch.zeros_like(logits).scatter_(-1, logits.argmax(-1, keepdim=True), 1.0)
        below_best = logits - logits.amax(-1, keepdim=True)  # so that no temperature makes it infinite
        ranked, place = (below_best / self.temperature).softmax(-1).sort(-1, descending=True)
        if self.top_k:
            ranked[..., self.top_k :] = 0.0
            ranked = ranked / ranked.sum(-1, keepdim=True)
        if self.top_p < 1:
            before = ranked.cumsum(-1) - ranked
            ranked = ranked.where(before < self.top_p, 0.0)
        ranked = ranked.where(ranked >= self.min_p * ranked[..., :1], 0.0)
        probabilities = torch.zeros_like(ranked).scatter_(-1, place, ranked)
        return probabilities / probabilities.sum(-1, keepdim=True)


def sample(
    model: Decodable[AnyState],
    given: Tensor,
    state: AnyState,
    *,
    sampling: Sampling,
    chance: torch.Generator,
    seen: Tensor | None = None,
) -> Iterator[Tensor]:
    """Draw what follows `given` [B] after `state`, token by token [B], without end.

    `seen` [B,V] marks the tokens that the repetition penalty counts as there already; those drawn are added.
    The draws are made on the CPU, so that a seed means the same on every device.
    """
    barrier = torch.zeros(model.vocabulary)
    barrier[list(model.forbidden_ids)] = -math.inf
    seen = torch.zeros(len(given), model.vocabulary, dtype=torch.bool) if seen is None else seen.clone()
    while True:
        logits = model.step(given, state).float().cpu() + barrier  # [B,V]
        drawn = torch.multinomial(sampling.probabilities(logits, seen), 1, generator=chance)  # [B,1]
        seen.scatter_(1, drawn, True)
        given = drawn[:, 0].to(given.device)
        yield drawn[:, 0]
