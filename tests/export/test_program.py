"""What every program keeps to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from trasluz.export.program import (
    by_length,
    given_of,
    longest_translation,
    most_tokens,
    most_written,
    one_line,
)
from trasluz.models.loaded import LoadedModel, Origin

Make = Callable[..., LoadedModel]


def test_rows_of_one_length_go_together() -> None:
    rows = [[1], [2, 2], [3], [], [5, 5]]
    assert sorted(by_length(rows)) == [[0, 2], [1, 4], [3]]


@pytest.mark.parametrize(("length", "longest", "most"), [(7, None, 34), (7, 30, 30), (1, 999, 22)])
def test_as_many_tokens_as_a_search_may_write(length: int, longest: int | None, most: int) -> None:
    assert most_tokens(length, longest=longest) == most


def test_a_text_in_one_line() -> None:
    assert one_line(" a\nb\u2028c  ") == "a b c"


def test_a_prompt_is_half_of_a_text_behind_the_start_symbol(make_decoder_only: Make) -> None:
    loaded = make_decoder_only("language-model")
    ids = loaded.tokenizer.encode("the cat sees a house")
    assert given_of(loaded, "the cat sees a house") == [1, *ids[: len(ids) // 2]]
    assert given_of(loaded, "a") == [1, *loaded.tokenizer.encode("a")[:1]]


def test_a_source_has_its_frame(taught: LoadedModel, make_decoder_only: Make) -> None:
    ids = taught.tokenizer.encode("the cat")
    assert given_of(taught, "the cat") == [*ids, 2]
    assert given_of(make_decoder_only("translation"), "the cat") == [*ids, 2, 1]


def test_no_program_writes_beyond_the_positions_of_any(make: Make) -> None:
    loaded = make(decoder={"position": {"kind": "learned", "length": 61}})
    assert (longest_translation(loaded), most_written(loaded, 7), most_written(loaded, 50)) == (61, 34, 61)
    theirs = replace(loaded, origin=Origin({"max_position_embeddings": 53}, {}))
    assert (longest_translation(theirs), most_written(theirs, 50)) == (53, 53)
    longer = replace(loaded, origin=Origin({"max_position_embeddings": 99}, {}))
    assert longest_translation(longer) == 61
    assert longest_translation(make()) is None


def test_forced_symbols_take_room(make: Make) -> None:
    loaded = make(decoder={"position": {"kind": "learned", "length": 61}})

    class Forcing:
        frame = replace(loaded.tokenizer.frame, forced=(7, 8))

    forcing = replace(loaded, tokenizer=Forcing())  # type: ignore[arg-type] # as much as is asked for
    assert most_written(forcing, 50) == 59


def test_a_language_model_goes_on_as_far_as_it_has_positions(make_decoder_only: Make) -> None:
    loaded = make_decoder_only("language-model", position={"kind": "learned", "length": 31})
    assert [most_written(loaded, length) for length in (5, 11, 15, 30)] == [20, 20, 16, 1]
    assert most_written(make_decoder_only("language-model", position={"kind": "rotary"}), 999) == 20
