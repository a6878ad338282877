"""Settings laid over settings, and what differs between two runs."""

from __future__ import annotations

from trasluz.training.settings import differences, merge


def test_changes_are_laid_over_group_by_group() -> None:
    merged = merge({"a": {"x": 1, "y": 2}, "b": 3}, {"a": {"y": 5}, "c": 7})
    assert merged == {"a": {"x": 1, "y": 5}, "b": 3, "c": 7}


def test_a_choice_of_another_kind_starts_afresh() -> None:
    before = {"position": {"kind": "sinusoidal", "layout": "halves"}}
    assert merge(before, {"position": {"kind": "rotary"}}) == {"position": {"kind": "rotary"}}
    assert merge(before, {"position": {"layout": "interleaved"}})["position"]["kind"] == "sinusoidal"


def test_differences_are_named_by_their_path() -> None:
    there, here = {"a": {"x": 1, "y": 2}, "b": 3}, {"a": {"x": 1, "y": 5}, "b": 3, "c": 7}
    assert differences(there, here) == ["a.y is 2 there and 5 here", "c is None there and 7 here"]
    assert differences(there, there) == []
