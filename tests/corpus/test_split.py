"""Splits: whatever is held out shares no sentence with what is learnt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trasluz.corpus.read import Pair
from trasluz.corpus.split import folded, group_by_source, split_pairs
from trasluz.errors import TrasluzError

SENTENCES = st.sampled_from([f"sentence {number}" for number in range(23)] + ["Sentence 3!", "sentence, 5"])
PAIRS = st.lists(st.builds(Pair, SENTENCES, SENTENCES), min_size=2, max_size=60)


@given(PAIRS, st.integers(1, 20), st.integers(0, 5))
def test_no_sentence_of_either_language_is_on_both_sides(pairs: list[Pair], held_out: int, seed: int) -> None:
    try:
        training, validation = split_pairs(pairs, held_out=held_out, seed=seed)
    except TrasluzError:
        return
    for side in ("source", "target"):
        seen = {folded(getattr(pair, side)) for pair in training}
        assert seen.isdisjoint(folded(getattr(pair, side)) for pair in validation)
    assert sorted([*training, *validation], key=str) == sorted(pairs, key=str)
    assert 0 < len(validation) <= held_out


def test_distinct_pairs_are_held_out_to_the_number_and_in_their_order() -> None:
    pairs = [Pair(f"source {number}", f"target {number}") for number in range(101)]
    training, validation = split_pairs(pairs, held_out=13, seed=3)
    assert len(validation) == 13
    assert [pair for pair in pairs if pair in validation] == validation
    assert [pair for pair in pairs if pair not in validation] == training


def test_the_seed_alone_decides() -> None:
    pairs = [Pair(f"source {number}", f"target {number}") for number in range(101)]
    first = split_pairs(pairs, held_out=13, seed=3)
    assert split_pairs(pairs, held_out=13, seed=3) == first
    assert split_pairs(pairs, held_out=13, seed=4) != first


def test_what_hangs_together_over_several_steps_stays_together() -> None:
    chain = [Pair("a", "x"), Pair("b", "x"), Pair("b", "y"), Pair("c", "y")]
    lone = [Pair(f"s{number}", f"t{number}") for number in range(5)]
    for seed in range(9):
        training, _ = split_pairs([*chain, *lone], held_out=4, seed=seed)
        assert len(set(chain) & set(training)) in (0, 4)


def test_pairs_that_cannot_be_split_are_refused() -> None:
    with pytest.raises(TrasluzError, match=r"^the 2 pairs cannot be split into .*; give more pairs"):
        split_pairs([Pair("a", "x"), Pair("a", "y")], held_out=1, seed=0)
    with pytest.raises(
        TrasluzError, match=r"^there is only 1 pair left, and it cannot be both .*; give more pairs, or files"
    ):
        split_pairs([Pair("a", "x")], held_out=1, seed=0)


def test_case_spaces_and_punctuation_do_not_make_another_sentence() -> None:
    assert folded("¡Hola,  Mundo!") == folded("hola mundo") == "hola mundo"
    assert folded("?!") != folded("...")


def test_groups_keep_the_order_of_sources_and_each_target_once() -> None:
    pairs = [Pair("b", "1"), Pair("a", "2"), Pair("b", "3"), Pair("b", "1")]
    assert group_by_source(pairs) == [("b", ["1", "3"]), ("a", ["2"])]
