"""The corpus that comes with Trasluz: English-Spanish sentence pairs made by a grammar of its own.

English "you" is one person and informal (tú); "they" and "them" of people are ellos and los; where English
does not tell the sex ("the doctor", "my friend"), Spanish has the masculine. Spanish leaves out yo, tú and
nosotros, and keeps él, ella and ellos, save in a second clause about the first one's subject. So each English
sentence has one right translation here, and a score says something.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random

from trasluz.corpus.grammar import being, compounds, patterns, presence, questions
from trasluz.corpus.grammar.sentence import Sentence
from trasluz.corpus.read import Pair
from trasluz.errors import TrasluzError

Combination = tuple[str, ...]
Pattern = Callable[[Random], Sentence | None]

PATTERNS: tuple[tuple[Pattern, int], ...] = (
    (patterns.doing, 300),
    (patterns.doing_to_people, 60),
    (patterns.doing_to_somebody, 40),
    (patterns.being_somewhere_doing, 90),
    (patterns.giving, 50),
    (patterns.moving, 70),
    (patterns.keeping_hours, 25),
    (patterns.feeding, 15),
    (being.being_like, 90),
    (being.being_like_in_general, 8),
    (being.feeling, 30),
    (being.being_of_age, 15),
    (being.costing, 15),
    (being.working_as, 25),
    (being.coming_from, 10),
    (presence.being_somewhere, 45),
    (presence.there_being, 40),
    (being.weather, 20),
    (being.liking, 40),
    (questions.what, 20),
    (questions.who, 20),
    (questions.where, 20),
    (questions.where_to, 5),
    (questions.where_from, 4),
    (questions.when, 15),
    (questions.why, 15),
    (questions.how_many, 12),
    (questions.how_much, 6),
    (questions.how_old, 4),
    (questions.how, 3),
    (compounds.two_people, 45),
    (compounds.because_of_oneself, 30),
    (compounds.because_of_need, 15),
    (compounds.because_of_weather, 12),
    (compounds.doing_twice, 25),
    (compounds.doing_once, 15),
    (compounds.wanting_anyway, 12),
    (compounds.being_both, 14),
)
"""The patterns of sentences, and how often each is drawn."""
EVERY_PATTERN, WEIGHTS = [pattern for pattern, _ in PATTERNS], [weight for _, weight in PATTERNS]

MOST_PAIRS = 200_000
"""So many pairs the corpus has. The grammar could go on, but all its words and patterns are in far fewer."""
HELD_OUT_COMBINATIONS = 0.12
"""The share of all combinations that is kept for validation; as many are kept for test."""
OFTEN = 3
"""Every word form of a held-out pair occurs in so many training pairs, at least."""
TRIES, BARREN = 600, 20
"""So often a pattern is tried for a new pair; after so many patterns in a row without one, there is none."""
WORD = re.compile(r"\w+")


def starter_pairs(count: int, *, seed: int = 1) -> list[Pair]:
    """Distinct pairs, no source or target twice; the same for the same seed.

    Raises `TrasluzError` where the corpus has fewer.
    """
    _check(count)
    return _pairs(_Drawing(seed).draw(count, fits=lambda _: True))


def starter_split(pairs: int, *, held_out: int, seed: int = 1) -> tuple[list[Pair], list[Pair], list[Pair]]:
    """So many training pairs, `held_out` validation and as many test pairs; the same for the same seed.

    The held-out pairs are made of unseen combinations. The combination of a clause is its subject (noun,
    name, pronoun or question word), its verb, and the head of what the verb needs (object, adjective, number
    or place), as English dictionary words: (girl, read, letter), (house, be, big), (they, go, market). It is
    the same in singular and plural, in every tense, affirmed, denied or asked, with "can", "want to" or "like
    to", and whatever articles, adjectives, receivers, times and other additions come with it. A sentence has
    one combination for each clause; only the weather as a reason ("because it is raining") counts for none.
    No combination of a validation or test pair occurs in training, and none of validation in test. Their
    words do: every word form of a held-out pair, in either language and with its capital letters, occurs in 3
    training pairs or more. No source and no target occurs twice, within a part or across them.

    Raises `TrasluzError` where the corpus has not so many pairs.
    """
    training, validation, test = split_sentences(pairs, held_out=held_out, seed=seed)
    return _pairs(training), _pairs(validation), _pairs(test)


def split_sentences(
    count: int, *, held_out: int, seed: int
) -> tuple[list[Sentence], list[Sentence], list[Sentence]]:
    """The sentences of `starter_split`, which know their combinations."""
    _check(count + 2 * held_out)
    drawing = _Drawing(seed)
    training = drawing.draw(count, fits=lambda sentence: drawing.belongs(sentence, "training"))
    forms = Counter(form for sentence in training for form in word_forms(sentence))
    familiar = {form for form, count in forms.items() if count >= OFTEN}

    def held(part: str) -> list[Sentence]:
        def fits(sentence: Sentence) -> bool:
            return drawing.belongs(sentence, part) and word_forms(sentence) <= familiar

        return drawing.draw(held_out, fits=fits)

    return training, held("validation"), held("test")


def word_forms(pair: Pair | Sentence) -> set[tuple[str, str]]:
    """The words of a pair as they are written, each with its language."""
    in_english = {("en", word) for word in WORD.findall(pair.source)}
    return in_english | {("es", word) for word in WORD.findall(pair.target)}


def starter_sentences(rng: Random) -> Iterator[Sentence]:
    """Sentences of the grammar, in the proportions of its patterns, without end and with repetitions."""
    while True:
        if sentence := _pattern(rng)(rng):
            yield sentence


class _Drawing:
    """Sentences drawn from the grammar, none twice, and to which part each combination belongs."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.part_of: dict[Combination, str] = {}
        self.drawn: set[str] = set()

    def draw(self, count: int, *, fits: Callable[[Sentence], bool]) -> list[Sentence]:
        """So many new sentences that fit."""
        found: list[Sentence] = []
        barren = 0
        while len(found) < count:
            sentence = next(filter(fits, self._new(_pattern(self.rng))), None)
            barren = 0 if sentence else barren + 1
            if sentence:
                self.drawn |= {sentence.source, sentence.target}
                found.append(sentence)
            elif barren == BARREN:
                raise TrasluzError(
                    f"only {len(found)} of {count} held-out pairs can be made of the words that are often "
                    "enough in training; ask for more training pairs"
                )
        return found

    def belongs(self, sentence: Sentence, part: str) -> bool:
        """Whether every combination is of this part; one that is met for the first time is given a part."""
        for combination in sentence.combinations:
            if combination not in self.part_of:
                self.part_of[combination] = self._some_part()
        return all(self.part_of[combination] == part for combination in sentence.combinations)

    def _some_part(self) -> str:
        chance = self.rng.random()
        if chance < HELD_OUT_COMBINATIONS:
            return "validation"
        return "test" if chance < 2 * HELD_OUT_COMBINATIONS else "training"

    def _new(self, pattern: Pattern) -> Iterator[Sentence]:
        """What a pattern gives in some tries, without what was drawn before."""
        for _ in range(TRIES):
            sentence = pattern(self.rng)
            if sentence and not self.drawn & {sentence.source, sentence.target}:
                yield sentence


def _pattern(rng: Random) -> Pattern:
    """One of the patterns, by their weights."""
    return rng.choices(EVERY_PATTERN, WEIGHTS)[0]


def _pairs(sentences: list[Sentence]) -> list[Pair]:
    return [Pair(sentence.source, sentence.target) for sentence in sentences]


def _check(wanted: int) -> None:
    """Raise where more pairs are asked for than there are."""
    if wanted > MOST_PAIRS:
        raise TrasluzError(
            f"the bundled corpus has {MOST_PAIRS} pairs and {wanted} were asked for; ask for fewer"
        )
