"""What a study asks: parts that share no sentence, one budget for all, longer sentences kept apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trasluz.corpus.read import Pair
from trasluz.errors import TrasluzError
from trasluz.evaluation.length import words_of
from trasluz.training.study import (
    Parts,
    Study,
    comparable,
    most_words,
    position_study,
    read_parts,
    score_study,
    starter_parts,
)

BUDGET = {"budget": {"steps": 3}}


@pytest.fixture
def pairs_file(pairs: list[Pair], tmp_path: Path) -> Path:
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in pairs), encoding="utf-8")
    return path


def of_lengths(*lengths: int) -> list[Pair]:
    """Pairs whose sources have so many words, no two alike."""
    return [Pair(" ".join(f"w{at}" for _ in range(length)), f"p{at}") for at, length in enumerate(lengths)]


def positions_of(parts: Parts, **more: Any) -> Study:
    arguments: dict[str, Any] = {
        "architectures": ["transformer"],
        "positions": [],
        "longest_words": None,
        "preset": "tiny",
    }
    return position_study(parts, **{**arguments, "changes": BUDGET, "command": "trasluz", **more})


def test_without_files_of_their_own_validation_and_test_are_held_out(pairs_file: Path) -> None:
    parts = read_parts([pairs_file], seed=7)
    sizes = [len(part) for part in (parts.training, parts.validation, parts.test)]
    assert sizes == [55, 2, 3]
    sources = [pair.source for part in (parts.training, parts.validation, parts.test) for pair in part]
    assert len(sources) == len(set(sources)) == 60
    assert read_parts([pairs_file], seed=7) == parts


def test_what_is_given_to_validate_and_to_test_is_taken(pairs_file: Path, tmp_path: Path) -> None:
    valid, test = tmp_path / "valid.tsv", tmp_path / "test.tsv"
    valid.write_text("the king\tel rey\n")
    test.write_text("a queen\tuna reina\nno queen\tninguna reina\n")
    parts = read_parts([pairs_file], valid=[valid], test=[test])
    assert (len(parts.training), parts.validation) == (60, [Pair("the king", "el rey")])
    assert [pair.target for pair in parts.test] == ["una reina", "ninguna reina"]


def test_the_bundled_corpus_has_a_twentieth_for_validation_and_for_test() -> None:
    parts = starter_parts(300)
    assert [len(part) for part in (parts.training, parts.validation, parts.test)] == [300, 15, 15]


def test_models_of_a_study_differ_in_their_one_choice(pairs: list[Pair]) -> None:
    study = score_study(
        Parts(pairs[:41], pairs[41:47], pairs[47:]),
        architectures=["transformer", "recurrent"],
        scores=["dot"],
        preset="tiny",
        changes={**BUDGET, "model": {"width": 24, "decoder": {"layers": 1}}},
        command="trasluz study",
    )
    first, second = (study.changes_of(variant) for variant in study.variants)
    assert first["model"] == {
        "kind": "transformer",
        "width": 24,
        "encoder": {"attention": {"score": "dot"}},
        "decoder": {"layers": 1, "attention": {"score": "dot"}},
    }
    assert second["model"]["kind"] == "recurrent"
    assert first["budget"] == second["budget"] == {"steps": 3}
    assert (study.choice, list(study.tests)) == ("score", ["test"])


@pytest.mark.parametrize(
    ("lengths", "words"),
    [
        ([3] * 18 + [5, 7], 4),  # 2 of 20 have more than 4 words
        ([3] * 19 + [7], 2),  # 1 of 20 is less than a tenth
        ([2, 3], 2),
        (list(range(1, 102)), 90),  # 11 of 101: a tenth is never rounded down
    ],
)
def test_a_tenth_of_the_sources_at_least_is_longer(lengths: list[int], words: int) -> None:
    pairs = of_lengths(*lengths)
    assert most_words(pairs) == words
    longer = [sum(length > most for length in lengths) for most in (words, words + 1)]
    assert longer[0] >= len(lengths) / 10 > longer[1]


def test_sources_of_one_word_leave_nothing_longer() -> None:
    with pytest.raises(TrasluzError, match="there is nothing longer to test on; give other pairs"):
        most_words(of_lengths(*[1] * 19, 2))


def test_what_is_longer_is_neither_learnt_from_nor_validated_on() -> None:
    parts = Parts(of_lengths(2, 3, 5, 7), of_lengths(3, 11), of_lengths(1, 3, 5, 13))
    study = positions_of(parts, longest_words=3)
    assert [words_of(pair.source) for pair in study.corpus.training] == [2, 3]
    assert [words_of(pair.source) for pair in study.corpus.validation] == [3]
    lengths = {name: [words_of(pair.source) for pair in pairs] for name, pairs in study.tests.items()}
    assert lengths == {"up to 3 words": [1, 3], "longer": [5, 13]}
    assert positions_of(parts).longest_words == 6


def test_a_table_of_learnt_positions_reaches_over_both_sides() -> None:
    parts = Parts(of_lengths(2, 3), of_lengths(2), of_lengths(2, 3))
    study = positions_of(parts, positions=["learned"], changes={**BUDGET, "batch": {"longest": 11}})
    (variant,) = study.variants
    assert variant.settings["encoder"]["position"] == {"kind": "learned", "length": 23}


@pytest.mark.parametrize(
    ("parts", "words", "sentence"),
    [
        (
            Parts(of_lengths(5), of_lengths(2), of_lengths(2, 7)),
            3,
            "no training pair has a source of up to 3",
        ),
        (
            Parts(of_lengths(2), of_lengths(5), of_lengths(2, 7)),
            3,
            "no validation pair has a source of up to",
        ),
        (
            Parts(of_lengths(2), of_lengths(2), of_lengths(5, 7)),
            3,
            "no test pair has a source of up to 3 words",
        ),
        (
            Parts(of_lengths(2), of_lengths(2), of_lengths(2)),
            3,
            "no test pair has a source of more than 3 words",
        ),
    ],
)
def test_a_part_that_would_be_empty_is_said(parts: Parts, words: int, sentence: str) -> None:
    with pytest.raises(TrasluzError, match=sentence):
        positions_of(parts, longest_words=words)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, r"^no budget is given, .*; give --steps or --time for each model, such as --time 10m$"),
        ({"budget": {"steps": None}}, "^no budget is given"),
        (
            {**BUDGET, "model": {"kind": "recurrent"}},
            r"^model.kind is 'recurrent', .* give --arch recurrent$",
        ),
        ({**BUDGET, "model": 3}, "^settings: model is 3, but it should be a group of settings$"),
        ({**BUDGET, "task": "language-model"}, "^the task is 'language-model', but a study compares"),
    ],
)
def test_settings_that_leave_nothing_to_compare_are_said(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(TrasluzError, match=sentence):
        comparable(changes)
