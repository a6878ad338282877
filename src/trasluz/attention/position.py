"""Where a token stands: positions added to the embeddings, rotated into the heads, or biasing the scores.

Knows no attention. Letters: B batch, T queries, S keys, D model, H heads, K head width.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from trasluz.errors import TrasluzError

Layout = Literal["interleaved", "halves"]
Spacing = Literal["vaswani", "tensor2tensor"]


class Position(nn.Module):
    """The interface, and the position that says nothing: three seams, each doing nothing by default."""

    def add(self, embeddings: Tensor, at: Tensor) -> Tensor:
        """Embeddings [B,T,D] of tokens at positions `at` [B,T] -> [B,T,D]."""
        return embeddings

    def rotate(self, heads: Tensor, at: Tensor) -> Tensor:
        """Queries or keys [B,H,T,K] at positions `at` [B,T] -> [B,H,T,K]."""
        return heads

    def bias(self, query_at: Tensor, key_at: Tensor) -> Tensor | None:
        """What is added to the scores of queries at [B,T] and keys at [B,S]: [B,H,T,S], or None."""
        return None


class Sinusoidal(Position):
    """sin and cos of the position at wavelengths of 2 pi to 10000 x 2 pi (Vaswani et al. 2017, section 3.5).

    `interleaved` is the paper's layout (sin, cos, sin, cos ...); `halves` (Marian's) has all the sines first.
    The layouts differ by a permutation of the model's width. The paper's wavelengths stop one short of their
    end; those of `tensor2tensor`, which fairseq took over, reach it. `first` is the position that the first
    token counts as. Any position can be coded.
    """

    def __init__(
        self, width: int, *, layout: Layout = "halves", spacing: Spacing = "vaswani", first: int = 0
    ) -> None:
        super().__init__()
        if width % 2 or (spacing == "tensor2tensor" and width < 4):
            raise TrasluzError(f"sinusoidal positions need an even width, but the model's is {width}")
        self.layout, self.first = layout, first
        steps = width // 2 - (spacing == "tensor2tensor")
        frequencies = torch.exp(torch.arange(width // 2) * (-math.log(10000.0) / steps))
        self.register_buffer("frequencies", frequencies, persistent=False)
        self.frequencies: Tensor

    def table(self, at: Tensor) -> Tensor:
        """The codes of the positions `at` [...] -> [...,D]."""
        angles = (at + self.first)[..., None] * self.frequencies
        if self.layout == "halves":
            return torch.cat([angles.sin(), angles.cos()], -1)
        return torch.stack([angles.sin(), angles.cos()], -1).flatten(-2)

    def add(self, embeddings: Tensor, at: Tensor) -> Tensor:
        """Embeddings [B,T,D] plus the codes of `at` [B,T]."""
        return embeddings + self.table(at).to(embeddings.dtype)


class Learned(Position):
    """A learnt vector for each position below `length` (Gehring et al. 2017, section 3.1)."""

    def __init__(self, width: int, *, length: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(length, width)

    def add(self, embeddings: Tensor, at: Tensor) -> Tensor:
        """Embeddings [B,T,D] plus the vectors of `at` [B,T]; a position beyond the table is refused."""
        last = int(at.max())
        if last >= self.embedding.num_embeddings:
            raise TrasluzError(
                f"position {last} is beyond the {self.embedding.num_embeddings} learnt positions of this "
                "model; give shorter text, or train with more positions or with 'sinusoidal', 'rotary' or "
                "'relative'"
            )
        added: Tensor = embeddings + self.embedding(at)
        return added


class Rotary(Position):
    """Each pair of a head's numbers turned by an angle that grows with the position (Su et al. 2021, 3.2.2).

    The score of a query and a key then depends on how far apart they are. Number i is paired with number
    i + K/2. `frequencies` [K/2] is how far each pair turns from one position to the next, in radians; what is
    turned is made `magnitude` times as long.
    """

    def __init__(self, frequencies: Tensor, *, magnitude: float = 1.0) -> None:
        super().__init__()
        self.magnitude = magnitude
        self.register_buffer("frequencies", frequencies, persistent=False)
        self.frequencies: Tensor

    def rotate(self, heads: Tensor, at: Tensor) -> Tensor:
        """Heads [B,H,T,K] turned by their positions `at` [B,T]."""
        angles = at[:, None, :, None] * self.frequencies  # [B,1,T,K/2]
        cos, sin = ((self.magnitude * turned).to(heads.dtype) for turned in (angles.cos(), angles.sin()))
        first, second = heads.chunk(2, -1)
        return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)


class Relative(Position):
    """A learnt bias per head for each bucket of distances (Raffel et al. 2020, section 2.1).

    Half of the buckets are single distances, the other half grow in width up to `longest`; all that is
    farther shares the last one. With `both_ways` the buckets are divided between keys before and after.
    """

    def __init__(self, heads: int, *, buckets: int = 32, longest: int = 128, both_ways: bool) -> None:
        super().__init__()
        self.embedding = nn.Embedding(buckets, heads)
        self.longest = longest
        self.both_ways = both_ways

    def bucket(self, distance: Tensor) -> Tensor:
        """The bucket of each signed distance, key position minus query position, of any shape."""
        buckets = self.embedding.num_embeddings
        first = torch.zeros_like(distance)
        if self.both_ways:
            buckets //= 2
            first = (distance > 0).long() * buckets
            distance = distance.abs()
        else:
            distance = (-distance).clamp(min=0)
        single = buckets // 2
        ratio = (distance.clamp(min=1).float() / single).log() / math.log(self.longest / single)
        wide = single + (ratio * (buckets - single)).long()
        return first + torch.where(distance < single, distance, wide.clamp(max=buckets - 1))

    def bias(self, query_at: Tensor, key_at: Tensor) -> Tensor:
        """The bias [B,H,T,S] of queries at `query_at` [B,T] and keys at `key_at` [B,S]."""
        distance = key_at[:, None, :] - query_at[:, :, None]  # [B,T,S]
        bias: Tensor = self.embedding(self.bucket(distance))  # [B,T,S,H]
        return bias.permute(0, 3, 1, 2)
