"""Alignments from attention: words from pieces, the right head and the right rows chosen, links by hand.

Letters: L layers, H heads, T target words, S source words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from trasluz.corpus.read import Pair
from trasluz.decoding.translator import Translator
from trasluz.errors import TrasluzError
from trasluz.insight.align import Choice, align, choose, word_of_pieces, word_weights
from trasluz.insight.pharaoh import Gold, error_rate, words
from trasluz.insight.record import record
from trasluz.models.loaded import LoadedModel

Make = Callable[..., LoadedModel]
MakeTranslator = Callable[[LoadedModel], Translator]

L, H = 2, 3
WORDS = {
    "the": "el",
    "cat": "gato",
    "dog": "perro",
    "sees": "ve",
    "red": "rojo",
    "boat": "barco",
    "old": "viejo",
}


def crossed(text: str) -> Pair:
    """A made-up language that says everything backwards."""
    return Pair(text, " ".join(WORDS[word] for word in reversed(text.split())))


PAIRS = [
    crossed(text)
    for text in (
        "the cat sees the old dog",
        "the red boat",
        "the dog sees the boat",
        "old cat sees red dog",
        "the boat sees the red cat",
    )
]


def truth(pair: Pair) -> frozenset[tuple[int, int]]:
    """Which words belong together, the last with the first."""
    count = len(pair.source.split())
    return frozenset((at, count - 1 - at) for at in range(count))


@pytest.mark.parametrize(
    ("pieces", "text", "expected"),
    [
        (["▁the", "▁cat"], "the cat", [0, 1]),
        (["▁let", "ters", ",", "▁no"], "letters, no", [0, 0, 0, 1]),
        (["▁", "<0xE7>", "<0x8C>", "<0xAB>", "▁", "▁a", "▁"], "猫  a ", [0, 0, 0, 0, 1, 1, 1]),
        (["▁a", "<0x09>", "b"], "a\tb", [0, 1, 1]),
        (["the", "▁cat"], "the cat", [0, 1]),
        (["the", "\t", "cat", "\tsees"], "the\tcat\tsees", [0, 1, 1, 2]),
    ],
)
def test_pieces_belong_to_words_between_spaces(pieces: list[str], text: str, expected: list[int]) -> None:
    assert word_of_pieces(pieces, text) == expected


def test_every_piece_of_a_real_tokenizer_belongs_to_a_word(small: LoadedModel) -> None:
    for text in ("the cat", "  two   apples ", "ein Wörterbuch: «猫»  😀!", "a\u00a0b c\u3000d e"):
        pieces = small.tokenizer.pieces(small.tokenizer.encode(text))
        of = word_of_pieces(pieces, text)
        spelt: dict[int, str] = {}
        for number, piece in zip(of, pieces, strict=True):
            spelt[number] = spelt.get(number, "") + piece.replace("▁", "")
        expected = words(text)
        assert list(spelt) == list(range(len(expected)))
        for number, word in enumerate(expected):
            plain = word if word.isascii() else None
            assert plain is None or spelt[number] == plain


def test_a_tokenizer_that_makes_other_words_is_said() -> None:
    with pytest.raises(
        TrasluzError, match="has 1 words between spaces, but its pieces spell 2: the tokenizer"
    ):
        word_of_pieces(["▁10", "▁000"], "10\u00a0000")


@pytest.mark.parametrize("kind", ["transformer", "recurrent"])
def test_weights_of_words_are_those_of_their_pieces(
    untrained: Make, translator_of: MakeTranslator, kind: str
) -> None:
    translator = translator_of(untrained(kind))
    pairs = [Pair("the cat sees a house", "el xyz ve casa"), Pair("two apples", "dos manzanas rojas")]
    for pair, weights in zip(pairs, word_weights(translator, pairs), strict=True):
        cross = record(translator, pair.source, target=pair.target).cross
        assert cross is not None
        source, target = (
            word_of_pieces(translator.tokenizer.pieces(translator.tokenizer.encode(text)), text)
            for text in (pair.source, pair.target)
        )
        depth, heads = cross.shape[:2]
        assert weights.shape == (2, depth, heads + 1, len(pair.target.split()), len(pair.source.split()))
        for shift in (0, 1):
            for word in range(len(pair.target.split())):
                rows = [at + shift for at, of in enumerate(target) if of == word]
                for other in range(len(pair.source.split())):
                    columns = [at for at, of in enumerate(source) if of == other]
                    expected = cross[:, :, rows][..., columns].sum(-1).mean(-1)  # [L,H]
                    found = weights[shift, :, :, word, other]
                    torch.testing.assert_close(found[:, :-1], expected, atol=1e-5, rtol=1e-4)
                    torch.testing.assert_close(found[:, -1], expected.mean(1), atol=1e-5, rtol=1e-4)


def test_a_decoder_alone_is_read_from_its_target_rows_on_its_source_columns(
    untrained: Make, translator_of: MakeTranslator
) -> None:
    translator = translator_of(untrained("decoder-only"))
    tokenizer = translator.tokenizer
    pairs = [Pair("the cat sees a house", "ve casa"), Pair("apples", "manzanas")]
    for pair, weights in zip(pairs, word_weights(translator, pairs), strict=True):
        decoder = record(translator, pair.source, target=pair.target).decoder
        assert decoder is not None
        source = word_of_pieces(tokenizer.pieces(tokenizer.encode(pair.source)), pair.source)
        target = word_of_pieces(tokenizer.pieces(tokenizer.encode(pair.target)), pair.target)
        begin = len(source) + 1  # behind the end symbol stands the start symbol, which predicts the first
        for shift in (0, 1):
            rows = [begin + shift + at for at, of in enumerate(target) if of == 0]
            columns = [at for at, of in enumerate(source) if of == 0]
            expected = decoder[:, :, rows][..., columns].sum(-1).mean(-1)
            torch.testing.assert_close(weights[shift, :, :-1, 0, 0], expected, atol=1e-5, rtol=1e-4)


class Made:
    """Stands in for `word_weights`: noise, but for one place of all candidates, which has the truth."""

    def __init__(self, *, row: int, layer: int, head: int, sharp: float = 0.9) -> None:
        self.place, self.sharp = (row, layer, head), sharp

    def __call__(self, translator: Translator, pairs: Sequence[Pair]) -> Iterator[Tensor]:
        """Weights [2,L,H+1,T,S] of each pair."""
        chance = torch.Generator().manual_seed(5)
        for pair in pairs:
            S, T = len(pair.source.split()), len(pair.target.split())
            weights = torch.rand(2, L, H + 1, T, S, generator=chance).softmax(-1)
            for source, target in truth(pair):
                weights[self.place][target] = (1 - self.sharp) / S
                weights[self.place][target, source] = self.sharp
            yield weights


@pytest.fixture
def translator(small: LoadedModel, translator_of: MakeTranslator) -> Translator:
    return translator_of(small)


GOLD = [Gold(truth(pair), truth(pair) | {(0, 0)}) for pair in PAIRS]


@pytest.mark.parametrize("gold", [None, GOLD], ids=["by the words alone", "by gold"])
@pytest.mark.parametrize(("row", "layer", "head"), [(0, 1, 2), (1, 0, 0), (1, 1, H), (0, 0, 1)])
def test_the_head_that_tells_the_truth_is_found_wherever_it_is(
    translator: Translator,
    monkeypatch: pytest.MonkeyPatch,
    gold: list[Gold] | None,
    row: int,
    layer: int,
    head: int,
) -> None:
    monkeypatch.setattr("trasluz.insight.align.word_weights", Made(row=row, layer=layer, head=head))
    choice = choose(translator, PAIRS, gold=gold)
    assert (choice.layer, choice.head) == (layer + 1, None if head == H else head + 1)
    assert choice.rows == ("predicting", "reading")[row]
    assert choice.measure == ("Dice" if gold is None else "AER")
    found = list(align(translator, PAIRS, choice))
    assert found == [truth(pair) for pair in PAIRS]
    if gold is not None:
        assert choice.figure == pytest.approx(error_rate(found, gold), abs=1e-9)
        assert choice.figure == pytest.approx(0)


def test_the_truth_need_not_be_sharp(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flat head that is right is better than one that looks at the first word with all its weight."""
    made = Made(row=0, layer=0, head=1, sharp=0.3)

    def with_a_sink(translator: Translator, pairs: Sequence[Pair]) -> Iterator[Tensor]:
        for weights in made(translator, pairs):
            weights[:, 1, 2] = 0.0
            weights[:, 1, 2, :, 0] = 1.0
            yield weights

    monkeypatch.setattr("trasluz.insight.align.word_weights", with_a_sink)
    choice = choose(translator, PAIRS)
    assert (choice.rows, choice.layer, choice.head) == ("predicting", 1, 2)


def test_the_error_rate_of_a_choice_is_that_of_its_links(
    translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trasluz.insight.align.word_weights", Made(row=0, layer=0, head=0))
    for layer, head, rows in ((1, 1, "reading"), (2, 3, "predicting"), (2, None, None)):
        choice = choose(translator, PAIRS, gold=GOLD, layer=layer, head=head, rows=rows)
        assert choice.layer == layer
        assert head in (None, choice.head)
        assert rows in (None, choice.rows)
        found = list(align(translator, PAIRS, choice))
        assert choice.figure == pytest.approx(error_rate(found, GOLD))


def test_among_equals_the_sharpest_is_chosen(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    def equal(translator: Translator, pairs: Sequence[Pair]) -> Iterator[Tensor]:
        for pair in pairs:
            weights = torch.zeros(2, L, H + 1, len(pair.target.split()), len(pair.source.split()))
            weights[..., 0] = 0.5
            weights[1, 0, 2, :, 0] = 0.75
            yield weights

    monkeypatch.setattr("trasluz.insight.align.word_weights", equal)
    choice = choose(translator, PAIRS)
    assert (choice.rows, choice.layer, choice.head) == ("reading", 1, 3)


def test_the_dice_coefficient_is_the_one_worked_by_hand(
    translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "House." counts as house. n(house) = 2, n(casa) = 1, together 1: 2/3; red and roja: 2/2."""
    pairs = [Pair("House. red", "roja casa"), Pair("house", "hogar")]

    def diagonal(translator: Translator, pairs: Sequence[Pair]) -> Iterator[Tensor]:
        for pair in pairs:
            T = len(pair.target.split())
            yield torch.eye(T).flip(0).expand(2, L, H + 1, T, T)

    monkeypatch.setattr("trasluz.insight.align.word_weights", diagonal)
    choice = choose(translator, pairs)
    assert choice.figure == pytest.approx((2 / 3 + 1 + 2 / 3) / 3)


def test_a_recurrent_model_has_one_layer_and_one_head(untrained: Make, translator_of: MakeTranslator) -> None:
    translator = translator_of(untrained("recurrent"))
    choice = choose(translator, PAIRS)
    assert (choice.layer, choice.head) == (1, 1)
    assert [len(links) for links in align(translator, PAIRS, choice)] == [
        len(p.target.split()) for p in PAIRS
    ]


@pytest.mark.parametrize("kind", ["transformer", "decoder-only"])
def test_alignments_are_the_largest_weights_of_the_choice(
    untrained: Make, translator_of: MakeTranslator, kind: str
) -> None:
    translator = translator_of(untrained(kind))
    choice = Choice(layer=2, head=4, rows="reading", measure="", figure=0.0)
    for pair, weights, links in zip(
        PAIRS, word_weights(translator, PAIRS), align(translator, PAIRS, choice), strict=True
    ):
        assert len(links) == len(pair.target.split())
        for source, target in links:
            row = weights[1, 1, 3, target]
            assert row[source] == row.max()


def test_a_choice_says_what_it_is() -> None:
    one = Choice(layer=2, head=3, rows="reading", measure="AER", figure=0.25)
    assert one.describe() == "layer 2, head 3, rows reading: AER 0.2500"
    mean = Choice(layer=1, head=None, rows="predicting", measure="Dice", figure=0.5)
    assert mean.describe() == "layer 1, the mean of its heads, rows predicting: Dice 0.5000"


def test_what_cannot_be_aligned_is_refused(
    untrained: Make, translator_of: MakeTranslator, translator: Translator
) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"layer": 3}, "no layer 3: the attention to the source has 2, numbered 1 to 2"),
        ({"head": 0}, "no head 0: the attention to the source has 3, numbered 1 to 3"),
        ({"rows": "next"}, "the rows 'next' are asked for; allowed: predicting, reading"),
    ]
    for asked, sentence in wrong:
        with pytest.raises(TrasluzError, match=sentence):
            choose(translator, PAIRS, **asked)
    long = [*PAIRS, Pair("the cat " * 20, "el gato")]
    with pytest.raises(TrasluzError, match=r"pair 6: the text has \d+ pieces, .* at most 29 at once"):
        choose(translator, long)
    blind = translator_of(untrained("recurrent", attention={"score": "none"}))
    with pytest.raises(TrasluzError, match="no attention, so there is nothing to see"):
        choose(blind, PAIRS)
