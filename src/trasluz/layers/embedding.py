"""Tokens into vectors and vectors into scores of tokens, from one table or from two.

Letters: B batch, T tokens, D model, V vocabulary.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from trasluz.attention.position import Position
from trasluz.layers.dropout import Dropout


class Embedding(nn.Module):
    """A vector for each token, scaled, with its position added and some of it dropped in training.

    `norm` stands after the position where a family has one there.
    """

    def __init__(
        self, table: nn.Embedding, *, position: Position, scale: float, norm: nn.Module, dropout: float
    ) -> None:
        super().__init__()
        self.table = table
        self.position = position
        self.scale = scale
        self.norm = norm
        self.dropout = Dropout(dropout)

    def forward(self, ids: Tensor, at: Tensor) -> Tensor:
        """Tokens `ids` [B,T] at positions `at` [B,T] -> [B,T,D]."""
        embedded: Tensor = self.dropout(self.norm(self.position.add(self.table(ids) * self.scale, at)))
        return embedded


class Output(nn.Module):
    """A score for each token of the vocabulary: a linear layer whose weight may be an embedding table."""

    def __init__(self, weight: nn.Parameter, *, bias: bool = False, scale: float = 1.0) -> None:
        super().__init__()
        self.weight = weight  # [V,D]
        self.bias = nn.Parameter(weight.new_zeros(weight.shape[0])) if bias else None
        self.scale = scale

    def forward(self, hidden: Tensor) -> Tensor:
        """[B,T,D] -> logits [B,T,V]."""
        return functional.linear(hidden * self.scale, self.weight, self.bias)
