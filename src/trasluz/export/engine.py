"""CTranslate2 running what was written for it.

Knows neither what is in the weights nor how they came there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from trasluz.export.program import BATCH, Written, by_length, given_of, most_written, one_line
from trasluz.export.specification import library
from trasluz.models.loaded import LoadedModel
from trasluz.text.tokenizer import Frame

SHARED, SOURCE, TARGET, ONLY = (f"{name}vocabulary.json" for name in ("shared_", "source_", "target_", ""))

Run = Callable[[list[list[str]], int], list[tuple[list[str], float]]]
"""What is written behind each of some rows of pieces, at most so many tokens, and the score of each."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A program.

    `cut` makes of a text the pieces that are given to `run`, `cap` says how many may follow so many, and
    `joined` makes a text of ids. What stands `after` the pieces is added by CTranslate2 itself.
    """

    run: Run
    cut: Callable[[str], list[str]]
    joined: Callable[[Sequence[int]], str]
    cap: Callable[[int], int]
    source: Sequence[str]
    target: Sequence[str]
    after: tuple[str, ...] = ()

    @property
    def versions(self) -> Mapping[str, str]:
        """That of CTranslate2."""
        return {"ctranslate2": version("ctranslate2")}

    def write(self, texts: Sequence[str]) -> list[Written]:
        """What CTranslate2 makes of each text."""
        sources = {piece: number for number, piece in enumerate(self.source)}
        targets = {piece: number for number, piece in enumerate(self.target)}
        rows = [self.cut(text) for text in texts]
        found: dict[int, Written] = {}
        for group in by_length(rows):
            cap = self.cap(len(rows[group[0]]) + len(self.after))
            for number, (pieces, score) in zip(
                group, self.run([rows[one] for one in group], cap), strict=True
            ):
                read = tuple(sources[piece] for piece in [*rows[number], *self.after])
                ids = tuple(targets[piece] for piece in pieces)
                found[number] = Written(read, ids, self.joined(ids), score)
        return [found[number] for number in range(len(rows))]


def frames_itself(frame: Frame) -> bool:
    """Whether CTranslate2 puts all that a model wants around the pieces of a source, and not its user."""
    return not frame.before and frame.after in ((), (frame.end,))


def engine_of(loaded: LoadedModel, directory: Path) -> Engine:
    """CTranslate2 with the directory of a model, whose tokeniser cuts the texts and joins them."""
    tokenizer, frame = loaded.tokenizer, loaded.tokenizer.frame

    def given(text: str) -> list[str]:
        return tokenizer.names(given_of(loaded, text))

    def pieces(text: str) -> list[str]:
        return tokenizer.names(tokenizer.encode(text))

    def joined(ids: Sequence[int]) -> str:
        return one_line(tokenizer.target.decode(ids))

    if loaded.manifest.model.kind != "decoder-only":
        cut = pieces if frames_itself(frame) else given
        return translating(loaded, directory, cut=cut, joined=joined)
    started = loaded.manifest.task == "translation"

    def cap(length: int) -> int:
        return most_written(loaded, length - started)

    names = _vocabulary(directory / ONLY)
    ends = tokenizer.names([frame.end, *frame.also_end])
    return Engine(_generating(directory, ends), given, joined, cap, names, names)


def translating(
    loaded: LoadedModel,
    directory: Path,
    *,
    cut: Callable[[str], list[str]],
    joined: Callable[[Sequence[int]], str],
) -> Engine:
    """CTranslate2 with the directory of an encoder-decoder, for texts that are cut and joined so."""
    shared = directory / SHARED
    source, target = (
        _vocabulary(shared if shared.is_file() else directory / name) for name in (SOURCE, TARGET)
    )
    settings = json.loads((directory / "config.json").read_text("utf-8"))
    after = (settings["eos_token"],) if settings["add_source_eos"] else ()
    prefix = loaded.tokenizer.target.names(loaded.tokenizer.frame.forced)
    cap = partial(most_written, loaded)
    return Engine(_translating(directory, prefix), cut, joined, cap, source, target, after)


def _translating(directory: Path, prefix: Sequence[str]) -> Run:
    engine: Any = library().Translator(str(directory), device="cpu")

    def run(rows: list[list[str]], cap: int) -> list[tuple[list[str], float]]:
        results = engine.translate_batch(
            rows,
            target_prefix=[list(prefix)] * len(rows) if prefix else None,
            beam_size=1,
            min_decoding_length=0,  # an empty translation counts as well
            max_decoding_length=cap + len(prefix),
            max_input_length=0,  # nothing is cut off
            max_batch_size=BATCH,
            return_scores=True,
        )
        return [_without(prefix, one.hypotheses[0], one.scores[0], cap=cap) for one in results]

    return run


def _without(prefix: Sequence[str], pieces: list[str], score: float, *, cap: int) -> tuple[list[str], float]:
    """What was written behind a prefix, whose pieces count in the mean score as certain ones."""
    own = pieces[len(prefix) :]
    written = min(len(own) + 1, cap)  # the end symbol with them, where it was reached
    return own, score * (written + len(prefix)) / written


def _generating(directory: Path, ends: Sequence[str]) -> Run:
    engine: Any = library().Generator(str(directory), device="cpu")

    def run(rows: list[list[str]], cap: int) -> list[tuple[list[str], float]]:
        results = engine.generate_batch(
            rows,
            beam_size=1,
            sampling_topk=1,
            min_length=0,
            max_length=cap,
            end_token=list(ends),
            max_batch_size=BATCH,
            include_prompt_in_result=False,
            return_scores=True,
        )
        return [(one.sequences[0], one.scores[0]) for one in results]

    return run


def _vocabulary(path: Path) -> list[str]:
    names: list[str] = json.loads(path.read_text("utf-8"))
    return names
