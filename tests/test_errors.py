"""One sentence that says what was given and what is allowed, nearest first."""

from __future__ import annotations

from trasluz.errors import nearest_first, unknown


def test_the_nearest_word_comes_first() -> None:
    assert nearest_first("scaledot", ["dot", "cosine", "scaled-dot"])[0] == "scaled-dot"
    assert nearest_first("COSINUS", ["dot", "cosine", "scaled-dot"])[0] == "cosine"


def test_an_unknown_word_is_named_with_all_that_are_allowed() -> None:
    assert (
        str(unknown("score", "dots", ["mlp", "dot"]))
        == "unknown score 'dots'; allowed, nearest first: dot, mlp"
    )
