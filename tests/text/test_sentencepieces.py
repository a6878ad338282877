"""Pieces: every text comes back as it was, symbols keep their ids, and what cannot be is said."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trasluz.errors import TrasluzError
from trasluz.text.sentencepieces import SPACE_MARK, SUBSTITUTES, SentencePieces

TEXTS = [
    "the cat sees the dog",
    "el gato ve al perro",
    "the dog sees the cats",
    "los gatos ven al perro",
    "where are the dogs?",
    "¿dónde están los perros?",
]


@pytest.fixture(scope="module")
def tokenizer() -> SentencePieces:
    return SentencePieces.learn(TEXTS * 5, vocabulary=320)


@given(st.text())
def test_any_text_comes_back_as_it_was(tokenizer: SentencePieces, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text


@given(st.text(alphabet=[SPACE_MARK, " ", "a", "t", *SUBSTITUTES[:3], "\x00", "<", "s", "/", ">", "\n"]))
def test_a_text_of_what_sentencepiece_reserves_comes_back_too(tokenizer: SentencePieces, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text


@given(st.lists(st.text(max_size=9), max_size=5))
def test_many_texts_at_once_are_as_one_by_one(tokenizer: SentencePieces, texts: list[str]) -> None:
    assert tokenizer.encode_all(texts) == [tokenizer.encode(text) for text in texts]


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_no_text_has_an_unknown_piece_or_a_symbol(kind: Literal["unigram", "bpe"]) -> None:
    tokenizer = SentencePieces.learn(TEXTS * 5, vocabulary=320, kind=kind)
    symbols = {tokenizer.pad_id, tokenizer.start_id, tokenizer.end_id, tokenizer.unknown_id}
    for text in ("</s> <s> <pad> <unk>", "猫 \U0001f600", "the cat", SPACE_MARK):
        assert symbols.isdisjoint(tokenizer.encode(text))
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_symbols_are_left_out_of_the_text(tokenizer: SentencePieces) -> None:
    ids = tokenizer.encode("the cat")
    assert tokenizer.decode([tokenizer.start_id, *ids, tokenizer.end_id, tokenizer.pad_id]) == "the cat"


def test_pieces_show_where_words_begin(tokenizer: SentencePieces) -> None:
    pieces = tokenizer.pieces(tokenizer.encode("the cat 猫"))
    assert "".join(pieces) == "▁the▁cat▁<0xE7><0x8C><0xAB>"


def test_learning_is_the_same_every_time_and_bytes_keep_it(tokenizer: SentencePieces) -> None:
    again = SentencePieces.learn(TEXTS * 5, vocabulary=320)
    assert again.files() == tokenizer.files()
    loaded = SentencePieces.from_bytes(tokenizer.files()["tokenizer.model"])
    assert (len(loaded), loaded.encode(TEXTS[0])) == (len(tokenizer), tokenizer.encode(TEXTS[0]))


def test_a_vocabulary_is_a_limit_not_a_promise() -> None:
    assert len(SentencePieces.learn(["one two three"] * 3, vocabulary=5000)) < 5000


def test_a_vocabulary_without_room_says_what_is_needed() -> None:
    with pytest.raises(TrasluzError, match=r"^a vocabulary of 100 is too small: .* need \d+ entries; raise"):
        SentencePieces.learn(TEXTS, vocabulary=100)


def test_nfkc_folds_what_looks_alike_only_where_asked() -> None:
    plain, folded = (
        SentencePieces.learn(TEXTS * 5, vocabulary=320, normalization=how) for how in ("none", "nfkc")
    )
    assert plain.decode(plain.encode("ﬁne １２")) == "ﬁne １２"
    assert folded.decode(folded.encode("ﬁne １２")) == "fine 12"


def test_a_long_text_is_learnt_from_like_any_other() -> None:
    tokenizer = SentencePieces.learn(["zq w " * 1000 + "zq", "w w"], vocabulary=300)
    assert any("zq" in piece for piece in tokenizer.pieces(range(len(tokenizer))))


def test_all_ways_to_cut_a_text_spell_it_and_the_first_is_the_usual_one(tokenizer: SentencePieces) -> None:
    ways = tokenizer.encodings("the cat sees", most=7)
    assert ways[0] == tokenizer.encode("the cat sees")
    assert 1 < len(ways) <= 7
    assert len({tuple(way) for way in ways}) == len(ways)
    assert {tokenizer.decode(way) for way in ways} == {"the cat sees"}
    assert tokenizer.encodings("", most=7) == [[]]
    assert tokenizer.encodings(SPACE_MARK, most=7) == [tokenizer.encode(SPACE_MARK)]


def test_bpe_has_one_way_to_cut_a_text() -> None:
    tokenizer = SentencePieces.learn(TEXTS * 5, vocabulary=320, kind="bpe")
    assert tokenizer.encodings("the cat", most=7) == [tokenizer.encode("the cat")]


@pytest.mark.parametrize("data", [b"", b"no model at all", b"\x80\x04K\x01."])
def test_bytes_that_are_no_model_are_refused(data: bytes) -> None:
    with pytest.raises(TrasluzError, match="the tokenizer is damaged"):
        SentencePieces.from_bytes(data)


def test_half_of_a_surrogate_pair_is_no_text(tokenizer: SentencePieces) -> None:
    with pytest.raises(TrasluzError, match=r"U\+DCFF, which is no character"):
        tokenizer.encode_all(["fine", "not \udcff"])
    with pytest.raises(TrasluzError, match=r"U\+D800"):
        tokenizer.encode("\ud800")
