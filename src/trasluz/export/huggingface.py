"""A model as a directory of Hugging Face's kind.

A model that came from a checkpoint goes back as it came; one that was trained here goes out in one of the
shapes of `trasluz.export.shapes`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from trasluz.config import TransformerConfig
from trasluz.export.agreement import EXACT, FILE, Agreement, agree
from trasluz.export.original import Original
from trasluz.export.place import beside, check_free
from trasluz.export.program import SPACE_MARK_NOTE, most_tokens
from trasluz.export.reader import is_installed, program_of
from trasluz.export.sample import Sample, usual_sample
from trasluz.export.shapes import MARIAN, Shape, shape_of
from trasluz.export.tokenizer_json import FILE as TOKENIZER_JSON
from trasluz.export.tokenizer_json import tokenizer_json
from trasluz.models.directory import CONFIG, WEIGHTS, write_json, write_whole
from trasluz.models.families.bart_table import table_of
from trasluz.models.families.checkpoint import save_checkpoint
from trasluz.models.families.names import to_theirs
from trasluz.models.loaded import LoadedModel
from trasluz.text.sentencepieces import FILE as PIECES

BEAM = 5
"""What transformers is told to search with, the usual of `trasluz translate`."""


def to_huggingface(
    loaded: LoadedModel, out: Path, *, sample: Sample | None = None, command: str | None = None
) -> Agreement:
    """Write a directory that transformers loads, after it agreed with the model on a sample.

    It is read back by transformers where that is installed, otherwise by Trasluz. The sample is the
    `usual_sample` of the model's source language. Raises `TrasluzError` with every reason why the model does
    not go out without loss, where `out` is taken, where there is no sample, and where both differ by more
    than the tolerance.
    """
    check_free(out)
    shape = None if loaded.origin is not None else shape_of(loaded.manifest.model)
    sample = sample or usual_sample(loaded)
    with beside(out) as (place,):
        place.mkdir()
        if shape is None:
            save_checkpoint(place, loaded)
        else:
            write_shape(place, loaded, shape)
        program = program_of(loaded, place, own_pieces=shape is not None)
        return agree(
            Original(loaded),
            program,
            sample=sample,
            tolerance=EXACT,
            file=place / FILE,
            about={
                "to": "huggingface",
                "architecture": "as it came" if shape is None else shape.architecture,
                "command": command,
                "notes": _notes(shape),
            },
        )


def write_shape(directory: Path, loaded: LoadedModel, shape: Shape) -> None:
    """Write a model that was trained here as a checkpoint of that shape."""
    manifest, config = loaded.manifest, loaded.manifest.model
    assert isinstance(config, TransformerConfig), "it has this shape"
    tensors = to_theirs(loaded.model, table_of(config))
    if shape.has_bias and not config.embedding.output_bias:  # transformers wants to read one
        tensors["final_logits_bias"] = torch.zeros(1, loaded.model.vocabulary)
    write_json(directory / CONFIG, shape.settings(manifest))
    write_json(directory / "generation_config.json", generation_settings(loaded))
    write_whole(directory / WEIGHTS, save(tensors, metadata={"format": "pt"}))
    for name, data in tokenizer_files(loaded, shape).items():
        write_whole(directory / name, data)


def generation_settings(loaded: LoadedModel) -> dict[str, Any]:
    """How transformers is told to write: searching and stopping as Trasluz does, and without symbols."""
    symbols, longest = loaded.model, loaded.manifest.longest_source
    return {
        "num_beams": BEAM,
        "length_penalty": 1.0,
        "max_length": most_tokens(longest, longest=None) + 1,  # the start symbol counts here
        "pad_token_id": symbols.pad_id,
        "bos_token_id": symbols.start_id,
        "eos_token_id": symbols.end_id,
        "decoder_start_token_id": symbols.start_id,
        "suppress_tokens": list(symbols.forbidden_ids),
    }


def tokenizer_files(loaded: LoadedModel, shape: Shape) -> dict[str, bytes]:
    """The files of the tokeniser: Marian's, which reads sentencepiece, or one for any architecture."""
    tokenizer, manifest = loaded.tokenizer, loaded.manifest
    data = tokenizer.files()[PIECES]
    names = tokenizer.names(range(len(tokenizer)))
    settings: dict[str, Any] = {
        "pad_token": names[tokenizer.pad_id],
        "eos_token": names[tokenizer.end_id],
        "unk_token": names[tokenizer.unknown_id],
        "model_max_length": manifest.longest_source,
        "clean_up_tokenization_spaces": False,
        "split_special_tokens": True,  # a symbol that is spelt out in a text is text
    }
    if shape is MARIAN:
        settings |= {"tokenizer_class": "MarianTokenizer"}
        settings |= {"source_lang": manifest.source_language, "target_lang": manifest.target_language}
        vocabulary = {name: number for number, name in enumerate(names)}
        own = {"source.spm": data, "target.spm": data, "vocab.json": to_json(vocabulary)}
    else:
        settings |= {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": names[tokenizer.start_id]}
        own = {TOKENIZER_JSON: tokenizer_json(data, end=names[tokenizer.end_id])}
    return {**own, "tokenizer_config.json": to_json(settings)}


def _notes(shape: Shape | None) -> list[str]:
    """What whoever uses the directory has to know."""
    notes = [] if shape is None else [SPACE_MARK_NOTE]
    if shape is MARIAN:
        notes.append("a text that begins with >> and goes on with << is read as if it named a language there")
    elif shape is not None:
        notes.append(
            "of bytes in a row that spell no text, all come out as U+FFFD there, also those that would"
        )
    if not is_installed():
        notes.append(
            "transformers was not installed: Trasluz itself read the directory back, its tokeniser too, and "
            "compared"
        )
    return notes


def to_json(value: Mapping[str, Any]) -> bytes:
    """A JSON file with that object."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
