"""Which word was translated from which, read off attention; the head that tells best is chosen by a measure.

Knows no files. Letters: L layers, H heads, C candidates, S source words, T target words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from trasluz.corpus.read import Pair
from trasluz.decoding.translator import Translator
from trasluz.errors import TrasluzError
from trasluz.insight.matrix import check_number, join_pieces
from trasluz.insight.pharaoh import Gold, Links, words
from trasluz.insight.record import encode_source, encode_target, model_of, see
from trasluz.insight.words import MARK
from trasluz.models.decoder_only import DecoderOnly
from trasluz.text.tokenizer import Frame

AT_ONCE = 16
"""Pairs in one pass."""
CHOOSE_FROM = 1000
"""The most pairs on which a head is chosen where there is no gold: more change little and take time."""
ROWS = ("predicting", "reading")
BLANK = ("<0x09>", "<0x20>")
BETWEEN = MARK + "\t"
"""What parts words within pieces."""
EDGES = re.compile(r"^\W+|\W+$")


@dataclass(frozen=True, slots=True)
class Choice:
    """The weights that alignments are read off: a layer, one head of it or the mean of all (None), and rows.

    Layers and heads are counted from 1. With rows `predicting`, a target word has the row that was computed
    to predict it; with `reading`, the next one, which was computed from it (Chen et al. 2020).
    `measure` and `figure` say by what it was chosen, and what it reached.
    """

    layer: int
    head: int | None
    rows: str
    measure: str
    figure: float

    def describe(self) -> str:
        """The choice in one line."""
        head = "the mean of its heads" if self.head is None else f"head {self.head}"
        return f"layer {self.layer}, {head}, rows {self.rows}: {self.measure} {self.figure:.4f}"


def align(translator: Translator, pairs: Sequence[Pair], choice: Choice) -> Iterator[Links]:
    """The links of each pair: every target word with the source word that has the largest weight.

    The weight of a word is the sum over its source pieces and the mean over its target pieces; the share of
    the end symbol is left out. Raises `TrasluzError` as `choose` does.
    """
    for weights in word_weights(translator, pairs):  # [2,L,H+1,T,S]
        chosen = weights[_place(choice, heads=weights.shape[2] - 1)]  # [T,S]
        yield frozenset((source, target) for target, source in enumerate(chosen.argmax(-1).tolist()))


def choose(
    translator: Translator,
    pairs: Sequence[Pair],
    *,
    gold: Sequence[Gold] | None = None,
    layer: int | None = None,
    head: int | None = None,
    rows: str | None = None,
) -> Choice:
    """The layer, head and rows whose links are the best of all, or of those that are left to choose from.

    With `gold` the best are those of the lowest alignment error rate. Without, those whose linked words go
    together most in `pairs`, of which `CHOOSE_FROM` count: the mean Dice coefficient of the links,
    2 n(s,t) / (n(s) + n(t)), where n counts the pairs that hold a source word, a target word, or both (Och
    and Ney 2003, section 2.1.2). It comes from the words alone, so that no head can please it by being sharp;
    a head that looks at the right place one step too early is not fooled by it either. Among equals the head
    with the largest weights wins. Raises `TrasluzError` for a layer or head that there is not, for a pair
    beyond the model's range, and for a model without attention to its source.
    """
    if rows is not None and rows not in ROWS:
        raise TrasluzError(f"the rows {rows!r} are asked for; allowed: {', '.join(ROWS)}")
    pairs = pairs if gold is not None else pairs[:CHOOSE_FROM]
    evidence: Iterable[Tensor] = _dice(pairs) if gold is None else map(_gold_matrix, gold, pairs)
    total: Tensor | None = None  # [2,L,H+1]
    sharp: Tensor | None = None  # [2,L,H+1]
    for weights, own in zip(word_weights(translator, pairs), evidence, strict=True):
        links = weights.argmax(-1)  # [2,L,H+1,T]
        supported = own[links, torch.arange(links.shape[-1])].sum(-1)
        largest = weights.amax(-1).double().sum(-1)
        total = supported if total is None else total + supported
        sharp = largest if sharp is None else sharp + largest
    assert total is not None, "there is at least one pair"
    assert sharp is not None
    best = _best(total, sharp, _left(total, layer=layer, head=head, rows=rows))
    links_found = sum(len(words(pair.target)) for pair in pairs)  # the same for every candidate
    sure = sum(len(one.sure) for one in gold or ())
    share = float(total[best]) / (links_found + sure)
    row, depth, place = best
    return Choice(
        layer=depth + 1,
        head=None if place == total.shape[2] - 1 else place + 1,
        rows=ROWS[row],
        measure="Dice" if gold is None else "AER",
        figure=share if gold is None else 1 - share,
    )


def word_weights(translator: Translator, pairs: Sequence[Pair]) -> Iterator[Tensor]:
    """For each pair the weights between words of all candidates [2,L,H+1,T,S], the target as given.

    First the rows that predict, then those that read; behind the heads of a layer stands their mean. The end
    symbol is left out on both sides, so rows sum to less than 1.
    """
    tokenizer, frame = translator.tokenizer, translator.tokenizer.frame
    for begin in range(0, len(pairs), AT_ONCE):
        chunk = pairs[begin : begin + AT_ONCE]
        encoded = [_encoded(translator, pair, begin + at) for at, pair in enumerate(chunk, start=1)]
        for pair, ids, pieces in zip(chunk, encoded, _cross(translator, encoded), strict=True):
            columns, rows = _inside(frame, ids)
            sides = [
                word_of_pieces(side.pieces(own[inside]), text)
                for side, own, inside, text in zip(
                    (tokenizer, tokenizer.target),
                    ids,
                    (columns, rows),
                    (pair.source, pair.target),
                    strict=True,
                )
            ]
            text = pieces[..., columns]  # [L,H,T+1,S] of pieces, the end symbol as a row only
            both = torch.stack([text[..., rows, :], text[..., rows.start + 1 : rows.stop + 1, :]])
            joined = join_pieces(both, rows=sides[1], columns=sides[0])  # [2,L,H,T,S]
            yield torch.cat([joined, joined.mean(2, keepdim=True)], 2)


def word_of_pieces(pieces: Sequence[str], text: str) -> list[int]:
    """The number of the word, of those between spaces, that each piece of a text belongs to.

    A piece of nothing but space belongs to the word behind it. Raises `TrasluzError` where the pieces spell
    another number of words, as they may if the tokenizer normalises.
    """
    of: list[int] = []
    word, between = -1, True
    for piece in pieces:
        rest = piece.lstrip(BETWEEN)
        is_blank = not rest or piece in BLANK
        between = between or is_blank or rest != piece
        if between and not is_blank:
            word, between = word + 1, False
        of.append(word + between)
    if word + 1 != (count := len(words(text))):
        raise TrasluzError(
            f"the text has {count} words between spaces, but its pieces spell {word + 1}: the tokenizer "
            f"normalises unusual spaces or signs in it; replace them in {text!r}"
        )
    return [min(one, word) for one in of]


def _inside(frame: Frame, ids: tuple[list[int], list[int]]) -> tuple[slice, slice]:
    """Where the pieces of a source and of a target stand within what frames them."""
    source, target = ids
    return (
        slice(len(frame.before), len(source) - len(frame.after)),
        slice(len(frame.forced), len(target) - 1),
    )


def _encoded(translator: Translator, pair: Pair, number: int) -> tuple[list[int], list[int]]:
    """The ids of both sides with their end symbols; an error names the pair."""
    try:
        return encode_source(translator, pair.source), encode_target(translator, pair.target)
    except TrasluzError as error:
        raise TrasluzError(f"pair {number}: {error}") from None


def _cross(translator: Translator, encoded: Sequence[tuple[list[int], list[int]]]) -> Iterator[Tensor]:
    """The weights [L,H,T,S] from the target pieces of each pair to its source pieces, ends included."""
    model = model_of(translator)
    source, target = (
        pad_sequence([torch.tensor(ids) for ids in side], batch_first=True, padding_value=model.pad_id)
        for side in zip(*encoded, strict=True)
    )
    seen = see(model, source, model.teacher_forced(target))
    before = source.shape[1] if isinstance(model, DecoderOnly) else 0
    layers = torch.stack(seen.decoder if before else seen.cross, 1)  # [B,L,H,T,S]
    for row, (source_ids, target_ids) in enumerate(encoded):
        yield layers[row, :, :, before : before + len(target_ids), : len(source_ids)]


def _left(total: Tensor, *, layer: int | None, head: int | None, rows: str | None) -> Tensor:
    """True [2,L,H+1] for the candidates that are left once some of the choice is made."""
    _, L, heads = total.shape
    left = torch.ones_like(total, dtype=torch.bool)
    if layer is not None:
        check_number("layer", layer, count=L, where="attention to the source")
        left &= (torch.arange(L) == layer - 1)[:, None]
    if head is not None:
        check_number("head", head, count=heads - 1, where="attention to the source")
        left &= torch.arange(heads) == head - 1
    if rows is not None:
        left &= (torch.arange(2) == ROWS.index(rows))[:, None, None]
    return left


def _best(total: Tensor, sharp: Tensor, left: Tensor) -> tuple[int, int, int]:
    """Where `total` is largest among what is left, and `sharp` among the equals; the first of those."""
    supported = total.masked_fill(~left, -torch.inf)
    equals = supported == supported.max()
    at = int(sharp.masked_fill(~equals, -torch.inf).argmax())
    _, L, heads = total.shape
    return at // (L * heads), at // heads % L, at % heads


def _place(choice: Choice, *, heads: int) -> tuple[int, int, int]:
    """Where the weights of a choice stand among the candidates."""
    return ROWS.index(choice.rows), choice.layer - 1, heads if choice.head is None else choice.head - 1


def _gold_matrix(gold: Gold, pair: Pair) -> Tensor:
    """How much each link adds to what is right [S,T]: 2 for a sure one, 1 for a possible one."""
    matrix = torch.zeros(len(words(pair.source)), len(words(pair.target)), dtype=torch.float64)
    for source, target in chain(gold.sure, gold.possible):
        matrix[source, target] += 1
    return matrix


def _dice(pairs: Sequence[Pair]) -> Iterator[Tensor]:
    """The Dice coefficient [S,T] of each source word and each target word of a pair, over all pairs."""
    sides = [
        ([_key(one) for one in words(pair.source)], [_key(one) for one in words(pair.target)])
        for pair in pairs
    ]
    in_source, in_target = (Counter(key for own in sides for key in set(own[side])) for side in (0, 1))
    together = Counter((s, t) for source, target in sides for s in set(source) for t in set(target))
    for source, target in sides:
        yield torch.tensor(
            [[2 * together[s, t] / (in_source[s] + in_target[t]) for t in target] for s in source],
            dtype=torch.float64,
        )


def _key(word: str) -> str:
    """A word without its case and the punctuation around it, unless it is nothing else."""
    return EDGES.sub("", word.casefold()) or word
