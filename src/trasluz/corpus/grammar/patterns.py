"""The patterns of one clause: who does what, where somebody goes, what something is like.

Each takes a source of chance and gives a sentence, or None where the choices do not go together.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from trasluz.corpus.grammar import verbs
from trasluz.corpus.grammar.clause import Clause
from trasluz.corpus.grammar.drawing import (
    HOURS,
    draw_noun_phrase,
    draw_object,
    draw_person,
    draw_place,
    draw_tense,
    draw_time,
    is_for,
    objects_of,
)
from trasluz.corpus.grammar.nouns import ANIMALS, TOWNS, noun_named, nouns_among
from trasluz.corpus.grammar.phrase import OBJECT_PRONOUNS, Phrase, noun_phrase
from trasluz.corpus.grammar.sentence import Sentence, in_some_mood
from trasluz.corpus.grammar.word import Noun, Verb

SHARE_PLACED = 0.18
UNTIMED = ("remember", "understand")
FEED = {"lion": "meat", "eagle": "meat fish", "cat": "meat fish", "dog": "meat bread"}
"""What animals eat, where it is not fruit and bread."""
AT_ODDS = {"clean": "clean", "wash": "clean", "break": "broken"}
"""Nobody cleans what is clean."""


def transitive_clause(rng: Random, *, subject: Phrase | None = None, tense: str = "") -> Clause:
    """Somebody does something to a thing, without time or place.

    In a question a noun would seem one with what follows ("¿habla el hombre alemán?"); a pronoun does not.
    """
    verb = rng.choice(verbs.TRANSITIVE)
    who = subject or draw_person(rng)
    thing = draw_object(rng, draw_noun_for(rng, verb, who=who), determiners=verb.determiners)
    while AT_ODDS.get(verb.english, "") in thing.english.split():
        thing = draw_object(rng, draw_noun_for(rng, verb, who=who), determiners=verb.determiners)
    return Clause(
        who,
        verb,
        tense or draw_tense(rng, forms=verb.forms),
        thing.english,
        f"{verb.preposition} {thing.spanish}".lstrip(),
        (thing.head,),
        predicate_first=thing.bare and who.human,
    )


def draw_noun_for(rng: Random, verb: Verb, *, who: Phrase) -> Noun:
    """One of the nouns that the verb may have as its object: skirts are for women to wear."""
    nouns = [noun for noun in objects_of(verb) if is_for(noun, who)]
    if verb.english == "wear" and who.gender != "f":
        nouns = [noun for noun in nouns if noun.english not in ("dress", "skirt")]
    return rng.choice(nouns)


def intransitive_clause(
    rng: Random, *, subject: Phrase | None = None, tense: str = "", verb: Verb | None = None, places: str = ""
) -> Clause:
    """Somebody does something somewhere."""
    chosen = verb or rng.choice(verbs.INTRANSITIVE)
    place, lugar, head = draw_place(rng, kinds=places or chosen.places)
    when = tense or draw_tense(rng, forms=chosen.forms)
    return Clause(subject or draw_person(rng), chosen, when, place, lugar, (head,))


def moving_clause(rng: Random, *, subject: Phrase | None = None) -> Clause:
    """Somebody goes somewhere, or comes from there."""
    verb = rng.choice((verbs.GO, verbs.GO, verbs.COME_BACK, verbs.LEAVE, verbs.TRAVEL))
    if verb is verbs.TRAVEL or (verb is verbs.GO and rng.random() < 0.2):
        head, lugar = rng.choice(TOWNS)
        place, lugar = f"to {head}", f"a {lugar}"
    else:
        noun = rng.choice(nouns_among("building" if verb is verbs.LEAVE else "goal"))
        goal = noun_phrase(noun)
        before, antes = {"go": ("to ", "a"), "come back": ("from ", "de"), "leave": ("", "de")}[verb.english]
        place, lugar, head = f"{before}{goal.english}", f"{antes} {goal.spanish}", noun.english
    tense = draw_tense(rng, forms=verb.forms)
    return Clause(subject or draw_person(rng), verb, tense, place, lugar, (head,))


def doing(rng: Random) -> Sentence | None:
    """The girl reads the old letters."""
    clause = transitive_clause(rng)
    if clause.verb.places and rng.random() < SHARE_PLACED:
        place, lugar, _ = draw_place(rng, kinds=clause.verb.places)
        return in_some_mood(
            rng, replace(clause, english=f"{clause.english} {place}", spanish=f"{clause.spanish} {lugar}")
        )
    return in_some_mood(rng, _timed(rng, clause, share=0.45 if clause.verb.english == "read" else 0.3))


def doing_to_people(rng: Random) -> Sentence | None:
    """The doctor helps my sister."""
    verb = rng.choice(verbs.WITH_PEOPLE)
    subject = draw_person(rng)
    other = draw_person(rng, pronouns=False, definite=True)
    if other.head == subject.head:
        return None
    tense = draw_tense(rng, forms=verb.forms)
    return in_some_mood(
        rng,
        _timed(rng, Clause(subject, verb, tense, other.english, f"a {other.spanish}", (other.head,))),
    )


def doing_to_somebody(rng: Random) -> Sentence | None:
    """The doctor helps me."""
    verb = rng.choice(verbs.WITH_PEOPLE)
    subject = draw_person(rng)
    pronoun, clitic, not_of = rng.choice(OBJECT_PRONOUNS)
    if subject.person in not_of:
        return None
    tense = draw_tense(rng, forms=verb.forms)
    clause = Clause(subject, verb, tense, pronoun, "", (pronoun,), clitic=clitic)
    return in_some_mood(rng, _timed(rng, clause))


def being_somewhere_doing(rng: Random) -> Sentence | None:
    """The boys play in the park; the dog sleeps on the sofa."""
    if rng.random() < 0.15:
        kinds = verbs.OF_ANIMALS.split()
        verb = rng.choice([verb for verb in verbs.INTRANSITIVE if verb.english in kinds])
        animal = draw_noun_phrase(rng, rng.choice(nouns_among("pet")))
        place, lugar, head = draw_place(rng, kinds="garden park kitchen house")
        tense = draw_tense(rng, forms="ptfg")
        return in_some_mood(rng, _timed(rng, Clause(animal, verb, tense, place, lugar, (head,)), share=0.2))
    return in_some_mood(rng, _timed(rng, intransitive_clause(rng), share=0.25))


def giving(rng: Random) -> Sentence | None:
    """The girl gives the book to her brother; the girl gives me the book."""
    verb = rng.choice(verbs.GIVING)
    subject = draw_person(rng)
    noun = draw_noun_for(rng, verb, who=subject)
    thing = draw_object(rng, noun, determiners="some")
    tense = draw_tense(rng, forms=verb.forms)
    if verb.english in ("give", "send", "bring") and rng.random() < 0.4:
        pronoun, clitic, persons = rng.choice([them for them in OBJECT_PRONOUNS if them[2]])
        if subject.person in persons:
            return None
        key = (thing.head,)
        clause = Clause(subject, verb, tense, f"{pronoun} {thing.english}", thing.spanish, key, clitic=clitic)
        return in_some_mood(rng, _timed(rng, clause, share=0.2))
    other = draw_person(rng, pronouns=False, definite=True)
    if other.head == subject.head or not is_for(noun, other):
        return None
    in_english, in_spanish = f"{thing.english} to {other.english}", f"{thing.spanish} a {other.spanish}"
    key, clitic = (thing.head,), "les" if other.many else "le"
    clause = Clause(subject, verb, tense, in_english, in_spanish, key, clitic=clitic)
    return in_some_mood(rng, _timed(rng, clause, share=0.1))


def moving(rng: Random) -> Sentence | None:
    """The teacher goes to the market; the king comes back from the castle; we travel to Spain."""
    clause = moving_clause(rng)
    when = draw_time(rng, tense=clause.tense, share=0.4)
    return in_some_mood(rng, replace(clause, when=when))


def keeping_hours(rng: Random) -> Sentence | None:
    """My father gets up at seven; the train arrives at five."""
    hour = rng.choice(HOURS)
    if rng.random() < 0.3:
        vehicle = draw_noun_phrase(rng, rng.choice(nouns_among("transport")), definite=True)
        return in_some_mood(
            rng, Clause(vehicle, verbs.ARRIVE, draw_tense(rng, forms="ptf"), key=(hour[0],), when=hour)
        )
    verb = rng.choice(verbs.RISE)
    tense = draw_tense(rng, forms="ptf")
    return in_some_mood(rng, Clause(draw_person(rng), verb, tense, key=(hour[0],), when=hour))


def feeding(rng: Random) -> Sentence | None:
    """The horse drinks water; the rabbits eat an apple."""
    animal = draw_noun_phrase(rng, rng.choice(ANIMALS))
    if rng.random() < 0.5:
        verb = Verb("drink", "beber")
        drinks = ("water", "milk") if animal.head == "cat" else ("water",)
        taken = draw_object(rng, noun_named(rng.choice(drinks)))
    else:
        verb = Verb("eat", "comer")
        eaten = FEED.get(animal.head, "apple pear bread fruit")
        taken = draw_object(rng, rng.choice(nouns_among(eaten)), determiners="some")
    tense = draw_tense(rng, forms="ptfg")
    clause = Clause(animal, verb, tense, taken.english, taken.spanish, (taken.head,))
    return in_some_mood(rng, _timed(rng, replace(clause, predicate_first=taken.bare)))


def _timed(rng: Random, clause: Clause, *, share: float = 0.3) -> Clause:
    """The clause with a time, in a share of the cases; what is so, and not done, has none."""
    verb = clause.verb
    if verb.state or verb.english in UNTIMED or (clause.tense == "present" and "g" not in verb.forms):
        return clause
    return replace(clause, when=draw_time(rng, tense=clause.tense, share=share))
