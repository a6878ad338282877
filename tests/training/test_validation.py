"""Validation: its figures are those of every other door, its loss is the cross-entropy worked by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from trasluz.corpus.read import Pair
from trasluz.decoding.translator import Translator
from trasluz.evaluation.metrics import evaluate
from trasluz.models.loaded import LoadedModel
from trasluz.parse import parse
from trasluz.training.material import Material, prepare
from trasluz.training.settings import RunSettings, merge
from trasluz.training.validation import Validation, held_out_loss, validate


@pytest.fixture(scope="module")
def material(pairs: list[Pair], small: LoadedModel, tiny: Callable[..., dict[str, Any]]) -> Material:
    fixed = {"preset": "test", "model": small.manifest.model.model_dump(), "batch": {"tokens": 61}}
    settings = parse(RunSettings, merge(tiny(), fixed), where="test")
    return prepare(pairs[:47], pairs[47:], tokenizer=small.tokenizer, settings=settings)


@pytest.fixture
def validation(small: LoadedModel, material: Material) -> Validation:
    found = validate(small.model, material)
    small.model.eval()
    return found


def test_the_figures_are_those_of_evaluation(
    small: LoadedModel, material: Material, validation: Validation
) -> None:
    translator = Translator(small.model, small.tokenizer, longest_source=material.longest_source)
    evaluation = evaluate(translator, material.validation, beam=1)
    assert validation.evaluation is not None
    assert validation.metrics == evaluation.metrics
    assert validation.evaluation.translations == evaluation.translations
    for name, metric in evaluation.metrics.items():
        assert validation.figure(name) == metric.value
        assert metric.signature


def test_the_loss_is_the_cross_entropy_worked_by_hand(
    small: LoadedModel, material: Material, validation: Validation
) -> None:
    total, tokens = 0.0, 0
    for pair in material.validation:
        source, target = (
            torch.tensor([[*small.tokenizer.encode(text), 2]]) for text in (pair.source, pair.target)
        )
        given = torch.cat([torch.tensor([[1]]), target[:, :-1]], 1)
        probabilities = small.model.output(small.model(source, given)).double().softmax(-1)[0]
        for at, token in enumerate(target[0].tolist()):
            total -= math.log(probabilities[at, token].item())
            tokens += 1
    assert validation.loss == pytest.approx(total / tokens, rel=1e-5)
    assert validation.figure("loss") == -validation.loss


def test_the_loss_has_no_dropout_and_no_smoothing_and_leaves_no_trace_on_chance(
    small: LoadedModel, material: Material
) -> None:
    chance = torch.get_rng_state()
    first, second = (validate(small.model, material).loss for _ in range(2))
    small.model.eval()
    assert first == second == held_out_loss(small.model, material)
    assert torch.equal(torch.get_rng_state(), chance)


def test_the_model_goes_on_learning_afterwards(small: LoadedModel, material: Material) -> None:
    validate(small.model, material)
    learning = small.model.training
    small.model.eval()
    assert learning


def test_samples_are_the_same_sentences_every_time_and_from_all_over(
    material: Material, validation: Validation
) -> None:
    assert validation.evaluation is not None
    sources = [sample["source"] for sample in validation.samples]
    assert sources == [material.validation[at].source for at in (0, 4, 8)]
    assert [sample["translation"] for sample in validation.samples] == [
        validation.evaluation.translations[at].text for at in (0, 4, 8)
    ]
