"""One matrix out of an exhibit, in words: a kind of attention, a layer, a head, with names for both sides.

Knows no model and no drawing. Pieces are joined as the page joins them: summed over the pieces that are
looked at, averaged over those that look. Letters: L layers, H heads, T rows, S columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trasluz.errors import TrasluzError, unknown
from trasluz.insight.exhibit import KINDS, Exhibit
from trasluz.insight.words import Words, join

BEYOND = "…"
"""The name of what the last token of a decoder-only model would write next."""
NAMES = {"encoder": "encoder self-attention", "decoder": "decoder self-attention", "cross": "cross-attention"}


@dataclass(frozen=True, slots=True)
class Matrix:
    """Weights [T,S] with a word for each row and column, and what they are."""

    weights: Tensor
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    title: str


def matrix_of(
    exhibit: Exhibit, *, kind: str | None = None, layer: int | None = None, head: int | None = None
) -> Matrix:
    """The weights of one head, or the mean of the heads of a layer, between words.

    Layers and heads are counted from 1, as on the page; without `layer` it is the last. Without `kind` it is
    cross-attention, or the decoder's where there is none. Rows are named after what they predict. Raises
    `TrasluzError` for a kind, a layer or a head that there is not.
    """
    kind = kind or ("decoder" if exhibit.cross is None else "cross")
    weights = _kind(exhibit, kind)
    L, H = weights.shape[:2]
    layer = L if layer is None else layer
    check_number("layer", layer, count=L, where=NAMES[kind])
    chosen = weights[layer - 1]  # [H,T,S]
    if head is None:
        single, which = chosen.mean(0), "mean of its heads" if H > 1 else "its only head"
    else:
        check_number("head", head, count=H, where=f"layer {layer} of the {NAMES[kind]}")
        single, which = chosen[head - 1], f"head {head}"
    (row_of, rows), (column_of, columns) = _sides(exhibit, kind)
    joined = join_pieces(single, rows=row_of, columns=column_of)
    return Matrix(joined, rows, columns, f"{NAMES[kind]}, layer {layer}, {which}")


def join_pieces(weights: Tensor, *, rows: Sequence[int], columns: Sequence[int]) -> Tensor:
    """Weights [...,T,S] of pieces as weights between the groups that `rows` [T] and `columns` [S] number from
    0 on: summed over columns, averaged over rows.
    """
    in_row, in_column = _members(rows).to(weights), _members(columns).to(weights)
    return (in_row / in_row.sum(0)).t() @ weights @ in_column


def check_number(what: str, number: int, *, count: int, where: str) -> None:
    """Raise `TrasluzError` unless there is a layer or a head of that number, counted from 1."""
    if not 1 <= number <= count:
        allowed = "only 1" if count == 1 else f"{count}, numbered 1 to {count}"
        raise TrasluzError(f"there is no {what} {number}: the {where} has {allowed}; give one of those")


def _kind(exhibit: Exhibit, kind: str) -> Tensor:
    """The weights [L,H,T,S] of a kind."""
    if kind not in KINDS:
        raise unknown("kind of attention", kind, KINDS)
    there = dict(exhibit.weights())
    if kind not in there:
        raise TrasluzError(f"this model has no {NAMES[kind]}; what it has: {', '.join(there)}")
    return there[kind]


def _sides(
    exhibit: Exhibit, kind: str
) -> tuple[tuple[list[int], tuple[str, ...]], tuple[list[int], tuple[str, ...]]]:
    """The word of each row and of each column, with the names of the words."""
    source, target = map(_axis, exhibit.words())
    if kind == "encoder":
        return source, source
    if kind == "cross":
        return target, source
    if exhibit.prompt_length is None:
        read = [exhibit.start, *exhibit.target[:-1]]
        return target, _axis(join(read, specials={exhibit.start, exhibit.end, *exhibit.specials}))
    of, names = target
    later = [*of[1:], len(names)]  # row t is named after token t + 1
    return _renumbered(later, (*names, BEYOND)), target


def _axis(words: Words) -> tuple[list[int], tuple[str, ...]]:
    return list(words.of), words.text


def _renumbered(of: Sequence[int], names: Sequence[str]) -> tuple[list[int], tuple[str, ...]]:
    """Numbers that rise, counted from 0 again, with the names of those that are left."""
    kept = list(dict.fromkeys(of))
    return [kept.index(one) for one in of], tuple(names[one] for one in kept)


def _members(groups: Sequence[int]) -> Tensor:
    """1 where an item [N] belongs to a group [M]; [N,M]."""
    return torch.nn.functional.one_hot(torch.tensor(groups))
