"""The block and the stack of blocks: encoder, decoder and decoder-only are this one stack.

Knows no vocabulary. Letters: B batch, T tokens, S keys, D model, H heads, G key/value heads, K head width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from torch import Tensor, nn

from trasluz.attention.mask import every_key, no_later_key
from trasluz.attention.multihead import MultiHead, Rotate
from trasluz.attention.position import Position
from trasluz.layers.feedforward import FeedForward
from trasluz.layers.residual import Residual
from trasluz.layers.state import LayerCache, StackState


@dataclass(frozen=True, slots=True)
class View:
    """What the tokens of one pass may look at: the same for every block of a stack."""

    rotate: Rotate
    allowed: Tensor  # [B,1,T,S]
    bias: Tensor | None  # [B,H,T,S]
    memory_allowed: Tensor | None  # [B,1,1,S]


class SelfAttention(nn.Module):
    """Every token looks at the tokens of its own text."""

    def __init__(self, multihead: MultiHead, *, residual: Residual) -> None:
        super().__init__()
        self.multihead = multihead
        self.residual = residual

    def forward(self, x: Tensor, view: View, cache: LayerCache) -> Tensor:
        """[B,T,D] -> [B,T,D]; the cache takes in what these tokens offer to later ones."""

        def look(h: Tensor) -> Tensor:
            keys, values = cache.extend(*self.multihead.keys_values(h, rotate=view.rotate))
            looked: Tensor = self.multihead(
                h, keys, values, allowed=view.allowed, bias=view.bias, rotate=view.rotate
            )
            return looked

        looked: Tensor = self.residual(x, look)
        return looked


class CrossAttention(nn.Module):
    """Every token looks at the memory, which is what the encoder made of the source."""

    def __init__(self, multihead: MultiHead, *, residual: Residual) -> None:
        super().__init__()
        self.multihead = multihead
        self.residual = residual

    def keys_values(self, memory: Tensor | None) -> tuple[Tensor, Tensor] | None:
        """Keys and values [B,G,S,K] of the memory [B,S,D], made once for all steps."""
        assert memory is not None, "a stack with cross-attention begins with a memory"
        return self.multihead.keys_values(memory)

    def forward(self, x: Tensor, view: View, cache: LayerCache) -> Tensor:
        """[B,T,D] -> [B,T,D]."""
        assert cache.memory is not None, "the state comes from `Stack.begin`"
        keys, values = cache.memory
        looked: Tensor = self.residual(
            x, partial(self.multihead, keys=keys, values=values, allowed=view.memory_allowed)
        )
        return looked


class NoMemory(nn.Module):
    """Stands where an encoder or a decoder-only model has no memory to look at."""

    def keys_values(self, memory: Tensor | None) -> tuple[Tensor, Tensor] | None:
        """Nothing to make."""
        return None

    def forward(self, x: Tensor, view: View, cache: LayerCache) -> Tensor:
        """[B,T,D] as it came."""
        return x


class Block(nn.Module):
    """Self-attention, cross-attention, feed-forward; a residual around each (Vaswani et al. 2017, fig. 1)."""

    def __init__(
        self,
        self_attention: SelfAttention,
        cross_attention: CrossAttention | NoMemory,
        *,
        feedforward: FeedForward,
        residual: Residual,
    ) -> None:
        super().__init__()
        self.self_attention = self_attention
        self.cross_attention = cross_attention
        self.feedforward = feedforward
        self.residual = residual

    def forward(self, x: Tensor, view: View, cache: LayerCache) -> Tensor:
        """[B,T,D] -> [B,T,D]."""
        x = self.self_attention(x, view, cache)
        x = self.cross_attention(x, view, cache)
        fed: Tensor = self.residual(x, self.feedforward)
        return fed


class Stack(nn.Module):
    """Blocks one above another, a position shared by all, and a last norm (an identity for post-norm)."""

    def __init__(self, blocks: Sequence[Block], *, position: Position, norm: nn.Module, causal: bool) -> None:
        super().__init__()
        self.blocks = cast(Sequence[Block], nn.ModuleList(blocks))
        self.position = position
        self.norm = norm
        self.causal = causal

    def begin(
        self, memory: Tensor | None = None, *, memory_filled: Tensor | None = None, remembers: bool = False
    ) -> StackState:
        """The state before the first token; `memory` [B,S,D] with `memory_filled` [B,S] for cross-attention.

        A state that remembers serves step-by-step decoding; one that does not serves one pass over whole
        texts.
        """
        caches = [
            LayerCache(memory=block.cross_attention.keys_values(memory), remembers=remembers)
            for block in self.blocks
        ]
        return StackState(caches, None if memory_filled is None else every_key(memory_filled))

    def forward(self, x: Tensor, at: Tensor, filled: Tensor, state: StackState) -> Tensor:
        """Embedded tokens `x` [B,T,D] at positions `at` [B,T], real where `filled` [B,T]; [B,T,D]."""
        key_at, key_filled = state.advance(at, filled)  # [B,S]
        view = View(
            rotate=partial(self.position.rotate, at=at),
            allowed=no_later_key(key_filled, query_at=at, key_at=key_at)
            if self.causal
            else every_key(key_filled),
            bias=self.position.bias(at, key_at),
            memory_allowed=state.memory_allowed,
        )
        for block, cache in zip(self.blocks, state.layers, strict=True):
            x = block(x, view, cache)
        normed: Tensor = self.norm(x)
        return normed
