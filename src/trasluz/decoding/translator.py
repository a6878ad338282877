"""Text in, text out: long texts are cut and put together again, and every result says what became of it.

Knows no particular model: any `Decodable` with the tokeniser it was trained with. Letters: B sentences,
S source tokens.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from trasluz.decoding.beam import beam as beam_search
from trasluz.decoding.beam import check_beam
from trasluz.decoding.forced import Forced
from trasluz.decoding.greedy import greedy
from trasluz.decoding.rules import Hypothesis, length_cap, source_lengths
from trasluz.decoding.verdict import Verdict, judge, worst
from trasluz.errors import TrasluzError
from trasluz.layers.state import Decodable
from trasluz.text.sentences import sentences, split_text, trim

if TYPE_CHECKING:
    from trasluz.config import Manifest
    from trasluz.models.loaded import LoadedModel
    from trasluz.text.tokenizer import Tokenizer

BATCH_TOKENS = 16384


@dataclass(frozen=True, slots=True)
class Alternative:
    """One of the best translations of a text, and its score."""

    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Translation:
    """A text, its translation, and what became of it.

    `score` is the sum of the natural log-probabilities of all tokens, end symbols included, divided by their
    number to the power of the length penalty: with a penalty of 1 the mean log-probability of a token, over
    all parts where the text was cut. It is None where there was nothing to translate. `verdict` is the worst
    of the parts. `alternatives` are the best texts that were found, as many as asked for or fewer, all
    different; the first of them is `text`. It is the only one where the text was cut, and there is none where
    there was nothing to translate.
    """

    source: str
    text: str
    score: float | None
    verdict: Verdict
    alternatives: tuple[Alternative, ...] = ()


@dataclass(slots=True)
class _Segment:
    """A part of a text on its way: white space kept apart, the ids of its core and what was found for them.

    A part that is blank has no ids, is not searched, and stays as it is.
    """

    leading: str
    core: str
    trailing: str
    ids: list[int] = field(default_factory=list)
    hypotheses: list[Hypothesis] = field(default_factory=list)


class Translator:
    """Translates texts with a model and its tokeniser, on the device where the model's parameters are.

    A text is cut at line breaks, and at sentence ends if it has more than `longest_source` tokens, end symbol
    included, or more than `most_sentences`: a model that learnt from single sentences leaves others out.
    `longest_target` is the most tokens the model can write, where it has such a limit. The model must be in
    evaluation mode.
    """

    def __init__(
        self,
        model: Decodable[Any],
        tokenizer: Tokenizer,
        *,
        longest_source: int,
        most_sentences: int | None = None,
        longest_target: int | None = None,
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.longest_source = longest_source
        self.most_sentences = most_sentences
        self.longest_target = longest_target

    @overload
    def translate(  # type: ignore[overload-overlap] # a str is a sequence of str as well, but goes first
        self,
        text: str,
        *,
        beam: int = 5,
        length_penalty: float = 1.0,
        n_best: int = 1,
        batch_tokens: int = BATCH_TOKENS,
    ) -> Translation: ...

    @overload
    def translate(
        self,
        text: Sequence[str],
        *,
        beam: int = 5,
        length_penalty: float = 1.0,
        n_best: int = 1,
        batch_tokens: int = BATCH_TOKENS,
    ) -> list[Translation]: ...

    def translate(
        self,
        text: str | Sequence[str],
        *,
        beam: int = 5,
        length_penalty: float = 1.0,
        n_best: int = 1,
        batch_tokens: int = BATCH_TOKENS,
    ) -> Translation | list[Translation]:
        """Translate a text, or each of several in their order.

        `beam` hypotheses are followed at once, 1 is greedy; `length_penalty` is the power of the length that
        scores are divided by; `n_best` is how many alternatives are given of each text. `batch_tokens` bounds
        how much is translated at once: rows x beam x tokens of the longest source; it does not change the
        result. White space around each part stays as it is. Raises `TrasluzError` for a number out of its
        range.
        """
        texts = [text] if isinstance(text, str) else list(text)
        segments = [[_Segment(*trim(part)) for part in self._cut(one)] for one in texts]
        filled = [segment for own in segments for segment in own if segment.core]
        for segment, ids in zip(filled, self.tokenizer.encode_all([one.core for one in filled]), strict=True):
            segment.ids = ids
        filled = [segment for segment in filled if segment.ids]
        found = self.search(
            [segment.ids for segment in filled],
            beam=beam,
            length_penalty=length_penalty,
            n_best=n_best,
            batch_tokens=batch_tokens,
        )
        for segment, hypotheses in zip(filled, found, strict=True):
            segment.hypotheses = hypotheses
        translations = [
            self._assemble(one, own, length_penalty=length_penalty)
            for one, own in zip(texts, segments, strict=True)
        ]
        return translations[0] if isinstance(text, str) else translations

    def search(
        self,
        ids: Sequence[Sequence[int]],
        *,
        beam: int = 5,
        length_penalty: float = 1.0,
        n_best: int = 1,
        batch_tokens: int = BATCH_TOKENS,
    ) -> list[list[Hypothesis]]:
        """The hypotheses of each source, best first; sources are ids without a frame.

        The arguments are those of `translate`. Sources of similar length are searched together, the longest
        first, and the order is restored.
        """
        check_beam(beam, n_best=n_best)
        if batch_tokens < 1:
            raise TrasluzError(f"batch_tokens is {batch_tokens}, but it must be 1 or more")
        assert not (isinstance(self.model, nn.Module) and self.model.training), "call model.eval() first"
        found: list[list[Hypothesis]] = [[] for _ in ids]
        lengths = [len(own) + self.tokenizer.frame.around_source for own in ids]
        with torch.inference_mode():
            for rows in _batches(lengths, beam=beam, batch_tokens=batch_tokens):
                source = self._padded([ids[row] for row in rows])  # [B,S]
                hypotheses = self._search_batch(
                    source, beam=beam, length_penalty=length_penalty, n_best=n_best
                )
                for row, own in zip(rows, hypotheses, strict=True):
                    found[row] = own
        return found

    def _search_batch(
        self, source: Tensor, *, beam: int, length_penalty: float, n_best: int
    ) -> list[list[Hypothesis]]:
        lengths = source_lengths(source, pad_id=self.model.pad_id)
        forced = self.tokenizer.frame.forced
        longest = None if self.longest_target is None else self.longest_target - len(forced)
        caps = length_cap(lengths, longest=longest)
        model = Forced(self.model, forced) if forced else self.model
        if beam == 1:
            return [[best] for best in greedy(model, source, length_penalty=length_penalty, caps=caps)]
        return beam_search(model, source, size=beam, length_penalty=length_penalty, n_best=n_best, caps=caps)

    def _padded(self, ids: Sequence[Sequence[int]]) -> Tensor:
        """Framed sources, padded at the right, where the model is."""
        rows = [torch.tensor(self.tokenizer.frame.source(own)) for own in ids]
        padded = pad_sequence(rows, batch_first=True, padding_value=self.model.pad_id)
        return padded.to(_device_of(self.model))

    def _cut(self, text: str) -> list[str]:
        """The parts of a text that are translated each on its own; joined they are the text."""
        core = trim(text)[1]
        one_line = len(core.splitlines()) <= 1
        return [text] if one_line and self._fits(core) else split_text(text, self._fits)

    def _fits(self, text: str) -> bool:
        core = trim(text)[1]
        few = self.most_sentences is None or len(sentences(core)) <= self.most_sentences
        room = self.longest_source - self.tokenizer.frame.around_source
        return few and len(self.tokenizer.encode_all([core])[0]) <= room

    def _assemble(self, text: str, segments: Sequence[_Segment], *, length_penalty: float) -> Translation:
        """Put a text's translation together from its parts."""
        best = [segment.hypotheses[0] for segment in segments if segment.hypotheses]
        score = _score(best, length_penalty=length_penalty) if best else None
        joined = "".join(self._text_of(segment, *segment.hypotheses[:1]) for segment in segments)
        if len(segments) == 1:
            alternatives = self._alternatives(segments[0])
        else:
            alternatives = [] if score is None else [Alternative(joined, score)]
        return Translation(
            source=text,
            text=joined,
            score=score,
            verdict=worst(
                self.judge(segment.core, segment.hypotheses[0], source_tokens=len(segment.ids))
                for segment in segments
                if segment.hypotheses
            ),
            alternatives=tuple(alternatives),
        )

    def _alternatives(self, segment: _Segment) -> list[Alternative]:
        """The distinct texts of a part's hypotheses, each with the score of the best that spells it."""
        scores: dict[str, float] = {}
        for hypothesis in segment.hypotheses:
            scores.setdefault(self._text_of(segment, hypothesis), hypothesis.score)
        return [Alternative(text, score) for text, score in scores.items()]

    def _text_of(self, segment: _Segment, hypothesis: Hypothesis | None = None) -> str:
        """A part in the other language, with its own white space around; as it was if nothing was found."""
        core = segment.core if hypothesis is None else self._core_of(hypothesis)
        return segment.leading + core + segment.trailing

    def _core_of(self, hypothesis: Hypothesis) -> str:
        """The text of a hypothesis, in one line as its source is."""
        return " ".join(self.tokenizer.target.decode(hypothesis.ids).splitlines()).strip()

    def judge(self, text: str, hypothesis: Hypothesis, *, source_tokens: int) -> Verdict:
        """What became of a text of so many tokens, its frame left out, that was translated in one go."""
        return judge(
            text,
            self._core_of(hypothesis),
            finished=hypothesis.finished,
            source_tokens=source_tokens,
            target_tokens=len(hypothesis.ids),
        )


def load(
    directory: Path | str,
    *,
    device: torch.device | str | None = None,
    source_language: str | None = None,
    target_language: str | None = None,
) -> Translator:
    """The translator in a model directory, on the CPU unless another `device` is given.

    It may be Trasluz's own, or a checkpoint of Hugging Face's kind; one of several languages must be told
    which, unless it learnt a pair of them here. Raises `TrasluzError` for a directory that is no whole model,
    or holds a language model, and for languages that the model does not know.
    """
    from trasluz.models.families.family import Languages
    from trasluz.models.load import load_model

    loaded = load_model(
        Path(directory),
        device=torch.device(device or "cpu"),
        languages=Languages(source_language, target_language),
    )
    check_translates(loaded.manifest, directory)
    return translator_of(loaded)


def translator_of(loaded: LoadedModel) -> Translator:
    """The translator that a loaded model makes."""
    return Translator(
        loaded.model,
        loaded.tokenizer,
        longest_source=loaded.manifest.longest_source,
        most_sentences=loaded.manifest.most_sentences,
        longest_target=loaded.manifest.model.longest_target(loaded.manifest.longest_source),
    )


def check_translates(manifest: Manifest, directory: Path | str) -> None:
    """Raise `TrasluzError` for a directory that holds a language model."""
    if manifest.task != "translation":
        raise TrasluzError(
            f"{directory} holds a language model, which does not translate by itself; use `trasluz generate`,"
            " or `trasluz translate --prompt`"
        )


def _score(parts: Sequence[Hypothesis], *, length_penalty: float) -> float:
    """The score of several hypotheses as if they were one."""
    length = float(sum(part.length for part in parts))
    return sum(part.logprob for part in parts) / math.pow(length, length_penalty)


def _device_of(model: Decodable[Any]) -> torch.device:
    """Where the parameters of a model are; the CPU where it has none."""
    first = next(model.parameters(), None) if isinstance(model, nn.Module) else None
    return torch.device("cpu") if first is None else first.device


def _batches(lengths: Sequence[int], *, beam: int, batch_tokens: int) -> Iterator[list[int]]:
    """Row numbers, longest first, in batches of up to `batch_tokens` (rows x beam x longest), or one row."""
    rows = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    while rows:
        fit = max(1, batch_tokens // (beam * lengths[rows[0]]))
        yield rows[:fit]
        rows = rows[fit:]
