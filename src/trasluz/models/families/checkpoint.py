"""A checkpoint of Hugging Face's kind, from its directory and back into one.

Only safetensors and JSON are read, and old PyTorch files with nothing but tensors in them; no code is run.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from trasluz.config import Manifest, ModelConfig
from trasluz.errors import TrasluzError, unknown
from trasluz.models.build import build_shapes, build_to_fill
from trasluz.models.directory import CONFIG, FORMAT, WEIGHTS, read_json, write_tokenizer, write_whole
from trasluz.models.families.family import Family, Files, Languages
from trasluz.models.families.gpt2 import FAMILY as GPT2
from trasluz.models.families.hints import CONFIG as TOKENIZER_CONFIG
from trasluz.models.families.llama import FAMILY as LLAMA
from trasluz.models.families.m2m100 import FAMILY as M2M100
from trasluz.models.families.marian import FAMILY as MARIAN
from trasluz.models.families.mbart import FAMILY as MBART
from trasluz.models.families.names import check, to_ours, to_theirs
from trasluz.models.families.pegasus import FAMILY as PEGASUS
from trasluz.models.families.reading import Reading
from trasluz.models.families.t5 import FAMILY as T5
from trasluz.models.loaded import LoadedModel, Origin

FAMILIES = {family.model_type: family for family in (T5, MBART, MARIAN, M2M100, PEGASUS, GPT2, LLAMA)}

OLD_WEIGHTS = "pytorch_model.bin"
INDEX = ".index.json"
BESIDE = (
    "generation_config.json",
    "chat_template.jinja",
    "chat_template.json",
    *(f"{name}{suffix}" for name in ("LICENSE", "NOTICE") for suffix in ("", ".txt", ".md")),
)
"""Files that are neither configuration, weights nor tokeniser, and go with a checkpoint."""
LENGTHS = ("max_position_embeddings", "n_positions")
SHORTEST, NO_LIMIT = 8, 10**9
"""What is said of lengths is one only between them: some tokenisers say 10^30 where they have none."""
USUAL_LENGTH = 512
"""That of T5, which does not always say it."""


def load_checkpoint(directory: Path, *, device: torch.device | None, languages: Languages) -> LoadedModel:
    """Read a checkpoint of a known family, in evaluation mode and in float32.

    Raises `TrasluzError` for a family that is not known, for a part that is missing, damaged, quantised or
    that does not fit the others, and for what the stack has not.
    """
    settings = read_json(directory / CONFIG)
    family = family_of(settings, directory)
    tensors, notes = read_weights(directory)
    config = _config(family, settings, stored=tensors, directory=directory)
    files = Files(directory)
    tokenizer = family.tokenizer(files, config, languages)
    symbols = config.symbols.model_copy(
        update={"start": tokenizer.frame.start, "unknown": tokenizer.unknown_id}
    )
    config = config.model_copy(update={"symbols": symbols})
    table = family.table(config)
    named = table.prefixed(tensors)
    check(named, table, build_shapes(config), where=directory)  # before memory is taken for the model
    model = build_to_fill(config)
    to_ours(named, table, model, where=directory)
    return LoadedModel(
        manifest=_manifest(family, settings, config, languages, files),
        model=model.to(device or torch.device("cpu")).eval(),
        tokenizer=tokenizer,
        origin=Origin(settings, {name: files.data(name) for name in BESIDE if files.has(name)}),
        notes=notes,
    )


def read_checkpoint_manifest(directory: Path) -> Manifest:
    """What a checkpoint says of its model, without its weights and its tokeniser."""
    settings = read_json(directory / CONFIG)
    family = family_of(settings, directory)
    config = _config(family, settings, stored=stored_names(directory), directory=directory)
    return _manifest(family, settings, config, Languages(), Files(directory))


def save_checkpoint(directory: Path, loaded: LoadedModel) -> None:
    """Write a model that came from a checkpoint as the checkpoint it came from, its weights in float32."""
    assert loaded.origin is not None
    settings = dict(loaded.origin.settings)
    settings |= {key: "float32" for key in ("dtype", "torch_dtype") if key in settings}
    table = family_of(settings, directory).table(loaded.manifest.model)
    directory.mkdir(parents=True, exist_ok=True)
    write_tokenizer(directory, loaded.tokenizer)
    for name, data in loaded.origin.files.items():
        write_whole(directory / name, data)
    write_whole(directory / CONFIG, (json.dumps(settings, indent=2, ensure_ascii=False) + "\n").encode())
    write_whole(directory / WEIGHTS, save(to_theirs(loaded.model, table), metadata={"format": "pt"}))


def family_of(settings: Mapping[str, Any], directory: Path) -> Family:
    """The family that a config.json names.

    Raises `TrasluzError` for another one, and for weights that are quantised.
    """
    given = settings.get("model_type")
    if not isinstance(given, str) or given not in FAMILIES:
        raise TrasluzError(f"{directory}: {unknown('family of checkpoints', str(given), FAMILIES)}")
    if quantization := settings.get("quantization_config"):
        method = quantization.get("quant_method", "?") if isinstance(quantization, Mapping) else quantization
        raise TrasluzError(
            f"{directory} is quantised ({method}), and its weights cannot be read back as they were; give "
            "the checkpoint that it was made from"
        )
    return FAMILIES[given]


def read_weights(directory: Path) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """All tensors of a checkpoint in one or several files, and what a user should know of them."""
    places = _places(directory)
    tensors: dict[str, Tensor] = {}
    for place in places:
        tensors |= _read_old(place) if place.suffix == ".bin" else _read_safetensors(place)
    if places[0].suffix != ".bin":
        return tensors, ()
    return tensors, (
        f"{directory} has its weights in an old PyTorch file, of which only the tensors are read; "
        "`trasluz export --to huggingface` writes safetensors",
    )


def stored_names(directory: Path) -> set[str]:
    """The names of all tensors of a checkpoint."""
    places = _places(directory)
    if places[0].suffix == ".bin":
        return set(read_weights(directory)[0])
    names: set[str] = set()
    for place in places:
        with _damage_told(place), safe_open(place, framework="pt") as file:
            names |= set(file.keys())
    return names


def _places(directory: Path) -> list[Path]:
    """The files that hold the weights."""
    for name in (WEIGHTS, OLD_WEIGHTS):
        if (directory / name).is_file():
            return [directory / name]
        index = directory / f"{name}{INDEX}"
        if index.is_file():
            return _shards(index)
    raise TrasluzError(
        f"{directory}: there are no weights: neither {WEIGHTS} nor {OLD_WEIGHTS}, whole or in shards with an "
        f"index ({WEIGHTS}{INDEX}); copy the whole checkpoint again"
    )


def _shards(index: Path) -> list[Path]:
    names = read_json(index).get("weight_map")
    if not isinstance(names, Mapping) or not names or not all(isinstance(one, str) for one in names.values()):
        raise TrasluzError(f"{index} is damaged: it should name the file of each tensor")
    places = [index.parent / name for name in sorted(set(names.values()))]
    missing = [place.name for place in places if not place.is_file() or place.parent != index.parent]
    if missing:
        raise TrasluzError(
            f"{index.parent}: {len(missing)} of {len(places)} files of weights are missing: "
            f"{', '.join(missing)}; copy the whole checkpoint again"
        )
    return places


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    with _damage_told(path):
        return load_file(path)


def _read_old(path: Path) -> dict[str, Tensor]:
    """The tensors of an old PyTorch file; anything else in it is refused, not run."""
    with _damage_told(path), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch about the age of the file, with paths in its own source
        found = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(found, dict) or not all(_is_named_tensor(*one) for one in found.items()):
        raise TrasluzError(
            f"{path} holds something besides dense tensors by their names, and nothing else is read"
        )
    return found


def _is_named_tensor(name: object, one: object) -> bool:
    dense = isinstance(one, Tensor) and one.layout is torch.strided and not one.is_meta
    return isinstance(name, str) and dense


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    """Whatever goes wrong inside is told as damage of the file; torch raises all kinds of errors there."""
    with path.open("rb"):  # what may not be read is missing, if safetensors is asked
        pass
    try:
        yield
    except (PermissionError, FileNotFoundError, MemoryError):
        raise
    except Exception:
        raise TrasluzError(
            f"{path} is damaged, or holds something besides tensors, and nothing else is read; copy it again"
        ) from None


def _config(family: Family, settings: Mapping[str, Any], *, stored: Collection[str], directory: Path) -> Any:
    reading = Reading(settings, stored=stored, where=str(directory / CONFIG))
    return family.config_from_hf(reading)


def _manifest(
    family: Family, settings: Mapping[str, Any], config: ModelConfig, languages: Languages, files: Files
) -> Manifest:
    said = [settings.get(key) for key in LENGTHS]
    said.append(files.settings(TOKENIZER_CONFIG).get("model_max_length"))
    lengths = [one for one in said if isinstance(one, int) and SHORTEST < one < NO_LIMIT]
    longest = min(lengths, default=USUAL_LENGTH)
    return Manifest(
        format=FORMAT,
        task=family.task,
        model=config,
        longest_source=longest,
        most_sentences=family.most_sentences,
        source_language=languages.source,
        target_language=languages.target,
    )
