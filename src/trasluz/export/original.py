"""The model that is exported, run by Trasluz itself.

Knows no kind of export. Letters: B rows, S tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import cast

import torch
from torch import Tensor

from trasluz.decoding.greedy import greedy
from trasluz.decoding.rules import Hypothesis
from trasluz.decoding.translator import translator_of
from trasluz.export.program import Written, by_length, given_of, longest_translation, most_written, one_line
from trasluz.layers.state import StackState
from trasluz.models.decoder_only import DecoderOnly
from trasluz.models.loaded import LoadedModel


class Original:
    """A program: a translator translates, a language model goes on from the first half of a text."""

    def __init__(self, loaded: LoadedModel) -> None:
        self.loaded = loaded

    @property
    def versions(self) -> Mapping[str, str]:
        """Those of Trasluz and of torch."""
        return {"trasluz": version("trasluz"), "torch": torch.__version__}

    def fits(self, text: str) -> bool:
        """Whether a text is short enough to be read whole."""
        around = self.loaded.tokenizer.frame.around_source
        return len(self.loaded.tokenizer.encode(text)) + around <= self.loaded.manifest.longest_source

    def reads(self, text: str) -> bool:
        """Whether the tokeniser leaves anything of a text."""
        return bool(self.loaded.tokenizer.encode(text))

    def write(self, texts: Sequence[str]) -> list[Written]:
        """The translation of each text, or how it goes on."""
        given = [given_of(self.loaded, text) for text in texts]
        translates = self.loaded.manifest.task == "translation"
        found = self._translate(texts) if translates else self._go_on(given)
        target = self.loaded.tokenizer.target
        return [
            Written(tuple(ids), own.ids, one_line(target.decode(own.ids)), own.score)
            for ids, own in zip(given, found, strict=True)
        ]

    def _translate(self, texts: Sequence[str]) -> list[Hypothesis]:
        translator = translator_of(self.loaded)
        translator.longest_target = longest_translation(self.loaded)
        return [best for best, *_ in translator.search(self.loaded.tokenizer.encode_all(texts), beam=1)]

    def _go_on(self, rows: Sequence[Sequence[int]]) -> list[Hypothesis]:
        found: dict[int, Hypothesis] = {}
        for group in by_length(rows):
            prompts = [rows[number] for number in group]
            found |= zip(
                group, self._follow(prompts, most=most_written(self.loaded, len(prompts[0]))), strict=True
            )
        return [found[number] for number in range(len(rows))]

    def _follow(self, prompts: Sequence[Sequence[int]], *, most: int) -> list[Hypothesis]:
        """What follows prompts of one length, up to any of the end symbols."""
        model = _Prompted(cast(DecoderOnly, self.loaded.model))
        given = torch.tensor(prompts, device=self.loaded.model.output.weight.device)  # [B,S]
        with torch.inference_mode():
            found = greedy(model, given, caps=torch.full((len(prompts),), most))
        return [self._ended(prompt, own) for prompt, own in zip(prompts, found, strict=True)]

    def _ended(self, prompt: Sequence[int], found: Hypothesis) -> Hypothesis:
        """What was found, up to the first of the symbols that end a text as well."""
        others = self.loaded.tokenizer.frame.also_end
        at = next((place for place, one in enumerate(found.ids) if one in others), None)
        if at is None:
            return found
        if at + 1 < found.length:
            [found] = self._follow([prompt], most=at + 1)
        return replace(found, ids=found.ids[:at], finished=True)


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
