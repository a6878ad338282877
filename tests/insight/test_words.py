"""Pieces become the words that a reader sees, and every piece keeps its word."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trasluz.insight.words import MARK, join


@pytest.mark.parametrize(
    ("pieces", "words", "of"),
    [
        ("▁The ▁let ters", ["The", "letters"], [0, 1, 1]),
        ("▁ni <0xC3> <0xB1> a ▁no", ["niña", "no"], [0, 0, 0, 0, 1]),
        ("▁ <0xE2> <0x82> <0xAC> 5", ["€", "5"], [0, 0, 0, 0, 1]),
        ("<0xF0> <0x9F> <0x99> <0x82> ▁hi", ["🙂", "hi"], [0, 0, 0, 0, 1]),
        ("▁read . </s>", ["read", ".", "</s>"], [0, 1, 2]),
        ("▁« old », ▁he", ["«", "old", "»,", "he"], [0, 1, 2, 3]),
        ("▁don ' t ▁well - known", ["don't", "well-known"], [0, 0, 0, 1, 1, 1]),
        ("▁' yes '", ["'", "yes'"], [0, 1, 1]),
        ("▁我 喜欢 猫 。", ["我", "喜欢", "猫", "。"], [0, 1, 2, 3]),
        ("<0xE6> <0x88> <0x91> 猫", ["我", "猫"], [0, 0, 0, 1]),
        ("▁ก า", ["ก", "า"], [0, 1]),
        ("▁ก ิน", ["กิน"], [0, 0]),
        ("▁e \u0301", ["e\u0301"], [0, 0]),
        ("<2es> ▁Hola", ["<2es>", "Hola"], [0, 1]),
        ("▁a <0xFF> b", ["a", "\ufffd", "b"], [0, 1, 2]),
        ("▁New▁York ▁is", ["New York", "is"], [0, 1]),
        ("", [], []),
    ],
)
def test_pieces_are_joined_into_words(pieces: str, words: list[str], of: list[int]) -> None:
    found = join(pieces.split(), specials=("</s>", "<2es>"))
    assert found.text == tuple(words)
    assert found.of == tuple(of)


def test_a_space_stands_where_a_mark_was_and_around_symbols() -> None:
    found = join(["▁Hola", ",", "▁mundo", ".", "</s>"], specials=["</s>"])
    assert found.text == ("Hola", ",", "mundo", ".", "</s>")
    assert found.spaced == (False, False, True, False, True)
    assert found.special == (False, False, False, False, True)


def test_a_symbol_is_one_only_where_it_is_named() -> None:
    assert join(["▁a", "</s>"]).special == (False, False)


@given(
    st.lists(
        st.sampled_from(["▁", "▁an", "ti", "'", ".", "猫", "<0xC3>", "<0xB1>", "<0xE2>", "</s>", "\u0301"])
    )
)
def test_no_text_is_lost_and_words_follow_each_other(pieces: list[str]) -> None:
    found = join(pieces, specials=["</s>"])
    assert len(found.of) == len(pieces)
    assert list(dict.fromkeys(found.of)) == list(range(len(found.text)))
    assert list(found.of) == sorted(found.of)
    plain = re.sub("[ñ\u2c71\ufffd]", "", "".join(found.text))  # what those bytes can spell
    assert plain == "".join(piece for piece in pieces if not piece.startswith("<0x")).replace(MARK, "")
