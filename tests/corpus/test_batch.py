"""Batches: every pair once an epoch, no more cells than allowed, an order that can be sought."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trasluz.corpus.batch import Batches, Sequences

PAD = 0
LENGTHS = st.lists(st.tuples(st.integers(1, 19), st.integers(1, 23)), min_size=1, max_size=71)


def batches(lengths: list[tuple[int, int]], *, tokens: int = 53, seed: int = 1) -> Batches:
    """Pairs of those lengths, the ids of each its own number."""
    sides = [[[1 + number] * pair[side] for number, pair in enumerate(lengths)] for side in (0, 1)]
    source, target = (Sequences.from_lists(side) for side in sides)
    return Batches(source, target, tokens=tokens, seed=seed, pad_id=PAD)


@given(LENGTHS, st.integers(1, 97), st.integers(0, 3))
def test_an_epoch_has_every_pair_once_within_its_budget(
    lengths: list[tuple[int, int]], tokens: int, epoch: int
) -> None:
    made = batches(lengths, tokens=tokens)
    seen = []
    for index in range(len(made.plan(epoch))):
        batch = made.batch(epoch, index)
        for side, column in ((0, batch.source), (1, batch.target)):
            real = column != PAD
            numbers = (column[:, 0] - 1).tolist()
            assert real.sum(1).tolist() == [lengths[number][side] for number in numbers]
            assert bool((real.int().diff(dim=1) <= 0).all()), "padding stands at the right"
            assert column.shape[0] == 1 or column.numel() <= tokens
        assert torch.equal(batch.source[:, 0], batch.target[:, 0]), "pairs stay together"
        assert batch.target_tokens == int((batch.target != PAD).sum())
        seen += (batch.source[:, 0] - 1).tolist()
    assert sorted(seen) == list(range(len(lengths)))


def test_any_place_of_any_epoch_can_be_sought() -> None:
    lengths = [(1 + number % 7, 1 + number % 11) for number in range(61)]
    straight = list(islice(batches(lengths).iterate(epoch=0, index=0), 40))
    epoch, index, _ = straight[23]
    assert epoch > 0, "the place is beyond the first epoch"
    sought = list(islice(batches(lengths).iterate(epoch=epoch, index=index), 17))
    for one, other in zip(straight[23:], sought, strict=True):
        assert one[:2] == other[:2]
        assert torch.equal(one[2].source, other[2].source)
        assert torch.equal(one[2].target, other[2].target)


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    lengths = [(3, 5)] * 61

    def order(seed: int, epoch: int) -> list[list[int]]:
        return [numbers.tolist() for numbers in batches(lengths, seed=seed).plan(epoch)]

    assert order(1, 0) == order(1, 0)
    assert len({str(order(seed, epoch)) for seed in (1, 2) for epoch in (0, 1)}) == 4


def test_a_pair_longer_than_a_batch_stands_alone() -> None:
    made = batches([(3, 2), (50, 2), (2, 3)], tokens=7)
    assert sorted(len(numbers) for numbers in made.plan(0)) == [1, 2]


def test_similar_lengths_are_together_so_that_little_is_padding() -> None:
    chance = np.random.default_rng(7)
    lengths = [(int(n), int(n)) for n in chance.integers(1, 30, size=2003)]
    made = batches(lengths, tokens=307)
    cells = sum(made.batch(0, index).target.numel() for index in range(len(made.plan(0))))
    assert sum(target for _, target in lengths) / cells > 0.97


def test_sequences_come_back_as_they_were() -> None:
    lists = [[7, 11], [], [13, 17, 19]]
    sequences = Sequences.from_lists(lists)
    assert sequences.lengths.tolist() == [2, 0, 3]
    rows = sequences.rows(np.array([2, 0, 1]), epoch=5)
    assert [row.tolist() for row in rows] == [[13, 17, 19], [7, 11], []]


@pytest.mark.parametrize("count", [0, 1])
def test_few_pairs_are_no_exception(count: int) -> None:
    made = batches([(3, 5)] * count)
    assert len(made) == count
    assert len(made.plan(0)) == count
