"""Checkpoints: what they bring back, what they never bring back, and what is left when the disk is full."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from trasluz.errors import TrasluzError
from trasluz.training.checkpoint import OPTIMIZER, PROGRESS, WEIGHTS, Checkpoints, Progress
from trasluz.training.optimizer import make_optimizer
from trasluz.training.settings import OptimizerSettings

FillTheDisk = Callable[[Callable[[Path], bool]], None]


class Learner:
    """A model of one layer that learns by chance, so that weights, moments and chance all matter."""

    def __init__(self) -> None:
        self.model = nn.Linear(3, 5)
        self.optimizer = make_optimizer(self.model, OptimizerSettings(rate=0.1, weight_decay=0.1))
        self.step = 0

    def learn(self, steps: int) -> None:
        """So many updates, each on inputs that are drawn."""
        for _ in range(steps):
            self.optimizer.zero_grad(set_to_none=False)
            self.model(torch.rand(7, 3)).square().sum().backward()
            self.optimizer.step()
            self.step += 1

    def save(self, checkpoints: Checkpoints) -> None:
        """A checkpoint of this moment."""
        checkpoints.save(Progress(step=self.step), self.model, self.optimizer)

    def fill(self, value: float) -> None:
        """Give every weight one value."""
        for parameter in self.model.parameters():
            nn.init.constant_(parameter, value)

    def everything(self) -> dict[str, Tensor]:
        """Weights, moments and steps of the optimiser."""
        state = {name: parameter.detach().clone() for name, parameter in self.model.named_parameters()}
        for name, parameter in self.model.named_parameters():
            for kind, value in self.optimizer.state[parameter].items():
                state[f"{kind} {name}"] = value.clone()
        return state


@pytest.fixture
def learner() -> Learner:
    """One that has learnt already."""
    made = Learner()
    made.learn(3)
    return made


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "checkpoints", keep=3)


def steps_of(checkpoints: Checkpoints) -> list[int]:
    return [int(place.name.removeprefix("step-")) for place in checkpoints.places()]


def last(checkpoints: Checkpoints) -> Path:
    place = checkpoints.latest()
    assert place is not None
    return place


def test_everything_comes_back_bit_for_bit(learner: Learner, checkpoints: Checkpoints) -> None:
    progress = Progress(step=3, epoch=2, index=5, seconds=1 / 3, tokens=11, validations=1, best=-0.1)
    checkpoints.save(progress, learner.model, learner.optimizer)
    saved, chance = learner.everything(), torch.get_rng_state()
    other = Learner()
    assert checkpoints.resume(last(checkpoints), other.model, other.optimizer) == progress
    restored = other.everything()
    assert restored.keys() == saved.keys()
    assert {name.split()[0] for name in saved if " " in name} == {"exp_avg", "exp_avg_sq", "step"}
    for name, tensor in saved.items():
        assert torch.equal(restored[name], tensor), name
    assert torch.equal(torch.get_rng_state(), chance)


def test_learning_goes_on_as_it_would_have(learner: Learner, checkpoints: Checkpoints) -> None:
    learner.save(checkpoints)
    learner.learn(5)
    other = Learner()
    other.learn(2)
    checkpoints.resume(last(checkpoints), other.model, other.optimizer)
    other.learn(5)
    for name, tensor in learner.everything().items():
        assert torch.equal(other.everything()[name], tensor), name


def test_where_there_is_nothing_there_is_no_checkpoint(checkpoints: Checkpoints) -> None:
    assert (checkpoints.latest(), checkpoints.places()) == (None, [])


def test_what_stands_under_the_name_of_writing_is_never_read(
    learner: Learner, checkpoints: Checkpoints
) -> None:
    learner.save(checkpoints)
    whole = last(checkpoints)
    whole.rename(whole.with_name(f".{whole.name}.writing"))
    assert (checkpoints.latest(), checkpoints.places()) == (None, [])
    learner.save(checkpoints)
    assert [place.name for place in checkpoints.directory.iterdir()] == ["step-00000003"]


def test_what_a_kill_left_half_written_is_cleared_away(learner: Learner, checkpoints: Checkpoints) -> None:
    half_written = checkpoints.directory / ".step-00000002.writing"
    half_written.mkdir(parents=True)
    (half_written / WEIGHTS).write_bytes(b"half of")
    learner.save(checkpoints)
    assert [place.name for place in checkpoints.directory.iterdir()] == ["step-00000003"]


@pytest.mark.parametrize("missing", [PROGRESS, (OPTIMIZER, PROGRESS), (WEIGHTS, OPTIMIZER, PROGRESS)])
def test_a_checkpoint_without_its_last_part_is_passed_over(
    learner: Learner, checkpoints: Checkpoints, missing: str | tuple[str, ...]
) -> None:
    learner.save(checkpoints)
    learner.learn(1)
    whole = last(checkpoints)
    kept = {part.name: part.read_bytes() for part in whole.iterdir()}
    learner.save(checkpoints)
    for name, data in kept.items():  # as if it had been let go only after a kill
        (whole / name).write_bytes(data)
    for name in [missing] if isinstance(missing, str) else missing:
        (checkpoints.directory / "step-00000004" / name).unlink()
    assert last(checkpoints) == whole
    learner.save(checkpoints)
    assert last(checkpoints).name == "step-00000004"
    assert checkpoints.resume(last(checkpoints), learner.model, learner.optimizer).step == 4


def test_only_the_latest_weights_stay_and_only_the_last_can_be_resumed(
    learner: Learner, checkpoints: Checkpoints
) -> None:
    for _ in range(5):
        learner.learn(1)
        learner.save(checkpoints)
    assert steps_of(checkpoints) == [6, 7, 8]
    parts = [sorted(part.name for part in place.iterdir()) for place in checkpoints.places()]
    assert parts == [[WEIGHTS], [WEIGHTS], sorted([WEIGHTS, OPTIMIZER, PROGRESS])]
    assert last(checkpoints).name == "step-00000008"


def test_the_mean_of_the_last_weights_is_their_mean(learner: Learner, checkpoints: Checkpoints) -> None:
    for value in (100.0, 1.0, 2.0, 6.0):
        learner.fill(value)
        learner.save(checkpoints)
        learner.step += 1
    for count, mean in ((1, 6.0), (2, 4.0), (3, 3.0)):
        averaged = checkpoints.average(count)
        assert averaged.keys() == {"weight", "bias"}
        assert averaged["weight"].tolist() == [[mean] * 3] * 5
        assert averaged["bias"].tolist() == [mean] * 5


@pytest.mark.parametrize("part", [WEIGHTS, OPTIMIZER, PROGRESS])
def test_a_full_disk_leaves_the_last_good_checkpoint(
    learner: Learner, checkpoints: Checkpoints, fill_the_disk: FillTheDisk, part: str
) -> None:
    learner.save(checkpoints)
    good = last(checkpoints)
    before = {path.name: path.read_bytes() for path in good.iterdir()}
    learner.learn(4)
    fill_the_disk(lambda path: part in path.name)
    with pytest.raises(TrasluzError) as refused:
        learner.save(checkpoints)
    sentence = str(refused.value)
    assert sentence.startswith("the checkpoint of step 7 could not be written (")
    assert "No space left on device" in sentence
    assert "the one before it is whole, and the same command goes on from there" in sentence
    assert list(checkpoints.directory.iterdir()) == [good]
    assert {path.name: path.read_bytes() for path in good.iterdir()} == before
    assert last(checkpoints) == good


def test_a_disk_without_room_for_a_directory_is_said(
    learner: Learner, checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(TrasluzError, match=r"step 3 could not be written \(No space left on device\)"):
        learner.save(checkpoints)


def test_the_first_checkpoint_does_not_speak_of_one_before_it(
    learner: Learner, checkpoints: Checkpoints, fill_the_disk: FillTheDisk
) -> None:
    fill_the_disk(lambda path: True)
    with pytest.raises(TrasluzError, match="step 3 could not be written") as refused:
        learner.save(checkpoints)
    assert "the one before it" not in str(refused.value)


def test_a_second_checkpoint_of_the_same_step_takes_the_place_of_the_first(
    learner: Learner, checkpoints: Checkpoints
) -> None:
    learner.save(checkpoints)
    checkpoints.save(Progress(step=3, ended=True), learner.model, learner.optimizer)
    assert checkpoints.resume(last(checkpoints), learner.model, learner.optimizer).ended
    assert steps_of(checkpoints) == [3]


def test_a_damaged_checkpoint_is_said(learner: Learner, checkpoints: Checkpoints) -> None:
    learner.save(checkpoints)
    place = last(checkpoints)

    def refusal() -> str:
        with pytest.raises(TrasluzError) as refused:
            checkpoints.resume(place, learner.model, learner.optimizer)
        return str(refused.value)

    whole = (place / PROGRESS).read_bytes()
    (place / PROGRESS).write_bytes(b'{"step": 3, "stepp": 1}')
    assert refusal().startswith(f"{place / PROGRESS}: unknown key 'stepp'; known, nearest first: step, ")
    (place / PROGRESS).write_bytes(whole[:-5])
    assert refusal().startswith(f"{place / PROGRESS} is damaged")
    (place / WEIGHTS).write_bytes((place / WEIGHTS).read_bytes()[:-3])
    assert refusal().startswith(f"{place / WEIGHTS} is damaged or is no safetensors file")


def test_weights_of_an_older_checkpoint_are_those_of_its_time(
    learner: Learner, checkpoints: Checkpoints
) -> None:
    learner.save(checkpoints)
    weight = learner.model.weight.detach().clone()
    learner.learn(2)
    learner.save(checkpoints)
    assert torch.equal(load_file(checkpoints.places()[0] / WEIGHTS)["weight"], weight)
