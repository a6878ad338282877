"""Cutting and joining: nothing is lost, cuts are at sentence ends, and parts fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trasluz.text.sentences import sentences, split_text, trim


@given(st.text())
def test_trimmed_parts_joined_are_the_text(text: str) -> None:
    before, core, behind = trim(text)
    assert before + core + behind == text
    assert core == text.strip()
    assert not (before + behind).strip()


@given(st.text(alphabet=" .!?…。,;:\n\r\t\u2028\"'»)abAB1é猫-", max_size=80), st.integers(1, 30))
def test_parts_joined_are_the_text_and_each_fits(text: str, length: int) -> None:
    parts = split_text(text, lambda part: len(part.strip()) <= length)
    assert "".join(parts) == text
    assert all(len(part.strip()) <= length for part in parts)


@given(st.text(max_size=60))
def test_sentences_joined_are_the_text(text: str) -> None:
    assert "".join(sentences(text)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It rains. We stay! Why? ", ["It rains. ", "We stay! ", "Why? "]),
        ("He said: «No.» She left.", ["He said: «No.» ", "She left."]),
        ('"Go." "Why?"', ['"Go." ', '"Why?"']),
        ("¿Quién es? ¡Yo! Sí…  Bien.", ["¿Quién es? ", "¡Yo! ", "Sí…  ", "Bien."]),
        ("私は猫。君は？はい。", ["私は猫。", "君は？", "はい。"]),
        ("It costs 3.50 euros. Really.", ["It costs 3.50 euros. ", "Really."]),
        ("one sentence", ["one sentence"]),
        ("", []),
    ],
)
def test_sentences_end_where_a_reader_says(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Mr. Smith met Dr. Jones.",
        "La Sra. Gómez y Ud. son amigas.",
        "J. R. R. Tolkien wrote it.",
        "The U.S. Army left.",
        "They eat, e.g. Fish.",
        "wait... and see",
        "He asked why? and left",
    ],
)
def test_what_only_looks_like_an_end_is_none(text: str) -> None:
    assert sentences(text) == [text]


def test_a_line_that_fits_is_one_part_and_one_that_does_not_is_cut_at_sentences() -> None:
    short, long = "One. Two.\n", "A first sentence. A second.\n"
    assert split_text(short + long, lambda part: len(part.strip()) <= 17) == [
        short,
        "A first sentence. ",
        "A second.\n",
    ]


def test_a_long_sentence_is_cut_at_clauses_then_spaces_then_anywhere_in_full_parts() -> None:
    def cut(text: str, length: int) -> list[str]:
        return split_text(text, lambda part: len(part.strip()) <= length)

    assert cut("we came, we saw, we won", 16) == ["we came, we saw, ", "we won"]
    assert cut("one two three four", 9) == ["one two ", "three ", "four"]
    assert cut("abcdefgh", 3) == ["ab", "cd", "ef", "gh"]


def test_a_character_that_does_not_fit_stays() -> None:
    assert split_text("ab", lambda part: False) == ["a", "b"]
