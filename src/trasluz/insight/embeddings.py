"""The table of embeddings looked at: which words lie near a word, and a map of the most frequent pieces.

Knows no drawing. Letters: V vocabulary, D model, N pieces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from trasluz.decoding.generator import Generator
from trasluz.decoding.translator import Translator
from trasluz.errors import TrasluzError, unknown
from trasluz.insight.words import BYTE, MARK
from trasluz.layers.embedding import Embedding
from trasluz.models.decoder_only import DecoderOnly
from trasluz.models.recurrent import Recurrent
from trasluz.models.transformer import Transformer
from trasluz.text.tokenizer import Tokenizer

SIDES = ("source", "target")


class Neighbor(NamedTuple):
    """A piece, and the cosine of the angle between its vector and that of the word: 1 is the same way."""

    piece: str
    cosine: float


@dataclass(frozen=True, slots=True)
class Map:
    """Where pieces lie in the two directions in which their vectors differ most.

    `explained` are the shares of all variance that lie in those directions.
    """

    names: tuple[str, ...]
    points: Tensor  # [N,2]
    explained: tuple[float, float]


def embedding_of(model: Translator | Generator, *, side: str = "source") -> Embedding:
    """The embedding of the source or of the target, which may be one and the same.

    Raises `TrasluzError` for another side.
    """
    if side not in SIDES:
        raise unknown("side", side, SIDES)
    inner = model.model
    if isinstance(inner, DecoderOnly):
        return inner.embedding
    assert isinstance(inner, Transformer | Recurrent), "only a model of Trasluz's own has a known table"
    return inner.source_embedding if side == "source" else inner.target_embedding


@torch.inference_mode()
def neighbors(
    model: Translator | Generator, word: str, *, side: str = "source", most: int = 10
) -> list[Neighbor]:
    """The `most` pieces whose vectors point most nearly the same way as that of a word, nearest first.

    A word of several pieces is the mean of their vectors; its own pieces are none of its neighbours, and
    neither are symbols and bytes. Raises `TrasluzError` for a blank word, another side, and less than one
    neighbour.
    """
    if most < 1:
        raise TrasluzError(f"{most} neighbours are asked for; ask for 1 or more")
    tokenizer = _tokenizer(model, side=side)
    ids = tokenizer.encode(word.strip())
    if not ids:
        raise TrasluzError("the word is blank; give one to look for the neighbours of")
    table = _vectors(model, side=side)
    cosines = functional.cosine_similarity(table[ids].mean(0, keepdim=True), table, dim=1)  # [V]
    others = [one for one in written_pieces(tokenizer) if one not in ids]
    best = cosines[others].topk(min(most, len(others)))
    chosen = [others[at] for at in best.indices.tolist()]
    names = map(_plain, tokenizer.pieces(chosen))
    return [Neighbor(name, cosine) for name, cosine in zip(names, best.values.tolist(), strict=True)]


@torch.inference_mode()
def map_of(
    model: Translator | Generator, *, side: str = "source", most: int = 300, words: tuple[str, ...] = ()
) -> Map:
    """The `most` most frequent pieces, and the given words behind them, in two dimensions.

    These are the first two principal components of the pieces (Pearson 1901), into which the words are laid
    as well; each points the way of its largest loading, so that the map is the same every time. Raises
    `TrasluzError` for fewer than three pieces, a blank word, and another side.
    """
    tokenizer = _tokenizer(model, side=side)
    frequent = written_pieces(tokenizer)[: max(0, most)]
    if len(frequent) < 3:
        raise TrasluzError(f"a map of {len(frequent)} pieces is asked for; ask for 3 or more")
    table = _vectors(model, side=side)
    vectors = table[frequent]  # [N,D]
    mean = vectors.mean(0)
    _, spread, directions = torch.linalg.svd(vectors - mean, full_matrices=False)
    axes = directions[:2]  # [2,D]
    axes = axes * axes.gather(1, axes.abs().argmax(1, keepdim=True)).sign()
    extra = []
    for word in words:
        ids = tokenizer.encode(word.strip())
        if not ids:
            raise TrasluzError("a word for the map is blank; leave it out")
        extra.append(table[ids].mean(0))
    names = [_plain(piece) for piece in tokenizer.pieces(frequent)]
    shares = (spread**2 / (spread**2).sum()).tolist()
    return Map(
        names=(*names, *(word.strip() for word in words)),
        points=(torch.stack([*vectors, *extra]) - mean) @ axes.T,
        explained=(shares[0], shares[1]),
    )


def _tokenizer(model: Translator | Generator, *, side: str) -> Tokenizer:
    return model.tokenizer.target if side == "target" else model.tokenizer


def written_pieces(tokenizer: Tokenizer) -> list[int]:
    """The ids of pieces of text, the most frequent first: no symbols, no bytes, no bare space.

    A tokenizer numbers its pieces by their frequency (`unigram`: their probability; `bpe`: the order in which
    they were joined).
    """
    pieces = tokenizer.pieces(list(range(len(tokenizer))))
    return [
        at
        for at, piece in enumerate(pieces)
        if at not in tokenizer.symbol_ids and piece != MARK and not BYTE.fullmatch(piece)
    ]


def _vectors(model: Translator | Generator, *, side: str) -> Tensor:
    """The table [V,D], as numbers of double precision."""
    return embedding_of(model, side=side).table.weight.detach().double().cpu()


def _plain(piece: str) -> str:
    """A piece as it is read: the begin of a word is bare, what goes on from there has a hyphen before it."""
    return piece.removeprefix(MARK) if piece.startswith(MARK) else f"-{piece}"
