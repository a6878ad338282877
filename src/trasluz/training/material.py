"""What a run learns from: pairs made into tokens and batches, the tokeniser, the pairs it validates on.

Knows no model and no loop.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from trasluz.config import ModelConfig
from trasluz.corpus.batch import Batches, Sequences
from trasluz.corpus.read import Pair
from trasluz.errors import TrasluzError
from trasluz.text.tokenizer import Tokenizer
from trasluz.training.settings import RunSettings, TokenizerSettings

RANGE_SEEN_BY = 10
"""A length counts as within a model's range when at least so many training sources are as long."""


@dataclass(frozen=True, slots=True)
class Material:
    """All that a run learns from and is measured on; `longest_source` is the range of the model in pieces."""

    tokenizer: Tokenizer
    batches: Batches
    validation: Sequence[Pair]
    held_out: Batches
    longest_source: int
    left_out: int


def learn_tokenizer(pairs: Sequence[Pair], settings: TokenizerSettings) -> Tokenizer:
    """One set of pieces for both languages, learnt from the training pairs."""
    texts = (text for pair in pairs for text in (pair.source, pair.target))
    return Tokenizer.learn(
        texts, vocabulary=settings.vocabulary, kind=settings.kind, normalization=settings.normalization
    )


def with_vocabulary(config: ModelConfig, entries: int) -> ModelConfig:
    """A model's configuration with the vocabulary that was learnt, which may be smaller than was asked for."""
    return config.model_copy(update={"embedding": config.embedding.model_copy(update={"vocabulary": entries})})


def prepare(
    training: Sequence[Pair], validation: Sequence[Pair], *, tokenizer: Tokenizer, settings: RunSettings
) -> Material:
    """Pairs into batches; a pair with a side longer than `batch.longest` is left out, and counted.

    Raises `TrasluzError` where no pair is left.
    """
    source = _encode(tokenizer, [pair.source for pair in training])
    target = _encode(tokenizer, [pair.target for pair in training])
    longest = settings.batch.longest
    fits = [max(len(a), len(b)) <= longest for a, b in zip(source, target, strict=True)]
    if not any(fits):
        raise TrasluzError(
            f"all {len(training)} pairs are longer than {longest} pieces; raise batch.longest, or split them"
        )
    source = [ids for ids, fit in zip(source, fits, strict=True) if fit]
    target = [ids for ids, fit in zip(target, fits, strict=True) if fit]
    lengths = sorted((len(ids) for ids in source), reverse=True)
    checked = validation[: settings.validation.pairs]
    return Material(
        tokenizer=tokenizer,
        batches=_batches(source, target, tokenizer=tokenizer, settings=settings),
        validation=checked,
        held_out=_batches(
            _encode(tokenizer, [pair.source for pair in checked]),
            _encode(tokenizer, [pair.target for pair in checked]),
            tokenizer=tokenizer,
            settings=settings,
        ),
        longest_source=lengths[min(RANGE_SEEN_BY, len(lengths)) - 1],
        left_out=len(training) - len(source),
    )


def fingerprint(pairs: Sequence[Pair]) -> str:
    """A SHA-256 of all pairs in their order, to tell one corpus from another."""
    digest = hashlib.sha256()
    for pair in pairs:
        digest.update(f"{pair.source}\t{pair.target}\n".encode())
    return digest.hexdigest()


def _encode(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    """The ids of each text with the end symbol behind them."""
    return [[*ids, tokenizer.end_id] for ids in tokenizer.encode_all(texts)]


def _batches(
    source: list[list[int]], target: list[list[int]], *, tokenizer: Tokenizer, settings: RunSettings
) -> Batches:
    return Batches(
        Sequences.from_lists(source),
        Sequences.from_lists(target),
        tokens=settings.batch.tokens,
        seed=settings.seed,
        pad_id=tokenizer.pad_id,
    )
