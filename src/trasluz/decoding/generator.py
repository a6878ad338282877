"""Prompt in, text out: a language model goes on writing, and what is written can be read as it comes.

Knows no particular tokeniser.
"""

from __future__ import annotations

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

    def written(
        self, prompt: str = "", *, sampling: Sampling | None = None, most: int = 200, seed: int = 0
    ) -> tuple[list[int], list[int]]:
        """The very tokens behind what `generate` gives: those of start symbol and prompt, and those written.

        The end symbol is among the latter where the text came to its end.
        """
        given, room = self._begin(prompt, most=most)
        [(ids, ended)] = deque(self._grow(given, sampling or Sampling(), room=room, seed=seed), maxlen=1)
        return given, [*ids[len(given) :], *([self.model.end_id] if ended else [])]

    def _begin(self, prompt: str, *, most: int) -> tuple[list[int], int]:
        """The ids of start symbol and prompt, and how many may follow them."""
        if most < 1:
            raise TrasluzError(f"{most} tokens are asked for; ask for 1 or more")
        ids = [self.model.start_id, *self.tokenizer.encode(prompt)]
        room = most if self.longest is None else min(most, self.longest - len(ids))
        if room < 1:
            raise TrasluzError(
                f"the prompt has {len(ids)} tokens, start symbol included, but this model holds "
                f"{self.longest}; give a shorter one"
            )
        return ids, room

    def _stream(
        self, ids: list[int], sampling: Sampling, *, room: int, stop: tuple[str, ...], seed: int
    ) -> Stream[str, None, Ending]:
        given = len(self.tokenizer.decode(ids))
        told = given
        for grown, ended in self._grow(ids, sampling, room=room, seed=seed):
            text = self.tokenizer.decode(grown)
            cut = min((at for one in stop if (at := text.find(one, given)) >= 0), default=-1)
            if cut >= 0:
                yield text[told:cut]
                return Ending.stop
            if ended:
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
    ) -> Iterator[tuple[list[int], bool]]:
        """The ids with one more token each time, at most `room` of them, and whether that is the end."""
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
        for _, drawn in zip(range(room), tokens, strict=False):
            ended = int(drawn) == self.model.end_id
            ids = ids if ended else [*ids, int(drawn)]
            yield ids, ended
            if ended:
                return


def load_generator(directory: Path | str, *, device: torch.device | str | None = None) -> Generator:
    """The language model in a model directory, on the CPU unless another `device` is given.

    Raises `TrasluzError` for a directory that is no whole model, or holds a translator.
    """
    from trasluz.models.directory import load_model

    loaded = load_model(Path(directory), device=torch.device(device or "cpu"))
    if loaded.manifest.task != "language-model" or not isinstance(loaded.model, DecoderOnly):
        raise TrasluzError(f"{directory} holds a translator, which needs a source; use `trasluz translate`")
    return Generator(loaded.model, loaded.tokenizer, longest=loaded.manifest.model.longest_target(0))


def _overlap(text: str, stop: Sequence[str]) -> int:
    """How many of the last characters may be the beginning of a stop string."""
    return max(
        (length for one in stop for length in range(1, len(one)) if text.endswith(one[:length])), default=0
    )
