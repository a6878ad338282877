"""Presets: whatever the data and the budget, what is chosen can be built, and the choice is explained."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from trasluz.config import NormConfig, TransformerConfig
from trasluz.errors import TrasluzError
from trasluz.parse import parse
from trasluz.training.preset import ARCHITECTURES, NAMES, choose
from trasluz.training.settings import RunSettings, merge

PAIRS = (1, 997, 20_000, 20_001, 60_000, 1_000_000, 30_000_000)
BUDGETS: tuple[dict[str, Any], ...] = (
    {"seconds": None, "steps": None},
    {"seconds": 30.0, "steps": None},
    {"seconds": 86_400.0, "steps": None},
    {"seconds": None, "steps": 1009},
    {"seconds": 900.0, "steps": 1009},
)


def chosen(name: str, pairs: int, budget: dict[str, Any]) -> RunSettings:
    return parse(RunSettings, choose(name, pairs=pairs, **budget).settings, where="preset")


@pytest.mark.parametrize(("name", "budget"), list(itertools.product(NAMES, BUDGETS)))
def test_every_choice_is_a_run_that_can_be(name: str, budget: dict[str, Any]) -> None:
    for pairs in PAIRS:
        settings = chosen(name, pairs, budget)
        assert settings.preset == name
        assert settings.model.embedding.vocabulary == settings.tokenizer.vocabulary
        assert isinstance(settings.model, TransformerConfig)
        for stack in (settings.model.encoder, settings.model.decoder):
            assert settings.model.width % stack.attention.heads == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_choice_is_explained_sentence_by_sentence(name: str) -> None:
    given = choose(name, pairs=997, seconds=900.0, steps=None).reasons
    reasons = list(given.values())
    assert reasons[0].startswith("size ")
    assert any("vocabulary of 2000 pieces" in reason for reason in reasons)
    assert any(reason.startswith("dropout 0.2: ") for reason in reasons)
    assert all(": " in reason for reason in reasons)
    if name != "auto":
        assert reasons[0] == f"size {name}: as asked for"


def test_dropout_falls_with_the_pairs_and_where_time_is_short() -> None:
    rates = {
        (pairs, seconds): choose("tiny", pairs=pairs, seconds=seconds, steps=None).settings["model"][
            "encoder"
        ]
        for pairs in (997, 60_000)
        for seconds in (90.0, 900.0)
    }
    assert {key: stack["dropout"] for key, stack in rates.items()} == {
        (997, 90.0): 0.1,
        (997, 900.0): 0.2,
        (60_000, 90.0): 0.1,
        (60_000, 900.0): 0.1,
    }


def test_sizes_grow_from_tiny_to_big() -> None:
    chosen_models = (chosen(name, 997, BUDGETS[0]).model for name in ("tiny", "small", "base", "big"))
    models = [model for model in chosen_models if isinstance(model, TransformerConfig)]
    widths = [model.width for model in models]
    depths = [model.encoder.layers + model.decoder.layers for model in models]
    assert widths == sorted(set(widths))
    assert depths == sorted(depths)


@pytest.mark.parametrize(
    ("pairs", "seconds", "size"),
    [
        (997, None, "tiny"),
        (997, 86_400.0, "tiny"),
        (5_000_000, 60.0, "tiny"),
        (100_000, None, "small"),
        (5_000_000, 86_400.0, "small"),
        (5_000_000, None, "base"),
    ],
)
def test_the_size_follows_from_the_pairs_and_the_time(pairs: int, seconds: float | None, size: str) -> None:
    auto, asked = (
        choose(name, pairs=pairs, seconds=seconds, steps=None).settings["model"] for name in ("auto", size)
    )
    assert auto == asked


def test_more_pairs_have_more_pieces() -> None:
    vocabularies = [chosen("auto", pairs, BUDGETS[0]).tokenizer.vocabulary for pairs in PAIRS]
    assert vocabularies == sorted(vocabularies)
    assert len(set(vocabularies)) > 2


@pytest.mark.parametrize("budget", BUDGETS[1:])
def test_with_a_budget_the_rate_falls_to_zero(budget: dict[str, Any]) -> None:
    settings = chosen("small", 997, budget)
    assert (settings.optimizer.schedule, settings.average) == ("cosine", 0)


def test_without_a_budget_a_run_ends_by_itself() -> None:
    settings = chosen("small", 997, BUDGETS[0])
    assert settings.validation.patience > 0
    assert settings.optimizer.schedule == "inverse-sqrt"


@pytest.mark.parametrize(("given", "nearest"), [("tinny", "tiny"), ("Base", "base"), ("smal", "small")])
def test_an_unknown_preset_lists_the_known_ones_nearest_first(given: str, nearest: str) -> None:
    with pytest.raises(TrasluzError) as refused:
        choose(given, pairs=997, seconds=None, steps=None)
    sentence = str(refused.value)
    assert sentence.startswith(f"unknown preset {given!r}; allowed, nearest first: {nearest}, ")
    assert all(name in sentence for name in NAMES)


def test_a_choice_can_be_changed_without_changing_the_next_one() -> None:
    choose("tiny", pairs=997, seconds=None, steps=None).settings["model"]["width"] = 3
    assert chosen("tiny", 997, BUDGETS[0]).model.width != 3


def test_a_kind_can_be_chosen_without_losing_what_the_preset_says_beside_it() -> None:
    choice = choose("base", pairs=997, seconds=None, steps=None)
    changes = {"model": {"encoder": {"norm": {"kind": "rms"}}}, "tokenizer": {"kind": "bpe"}}
    settings = parse(RunSettings, merge(choice.settings, changes), where="preset")
    assert isinstance(settings.model, TransformerConfig)
    assert settings.model.encoder.norm == NormConfig(kind="rms", place="pre")
    assert settings.tokenizer.vocabulary == settings.model.embedding.vocabulary


@pytest.mark.parametrize(("name", "arch"), list(itertools.product(NAMES, ARCHITECTURES)))
def test_every_architecture_has_every_size(name: str, arch: str) -> None:
    settings = parse(
        RunSettings, choose(name, pairs=997, seconds=None, steps=701, arch=arch).settings, where="preset"
    )
    assert settings.model.kind == arch
    assert settings.model.embedding.vocabulary == settings.tokenizer.vocabulary


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_sizes_of_every_architecture_grow(arch: str) -> None:
    sizes = [choose(name, pairs=997, seconds=None, steps=701, arch=arch).settings for name in NAMES[1:]]
    widths = [settings["model"]["width"] for settings in sizes]
    assert widths == sorted(set(widths))


def test_an_unknown_architecture_lists_the_known_ones_nearest_first() -> None:
    with pytest.raises(TrasluzError) as refused:
        choose("tiny", pairs=997, seconds=None, steps=None, arch="recurent")
    assert str(refused.value) == (
        "unknown architecture 'recurent'; allowed, nearest first: recurrent, decoder-only, transformer"
    )
