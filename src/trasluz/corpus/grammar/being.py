"""The patterns of being: what things are like (ser), how they are (estar), what English is and Spanish has
(hunger, years), the weather and likes.

Each takes a source of chance and gives a sentence, or None where the choices do not go together.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from trasluz.corpus.grammar import spanish, verbs
from trasluz.corpus.grammar.adjectives import predicates
from trasluz.corpus.grammar.clause import Clause
from trasluz.corpus.grammar.drawing import (
    draw_noun_phrase,
    draw_person,
    draw_tense,
    draw_time,
    is_for,
    objects_of,
)
from trasluz.corpus.grammar.nouns import TOWNS, nouns_among
from trasluz.corpus.grammar.phrase import IT, NUMBERS, Phrase, noun_phrase
from trasluz.corpus.grammar.sentence import Sentence, in_some_mood
from trasluz.corpus.grammar.word import Adjective, Verb

SUBJECTS = "animal food drink text goods container openable building outdoors town wear chamber machine"
"""What is said to be like something, beside people."""
LIKED = "food drink game music art text wear animal town language"
"""What is liked or not."""
PASTIMES = "read write eat drink cook watch speak study learn paint draw sing play repair tell sell"
ANYONES = "triste inteligente fuerte amable joven"
"""Adjectives of one form for both genders: I, you and we have only these."""

GENERALLY = ("expensive", "cheap", "difficult", "easy", "important", "dangerous", "strong", "interesting")
"""What may be said of a thing in general."""

FEELINGS = (
    ("hungry", "hambre", "f"),
    ("thirsty", "sed", "f"),
    ("cold", "frío", "m"),
    ("hot", "calor", "m"),
    ("sleepy", "sueño", "m"),
    ("afraid", "miedo", "m"),
    ("in a hurry", "prisa", "f"),
    ("right", "razón", "f"),
    ("lucky", "suerte", "f"),
)
"""What English is and Spanish has, and its gender."""
WITH_VERY = ("hungry", "thirsty", "cold", "hot", "sleepy", "afraid", "lucky")
AGES = ("five", "six", "seven", "eight", "nine", "ten", "twelve", "fifteen", "twenty", "twenty-one")
OLDER = ("thirty", "thirty-one", "forty")
OLDEST = ("sixty", "seventy", "eighty")
PRICES = ("two", "three", "five", "ten", "twelve", "twenty", "twenty-one", "thirty", "forty")

WORK = (
    ("doctor", "médico"),
    ("teacher", "profesor"),
    ("writer", "escritor"),
    ("painter", "pintor"),
    ("lawyer", "abogado"),
    ("cook", "cocinero"),
    ("nurse", "enfermero"),
    ("engineer", "ingeniero"),
    ("dentist", "dentista"),
    ("journalist", "periodista"),
    ("artist", "artista"),
    ("pianist", "pianista"),
)
"""What somebody is: Spanish in the masculine; those in -ista have one form for both."""

WEATHER = (
    ("cold", "frío"),
    ("hot", "calor"),
    ("sunny", "sol"),
    ("windy", "viento"),
)
FALLING = (("rain", "llover"), ("snow", "nevar"))
SKIES = tuple((f"in {town}", f"en {pueblo}", town) for town, pueblo in TOWNS)
IMPERSONAL = Phrase("it", "", IT, "m", "weather")


def being_like(rng: Random) -> Sentence | None:
    """The house is big; my sisters are tired."""
    if rng.random() < 0.5:
        subject = draw_person(rng, definite=True, plain=True)
        kinds = "person child" if subject.head in ("boy", "girl") else "person"
    else:
        noun = rng.choice(nouns_among(SUBJECTS))
        subject = draw_noun_phrase(rng, noun, definite=True, plain=True)
        kinds = f"{noun.kinds} {noun.english}"
    choices = predicates(kinds)
    return _said(rng, subject, rng.choice(choices)) if choices else None


def being_like_in_general(rng: Random) -> Sentence | None:
    """Apples are cheap; lions are dangerous."""
    noun = rng.choice(nouns_among("food drink vehicle machine wear animal furniture lesson test"))
    choices = [choice for choice in predicates(f"{noun.kinds} {noun.english}") if choice.english in GENERALLY]
    if not choices or noun.number == "one":
        return None
    subject = noun_phrase(noun, determiner="generic", many=noun.number == "both")
    return _said(rng, subject, rng.choice(choices), tenses="p")


def be(subject: Phrase, adjective: Adjective, *, tense: str = "present") -> Clause:
    """The subject is so, with ser or estar as the adjective asks."""
    verb = verbs.BE if adjective.copula == "ser" else verbs.BE_THERE
    form = spanish.agree(adjective.spanish, gender=subject.gender or "m", many=subject.many)
    return Clause(subject, verb, tense, adjective.english, form, (adjective.english,), predicate_first=True)


def feel(subject: Phrase, feeling: tuple[str, str, str], *, tense: str, very: bool = False) -> Clause:
    """The subject is hungry: tiene hambre."""
    in_english, in_spanish, gender = feeling
    much = {"m": "mucho", "f": "mucha"}[gender]
    return Clause(
        subject,
        verbs.BE_HAVING,
        tense,
        f"very {in_english}" if very else in_english,
        f"{much} {in_spanish}" if very else in_spanish,
        (in_english,),
        predicate_first=True,
    )


def feeling(rng: Random) -> Sentence | None:
    """The boys are very hungry: tienen mucha hambre."""
    chosen = rng.choice(FEELINGS)
    very = chosen[0] in WITH_VERY and rng.random() < 0.35
    tense = rng.choice(("present", "present", "past"))
    return in_some_mood(rng, feel(draw_person(rng), chosen, tense=tense, very=very))


def being_of_age(rng: Random) -> Sentence | None:
    """My sister is ten years old."""
    subject = draw_person(rng)
    age = rng.choice(_ages_of(subject))
    in_english, in_spanish = f"{age} years old", f"{NUMBERS[age]} años"
    tense = rng.choice(("present", "present", "past", "future"))
    clause = Clause(subject, verbs.BE_HAVING, tense, in_english, in_spanish, (age,), predicate_first=True)
    return in_some_mood(rng, clause, frequent=False)


def costing(rng: Random) -> Sentence | None:
    """The book costs ten euros."""
    noun = rng.choice(nouns_among("whole-fruit drink small wear novel"))
    subject = draw_noun_phrase(rng, noun, definite=True)
    price = rng.choice(PRICES)
    tense = draw_tense(rng, forms="pf")
    clause = Clause(subject, verbs.COST, tense, f"{price} euros", f"{NUMBERS[price]} euros", (price,))
    return in_some_mood(rng, replace(clause, predicate_first=True), frequent=False)


def working_as(rng: Random) -> Sentence | None:
    """My sister is a teacher: es profesora."""
    subject = draw_person(rng, definite=True)
    if subject.head in dict(WORK) or subject.head in ("boy", "girl", "king", "queen", "baker", "farmer"):
        return None
    work, trabajo = rng.choice(WORK[-4:] if not subject.gender else WORK)
    article = "an" if work[0] in "aeiou" else "a"
    in_english = f"{work}s" if subject.many else f"{article} {work}"
    in_spanish = spanish.agree(trabajo, gender=subject.gender or "m", many=subject.many)
    tense = draw_tense(rng, forms="tfm") if rng.random() < 0.5 else "present"
    if tense in ("can", "have to"):
        return None
    clause = Clause(subject, verbs.BE, tense, in_english, in_spanish, (work,), predicate_first=True)
    return in_some_mood(rng, clause, frequent=False)


def coming_from(rng: Random) -> Sentence | None:
    """The tourists are from Spain."""
    town, pueblo = rng.choice(TOWNS)
    subject = draw_person(rng, definite=True)
    clause = Clause(subject, verbs.BE, "present", f"from {town}", f"de {pueblo}", (town,))
    return in_some_mood(rng, replace(clause, predicate_first=True), frequent=False)


def weather(rng: Random) -> Sentence | None:
    """It is cold in Madrid: hace frío; it rained yesterday: llovió."""
    place, lugar, head = rng.choice(SKIES)
    if rng.random() < 0.5:
        word, palabra = rng.choice(WEATHER)
        tense = draw_tense(rng, forms="ptf")
        english, spanish_words = f"{word} {place}", f"{palabra} {lugar}"
        clause = Clause(IMPERSONAL, verbs.BE_DOING, tense, english, spanish_words, (word, head))
    else:
        word, palabra = rng.choice(FALLING)
        tense = draw_tense(rng, forms="tfg")
        verb = replace(verbs.BE_DOING, english=word, spanish=palabra)
        clause = Clause(IMPERSONAL, verb, tense, place, lugar, (head,))
    when = draw_time(rng, tense=tense, share=0.6) if tense != "present" else ("", "")
    return in_some_mood(rng, replace(clause, when=when))


def liking(rng: Random) -> Sentence | None:
    """The girl likes apples: a la niña le gustan las manzanas."""
    person = draw_person(rng)
    if rng.random() < 0.4:
        verb, thing = _pastime(rng, person)
        liked, gustado = f"to {verb.english} {thing.english}", f"{verb.spanish} {thing.spanish}"
        sentence = in_some_mood(rng, like(person, (liked, gustado), agrees_with=IT, key=()))
        return sentence and replace(sentence, combinations=((person.head, verb.english, thing.head),))
    noun = rng.choice([noun for noun in nouns_among(LIKED) if is_for(noun, person)])
    general = noun.number == "name" or (noun.number in ("mass", "both") and rng.random() < 0.6)
    determiner = "generic" if general else "the"
    thing = noun_phrase(noun, determiner=determiner, many=general and noun.number == "both")
    clause = like(person, (thing.english, thing.spanish), agrees_with=thing.person, key=(thing.head,))
    return in_some_mood(rng, clause)


def like(person: Phrase, liked: tuple[str, str], *, agrees_with: int, key: tuple[str, ...]) -> Clause:
    """The person likes something, given in both languages, with which the Spanish verb agrees."""
    return Clause(
        replace(person, spanish=f"a {person.spanish}" if person.spanish else ""),
        verbs.LIKE,
        "present",
        *liked,
        key,
        clitic=("me", "te", "le", "nos", "les")[person.person],
        agrees_with=agrees_with,
        predicate_first=True,
    )


def _ages_of(subject: Phrase) -> tuple[str, ...]:
    """The ages that somebody may have."""
    if subject.head in ("boy", "girl"):
        return AGES[:7]
    if subject.head in ("grandmother", "grandfather"):
        return OLDEST
    if subject.head in ("brother", "sister", "son", "daughter", "prince", "princess", "friend"):
        return AGES
    return (*AGES[-2:], *OLDER)


def _pastime(rng: Random, person: Phrase) -> tuple[Verb, Phrase]:
    """What one likes to do, in general: to read novels, to play the guitar, to speak Spanish."""
    verb = rng.choice(
        [verb for verb in verbs.TRANSITIVE if verb.english in PASTIMES.split() and not verb.preposition]
    )
    noun = rng.choice([noun for noun in objects_of(verb) if is_for(noun, person)])
    determiner = "the" if noun.among("instrument") else ""
    return verb, noun_phrase(noun, determiner=determiner, many=noun.number == "both" and not determiner)


def _said(rng: Random, subject: Phrase, adjective: Adjective, *, tenses: str = "pt") -> Sentence | None:
    """The subject is so in some tense and mood; None for I, you and we where the form would tell a gender."""
    if not subject.gender and adjective.spanish not in ANYONES.split():
        return None
    tense = draw_tense(rng, forms="ptf" if adjective.copula == "estar" else tenses)
    return in_some_mood(rng, be(subject, adjective, tense=tense), frequent=adjective.copula == "estar")
