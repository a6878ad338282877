"""What a run learns from: pairs made into tokens and batches, the tokeniser, the pairs it validates on.

Knows no model and no loop.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from trasluz.config import ModelConfig, Task
from trasluz.corpus.batch import Batches, Encoded, Sequences
from trasluz.corpus.read import Pair
from trasluz.corpus.sampling import SampledSequences
from trasluz.corpus.split import group_by_source
from trasluz.errors import TrasluzError
from trasluz.text.sentencepieces import SentencePieces
from trasluz.text.sentences import sentences, split_text
from trasluz.text.tokenizer import Tokenizer
from trasluz.training.settings import RunSettings, TokenizerSettings, longest_held

RANGE_SEEN_BY = 10
"""A length, or a number of sentences, is within a model's range when at least so many training sources have
it, or it is the largest of fewer."""


@dataclass(frozen=True, slots=True)
class Material:
    """All that a run learns from and is measured on.

    `longest_source` is the range of the model in pieces and `most_sentences` in sentences of a source;
    `longest_target` is what it can write at most, where it has such a limit.
    """

    task: Task
    tokenizer: Tokenizer
    batches: Batches
    validation: Sequence[Pair]
    held_out: Batches
    longest_source: int
    most_sentences: int | None
    longest_target: int | None
    left_out: int


def learn_tokenizer(pairs: Sequence[Pair], settings: TokenizerSettings) -> Tokenizer:
    """One set of pieces for both languages, learnt from the training pairs."""
    texts = (text for pair in pairs for text in (pair.source, pair.target) if text)
    return SentencePieces.learn(
        texts, vocabulary=settings.vocabulary, kind=settings.kind, normalization=settings.normalization
    )


def with_vocabulary(config: ModelConfig, entries: int) -> ModelConfig:
    """A model's configuration with the vocabulary that was learnt, perhaps a smaller one than asked for."""
    return config.model_copy(
        update={"embedding": config.embedding.model_copy(update={"vocabulary": entries})}
    )


def prepare(
    training: Sequence[Pair], validation: Sequence[Pair], *, tokenizer: Tokenizer, settings: RunSettings
) -> Material:
    """Pairs into batches; a pair with a side longer than `batch.longest` is left out, and counted.

    A text without a source is cut into parts that are short enough. Raises `TrasluzError` where no pair is
    left.
    """
    longest = settings.batch.longest
    training = _cut_texts(training, tokenizer, longest=longest)
    source, target = _encode_sides(training, tokenizer)
    longer = [max(len(a), len(b)) for a, b in zip(source, target, strict=True)]
    fits = [number for number, length in enumerate(longer) if length <= longest]
    if not fits:
        raise TrasluzError(
            f"all {len(training)} pairs are longer than {longest} pieces; raise batch.longest, or split them"
        )
    source, target = [source[number] for number in fits], [target[number] for number in fits]
    frame = tokenizer.frame
    sampled = partial(_sampled, settings=settings)
    range_seen = _range_seen(len(ids) for ids in source)
    most_sentences = _range_seen(len(sentences(training[number].source)) for number in fits)
    checked = _cut_texts(_spread(validation, settings.validation.pairs), tokenizer, longest=longest)
    held_source, held_target = map(
        Sequences.from_lists, _held(*_encode_sides(checked, tokenizer), settings=settings)
    )
    return Material(
        task=settings.task,
        tokenizer=tokenizer,
        batches=_batches(
            sampled(
                Sequences.from_lists(source),
                [training[number].source for number in fits],
                tokenizer=tokenizer,
                framed=frame.source,
            ),
            sampled(
                Sequences.from_lists(target),
                [training[number].target for number in fits],
                tokenizer=tokenizer.target,
                framed=frame.target,
            ),
            tokenizer=tokenizer,
            settings=settings,
        ),
        validation=checked,
        held_out=_batches(held_source, held_target, tokenizer=tokenizer, settings=settings),
        longest_source=range_seen,
        most_sentences=max(1, most_sentences),
        longest_target=settings.model.longest_target(range_seen),
        left_out=len(training) - len(fits),
    )


def fingerprint(pairs: Sequence[Pair]) -> str:
    """A SHA-256 of all pairs in their order, to tell one corpus from another."""
    digest = hashlib.sha256()
    for pair in pairs:
        digest.update(f"{pair.source}\t{pair.target}\n".encode())
    return digest.hexdigest()


def _encode_sides(pairs: Sequence[Pair], tokenizer: Tokenizer) -> tuple[list[list[int]], list[list[int]]]:
    """The ids of all sources and of all targets, each framed as the model wants it; no source has nothing."""
    source = tokenizer.encode_all([pair.source for pair in pairs])
    target = tokenizer.target.encode_all([pair.target for pair in pairs])
    frame = tokenizer.frame
    return [frame.source(ids) if ids else [] for ids in source], [frame.target(ids) for ids in target]


def _held(
    source: Sequence[list[int]], target: Sequence[list[int]], *, settings: RunSettings
) -> tuple[list[list[int]], list[list[int]]]:
    """The pairs for which the model has positions; translations of the others are measured in parts."""
    most = longest_held(settings.task, settings.model)
    pairs = zip(source, target, strict=True)
    both = [(a, b) for a, b in pairs if most is None or max(len(a), len(b)) <= most]
    if not both:
        raise TrasluzError(
            f"all validation pairs are longer than the {most} pieces a side that the model has positions "
            "for; give shorter ones"
        )
    return [a for a, _ in both], [b for _, b in both]


def _range_seen(counts: Iterable[int]) -> int:
    """The largest count that `RANGE_SEEN_BY` sources have, or the largest of fewer."""
    found = sorted(counts, reverse=True)
    return found[RANGE_SEEN_BY - 1 if len(found) >= RANGE_SEEN_BY else 0]


def _cut_texts(pairs: Sequence[Pair], tokenizer: Tokenizer, *, longest: int) -> Sequence[Pair]:
    """The pairs, where texts without a source are cut so that each has up to `longest` pieces."""
    if any(pair.source for pair in pairs):
        return pairs

    frame = tokenizer.frame

    def fits(text: str) -> bool:
        return len(frame.target(tokenizer.target.encode(text.strip()))) <= longest

    parts = (part.strip() for pair in pairs for part in split_text(pair.target, fits))
    return [Pair("", part) for part in parts if part]


def _sampled(
    fixed: Sequences,
    texts: Sequence[str],
    *,
    tokenizer: Tokenizer,
    framed: Callable[[Sequence[int]], list[int]],
    settings: RunSettings,
) -> Encoded:
    """The sequences as they are, or cut anew in every epoch where the settings say so."""
    share = settings.tokenizer.sampling
    if share == 0:
        return fixed
    return SampledSequences(fixed, texts, tokenizer=tokenizer, framed=framed, share=share, seed=settings.seed)


def _spread(pairs: Sequence[Pair], count: int) -> list[Pair]:
    """About `count` pairs from all over the list, every source with all of its targets."""
    step = -(-len(pairs) // count)
    if not any(pair.source for pair in pairs):
        return list(pairs[::step])
    groups = group_by_source(pairs)
    return [Pair(source, target) for source, targets in groups[::step] for target in targets]


def _batches(source: Encoded, target: Encoded, *, tokenizer: Tokenizer, settings: RunSettings) -> Batches:
    return Batches(source, target, tokens=settings.batch.tokens, seed=settings.seed, pad_id=tokenizer.pad_id)
