"""A directory of Hugging Face's kind, read back and run: by transformers if it is there, else by Trasluz.

Letters: B rows, S source tokens, T tokens written.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trasluz.config import NO_PADDING, ModelConfig, TransformerConfig
from trasluz.export.original import Original
from trasluz.export.program import CONTINUATION, Program, Written, by_length, most_tokens, one_line, prompt_of
from trasluz.models.build import build_to_fill
from trasluz.models.directory import CONFIG, read_json
from trasluz.models.families.bart import table_of
from trasluz.models.families.checkpoint import FAMILIES, read_weights
from trasluz.models.families.names import Table, to_ours
from trasluz.models.families.reading import Reading
from trasluz.models.loaded import LoadedModel

BATCH = 64


def program_of(loaded: LoadedModel, directory: Path, *, own_pieces: bool) -> Program:
    """Whatever is there to run the directory that was written for a model.

    With `own_pieces` the tokeniser of the directory cuts and joins the texts, where transformers is there to
    run it; otherwise its files are those that came with the model, and the model's own does.
    """
    if not is_installed():
        return Original(read_back(loaded, directory))
    return Transformers(loaded, directory, own_pieces=own_pieces)


def library() -> Any:
    """Transformers, without its types."""
    import transformers

    return transformers


def is_installed() -> bool:
    """Whether transformers is there."""
    return find_spec("transformers") is not None


def read_back(loaded: LoadedModel, directory: Path) -> LoadedModel:
    """The model in a directory as Trasluz reads foreign checkpoints, with the tokeniser of the original.

    Of a family that it does not read, only the weights are read back.
    """
    settings = read_json(directory / CONFIG)
    tensors, _ = read_weights(directory)
    config, table = _plan(loaded.manifest.model, settings, tensors, where=directory)
    model = build_to_fill(config)
    to_ours(tensors, table, model, where=directory)
    return replace(loaded, manifest=loaded.manifest.model_copy(update={"model": config}), model=model.eval())


def _plan(
    own: ModelConfig, settings: Mapping[str, Any], stored: Collection[str], *, where: Path
) -> tuple[Any, Table]:
    """The configuration that a config.json gives, and the names of its tensors."""
    family = FAMILIES.get(settings["model_type"])
    if family is None:
        assert isinstance(own, TransformerConfig), "it has one of the shapes"
        biased = own.embedding.model_copy(update={"output_bias": "final_logits_bias" in stored})
        own = own.model_copy(update={"embedding": biased})
        return own, table_of(own)
    config = family.config_from_hf(Reading(settings, stored=stored, where=str(where / CONFIG)))
    config = config.model_copy(update={"symbols": own.symbols})
    return config, family.table(config)


class Transformers:
    """A program: Hugging Face's library with a directory, which it may not leave."""

    def __init__(self, loaded: LoadedModel, directory: Path, *, own_pieces: bool) -> None:
        self.loaded, self.tokenizer, self.manifest = loaded, loaded.tokenizer, loaded.manifest
        transformers = library()
        translates = self.manifest.task == "translation"
        kind = transformers.AutoModelForSeq2SeqLM if translates else transformers.AutoModelForCausalLM
        with quiet():
            self.model: Any = kind.from_pretrained(directory, local_files_only=True).eval()
            self.pieces: Any = None
            if own_pieces:
                self.pieces = transformers.AutoTokenizer.from_pretrained(directory, local_files_only=True)
            else:  # how somebody once searched with it is no part of the model
                self.model.generation_config = transformers.GenerationConfig()

    @property
    def versions(self) -> Mapping[str, str]:
        """That of transformers."""
        return {"transformers": version("transformers")}

    def write(self, texts: Sequence[str]) -> list[Written]:
        """What transformers makes of each text."""
        rows = [self.read(text) for text in texts]
        found: dict[int, Written] = {}
        with quiet(), torch.inference_mode():
            for group in by_length(rows):
                for begin in range(0, len(group), BATCH):
                    some = group[begin : begin + BATCH]
                    found |= zip(some, self._write([rows[number] for number in some]), strict=True)
        return [found[number] for number in range(len(rows))]

    def read(self, text: str) -> list[int]:
        """All that the model is given of a text."""
        if self.manifest.task != "translation":
            return prompt_of(self.tokenizer, text)
        if self.pieces is None:
            return self.tokenizer.frame.source(self.tokenizer.encode(text))
        ids: list[int] = self.pieces(text).input_ids
        return ids

    def joined(self, ids: Sequence[int]) -> str:
        """The text of what was written."""
        if self.pieces is None:
            return one_line(self.tokenizer.target.decode(ids))
        return one_line(self.pieces.decode(ids, skip_special_tokens=True))

    def _write(self, rows: Sequence[Sequence[int]]) -> list[Written]:
        """What follows some sources of one length."""
        source = torch.tensor(rows)  # [B,S]
        begun, options = source, self._options(source)
        if self.manifest.task == "translation":
            frame = self.tokenizer.frame
            begun = torch.tensor([[frame.start, *frame.forced]]).expand(len(rows), -1)
            options["decoder_input_ids"] = begun
        found = self.model.generate(source, attention_mask=torch.ones_like(source), **options)
        written = found.sequences[:, begun.shape[1] :]  # [B,T]
        steps = torch.stack(found.scores, 1).log_softmax(-1)  # [B,T,V]
        scores = steps.gather(-1, written[..., None])[..., 0]  # [B,T]
        return [
            self._written(tuple(row), own.tolist(), score)
            for row, own, score in zip(rows, written, scores, strict=True)
        ]

    def _options(self, source: Tensor) -> dict[str, Any]:
        """What `generate` is told: greedy, and what the directory says where it is of our own making."""
        model = self.loaded.model
        longest = self.manifest.model.longest_target(self.manifest.longest_source)
        translates = self.manifest.task == "translation"
        cap = most_tokens(source.shape[1], longest=longest) if translates else CONTINUATION
        options: dict[str, Any] = {"max_new_tokens": cap, "num_beams": 1, "do_sample": False}
        options |= {"output_scores": True, "return_dict_in_generate": True}
        if self.pieces is None:
            filler = model.end_id if model.pad_id == NO_PADDING else model.pad_id  # behind a row's end
            options |= {"pad_token_id": filler, "eos_token_id": model.end_id}
            options |= {"decoder_start_token_id": model.start_id}
            options |= {"suppress_tokens": list(model.forbidden_ids)}
        return options

    def _written(self, read: tuple[int, ...], row: Sequence[int], scores: Tensor) -> Written:
        end = self.loaded.model.end_id
        length = row.index(end) + 1 if end in row else len(row)
        ids = tuple(row[: length - (end in row)])
        return Written(read, ids, self.joined(ids), float(scores[:length].mean()))


@contextmanager
def quiet() -> Iterator[None]:
    """What transformers has to say is for those who wrote the directory, and that is us."""
    logging = library().utils.logging
    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()
