"""Masks are comparisons of positions."""

from __future__ import annotations

import torch

from trasluz.attention.mask import every_key, no_later_key, not_padding, positions


def test_padding_is_no_key() -> None:
    ids = torch.tensor([[5, 6, 0], [7, 0, 0]])
    assert not_padding(ids, pad_id=0).tolist() == [[True, True, False], [True, False, False]]
    assert every_key(not_padding(ids, pad_id=0)).shape == (2, 1, 1, 3)


def test_a_query_looks_at_itself_and_back() -> None:
    at = positions(torch.zeros(2, 3))
    allowed = no_later_key(torch.ones(2, 3, dtype=torch.bool), query_at=at, key_at=at)
    triangle = [[True, False, False], [True, True, False], [True, True, True]]
    assert allowed.tolist() == [[triangle], [triangle]]


def test_rows_may_stand_at_different_positions() -> None:
    allowed = no_later_key(
        torch.tensor([[True, True, True], [False, True, True]]),
        query_at=torch.tensor([[1], [2]]),
        key_at=torch.tensor([[0, 1, 2], [0, 1, 2]]),
    )
    assert allowed.tolist() == [[[[True, True, False]]], [[[False, True, True]]]]
