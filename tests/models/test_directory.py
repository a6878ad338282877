"""A model on disk: what is saved is loaded, what is damaged is said, and nothing is ever unpickled."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from trasluz.config import TransformerConfig
from trasluz.corpus.read import Pair
from trasluz.errors import TrasluzError
from trasluz.models.build import build_model
from trasluz.models.directory import CONFIG, WEIGHTS, read_json, save_model, write_json, write_whole
from trasluz.models.load import load_model
from trasluz.models.loaded import LoadedModel
from trasluz.models.transformer import Transformer
from trasluz.parse import parse
from trasluz.text.sentencepieces import FILE as TOKENIZER
from trasluz.text.sentencepieces import SentencePieces

SOURCE = torch.tensor([[5, 6, 7, 8, 2], [9, 10, 2, 0, 0]])
TARGET = torch.tensor([[11, 12, 13, 2], [14, 2, 0, 0]])


@pytest.fixture
def place(small: LoadedModel, tmp_path: Path) -> Path:
    """A directory with a whole model."""
    directory = tmp_path / "model"
    save_model(directory, manifest=small.manifest, model=small.model, tokenizer=small.tokenizer)
    return directory


def refusal(directory: Path) -> str:
    """The one sentence with which a directory is refused."""
    with pytest.raises(TrasluzError) as refused:
        load_model(directory)
    return str(refused.value)


def change_config(directory: Path, **changes: Any) -> None:
    write_json(directory / CONFIG, {**read_json(directory / CONFIG), **changes})


def test_what_is_saved_is_what_is_loaded_bit_for_bit(small: LoadedModel, place: Path) -> None:
    loaded = load_model(place)
    assert loaded.manifest == small.manifest
    assert not loaded.model.training
    theirs = dict(loaded.model.named_parameters())
    for name, parameter in small.model.named_parameters():
        assert torch.equal(theirs[name], parameter), name
    before, after = (
        one.output(one(SOURCE, one.teacher_forced(TARGET))) for one in (small.model, loaded.model)
    )
    assert torch.equal(before, after)


def test_the_tokenizer_comes_back_too(small: LoadedModel, place: Path, pairs: list[Pair]) -> None:
    texts = [pair.source for pair in pairs] + ["¿qué? 猫 \U0001f600"]
    assert load_model(place).tokenizer.encode_all(texts) == small.tokenizer.encode_all(texts)


@pytest.mark.parametrize(
    ("embedding", "tables"),
    [({}, 1), ({"shared": False}, 2), ({"tied": False}, 2), ({"shared": False, "tied": False}, 3)],
)
def test_a_table_that_is_shared_is_written_once_and_shared_again(
    small: LoadedModel, tmp_path: Path, embedding: dict[str, bool], tables: int
) -> None:
    entries = len(small.tokenizer)
    settings = {"width": 20, "embedding": {"vocabulary": entries, **embedding}}
    config = parse(TransformerConfig, settings, where="test")
    manifest = small.manifest.model_copy(update={"model": config})
    save_model(tmp_path, manifest=manifest, model=build_model(config), tokenizer=small.tokenizer)
    written = [
        name for name, tensor in load_file(tmp_path / WEIGHTS).items() if tensor.shape == (entries, 20)
    ]
    model = load_model(tmp_path).model
    assert isinstance(model, Transformer)
    weights = (model.source_embedding.table.weight, model.target_embedding.table.weight, model.output.weight)
    assert len(written) == tables
    assert len({weight.data_ptr() for weight in weights}) == tables


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nowhere") == (
        f"{tmp_path / 'nowhere'}: there is no such model directory; give the --out of a `trasluz train`, "
        "or a checkpoint of Hugging Face's kind"
    )


@pytest.mark.parametrize("part", [CONFIG, WEIGHTS, TOKENIZER])
def test_a_missing_part_is_named(place: Path, part: str) -> None:
    (place / part).unlink()
    assert refusal(place).startswith(f"{place} is not a whole model: {part} is missing")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_weights_that_were_cut_off_are_damaged(place: Path, share: float) -> None:
    whole = (place / WEIGHTS).read_bytes()
    (place / WEIGHTS).write_bytes(whole[: int(share * len(whole))])
    assert refusal(place).startswith(f"{place / WEIGHTS} is damaged or is no safetensors file (")
    assert refusal(place).endswith("; copy or train it again")


class Trap:
    """What runs when somebody unpickles it."""

    def __init__(self, touched: Path) -> None:
        self.touched = touched

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.touched,)


@pytest.mark.parametrize("by_torch", [False, True])
def test_nothing_is_unpickled(place: Path, tmp_path: Path, by_torch: bool) -> None:
    touched = tmp_path / "touched"
    if by_torch:
        torch.save({"weights": Trap(touched)}, place / WEIGHTS)
    else:
        (place / WEIGHTS).write_bytes(pickle.dumps(Trap(touched)))
    assert "is damaged or is no safetensors file" in refusal(place)
    for part in (TOKENIZER, CONFIG):
        (place / part).write_bytes(pickle.dumps(Trap(touched)))
        assert "is damaged" in refusal(place)
    assert not touched.exists()


def test_weights_of_another_model_list_what_is_missing_and_what_is_left_over(place: Path) -> None:
    names = set(load_file(place / WEIGHTS))
    save_file({"model.layers.0.weight": torch.zeros(3, 5), "lm_head": torch.zeros(2)}, place / WEIGHTS)
    sentence = refusal(place)
    assert sentence.startswith(f"{place / WEIGHTS} does not fit its {CONFIG}: it ")
    left_over = re.findall(r"it has (\S+), which the model does not know", sentence)
    assert left_over == ["lm_head", "model.layers.0.weight"]
    assert set(re.findall(r"it lacks ([^\s;]+)", sentence)) == names


def test_a_tensor_of_another_shape_is_named_with_both_shapes(place: Path) -> None:
    weights = load_file(place / WEIGHTS)
    name = next(name for name in weights if name.endswith("widen.weight"))
    weights[name] = torch.zeros(5, 7)
    save_file(weights, place / WEIGHTS)
    assert refusal(place) == (
        f"{place / WEIGHTS} does not fit its {CONFIG}: "
        f"it has {name} of shape [5, 7] where the model expects [17, 12]"
    )


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_a_format_of_another_time_is_refused(place: Path, version: object) -> None:
    change_config(place, format=version)
    assert refusal(place) == (
        f"{place / CONFIG}: the format version is {version!r}, but this Trasluz reads version 1; "
        "use the Trasluz that wrote the model, or train it again"
    )


def test_an_unknown_key_names_the_nearest_one(place: Path) -> None:
    change_config(place, longest_sorce=5)
    assert refusal(place).startswith(
        f"{place / CONFIG}: unknown key 'longest_sorce'; known, nearest first: longest_source, "
    )


def test_a_configuration_that_cannot_be_is_said(place: Path) -> None:
    model = read_json(place / CONFIG)["model"]
    change_config(place, model={**model, "width": 13})
    assert "the width 13 is not divisible by the 3 heads of the encoder" in refusal(place)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"format": 1,', "it is not valid JSON"),
        (b"", "it is not valid JSON"),
        (b'{"format": "\xff"}', "it is not valid JSON"),
        (b"[1, 2]", "it should hold a JSON object, but holds a list"),
        (b"3", "it should hold a JSON object, but holds a int"),
        (b"[" * 100_000, "its JSON is nested too deeply"),
        (b'{"format": ' + b"1" * 5000 + b"}", "a number in it has too many digits"),
    ],
)
def test_a_damaged_configuration_is_said_with_what_is_wrong(place: Path, data: bytes, why: str) -> None:
    (place / CONFIG).write_bytes(data)
    assert refusal(place).startswith(f"{place / CONFIG} is damaged: {why}")


def test_the_line_of_broken_json_is_told(place: Path) -> None:
    (place / CONFIG).write_text('{\n  "format": 1,\n  oops\n}')
    assert "line 3" in refusal(place)


def test_a_tokenizer_of_another_model_is_refused(small: LoadedModel, place: Path) -> None:
    other = SentencePieces.learn(["one two three", "uno dos tres"], vocabulary=283)
    (place / TOKENIZER).write_bytes(other.files()[TOKENIZER])
    assert refusal(place) == (
        f"{place}: {TOKENIZER} has {len(other)} entries, but {CONFIG} says {len(small.tokenizer)}; "
        "one of them belongs to another model"
    )


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_a_tokenizer_that_was_cut_off_is_refused(place: Path, share: float) -> None:
    whole = (place / TOKENIZER).read_bytes()
    (place / TOKENIZER).write_bytes(whole[: int(share * len(whole))])
    assert "tokenizer" in refusal(place)


def test_a_full_disk_leaves_what_was_there_and_no_half_written_file(
    tmp_path: Path, fill_the_disk: Callable[[Callable[[Path], bool]], None]
) -> None:
    path = tmp_path / "file"
    write_whole(path, b"what was there")
    fill_the_disk(lambda path: True)
    with pytest.raises(TrasluzError) as refused:
        write_whole(path, b"what should come")
    assert str(refused.value) == (
        f"{path} could not be written (No space left on device); what was there before is untouched. "
        "Free some room or choose another --out"
    )
    assert path.read_bytes() == b"what was there"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("part", [CONFIG, WEIGHTS, TOKENIZER])
def test_a_disk_that_fills_while_a_model_is_written_leaves_the_old_one_whole(
    small: LoadedModel,
    place: Path,
    fill_the_disk: Callable[[Callable[[Path], bool]], None],
    part: str,
) -> None:
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    fill_the_disk(lambda path: part in path.name)
    with pytest.raises(TrasluzError, match="No space left on device"):
        save_model(place, manifest=small.manifest, model=small.model, tokenizer=small.tokenizer)
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before
    load_model(place)


def test_what_is_written_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, there_when_synced = tmp_path / "file", []
    monkeypatch.setattr("os.fsync", lambda handle: there_when_synced.append(path.exists()))
    write_whole(path, b"data")
    assert there_when_synced == [False]
    assert path.read_bytes() == b"data"


def test_json_is_written_for_people(tmp_path: Path) -> None:
    write_json(tmp_path / "facts.json", {"niño": [1, None]})
    assert read_json(tmp_path / "facts.json") == json.loads('{"niño": [1, null]}')
    assert "niño" in (tmp_path / "facts.json").read_text(encoding="utf-8")
