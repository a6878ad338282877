"""A directory of Hugging Face's kind, read back and run: by transformers if it is there, else by Trasluz.

Letters: B rows, S source tokens, T tokens written.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trasluz.config import NO_PADDING
from trasluz.export.original import Original
from trasluz.export.program import BATCH, Program, Written, by_length, given_of, most_written, one_line
from trasluz.models.families.family import Languages
from trasluz.models.load import load_model
from trasluz.models.loaded import LoadedModel


def program_of(loaded: LoadedModel, directory: Path, *, own_pieces: bool) -> Program:
    """Whatever is there to run the directory that was written for a model.

    Where transformers is there, it runs the model, and with `own_pieces` the tokeniser of the directory as
    well; otherwise the files of that are those that came with the model, and the model's own does.
    """
    if is_installed():
        return Transformers(loaded, directory, own_pieces=own_pieces)
    languages = Languages()
    if loaded.origin is not None:
        languages = Languages(loaded.manifest.source_language, loaded.manifest.target_language)
    return Original(load_model(directory, languages=languages))


def library() -> Any:
    """Transformers, without its types."""
    import transformers

    return transformers


def is_installed() -> bool:
    """Whether transformers is there."""
    return find_spec("transformers") is not None


class Transformers:
    """A program: Hugging Face's library with a directory, which it may not leave."""

    def __init__(self, loaded: LoadedModel, directory: Path, *, own_pieces: bool) -> None:
        self.loaded, self.tokenizer, self.manifest = loaded, loaded.tokenizer, loaded.manifest
        self.ends = [loaded.model.end_id, *loaded.tokenizer.frame.also_end]
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
        if self.pieces is None:
            return given_of(self.loaded, text)
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
        model, cap = self.loaded.model, most_written(self.loaded, source.shape[1])
        options: dict[str, Any] = {"max_new_tokens": cap, "num_beams": 1, "do_sample": False}
        options |= {"output_scores": True, "return_dict_in_generate": True}
        if self.pieces is None:
            filler = model.end_id if model.pad_id == NO_PADDING else model.pad_id  # behind a row's end
            options |= {"pad_token_id": filler, "eos_token_id": self.ends}
            options |= {"decoder_start_token_id": model.start_id}
            options |= {"suppress_tokens": list(model.forbidden_ids)}
        return options

    def _written(self, read: tuple[int, ...], row: Sequence[int], scores: Tensor) -> Written:
        at = next((place for place, one in enumerate(row) if one in self.ends), len(row))
        ids, length = tuple(row[:at]), min(at + 1, len(row))
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
