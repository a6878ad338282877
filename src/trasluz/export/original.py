"""The model that is exported, run by Trasluz itself.

Knows no kind of export. Letters: B rows, S tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import cast

import torch
from torch import Tensor

from trasluz.config import DecoderOnlyConfig
from trasluz.decoding.greedy import greedy
from trasluz.decoding.rules import Hypothesis
from trasluz.decoding.translator import translator_of
from trasluz.export.program import CONTINUATION, Written, by_length, one_line, prompt_of
from trasluz.layers.state import StackState
from trasluz.models.decoder_only import DecoderOnly
from trasluz.models.loaded import LoadedModel


class Original:
    """A program: a translator translates, a language model goes on from the first half of a text."""

    def __init__(self, loaded: LoadedModel) -> None:
        self.loaded = loaded
        self.translates = loaded.manifest.task == "translation"
        self.in_one = isinstance(loaded.manifest.model, DecoderOnlyConfig)

    @property
    def versions(self) -> Mapping[str, str]:
        """Those of Trasluz and of torch."""
        return {"trasluz": version("trasluz"), "torch": torch.__version__}

    def fits(self, text: str) -> bool:
        """Whether a text is short enough to be read whole."""
        around = self.loaded.tokenizer.frame.around_source
        return len(self.loaded.tokenizer.encode(text)) + around <= self.loaded.manifest.longest_source

    def write(self, texts: Sequence[str]) -> list[Written]:
        """The translation of each text, or how it goes on."""
        tokenizer = self.loaded.tokenizer
        if self.translates:
            rows = tokenizer.encode_all(texts)
            found = [own[0] for own in translator_of(self.loaded).search(rows, beam=1)]
            begun = [tokenizer.frame.start] if self.in_one else []
            read = [[*tokenizer.frame.source(row), *begun] for row in rows]
        else:
            read = [prompt_of(tokenizer, text) for text in texts]
            found = self._go_on(read)
        return [
            Written(tuple(ids), own.ids, one_line(tokenizer.target.decode(own.ids)), own.score)
            for ids, own in zip(read, found, strict=True)
        ]

    def _go_on(self, rows: Sequence[Sequence[int]]) -> list[Hypothesis]:
        model = _Prompted(cast(DecoderOnly, self.loaded.model))
        device = self.loaded.model.output.weight.device
        found: dict[int, Hypothesis] = {}
        with torch.inference_mode():
            for group in by_length(rows):
                prompts = torch.tensor([rows[number] for number in group], device=device)  # [B,S]
                caps = torch.full((len(group),), CONTINUATION)
                found |= zip(group, greedy(model, prompts, caps=caps), strict=True)
        return [found[number] for number in range(len(rows))]


class _Prompted:
    """A language model as a `Decodable` whose source is a prompt, without a start symbol behind it."""

    def __init__(self, model: DecoderOnly) -> None:
        self.model = model
        self.vocabulary, self.pad_id, self.end_id = model.vocabulary, model.pad_id, model.end_id
        self.forbidden_ids = model.forbidden_ids

    def start(self, source: Tensor) -> tuple[Tensor, StackState]:
        """The last token of each prompt [B,S], and the state before it."""
        return source[:, -1], self.model.read(source[:, :-1])

    def step(self, tokens: Tensor, state: StackState) -> Tensor:
        """Logits [B,V] of what follows `tokens` [B]."""
        return self.model.step(tokens, state)
