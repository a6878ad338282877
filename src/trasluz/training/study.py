"""What a study asks: which models are compared, on which pairs, with which settings in common.

Knows no training: that is in `trasluz.training.series`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trasluz.corpus.read import Pair, read_pairs
from trasluz.corpus.starter import starter_split
from trasluz.errors import TrasluzError
from trasluz.evaluation.length import words_of
from trasluz.insight.pharaoh import Aligned
from trasluz.training.run import Corpus, held_out_of, hold_out
from trasluz.training.settings import BatchSettings, merge
from trasluz.training.variant import Variant, position_variants, score_variants

TEST, LONGER = "test", "longer"
LONGER_SHARE = 10
"""One in so many sources, at least, is longer than those of training."""
SENTENCES_WATCHED = 50


@dataclass(frozen=True, slots=True)
class Parts:
    """Pairs to learn from, to choose the best weights by, and to test on."""

    training: Sequence[Pair]
    validation: Sequence[Pair]
    test: Sequence[Pair]


@dataclass(frozen=True, slots=True)
class Study:
    """Models that differ in one choice and have all else in common: pairs, preset, settings, budget, seed.

    `tests` are pairs by the name of the test; `changes` are settings laid over the preset's; of `aligned`
    pairs people have aligned the words. In a study of positions `longest_words` is the most words of a source
    that training has.
    """

    kind: str
    variants: Sequence[Variant]
    corpus: Corpus
    tests: Mapping[str, Sequence[Pair]]
    preset: str
    changes: Mapping[str, Any]
    command: str
    longest_words: int | None = None
    aligned: Aligned | None = None

    @property
    def choice(self) -> str:
        """What the models differ in, in the singular."""
        return self.kind.removesuffix("s")

    @property
    def watched(self) -> Sequence[Pair]:
        """Some validation pairs, from all over them, whose attention is looked at."""
        validation = self.corpus.validation
        return validation[:: -(-len(validation) // SENTENCES_WATCHED)]

    def changes_of(self, variant: Variant) -> dict[str, Any]:
        """The settings of one model that are laid over the preset's."""
        return merge(self.changes, {"model": variant.settings})


def read_parts(
    paths: Sequence[Path],
    *,
    valid: Sequence[Path] = (),
    test: Sequence[Path] = (),
    columns: tuple[int, int] = (1, 2),
    seed: int = 1,
) -> Parts:
    """Pairs from files; without `test`, and then without `valid`, one in twenty (at most a thousand) each are
    held out, and never leak.
    """
    rest = read_pairs(paths, columns=columns)
    if test:
        tested = read_pairs(test, columns=columns)
    else:
        rest, tested = hold_out(rest, seed=seed)
    if valid:
        return Parts(rest, read_pairs(valid, columns=columns), tested)
    return Parts(*hold_out(rest, seed=seed), tested)


def starter_parts(count: int, *, seed: int = 1) -> Parts:
    """So many pairs of the corpus that comes with Trasluz, validated and tested on unseen combinations."""
    return Parts(*starter_split(count, held_out=held_out_of(count), seed=seed))


def score_study(
    parts: Parts,
    *,
    architectures: Sequence[str],
    scores: Sequence[str],
    preset: str,
    changes: Mapping[str, Any],
    command: str,
    aligned: Aligned | None = None,
) -> Study:
    """The same pairs under each score in each architecture; see `score_variants`.

    Raises `TrasluzError` for what cannot be compared.
    """
    variants = score_variants(architectures, scores)
    _leave_open(changes, "attention.score", option="--score")
    return Study(
        "scores",
        variants,
        Corpus(parts.training, parts.validation),
        {TEST: parts.test},
        preset,
        comparable(changes),
        command,
        aligned=aligned,
    )


def position_study(
    parts: Parts,
    *,
    architectures: Sequence[str],
    positions: Sequence[str],
    longest_words: int | None,
    preset: str,
    changes: Mapping[str, Any],
    command: str,
    aligned: Aligned | None = None,
) -> Study:
    """The same pairs under each position in each architecture; see `position_variants`.

    Only pairs whose source has up to `longest_words` words are learnt from and validated on; what is longer
    is tested apart. Without it, it is the largest number that leaves out a tenth of the training pairs, at
    least. Raises `TrasluzError` for what cannot be compared, and where a part would be empty.
    """
    changes = comparable(changes)
    variants = position_variants(architectures, positions, longest=longest_pieces(changes))
    _leave_open(changes, "position", option="--position")
    words = longest_words or most_words(parts.training)
    training, validation, test = (_within(pairs, words) for pairs in _each(parts))
    longer = [pair for pair in parts.test if words_of(pair.source) > words]
    for name, pairs in (("training", training), ("validation", validation), ("test", test)):
        if not pairs:
            raise TrasluzError(
                f"no {name} pair has a source of up to {words} words; give a larger --longest-words"
            )
    if not longer:
        raise TrasluzError(
            f"no test pair has a source of more than {words} words; give a smaller --longest-words, or "
            "longer pairs with --test"
        )
    tests = {f"up to {words} words": test, LONGER: longer}
    corpus = Corpus(training, validation)
    return Study("positions", variants, corpus, tests, preset, changes, command, words, aligned)


def most_words(pairs: Sequence[Pair]) -> int:
    """The largest number of words that a tenth of all sources, at least, go beyond.

    Raises `TrasluzError` where so many sources have a single word.
    """
    lengths = sorted((words_of(pair.source) for pair in pairs), reverse=True)
    words = lengths[-(-len(lengths) // LONGER_SHARE) - 1] - 1
    if words < 1:
        raise TrasluzError(
            "fewer than a tenth of the sources have more than one word, so there is nothing longer to test "
            "on; give other pairs"
        )
    return words


def comparable(changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings, if they leave to the study what it decides and give all models a budget.

    Raises `TrasluzError` otherwise.
    """
    model = changes.get("model", {})
    if not isinstance(model, Mapping):
        raise TrasluzError(f"settings: model is {model!r}, but it should be a group of settings")
    if "kind" in model:
        raise TrasluzError(
            f"model.kind is {model['kind']!r}, but a study goes through architectures by itself; leave it "
            f"out and give --arch {model['kind']}"
        )
    if changes.get("task", "translation") != "translation":
        raise TrasluzError(
            f"the task is {changes['task']!r}, but a study compares translators; leave the task out"
        )
    budget = changes.get("budget")
    if not isinstance(budget, Mapping) or all(value is None for value in budget.values()):
        raise TrasluzError(
            "no budget is given, and models are compared under an equal one; give --steps or --time for each "
            "model, such as --time 10m"
        )
    return changes


def _leave_open(changes: Mapping[str, Any], compared: str, *, option: str) -> None:
    """Raise where the settings decide what the study compares."""
    for side in ("encoder", "decoder"):
        path = ["model", side, *compared.split(".")]
        place: Any = changes
        for key in path:
            place = place.get(key) if isinstance(place, Mapping) else None
        if place is not None:
            raise TrasluzError(
                f"{'.'.join(path)} is given, but that is what the study compares; leave it out, and choose "
                f"with {option}"
            )


def longest_pieces(changes: Mapping[str, Any]) -> int:
    """The most pieces that a side of a training pair may have under some settings."""
    batch = changes.get("batch", {})
    longest = batch.get("longest") if isinstance(batch, Mapping) else None
    return longest if isinstance(longest, int) else BatchSettings().longest


def _each(parts: Parts) -> tuple[Sequence[Pair], Sequence[Pair], Sequence[Pair]]:
    return parts.training, parts.validation, parts.test


def _within(pairs: Sequence[Pair], words: int) -> list[Pair]:
    return [pair for pair in pairs if words_of(pair.source) <= words]
