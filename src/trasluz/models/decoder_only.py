"""The decoder-only Transformer: one stack reads a source, or a prompt, and goes on writing.

Knows no configuration and no text. Letters: B batch, S source tokens, T target tokens, D model,
V vocabulary.
"""

from __future__ import annotations

import torch
from torch import Tensor

from trasluz.attention.mask import not_padding, positions
from trasluz.layers.embedding import Embedding, Output
from trasluz.layers.stack import Stack
from trasluz.layers.state import StackState
from trasluz.models.model import Attentions, Model, Symbols


class DecoderOnly(Model):
    """Source and target in one sequence, the start symbol between them (Liu et al. 2018, section 4.2.3).

    Every token looks at itself and at what stands before it, source tokens too. As a language model it has
    no source: the sequence begins with the start symbol.
    """

    def __init__(
        self,
        embedding: Embedding,
        decoder: Stack,
        output: Output,
        symbols: Symbols,
    ) -> None:
        super().__init__(output.weight.shape[0], symbols)
        self.embedding = embedding
        self.decoder = decoder
        self.output = output

    def forward(self, source: Tensor, given: Tensor) -> Tensor:
        """What follows each token of `given` [B,T] after `source` [B,S]: the decoder's vectors [B,T,D].

        `source` is padded at the right and may have no column; padding in `given` stands at the right, where
        no real token looks. `self.output` makes logits of the vectors.
        """
        filled = not_padding(source, pad_id=self.pad_id)  # [B,S]
        own_at = filled.sum(1, keepdim=True) + positions(given)  # [B,T]
        at = torch.cat([positions(source).expand_as(source), own_at], 1)  # [B,S+T]
        seen = torch.cat([filled, torch.ones_like(given, dtype=torch.bool)], 1)
        ids = torch.cat([source, given], 1).clamp(min=0)  # padding may be no token at all
        hidden: Tensor = self.decoder(self.embedding(ids, at), at, seen, self.decoder.begin())
        return hidden[:, source.shape[1] :]

    def start(self, source: Tensor) -> tuple[Tensor, StackState]:
        """Read `source` [B,S], padded at the right; the start symbol for each row [B], and the state."""
        return self.first(source), self.read(source)

    def read(self, ids: Tensor) -> StackState:
        """The state after tokens [B,S], padded at the right; there may be none."""
        state = self.decoder.begin(remembers=True)
        if ids.shape[1]:
            at = positions(ids).expand_as(ids)
            filled = not_padding(ids, pad_id=self.pad_id)
            self.decoder(self.embedding(ids.clamp(min=0), at), at, filled, state)
        return state

    def step(self, tokens: Tensor, state: StackState) -> Tensor:
        """Logits [B,V] of what follows `tokens` [B]; the state advances by one position."""
        given = tokens[:, None]
        following = state.next_position()
        at = torch.zeros_like(given) if following is None else following
        filled = torch.ones_like(given, dtype=torch.bool)
        logits: Tensor = self.output(self.decoder(self.embedding(given, at), at, filled, state))  # [B,1,V]
        return logits[:, 0]

    def attentions(self) -> Attentions:
        """The self-attentions of the stack: over source and target in one sequence."""
        return Attentions(decoder=[block.self_attention.multihead for block in self.decoder.blocks])
