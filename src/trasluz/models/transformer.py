"""The encoder-decoder Transformer: a source is read into a memory, a target is written looking at it.

Knows no configuration and no text. Letters: B batch, S source tokens, T target tokens, D model,
V vocabulary.
"""

from __future__ import annotations

import torch
from torch import Tensor

from trasluz.attention.mask import not_padding, positions
from trasluz.layers.embedding import Embedding, Output
from trasluz.layers.stack import CrossAttention, Stack
from trasluz.layers.state import StackState
from trasluz.models.model import Attentions, Model, Symbols


class Transformer(Model):
    """Vaswani et al. 2017, figure 1; every family of encoder-decoders is this class with other parts."""

    def __init__(
        self,
        source_embedding: Embedding,
        target_embedding: Embedding,
        encoder: Stack,
        decoder: Stack,
        output: Output,
        symbols: Symbols,
    ) -> None:
        super().__init__(output.weight.shape[0], symbols)
        self.source_embedding = source_embedding
        self.target_embedding = target_embedding
        self.encoder = encoder
        self.decoder = decoder
        self.output = output

    def encode(self, source: Tensor, *, remembers: bool) -> StackState:
        """Read `source` [B,S], padded at the right; the decoder's state before its first token."""
        filled = not_padding(source, pad_id=self.pad_id)  # [B,S]
        at = positions(source)
        memory = self.encoder(self.source_embedding(source, at), at, filled, self.encoder.begin())  # [B,S,D]
        return self.decoder.begin(memory, memory_filled=filled, remembers=remembers)

    def forward(self, source: Tensor, given: Tensor) -> Tensor:
        """What follows each token of `given` [B,T], in one pass: the decoder's vectors [B,T,D]."""
        at = positions(given)
        filled = torch.ones_like(given, dtype=torch.bool)
        hidden: Tensor = self.decoder(
            self.target_embedding(given, at), at, filled, self.encode(source, remembers=False)
        )
        return hidden

    def start(self, source: Tensor) -> tuple[Tensor, StackState]:
        """Read `source` [B,S]; the start symbol for each row [B], and the state."""
        return self.first(source), self.encode(source, remembers=True)

    def step(self, tokens: Tensor, state: StackState) -> Tensor:
        """Logits [B,V] of what follows `tokens` [B]; the state advances by one position."""
        given = tokens[:, None]
        following = state.next_position()
        at = torch.zeros_like(given) if following is None else following
        filled = torch.ones_like(given, dtype=torch.bool)
        hidden = self.decoder(self.target_embedding(given, at), at, filled, state)  # [B,1,D]
        logits: Tensor = self.output(hidden)
        return logits[:, 0]

    def attentions(self) -> Attentions:
        """The self-attentions of both stacks, and the cross-attentions of the decoder."""
        crossing = [block.cross_attention for block in self.decoder.blocks]
        return Attentions(
            encoder=[block.self_attention.multihead for block in self.encoder.blocks],
            decoder=[block.self_attention.multihead for block in self.decoder.blocks],
            cross=[one.multihead for one in crossing if isinstance(one, CrossAttention)],
        )
