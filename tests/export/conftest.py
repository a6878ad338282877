"""Models to export: one that knows sixty sentences, and any architecture, no part of which can hide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from trasluz.config import Manifest, TransformerConfig
from trasluz.corpus.read import Pair
from trasluz.export.original import Original
from trasluz.export.sample import Sample
from trasluz.models.build import build_model
from trasluz.models.directory import FORMAT
from trasluz.models.families.reading import Reading
from trasluz.models.loaded import LoadedModel
from trasluz.models.model import Model
from trasluz.text.tokenizer import Frame

LONGEST, MARGIN = 29, 1e-4
STEPS, RATE = 150, 0.006
ENCODER: dict[str, Any] = {
    "layers": 2,
    "attention": {"heads": 6, "head_width": 4},
    "feedforward": {"hidden": 17},
}
DECODER: dict[str, Any] = {
    "layers": 3,
    "attention": {"heads": 4, "head_width": 8},
    "feedforward": {"hidden": 19},
}

NUMBERS = Sample(["11 12 13 14 15", "21 22 23", "31", "40 41 42 43 44 45 46"], "numbers")

Make = Callable[..., LoadedModel]


def laid_over(stack: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """A stack with whatever groups are given laid over it."""
    both = {**stack, **over}
    for group in ("attention", "feedforward"):
        both[group] = {**stack[group], **over.get(group, {})}
    return both


def shaken(model: nn.Module) -> None:
    """Give all weights values by which no part can hide behind another."""
    torch.manual_seed(3)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, std=1.2 * parameter.shape[-1] ** -0.5)
        else:
            parameter.data += 0.2 * torch.randn_like(parameter)


def translator(model: dict[str, Any], tokenizer: Any, *, task: str = "translation") -> LoadedModel:
    """A model of that configuration with fresh weights, as if it had been read from a directory."""
    manifest = Manifest.model_validate(
        {
            "format": FORMAT,
            "task": task,
            "model": model,
            "longest_source": LONGEST,
            "source_language": "en",
            "target_language": "es",
        }
    )
    torch.manual_seed(5)
    return LoadedModel(manifest, build_model(manifest.model).eval(), tokenizer)


@pytest.fixture(scope="session")
def make(small: LoadedModel) -> Make:
    """Makes an encoder-decoder; what is given for a stack, or for the `embedding`, is laid over the usual."""

    def made(
        *, encoder: dict[str, Any] | None = None, decoder: dict[str, Any] | None = None, **embedding: Any
    ) -> LoadedModel:
        model = {
            "width": 24,
            "embedding": {"vocabulary": len(small.tokenizer), **embedding},
            "encoder": laid_over(ENCODER, encoder or {}),
            "decoder": laid_over(DECODER, decoder or {}),
        }
        loaded = translator(model, small.tokenizer)
        shaken(loaded.model)
        return loaded

    return made


@pytest.fixture(scope="session")
def make_decoder_only(small: LoadedModel) -> Make:
    """Makes a decoder-only model for a task; what is given is laid over the usual stack."""

    def made(task: str, **decoder: Any) -> LoadedModel:
        model = {
            "kind": "decoder-only",
            "width": 24,
            "embedding": {"vocabulary": len(small.tokenizer), "tied": False},
            "decoder": laid_over(DECODER, decoder),
        }
        loaded = translator(model, small.tokenizer, task=task)
        shaken(loaded.model)
        return loaded

    return made


@pytest.fixture(scope="session")
def taught(small: LoadedModel, pairs: list[Pair]) -> LoadedModel:
    """A translator of Marian's shape that has learnt sixty sentences nearly by heart."""
    return pupil(small, pairs, place="post")


@pytest.fixture(scope="session")
def taught_before(small: LoadedModel, pairs: list[Pair]) -> LoadedModel:
    """The same with norms before each part, which is the shape of Pegasus."""
    return pupil(small, pairs, place="pre")


def pupil(small: LoadedModel, pairs: Sequence[Pair], *, place: str) -> LoadedModel:
    """A translator with norms at a place that has learnt the pairs."""
    stack = {"layers": 1, "attention": {"heads": 4}, "feedforward": {"hidden": 67}, "norm": {"place": place}}
    vocabulary = {"vocabulary": len(small.tokenizer)}
    model = {"width": 32, "embedding": vocabulary, "encoder": stack, "decoder": stack}
    loaded = translator(model, small.tokenizer)
    teach(loaded, pairs)
    return loaded


@pytest.fixture(scope="session")
def sample(pairs: list[Pair]) -> Sample:
    """The sixty sources."""
    return Sample([pair.source for pair in pairs], "sixty sentences")


class Numbers:
    """A tokeniser that a checkpoint came with, as far as an export asks: words are numbers."""

    unknown_id = 3

    def __init__(self, model: Model) -> None:
        self.pad_id, self.start_id, self.end_id = model.pad_id, model.start_id, model.end_id
        self.frame = Frame(self.start_id, self.end_id, after=(self.end_id,))

    @property
    def target(self) -> Any:
        """Itself."""
        return self

    def files(self) -> dict[str, bytes]:
        """One file."""
        return {"words.txt": b"words are numbers"}

    def encode(self, text: str) -> list[int]:
        """The numbers."""
        return [int(word) for word in text.split()]

    def encode_all(self, texts: list[str]) -> list[list[int]]:
        """The numbers of each."""
        return [self.encode(text) for text in texts]

    def decode(self, ids: Any) -> str:
        """Numbers as words."""
        return " ".join(map(str, ids))

    def names(self, ids: Any) -> list[str]:
        """Each number as a word."""
        return [str(one) for one in ids]


def checkpoint(both: Any, settings: dict[str, Any]) -> LoadedModel:
    """A model of the references as if it had been loaded, its tokeniser aside."""
    reading = Reading(settings, stored=list(both.reference.state_dict()), where="config.json")
    config = both.family.config_from_hf(reading)
    task = "translation" if both.has_source else "language-model"
    manifest = translator(config.model_dump(), None, task=task).manifest
    return LoadedModel(manifest, both.ours, Numbers(both.ours))  # type: ignore[arg-type] # as much as is asked for


@torch.inference_mode()
def decided(loaded: LoadedModel, sample: Sample) -> Sample:
    """The texts at which a model is never torn between two tokens, which another order of sums could swap."""
    written = Original(loaded).write(sample.texts)
    model = loaded.model
    kept = []
    for text, one in zip(sample.texts, written, strict=True):
        crossing = isinstance(loaded.manifest.model, TransformerConfig)
        source, first = (one.read, model.start_id) if crossing else (one.read[:-1], one.read[-1])
        logits = model.output(model(torch.tensor([source]), torch.tensor([[first, *one.ids]])))
        logits[..., list(model.forbidden_ids)] = -torch.inf
        best = logits.log_softmax(-1).topk(2).values[0]  # [T,2]
        if (best[:, 0] - best[:, 1]).min() > MARGIN:
            kept.append(text)
    assert len(kept) > len(sample.texts) / 4, "a model that is torn everywhere tells nothing"
    return Sample(kept, sample.origin)


def teach(loaded: LoadedModel, pairs: Sequence[Pair]) -> None:
    """Train a model on all pairs at once, so many times."""
    tokenizer, model = loaded.tokenizer, loaded.model
    source = padded([tokenizer.frame.source(tokenizer.encode(pair.source)) for pair in pairs])
    target = padded([tokenizer.frame.target(tokenizer.encode(pair.target)) for pair in pairs])
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    for _ in range(STEPS):
        logits = model.output(model(source, model.teacher_forced(target)))
        loss = functional.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=0)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def padded(rows: Sequence[Sequence[int]]) -> Tensor:
    """Ids [B,S], padded at the right with the padding symbol, 0."""
    return pad_sequence([torch.tensor(row) for row in rows], batch_first=True)
