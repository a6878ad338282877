"""Alignments as text: words as Moses counts them, gold that is checked, an error rate worked by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from trasluz.corpus.read import Pair
from trasluz.errors import TrasluzError
from trasluz.insight.pharaoh import Gold, error_rate, read_gold, to_pharaoh, words

PAIRS = [Pair("the cat sleeps", "el gato duerme ya"), Pair("hello", "buenos días")]


def links(*pairs: tuple[int, int]) -> frozenset[tuple[int, int]]:
    return frozenset(pairs)


def test_words_stand_between_spaces() -> None:
    assert words(" the  cat,\tsleeps . ") == ["the", "cat,", "sleeps", "."]
    assert words("10\u00a0000 €") == ["10\u00a0000", "€"]
    assert words("") == []


def test_links_are_written_in_the_order_of_the_source() -> None:
    assert to_pharaoh(links((2, 0), (0, 3), (0, 1), (10, 2))) == "0-1 0-3 2-0 10-2"
    assert to_pharaoh([]) == ""


def test_gold_has_sure_and_possible_links(tmp_path: Path) -> None:
    path = tmp_path / "gold.txt"
    path.write_text("0-0  1-1 2?2 2?3\n\n")
    first, second = read_gold(path, PAIRS)
    assert first == Gold(links((0, 0), (1, 1)), links((0, 0), (1, 1), (2, 2), (2, 3)))
    assert second == Gold(links(), links())


def test_the_error_rate_is_the_one_worked_by_hand() -> None:
    """|A| = 3, |S| = 2, one link of A is sure and two are possible: 1 - (1 + 2) / (3 + 2)."""
    gold = Gold(links((0, 0), (1, 1)), links((0, 0), (1, 1), (2, 2)))
    found = links((0, 0), (2, 2), (2, 3))
    assert error_rate([found], [gold]) == pytest.approx(1 - 3 / 5)
    nothing_sure = Gold(links(), links((1, 0)))
    assert error_rate([found, links((1, 0))], [gold, nothing_sure]) == pytest.approx(1 - (3 + 1) / (5 + 1))


def test_the_sure_links_are_perfect_and_wrong_ones_are_not() -> None:
    gold = Gold(links((0, 0), (1, 1)), links((0, 0), (1, 1), (2, 2)))
    assert error_rate([gold.sure], [gold]) == 0
    assert error_rate([gold.possible], [gold]) == 0
    assert error_rate([links((0, 1))], [gold]) == 1
    assert error_rate([links()], [Gold(links(), links())]) == 0


def test_gold_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gold.txt"
    for text, sentence in (
        ("0-0\n", r"gold.txt has 1 lines of alignment, but there are 2 pairs; give one line for each pair"),
        ("0-0\n0-0\n\n", r"gold.txt has 3 lines of alignment, but there are 2 pairs"),
        (
            "0-0\n0:1\n",
            r"gold.txt, line 2: '0:1' is no link; write 0-1 for a sure one and 0\?1 for a possible",
        ),
        ("0-0 -1-0\n\n", r"gold.txt, line 1: '-1-0' is no link"),
        (
            "0-0 3-1\n\n",
            r"gold.txt, line 1: the link 3-1 names source word 3, but the source has 3 words, num",
        ),
        (
            "\n0?2\n",
            r"line 2: the link 0\?2 names target word 2, but the target has 2 words, numbered 0 to 1",
        ),
    ):
        path.write_text(text)
        with pytest.raises(TrasluzError, match=sentence):
            read_gold(path, PAIRS)
    with pytest.raises(TrasluzError, match="no such file"):
        read_gold(tmp_path / "nowhere", PAIRS)
