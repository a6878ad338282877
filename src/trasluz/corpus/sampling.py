"""Sentences cut into other pieces in every epoch, so that a model does not lean on one spelling of a word.

Subword regularisation (Kudo 2018, section 3.3), drawn anew from (seed, epoch, sentence) alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from trasluz.corpus.batch import Integers, Sequences
from trasluz.text.tokenizer import Tokenizer

WAYS = 8
"""A sentence is cut in one of so many ways, the likeliest ones, each with the same chance."""


class SampledSequences:
    """Like `Sequences`, but a sentence is cut another way with the probability `share`.

    `lengths` are those of the likeliest way: batches are planned by them. `framed` puts around the ids what
    stands around them in `fixed`; a sequence of nothing stays nothing.
    """

    def __init__(
        self,
        fixed: Sequences,
        texts: Sequence[str],
        *,
        tokenizer: Tokenizer,
        framed: Callable[[Sequence[int]], list[int]],
        share: float,
        seed: int,
    ) -> None:
        self.fixed, self.texts = fixed, texts
        self.tokenizer, self.framed = tokenizer, framed
        self.share, self.seed = share, seed
        self.lengths = fixed.lengths

    def rows(self, numbers: Integers, *, epoch: int) -> list[Tensor]:
        """The ids of some sentences, framed."""
        usual = self.fixed.rows(numbers, epoch=epoch)
        return [self._row(int(one), ids, epoch=epoch) for one, ids in zip(numbers, usual, strict=True)]

    def _row(self, number: int, usual: Tensor, *, epoch: int) -> Tensor:
        chance = np.random.default_rng((self.seed, epoch, number))
        if chance.random() >= self.share or not len(usual):
            return usual
        ways = self.tokenizer.encodings(self.texts[number], most=WAYS)
        return torch.tensor(self.framed(ways[int(chance.integers(len(ways)))]))
