"""The words of `trasluz train` and its files become settings: budgets, seeds, keys with values."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from trasluz.cli.train import column_numbers, duration, flags, is_setting, read_yaml, settings_of
from trasluz.errors import TrasluzError

Command = Callable[..., CompletedProcess[str]]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "model"


def settings_in(out: Path) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads((out / "settings.json").read_text())["settings"]
    return settings


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("15m", 900),
        ("2h", 7200),
        ("1d", 86400),
        ("1h30m", 5400),
        ("3m30s", 210),
        ("0.5h", 1800),
        ("1d2h3m4s", 93784),
    ],
)
def test_a_length_of_time_is_read_as_people_write_it(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "15 m", "15min", "-3m", "1.5.2h", "soon", "1h,30m", "3M"])
def test_what_is_no_length_of_time_is_said_with_what_is(text: str) -> None:
    with pytest.raises(TrasluzError) as refused:
        duration(text)
    assert str(refused.value) == f"{text!r} is no length of time; write it as 90s, 15m, 2h or 1h30m"


@pytest.mark.parametrize("text", ["", "1", "1;2", "0,1", "1,0", "1,2,3", "a,b", "-1,2", "1, 2"])
def test_what_names_no_two_columns_is_said(text: str) -> None:
    with pytest.raises(TrasluzError, match="names no two columns; write them as 1,2, counted from 1"):
        column_numbers(text)


def test_columns_are_counted_from_one() -> None:
    assert column_numbers("3,11") == (3, 11)


def test_words_with_an_equals_sign_are_settings_unless_a_file_has_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_setting("model.encoder.layers=6")
    assert is_setting("seed=3")
    assert is_setting("Model.width=12"), "a wrong key, and no file"
    assert is_setting(f"model.encoder={{layers: {'1' * 300}}}"), "longer than any name of a file"
    assert not is_setting("pairs.tsv")
    assert not is_setting("./seed=3")
    Path("seed=3").touch()
    assert not is_setting("seed=3")


def test_settings_are_read_as_yaml_and_laid_over_one_another() -> None:
    words = ["model.width=12", "x.tsv", "model.encoder={layers: 1}", "model.width=17", "source_language=en"]
    assert settings_of(words) == {
        "model": {"width": 17, "encoder": {"layers": 1}},
        "source_language": "en",
    }
    with pytest.raises(TrasluzError, match=r"^model.encoder=\{layers is not valid YAML: "):
        settings_of(["model.encoder={layers"])


def test_options_stand_for_settings() -> None:
    assert flags(time=None, steps=None, score=None, seed=None) == {}
    assert flags(time="2m", steps=None, score=None, seed=None) == {"budget": {"seconds": 120.0}}
    assert flags(time=None, steps=7, score=None, seed=None) == {"budget": {"steps": 7}}
    assert flags(time="2m", steps=7, score=None, seed=0) == {
        "budget": {"seconds": 120.0, "steps": 7},
        "seed": 0,
    }
    model = flags(time=None, steps=None, score="mlp", seed=None)["model"]
    assert model["encoder"] == model["decoder"] == {"attention": {"score": "mlp"}}


def test_a_file_of_settings_is_a_mapping(tmp_path: Path) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text("model:\n  width: 12\nsource_language: español\n", encoding="utf-8")
    assert read_yaml(config) == {"model": {"width": 12}, "source_language": "español"}


@pytest.mark.parametrize("words", [["--time", "7s"], ["--steps", 3], ["budget.seconds=7"]])
def test_a_budget_is_laid_over_that_of_a_file(
    trasluz: Command,
    pairs_file: Path,
    small_settings: tuple[str, ...],
    out: Path,
    tmp_path: Path,
    words: list[object],
) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text("budget: {steps: 2, seconds: 77}\n")
    command = ("train", pairs_file, *small_settings, "--out", out)
    done = trasluz(*command, "--config", config, *words)
    assert done.returncode == 0, done.stderr
    expected = {"steps": 3, "seconds": 77.0} if words[0] == "--steps" else {"steps": 2, "seconds": 7.0}
    assert settings_in(out)["budget"] == expected


def test_a_run_that_goes_on_has_the_budget_that_is_given_now(
    trasluz: Command, pairs_file: Path, small_settings: tuple[str, ...], out: Path
) -> None:
    command = ("train", pairs_file, *small_settings, "--out", out)
    for words, budget in (
        (["--time", "0.001s"], {"seconds": 0.001, "steps": None}),
        (["--steps", 3], {"seconds": None, "steps": 3}),
        (["budget.steps=4"], {"seconds": None, "steps": 4}),
    ):
        done = trasluz(*command, *words)
        assert done.returncode == 0, done.stderr
        assert settings_in(out)["budget"] == budget
    record = [json.loads(line) for line in (out / "metrics.jsonl").read_text("utf-8").splitlines()]
    assert record[-1]["step"] == 4


def test_a_seed_is_the_same_however_it_is_given(
    trasluz: Command, pairs_file: Path, small_settings: tuple[str, ...], tmp_path: Path
) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text("seed: 3\n")
    ways: tuple[list[object], ...] = (
        [],
        ["--seed", 1],
        ["--seed", 3],
        ["seed=3"],
        ["--config", config],
        ["--seed", 0],
    )
    splits = []
    for number, words in enumerate(ways):
        done = trasluz(
            "train", pairs_file, *small_settings, "--steps", 1, "--out", tmp_path / str(number), *words
        )
        assert done.returncode == 0, done.stderr
        splits.append(json.loads((tmp_path / str(number) / "settings.json").read_text())["validation_pairs"])
    assert splits[0] == splits[1]
    assert splits[2] == splits[3] == splits[4]
    assert len(set(splits)) == 3
