"""The command `trasluz info`: what a model is made of, for people and for programs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

from safetensors.torch import load_file

Command = Callable[..., CompletedProcess[str]]
Refusal = Callable[..., str]


def test_json_has_sizes_settings_and_the_record_of_training(trasluz: Command, trained: Path) -> None:
    done = trasluz("info", trained, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    facts = json.loads(done.stdout)
    weights = load_file(trained / "model.safetensors")
    assert facts["parameters"] == sum(tensor.numel() for tensor in weights.values())
    assert facts["weights_bytes"] == (trained / "model.safetensors").stat().st_size
    assert (facts["model"]["width"], facts["model"]["encoder"]["attention"]["heads"]) == (12, 3)
    assert facts["training"]["pairs"] == 57
    assert set(facts["training"]["validation"]["metrics"]) == {"bleu", "chrf", "ter"}


def test_lines_say_the_same_as_json(trasluz: Command, trained: Path) -> None:
    lines = dict(line.split(maxsplit=1) for line in trasluz("info", trained).stdout.splitlines())
    facts = json.loads(trasluz("info", trained, "--json").stdout)
    assert lines["parameters"] == str(facts["parameters"])
    assert lines["model.encoder.attention.score"] == "scaled-dot"
    assert lines["training.versions.torch"] == facts["training"]["versions"]["torch"]


def test_a_model_without_a_record_of_training_is_a_model(
    trasluz: Command, trained: Path, tmp_path: Path
) -> None:
    for name in ("config.json", "model.safetensors", "tokenizer.model"):
        shutil.copy(trained / name, tmp_path)
    done = trasluz("info", tmp_path, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["training"] is None


def test_an_adapter_says_what_it_is_one_of(
    trasluz: Command, trained: Path, pairs_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "adapter"
    done = trasluz("train", pairs_file, "--from", trained, "--adapter", 2, "--out", out, "--steps", 1)
    assert done.returncode == 0, done.stderr
    facts = json.loads(trasluz("info", out, "--json").stdout)
    assert facts["adapter"] == {
        "base": str(trained),
        "rank": 2,
        "alpha": 4.0,
        "matrices": ["query", "value"],
    }
    below = json.loads(trasluz("info", trained, "--json").stdout)
    assert (below["adapter"], below["model"]) == (None, facts["model"])


def test_what_is_no_model_is_refused(refusal: Refusal, trained: Path, tmp_path: Path) -> None:
    assert refusal("info", tmp_path / "nowhere").startswith(f"{tmp_path / 'nowhere'}: there is no such model")
    assert refusal("info", tmp_path) == (
        f"{tmp_path} is not a whole model: config.json is missing (a model of Trasluz's own has config.json, "
        "model.safetensors and tokenizer.model; a checkpoint of Hugging Face's kind has config.json, its "
        "weights and the files of its tokenizer)"
    )
    file = tmp_path / "file"
    file.touch()
    assert refusal("info", file).startswith(f"{file}: this is a file, not a model directory; give the --out")
    for name in ("config.json", "model.safetensors", "tokenizer.model"):
        shutil.copy(trained / name, tmp_path)
    (tmp_path / "training.json").write_text("{")
    assert refusal("info", tmp_path).startswith(f"{tmp_path / 'training.json'} is damaged")
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-7])
    assert refusal("info", tmp_path).startswith(f"{weights} is damaged")
