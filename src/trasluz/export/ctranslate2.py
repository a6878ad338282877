"""A model as a directory of CTranslate2.

What its names hold is in `trasluz.export.specification`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from trasluz.errors import TrasluzError, unknown
from trasluz.export.agreement import FILE, TOLERANCES, Agreement, agree
from trasluz.export.engine import engine_of, frames_itself
from trasluz.export.original import Original
from trasluz.export.place import beside, check_free
from trasluz.export.program import SPACE_MARK_NOTE, most_tokens
from trasluz.export.sample import Sample, usual_sample
from trasluz.export.specification import library, refusals, specification
from trasluz.models.directory import write_tokenizer
from trasluz.models.loaded import LoadedModel
from trasluz.text.sentencepieces import SentencePieces
from trasluz.text.tokenizer import Tokenizer

QUANTIZATIONS = tuple(TOLERANCES)
MOST_READ, MOST_WRITTEN = 1024, 256
"""How many pieces CTranslate2 reads and writes of a text if it is not told otherwise."""
FEWEST_ROWS = 1024
"""So many positions can be coded at least: CTranslate2 fails beyond its table, and takes sources so long."""


def to_ctranslate2(
    loaded: LoadedModel,
    out: Path,
    *,
    quantization: str | None = None,
    sample: Sample | None = None,
    command: str | None = None,
) -> Agreement:
    """Write a directory that CTranslate2 loads, after it agreed with the model on a sample.

    `quantization` is one of `QUANTIZATIONS`, float32 if not given; the sample is the `usual_sample` of the
    model's source language. Raises `TrasluzError` where CTranslate2 is not installed or cannot hold the
    model, where `out` is taken, where there is no sample, and where both differ by more than the tolerance.
    """
    check_free(out)
    check_exportable(loaded, quantization)
    sample = sample or usual_sample(loaded)
    with beside(out) as (place,):
        write_ctranslate2(loaded, place, quantization=quantization)
        write_tokenizer(place, loaded.tokenizer)
        return agree(
            Original(loaded),
            engine_of(loaded, place),
            sample=sample,
            tolerance=TOLERANCES[quantization or "float32"],
            file=place / FILE,
            about={
                "to": "ctranslate2",
                "quantization": quantization,
                "command": command,
                "notes": _notes(loaded),
            },
        )


def check_exportable(loaded: LoadedModel, quantization: str | None) -> None:
    """Raise `TrasluzError` where CTranslate2 cannot hold the model or the numbers."""
    library()
    if quantization not in (None, *QUANTIZATIONS):
        raise unknown("quantization", str(quantization), QUANTIZATIONS)
    reasons = [*refusals(loaded.manifest.model), *_refusals_of(loaded)]
    if reasons:
        raise TrasluzError(f"CTranslate2 cannot hold this model: {'; '.join(reasons)}")


def write_ctranslate2(loaded: LoadedModel, directory: Path, *, quantization: str | None) -> None:
    """Write the files of CTranslate2 into a new directory."""
    manifest, tokenizer = loaded.manifest, loaded.tokenizer
    rows = max(FEWEST_ROWS, most_tokens(manifest.longest_source, longest=None))
    spec = specification(manifest.model, loaded.model, rows=rows)
    symbols = _names(tokenizer.target, loaded.model.vocabulary)
    spec.config.bos_token = symbols[loaded.model.start_id]
    spec.config.eos_token = symbols[loaded.model.end_id]
    spec.config.unk_token = symbols[tokenizer.target.unknown_id]
    if hasattr(spec, "encoder"):
        spec.register_source_vocabulary(_names(tokenizer, loaded.model.vocabulary))
        spec.register_target_vocabulary(symbols)
        spec.config.decoder_start_token = spec.config.bos_token
        spec.config.add_source_bos = False
        spec.config.add_source_eos = frames_itself(tokenizer.frame) and bool(tokenizer.frame.after)
    else:
        spec.register_vocabulary(symbols)
    spec.validate()
    spec.optimize(quantization=quantization)
    directory.mkdir()
    spec.save(str(directory))


def _notes(loaded: LoadedModel) -> list[str]:
    """What whoever runs the directory has to know."""
    own = _notes_on_prompts if loaded.manifest.model.kind == "decoder-only" else _notes_on_sources
    mark = [SPACE_MARK_NOTE] if isinstance(loaded.tokenizer, SentencePieces) else []
    return [*mark, *own(loaded)]


def _notes_on_sources(loaded: LoadedModel) -> Iterator[str]:
    frame, names = loaded.tokenizer.frame, loaded.tokenizer.names
    yield "CTranslate2 writes one piece at least, unless min_decoding_length is 0"
    longest = loaded.manifest.longest_source
    if longest > MOST_READ:
        yield f"CTranslate2 reads {MOST_READ} pieces of a text, unless max_input_length says more; 0 is all"
    if most_tokens(longest, longest=None) > MOST_WRITTEN:
        yield f"CTranslate2 writes {MOST_WRITTEN} pieces at most, unless max_decoding_length says more"
    if not frames_itself(frame):
        around = " ".join([*names(frame.before), "...", *names(frame.after)])
        yield f"a source is its pieces with all that the model wants around them: {around}"
    if frame.forced:
        prefix = " ".join(loaded.tokenizer.target.names(frame.forced))
        yield f"a translation begins with the target_prefix {prefix}, which is no part of it"


def _notes_on_prompts(loaded: LoadedModel) -> Iterator[str]:
    frame, names = loaded.tokenizer.frame, loaded.tokenizer.names
    if loaded.manifest.task == "translation":
        around = " ".join(names([*frame.after, frame.start]))
        yield f"a prompt is the pieces of a source, and behind them {around}"
    elif frame.opening:
        yield f"a prompt is {' '.join(names(frame.opening))}, and behind it the pieces of a text"
    if frame.also_end:
        ends = " ".join(names([frame.end, *frame.also_end]))
        yield f"any of these ends a text, if all are given as end_token: {ends}"


def _names(tokenizer: Tokenizer, vocabulary: int) -> list[str]:
    """The name of each token of a vocabulary."""
    return tokenizer.names(range(vocabulary))


def _refusals_of(loaded: LoadedModel) -> Iterator[str]:
    """What CTranslate2 has no place for in how a model reads text."""
    frame, vocabulary = loaded.tokenizer.frame, loaded.model.vocabulary
    source, target = _names(loaded.tokenizer, vocabulary), _names(loaded.tokenizer.target, vocabulary)
    if min(len({*source}), len({*target})) < vocabulary:
        yield "two of its tokens have the same name, by which CTranslate2 tells them apart"
    if source[frame.end] != target[frame.end]:
        yield "its end symbol has another name in each language, and CTranslate2 knows one"
