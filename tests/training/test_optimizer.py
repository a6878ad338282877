"""The rate over a run, and which parameters decay."""

from __future__ import annotations

import math

import pytest
import torch

from trasluz.training.optimizer import make_optimizer, rate_at, set_rate
from trasluz.training.settings import OptimizerSettings


def rate(step: int, *, progress: float = 0.0, **settings: object) -> float:
    chosen = OptimizerSettings.model_validate({"rate": 0.5, "warmup": 100, **settings})
    return rate_at(step, progress=progress, settings=chosen)


@pytest.mark.parametrize("schedule", ["inverse-sqrt", "cosine", "constant"])
def test_the_rate_rises_in_a_straight_line_to_its_peak(schedule: str) -> None:
    assert rate(0, schedule=schedule) == pytest.approx(0.005)
    assert rate(49, schedule=schedule) == pytest.approx(0.25)
    assert rate(99, schedule=schedule) == pytest.approx(0.5)


def test_the_inverse_square_root_halves_in_four_times_the_steps() -> None:
    assert rate(399, schedule="inverse-sqrt") == pytest.approx(0.25)


def test_the_cosine_falls_with_the_budget() -> None:
    assert rate(500, progress=0.5, schedule="cosine") == pytest.approx(0.25)
    assert rate(500, progress=1 / 3, schedule="cosine") == pytest.approx(
        0.5 * (1 + math.cos(math.pi / 3)) / 2
    )
    assert rate(500, progress=1.0, schedule="cosine") == pytest.approx(0.0)


def test_the_constant_stays() -> None:
    assert rate(5000, progress=0.9, schedule="constant") == 0.5


def test_matrices_decay_and_vectors_do_not() -> None:
    model = torch.nn.Linear(3, 5)
    optimizer = make_optimizer(model, OptimizerSettings(weight_decay=0.1))
    decay = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    assert decay == {id(model.weight): 0.1, id(model.bias): 0.0}


def test_the_rate_is_set_for_every_group() -> None:
    optimizer = make_optimizer(torch.nn.Linear(3, 5), OptimizerSettings())
    set_rate(optimizer, 0.25)
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.25]
