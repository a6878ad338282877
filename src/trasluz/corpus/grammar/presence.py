"""The patterns of being somewhere: where things and people are (estar), and what there is (hay).

Each takes a source of chance and gives a sentence, or None where the choices do not go together.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from random import Random

from trasluz.corpus.grammar import clause as words
from trasluz.corpus.grammar import verbs
from trasluz.corpus.grammar.clause import Clause
from trasluz.corpus.grammar.drawing import (
    COUNTED,
    draw_noun_phrase,
    draw_person,
    draw_place,
    draw_tense,
    draw_time,
)
from trasluz.corpus.grammar.nouns import noun_named, nouns_among
from trasluz.corpus.grammar.phrase import IT, THEY, Phrase, noun_phrase
from trasluz.corpus.grammar.sentence import Sentence, in_some_mood, question, statement, told
from trasluz.corpus.grammar.word import Noun

SPOTS = (
    ("on", "en", "table bed chair sofa"),
    ("in", "en", "box suitcase drawer bag"),
    ("under", "debajo de", "table bed chair sofa tree"),
    ("behind", "detrás de", "door sofa tree house church"),
    ("in front of", "delante de", "door window house school church museum"),
    ("near", "cerca de", "window door station park river lake church bridge"),
    ("next to", "al lado de", "window bed sofa lamp tree bank library"),
)
"""Where a thing may be: a preposition in both languages and its landmarks."""
OUTSIDE = "tree house church school museum station park river lake bridge bank library"
THINGS = "small box suitcase bag umbrella knife pen pencil watch pet"
"""What may be at such a spot."""


def being_somewhere(rng: Random) -> Sentence | None:
    """The keys are on the table; my mother is in the garden."""
    tense = draw_tense(rng, forms="ptf")
    if rng.random() < 0.45:
        place, lugar, head = draw_place(rng, kinds="building chamber outdoors work")
        subject = draw_person(rng, definite=True)
    else:
        noun = rng.choice(nouns_among(THINGS))
        subject = draw_noun_phrase(rng, noun, definite=True)
        place, lugar, head = rng.choice(spots_for(noun))
        if head == noun.english:
            return None
    clause = Clause(subject, verbs.BE_THERE, tense, place, lugar, (head,))
    when = draw_time(rng, tense=tense, share=0.15) if tense != "present" else ("", "")
    return in_some_mood(rng, replace(clause, when=when), frequent=subject.human)


def there_being(rng: Random) -> Sentence | None:
    """There is a cat under the tree; there are no books in the box."""
    noun = rng.choice(nouns_among(f"{THINGS} whole-fruit tool flower bird restaurant hotel bank church"))
    place, lugar, head = rng.choice(spots_for(noun))
    if head == noun.english:
        return None
    kind, tense = rng.random(), rng.choice(("present", "present", "past", "future"))
    if kind < 0.25:
        what = noun_phrase(noun, determiner="", many=True)
    elif kind < 0.65:
        numbers = COUNTED[: 2 if noun.among("building") else 9]
        what = noun_phrase(noun, determiner=rng.choice((*numbers, "many", "some")), many=True)
    else:
        what = noun_phrase(noun, determiner="a")
    clause = there_is(what, place=(place, lugar), tense=tense, key=(what.head, head))
    if kind < 0.25:
        return told(
            words.english_statement(replace(clause, english=f"no {clause.english}")),
            words.spanish_statement(replace(clause, negative=True)),
            clause,
        )
    return question(clause) if 0.55 < kind < 0.75 else statement(clause)


def there_is(what: Phrase, *, place: tuple[str, str], tense: str, key: tuple[str, ...]) -> Clause:
    """That there is something somewhere: hay, había, habrá, of one or of many."""
    there = Phrase("there", "", THEY if what.many else IT, "", "there")
    in_english, in_spanish = f"{what.english} {place[0]}", f"{what.spanish} {place[1]}"
    return Clause(there, verbs.THERE_BE, tense, in_english, in_spanish, key, agrees_with=IT)


@cache
def spots_for(noun: Noun) -> tuple[tuple[str, str, str], ...]:
    """The spots where such a thing may be: English, Spanish, the landmark's noun.

    Things are indoors, buildings stand near others, and animals are on the sofa, but not in the drawer.
    """
    found = []
    for before, antes, landmarks in SPOTS:
        for landmark in map(noun_named, landmarks.split()):
            outside = landmark.among(OUTSIDE)
            if noun.among("building"):
                fits = outside and before in ("near", "next to")
            elif noun.among("animal"):
                fits = before != "in" and landmark.english != "table"
            else:
                fits = not outside
            if fits:
                place = noun_phrase(landmark)
                found.append((f"{before} {place.english}", f"{antes} {place.spanish}", landmark.english))
    return tuple(found)
