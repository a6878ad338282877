"""Where a run's tokeniser and model come from, and how what it learns is handed out.

A run begins afresh, or with a model that has learnt before; the loop knows no difference.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from trasluz.config import Manifest, ModelConfig
from trasluz.corpus.read import Pair
from trasluz.errors import TrasluzError
from trasluz.models.adapter import Below, adapt, save_adapter
from trasluz.models.build import build_model, build_to_fill
from trasluz.models.directory import load_weights, save_model, weights_of
from trasluz.models.families.checkpoint import save_checkpoint
from trasluz.models.families.family import Languages
from trasluz.models.learnt import write_learnt
from trasluz.models.load import load_model
from trasluz.models.loaded import LoadedModel
from trasluz.models.model import Model
from trasluz.text.sentencepieces import FILE, SentencePieces
from trasluz.text.tokenizer import Tokenizer
from trasluz.training.material import Material, learn_tokenizer, with_vocabulary
from trasluz.training.settings import BaseSettings, RunSettings

Say = Callable[[str], None]

PARTS = {
    "embeddings": ("embedding.", "source_embedding.", "target_embedding.", "output."),
    "encoder": ("encoder.",),
    "decoder": ("decoder.",),
}
"""Which parameters a part has, by what their names begin with."""


class Beginning(ABC):
    """The interface of both ways to begin."""

    @abstractmethod
    def tokenizer(self, pairs: list[Pair], *, say: Say) -> Tokenizer:
        """The run's tokeniser."""

    @abstractmethod
    def config(self, tokenizer: Tokenizer) -> ModelConfig:
        """The configuration of the settings with what the tokeniser decides."""

    @abstractmethod
    def model(self, config: ModelConfig) -> Model:
        """The model before its first step."""

    def ranged(self, material: Material) -> Material:
        """The material with the range that the model will have: usually that of what it learns from."""
        return material

    @abstractmethod
    def save(self, manifest: Manifest, model: Model, tokenizer: Tokenizer) -> None:
        """Hand out the weights of this moment."""


class Afresh(Beginning):
    """Pieces are learnt from the pairs, once, and the weights from chance."""

    def __init__(self, settings: RunSettings, *, out: Path, begun: bool) -> None:
        self.settings, self.out, self.begun = settings, out, begun

    def tokenizer(self, pairs: list[Pair], *, say: Say) -> Tokenizer:
        """Learnt once, then read back."""
        path, wanted = self.out / FILE, self.settings.tokenizer.vocabulary
        if self.begun and path.is_file():
            return SentencePieces.from_bytes(path.read_bytes())
        say(f"learning {wanted} pieces from {len(pairs)} pairs")
        tokenizer = learn_tokenizer(pairs, self.settings.tokenizer)
        if len(tokenizer) < wanted:
            say(f"{len(tokenizer)} pieces were learnt: these pairs have no more")
        return tokenizer

    def config(self, tokenizer: Tokenizer) -> ModelConfig:
        """With as many tokens as there are pieces."""
        return with_vocabulary(self.settings.model, len(tokenizer))

    def model(self, config: ModelConfig) -> Model:
        """Built with fresh weights."""
        return build_model(config)

    def save(self, manifest: Manifest, model: Model, tokenizer: Tokenizer) -> None:
        """As a directory of Trasluz's own."""
        save_model(self.out, manifest=manifest, model=model, tokenizer=tokenizer)


class Onward(Beginning):
    """With the tokeniser and the weights of a model; parts may be frozen, or an adapter learnt instead."""

    def __init__(self, settings: RunSettings, base: BaseSettings, *, out: Path) -> None:
        self.settings, self.base, self.out = settings, base, out
        self.loaded = load_model(
            Path(base.directory), languages=Languages(settings.source_language, settings.target_language)
        )

    def tokenizer(self, pairs: list[Pair], *, say: Say) -> Tokenizer:
        """That of the model."""
        return self.loaded.tokenizer

    def config(self, tokenizer: Tokenizer) -> ModelConfig:
        """With the symbols of the model as it was loaded, of which the first may be that of a language."""
        return self.settings.model.model_copy(update={"symbols": self.loaded.manifest.model.symbols})

    def model(self, config: ModelConfig) -> Model:
        """The weights of the model, in one whose dropout may be another."""
        model = build_to_fill(config)
        load_weights(model, weights_of(self.loaded.model), where=Path(self.base.directory))
        if self.base.adapter is not None:
            adapt(model, self.base.adapter)
        freeze(model, self.base)
        return model

    def ranged(self, material: Material) -> Material:
        """That of the model below, which a model of Trasluz's own may go beyond."""
        before = self.loaded.manifest
        if before.task == "language-model":  # it has no source that could be too long
            return material
        longest, most = before.longest_source, before.most_sentences
        if self.base.adapter is None and self.loaded.origin is None:
            longest = max(longest, material.longest_source)
            seen = material.most_sentences
            most = None if most is None or seen is None else max(most, seen)
        return replace(
            material,
            longest_source=longest,
            most_sentences=most,
            longest_target=before.model.longest_target(longest),
        )

    def save(self, manifest: Manifest, model: Model, tokenizer: Tokenizer) -> None:
        """As the directory was that it came from, or as an adapter."""
        languages = self._languages()
        if self.base.adapter is not None:
            below = Below(self.base.directory, self.base.weights)
            save_adapter(self.out, model, self.base.adapter, below=below, languages=languages)
        elif self.loaded.origin is not None:
            write_learnt(self.out, languages)
            save_checkpoint(self.out, self._with(model))
        else:
            save_model(self.out, manifest=manifest, model=model, tokenizer=tokenizer)

    def _languages(self) -> Languages:
        """Those that a checkpoint learns; a model of Trasluz's own says its pair itself."""
        if self.loaded.origin is None:
            return Languages()
        return Languages(self.settings.source_language, self.settings.target_language)

    def _with(self, model: Model) -> LoadedModel:
        return replace(self.loaded, model=model)


def beginning_of(settings: RunSettings, *, out: Path, begun: bool) -> Beginning:
    """How a run begins; `begun` says whether it has, and goes on."""
    if settings.base is None:
        return Afresh(settings, out=out, begun=begun)
    return Onward(settings, settings.base, out=out)


def freeze(model: Model, base: BaseSettings) -> None:
    """Let nothing be learnt in the parts that are frozen.

    Raises `TrasluzError` where the model has no such part, or nothing is left to learn.
    """
    for part in base.freeze:
        chosen = [own for name, own in model.named_parameters() if name.startswith(PARTS[part])]
        if not chosen:
            raise TrasluzError(f"there is no {part} to freeze in a model of this kind; leave it out")
        for parameter in chosen:
            parameter.requires_grad_(False)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise TrasluzError("with all of these parts frozen nothing is left to learn; freeze fewer")
