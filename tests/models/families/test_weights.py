"""The weights of a checkpoint: in which numbers they may be, and one sentence for what cannot be read."""

from __future__ import annotations

import errno
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.models.families.checkpoints import ALL, ROWS, reference_of
from trasluz.errors import TrasluzError
from trasluz.models.directory import CONFIG, WEIGHTS
from trasluz.models.families.checkpoint import OLD_WEIGHTS
from trasluz.models.load import load_model, read_manifest


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A GPT-2."""
    checkpoint = ALL["gpt2"](tmp_path)
    reference_of(checkpoint).save_pretrained(checkpoint.files.directory)
    return checkpoint.files.directory


def refusal(directory: Path) -> str:
    with pytest.raises(TrasluzError) as refused:
        load_model(directory)
    return str(refused.value)


def test_no_weights(directory: Path) -> None:
    (directory / WEIGHTS).unlink()
    assert refusal(directory).startswith(
        f"{directory}: there are no weights: neither model.safetensors nor pytorch_model.bin, whole or in"
    )


def test_a_missing_shard(directory: Path) -> None:
    (directory / WEIGHTS).rename(directory / "model-00001-of-00002.safetensors")
    index = directory / f"{WEIGHTS}.index.json"
    names = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    index.write_text(json.dumps({"weight_map": names}))
    assert refusal(directory) == (
        f"{directory}: 1 of 2 files of weights are missing: model-00002-of-00002.safetensors; copy the "
        "whole checkpoint again"
    )
    index.write_text(json.dumps({"weight_map": {"a": "../elsewhere.safetensors"}}))
    assert "1 of 1 files of weights are missing" in refusal(directory)
    index.write_text("{}")
    assert refusal(directory) == f"{index} is damaged: it should name the file of each tensor"


def test_damaged_weights(directory: Path) -> None:
    data = (directory / WEIGHTS).read_bytes()
    (directory / WEIGHTS).write_bytes(data[: len(data) // 2])
    assert refusal(directory).startswith(f"{directory / WEIGHTS} is damaged, or holds something")


def test_old_weights_with_code_in_them_are_not_run(directory: Path) -> None:
    (directory / WEIGHTS).unlink()
    torch.save({"weight": Path("somewhere")}, directory / OLD_WEIGHTS)
    assert refusal(directory).startswith(f"{directory / OLD_WEIGHTS} is damaged, or holds something")
    torch.save({"weight": 3}, directory / OLD_WEIGHTS)
    assert refusal(directory).endswith(
        " something besides dense tensors by their names, and nothing else is read"
    )


@pytest.mark.parametrize("other", [{3: torch.ones(2)}, {"a": torch.eye(3).to_sparse()}, {"a": {}}, [1]])
def test_old_weights_that_are_no_dense_tensors_by_their_names(directory: Path, other: object) -> None:
    (directory / WEIGHTS).unlink()
    torch.save(other, directory / OLD_WEIGHTS)
    assert refusal(directory) == (
        f"{directory / OLD_WEIGHTS} holds something besides dense tensors by their names, and nothing "
        "else is read"
    )


@pytest.mark.parametrize("zipped", [True, False])
def test_damaged_old_weights(directory: Path, zipped: bool) -> None:
    path = directory / OLD_WEIGHTS
    torch.save(load_file(directory / WEIGHTS), path, _use_new_zipfile_serialization=zipped)
    (directory / WEIGHTS).unlink()
    whole = path.read_bytes()
    parts = [whole[:length] for length in (0, 1, 4, 300, len(whole) // 2, len(whole) - 1)]
    pickles = [pickle.dumps({"a": 3}, protocol=one) for one in range(6)]  # some of which torch warns of
    for data in [*parts, *pickles, b"hello there", b"{}", b"PK\x03\x04"]:
        path.write_bytes(data)
        assert refusal(directory).startswith(f"{path} is damaged, or holds something besides tensors")


@pytest.mark.parametrize("name", [WEIGHTS, OLD_WEIGHTS])
def test_weights_that_may_not_be_read(directory: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path, really = directory / name, Path.open
    (directory / WEIGHTS).rename(path)

    def open_as_somebody(own: Path, *more: Any, **named: Any) -> Any:
        if own == path:
            raise PermissionError(errno.EACCES, "Permission denied", str(own))
        return really(own, *more, **named)

    monkeypatch.setattr(Path, "open", open_as_somebody)
    for read in (load_model, read_manifest):
        with pytest.raises(PermissionError) as told:
            read(directory)
        assert told.value.filename == str(path)


@pytest.mark.parametrize("kind", [torch.int8, torch.bool, torch.complex64, torch.float8_e4m3fn])
def test_tensors_that_are_no_weights(directory: Path, kind: torch.dtype) -> None:
    name, tensors = "transformer.h.1.ln_1.bias", load_file(directory / WEIGHTS)
    tensors[name] = tensors[name].to(kind)
    save_file(tensors, directory / WEIGHTS)
    assert refusal(directory) == (
        f"{directory} does not fit its config.json: it has {name} as {str(kind).removeprefix('torch.')}, "
        "where Trasluz reads float16, bfloat16, float32, float64"
    )


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_other_precisions_are_read(directory: Path, kind: torch.dtype) -> None:
    tensors = {name: one.to(kind) for name, one in load_file(directory / WEIGHTS).items()}
    save_file(tensors, directory / WEIGHTS)
    found = dict(load_model(directory).model.named_parameters())["embedding.table.weight"]
    assert torch.equal(found, tensors["transformer.wte.weight"].float())


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (
            {"n_embd": 2**20},
            f"it has transformer.wte.weight of shape [{ROWS}, 26] where [{ROWS}, {2**20}] is",
        ),
        (
            {"vocab_size": 2**20},
            f"it has transformer.wte.weight of shape [{ROWS}, 26] where [{2**20}, 26] is",
        ),
        (
            {"n_positions": 10**9},
            f"it has transformer.wpe.weight of shape [61, 26] where [{10**9}, 26] is",
        ),
        (
            {"n_inner": 2**20},
            f"it has transformer.h.0.mlp.c_fc.weight of shape [26, 37] where [26, {2**20}] is",
        ),
        ({"n_layer": 30}, "it lacks transformer.h.10.attn.c_attn.bias"),
    ],
)
def test_sizes_are_those_of_the_tensors_before_memory_is_taken(
    directory: Path, settings: dict[str, Any], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trasluz.models.families.checkpoint.build_to_fill", None)
    path = directory / CONFIG
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | settings), encoding="utf-8")
    told = refusal(directory)
    assert told.startswith(f"{directory} does not fit its config.json: it ")
    assert why in told


def test_tensors_that_do_not_fit(directory: Path) -> None:
    tensors = load_file(directory / WEIGHTS)
    tensors["transformer.ln_f.weight"] = torch.ones(25)
    del tensors["transformer.h.1.ln_1.bias"]
    tensors["transformer.h.1.odd"] = torch.ones(1)
    tensors["lm_head.weight"] = torch.ones_like(tensors["transformer.wte.weight"])
    save_file(tensors, directory / WEIGHTS)
    assert refusal(directory) == (
        f"{directory} does not fit its config.json: it has lm_head.weight, which should be a copy of "
        "transformer.wte.weight but differs from it; it has transformer.h.1.odd, which no part of the "
        "model takes; it has transformer.ln_f.weight of shape [25] where [26] is expected; it lacks "
        "transformer.h.1.ln_1.bias"
    )
