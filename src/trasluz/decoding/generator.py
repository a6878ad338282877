"""Prompt in, text out: a language model goes on writing, and what is written can be read as it comes.

Knows no particular tokeniser.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Generator as Stream
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from trasluz.decoding.sample import Sampling, sample
from trasluz.errors import TrasluzError
from trasluz.models.decoder_only import DecoderOnly

if TYPE_CHECKING:
    from trasluz.config import Manifest
    from trasluz.models.loaded import LoadedModel
    from trasluz.text.tokenizer import Tokenizer

UNFINISHED = "\ufffd"
"""What stands at the end of a text whose last character is not spelt to its end."""


class Ending(StrEnum):
    """Why a text ended."""

    end = "end"
    stop = "stop"
    length = "length"


@dataclass(frozen=True, slots=True)
class Generation:
    """A prompt, what was written behind it, and why that ended: by itself, at a stop string, at a length."""

    prompt: str
    text: str
    ending: Ending


@dataclass(frozen=True, slots=True)
class ScoredToken:
    """A token of a text, and the natural logarithm of its probability; None where nothing stood before it."""

    id: int
    piece: str
    log_probability: float | None


@dataclass(frozen=True, slots=True)
class Scored:
    """A text as a language model finds it; `log_probability` is the sum over its tokens."""

    text: str
    tokens: tuple[ScoredToken, ...]
    log_probability: float


class Generator:
    """Writes on with a language model and its tokeniser, on the device where the model's parameters are.

    `longest` is the most tokens the model can hold, prompt included, where it has such a limit. The model
    must be in evaluation mode.
    """

    def __init__(self, model: DecoderOnly, tokenizer: Tokenizer, *, longest: int | None = None) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.longest = longest

    def generate(
        self,
        prompt: str = "",
        *,
        sampling: Sampling | None = None,
        most: int = 200,
        stop: Sequence[str] = (),
        seed: int = 0,
    ) -> Generation:
        """What `stream` gives, all at once."""
        stream = self.stream(prompt, sampling=sampling, most=most, stop=stop, seed=seed)
        text = ""
        while True:
            try:
                text += next(stream)
            except StopIteration as ended:
                return Generation(prompt, text, ended.value)

    def stream(
        self,
        prompt: str = "",
        *,
        sampling: Sampling | None = None,
        most: int = 200,
        stop: Sequence[str] = (),
        seed: int = 0,
    ) -> Stream[str, None, Ending]:
        """Write on from `prompt`, up to `most` tokens; give the text in parts as soon as each is certain.

        It ends where the model ends it, or before the first of the strings `stop`; the value of the
        generator is the `Ending`. Equal seeds give equal texts. Raises `TrasluzError` for a number out of
        its range, an empty stop string, and a prompt that leaves the model no room.
        """
        if "" in stop:
            raise TrasluzError("a stop string is empty, which would end every text at once; leave it out")
        ids, room = self._begin(prompt, most=most)
        return self._stream(ids, sampling or Sampling(), room=room, stop=tuple(stop), seed=seed)

    @torch.inference_mode()
    def score(self, text: str) -> Scored:
        """How likely each token of a text is after those before it, in one pass.

        Raises `TrasluzError` for a text that is empty, or longer than the model holds.
        """
        ids = self.tokenizer.encode(text)
        if not ids:
            raise TrasluzError("the text is empty, so there is nothing to score; give one")
        whole = self.tokenizer.frame.prompt(ids)
        self._check_length(whole, room=0)
        given = torch.tensor([whole], device=self.model.output.weight.device)
        logs: list[float] = []
        if len(whole) > 1:
            hidden = self.model(given[:, :0], given[:, :-1])
            chances = self.model.output(hidden).float().log_softmax(-1)[0]  # [T-1,V]
            logs = chances.gather(1, given[0, 1:, None])[:, 0].tolist()
        logs = logs[-len(ids) :]
        known = [None] * (len(ids) - len(logs)) + logs
        tokens = map(ScoredToken, ids, self.tokenizer.pieces(ids), known)
        return Scored(text, tuple(tokens), sum(log for log in known if log is not None))

    def written(
        self, prompt: str = "", *, sampling: Sampling | None = None, most: int = 200, seed: int = 0
    ) -> tuple[list[int], list[int]]:
        """The very tokens behind what `generate` gives: those of start symbol and prompt, and those written.

        The end symbol is among the latter where the text came to its end.
        """
        given, room = self._begin(prompt, most=most)
        [(ids, end)] = deque(self._grow(given, sampling or Sampling(), room=room, seed=seed), maxlen=1)
        return given, [*ids[len(given) :], *end]

    def room(self, prompt: str = "") -> int | None:
        """The most tokens that the model can hold behind a prompt; None where it has no such limit."""
        return None if self.longest is None else self.longest - len(self._read(prompt))

    def _read(self, prompt: str) -> list[int]:
        return self.tokenizer.frame.prompt(self.tokenizer.encode(prompt))

    def _begin(self, prompt: str, *, most: int) -> tuple[list[int], int]:
        """The ids of start symbol and prompt, and how many may follow them."""
        if most < 1:
            raise TrasluzError(f"{most} tokens are asked for; ask for 1 or more")
        ids = self._read(prompt)
        self._check_length(ids, room=1)
        return ids, most if self.longest is None else min(most, self.longest - len(ids))

    def _check_length(self, ids: Sequence[int], *, room: int) -> None:
        """Raise where the model does not hold some tokens, and room for so many more."""
        if self.longest is not None and len(ids) + room > self.longest:
            raise TrasluzError(
                f"the prompt has {len(ids)} tokens, start symbol included, but this model holds "
                f"{self.longest}; give a shorter one"
            )

    def _stream(
        self, ids: list[int], sampling: Sampling, *, room: int, stop: tuple[str, ...], seed: int
    ) -> Stream[str, None, Ending]:
        given = len(self.tokenizer.decode(ids))
        told = given
        for grown, end in self._grow(ids, sampling, room=room, seed=seed):
            text = self.tokenizer.decode(grown)
            cut = min((at for one in stop if (at := text.find(one, given)) >= 0), default=-1)
            if cut >= 0:
                yield text[told:cut]
                return Ending.stop
            if end:
                yield text[told:]
                return Ending.end
            whole = text.rstrip(UNFINISHED)
            certain = len(whole) - _overlap(whole, stop)
            if certain > told:
                yield text[told:certain]
                told = certain
        yield text[told:]
        return Ending.length

    @torch.inference_mode()
    def _grow(
        self, ids: list[int], sampling: Sampling, *, room: int, seed: int
    ) -> Iterator[tuple[list[int], list[int]]]:
        """The ids with one more token each time, at most `room` of them, and in the end its symbol apart."""
        assert not self.model.training, "call model.eval() first"
        device = self.model.output.weight.device
        before = torch.tensor([ids], device=device)
        seen = torch.zeros(1, self.model.vocabulary, dtype=torch.bool)
        seen[0, ids] = True
        tokens = sample(
            self.model,
            before[:, -1],
            self.model.read(before[:, :-1]),
            sampling=sampling,
            chance=torch.Generator().manual_seed(seed),
            seen=seen,
        )
        ends = {self.model.end_id, *self.tokenizer.frame.also_end}
        for drawn in map(int, itertools.islice(tokens, room)):
            if drawn in ends:
                yield ids, [drawn]
                return
            ids = [*ids, drawn]
            yield ids, []


def load_generator(directory: Path | str, *, device: torch.device | str | None = None) -> Generator:
    """The language model in a model directory, on the CPU unless another `device` is given.

    Raises `TrasluzError` for a directory that is no whole model, or holds a translator.
    """
    from trasluz.models.load import load_model

    loaded = load_model(Path(directory), device=torch.device(device or "cpu"))
    check_generates(loaded.manifest, directory)
    return generator_of(loaded)


def check_generates(manifest: Manifest, directory: Path | str) -> None:
    """Raise `TrasluzError` for a directory that holds a translator."""
    if manifest.task != "language-model":
        raise TrasluzError(f"{directory} holds a translator, which needs a source; use `trasluz translate`")


def generator_of(loaded: LoadedModel) -> Generator:
    """The generator that a loaded language model makes."""
    assert isinstance(loaded.model, DecoderOnly), "a language model is decoder-only"
    return Generator(loaded.model, loaded.tokenizer, longest=loaded.manifest.model.longest_target(0))


def _overlap(text: str, stop: Sequence[str]) -> int:
    """How many of the last characters may be the beginning of a stop string."""
    return max(
        (length for one in stop for length in range(1, len(one)) if text.endswith(one[:length])), default=0
    )
