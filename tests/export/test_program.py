"""What every program keeps to."""

from __future__ import annotations

import pytest

from trasluz.export.program import by_length, most_tokens, one_line, prompt_of
from trasluz.models.loaded import LoadedModel


def test_rows_of_one_length_go_together() -> None:
    rows = [[1], [2, 2], [3], [], [5, 5]]
    assert sorted(by_length(rows)) == [[0, 2], [1, 4], [3]]


@pytest.mark.parametrize(("length", "longest", "most"), [(7, None, 34), (7, 30, 30), (1, 999, 22)])
def test_as_many_tokens_as_a_search_may_write(length: int, longest: int | None, most: int) -> None:
    assert most_tokens(length, longest=longest) == most


def test_a_text_in_one_line() -> None:
    assert one_line(" a\nb\u2028c  ") == "a b c"


def test_a_prompt_is_half_of_a_text_behind_the_start_symbol(small: LoadedModel) -> None:
    tokenizer = small.tokenizer
    ids = tokenizer.encode("the cat sees a house")
    assert prompt_of(tokenizer, "the cat sees a house") == [1, *ids[: len(ids) // 2]]
    assert prompt_of(tokenizer, "a") == [1, *tokenizer.encode("a")[:1]]
