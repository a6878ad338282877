"""Random choices that the patterns share: subjects, objects, tenses, times, places.

Knows what goes together; knows no sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from random import Random

from trasluz.corpus.grammar.adjectives import beside, ordinals
from trasluz.corpus.grammar.nouns import NAMES, PEOPLE, nouns_among
from trasluz.corpus.grammar.phrase import PRONOUNS, Phrase, named, noun_phrase
from trasluz.corpus.grammar.word import Noun, Verb

POSSESSIVES = ("my", "your", "his", "her", "our", "their")
COUNTED = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve", "twenty")
SINGULAR = ("the", "the", "the", "the", "the", "the", "a", "this", "that")
PLURAL = ("the", "the", "the", "the", "these", "those")
SHARE_WITH_ADJECTIVE, SHARE_OWNED, SHARE_PLURAL = 0.3, 0.06, 0.4

TENSES = (
    ("p", "present", 6),
    ("t", "past", 6),
    ("f", "future", 4),
    ("g", "progressive", 3),
    ("m", "going", 2),
    ("m", "can", 2),
    ("m", "have to", 2),
    ("m", "want to", 2),
)
"""The letter of a verb's forms, the tense, and how often it comes."""

DAYS = tuple(
    (f"on {day}", f"el {dia}")
    for day, dia in (
        ("Monday", "lunes"),
        ("Tuesday", "martes"),
        ("Wednesday", "miércoles"),
        ("Thursday", "jueves"),
        ("Friday", "viernes"),
        ("Saturday", "sábado"),
        ("Sunday", "domingo"),
    )
)
HABITS = (
    ("every day", "todos los días"),
    ("every week", "todas las semanas"),
    ("in the morning", "por la mañana"),
    ("in the afternoon", "por la tarde"),
    ("at night", "por la noche"),
    ("on Mondays", "los lunes"),
    ("on Fridays", "los viernes"),
    ("on Sundays", "los domingos"),
)
PAST_TIMES = (
    ("yesterday", "ayer"),
    ("last night", "anoche"),
    ("yesterday morning", "ayer por la mañana"),
    ("last week", "la semana pasada"),
    ("last month", "el mes pasado"),
    ("last year", "el año pasado"),
    *DAYS,
)
FUTURE_TIMES = (
    ("tomorrow", "mañana"),
    ("tonight", "esta noche"),
    ("tomorrow morning", "mañana por la mañana"),
    ("next week", "la semana que viene"),
    ("next month", "el mes que viene"),
    ("next year", "el año que viene"),
    *DAYS,
)
NOW, TODAY = ("now", "ahora"), ("today", "hoy")
TIMES: dict[str, tuple[tuple[str, str], ...]] = {
    "present": HABITS,
    "past": PAST_TIMES,
    "future": FUTURE_TIMES,
    "progressive": (NOW,),
    "going": FUTURE_TIMES,
    "can": (TODAY, NOW),
    "have to": (TODAY, *FUTURE_TIMES[:1], *DAYS),
    "want to": (TODAY, NOW),
}
HOURS = (
    ("at one", "a la una"),
    ("at two", "a las dos"),
    ("at three", "a las tres"),
    ("at four", "a las cuatro"),
    ("at five", "a las cinco"),
    ("at six", "a las seis"),
    ("at seven", "a las siete"),
    ("at eight", "a las ocho"),
    ("at nine", "a las nueve"),
    ("at ten", "a las diez"),
    ("at half past six", "a las seis y media"),
    ("at half past seven", "a las siete y media"),
)


@cache
def tenses_of(forms: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The tenses that letters of forms allow, and their weights."""
    allowed = [(tense, weight) for letter, tense, weight in TENSES if letter in forms]
    return tuple(tense for tense, _ in allowed), tuple(weight for _, weight in allowed)


def draw_tense(rng: Random, *, forms: str) -> str:
    """One of the tenses that a verb of these forms has."""
    names, weights = tenses_of(forms)
    return rng.choices(names, weights)[0]


def draw_time(rng: Random, *, tense: str, share: float = 0.3) -> tuple[str, str]:
    """A time that goes with the tense, in a share of the cases; else nothing."""
    return rng.choice(TIMES[tense]) if rng.random() < share else ("", "")


def draw_person(
    rng: Random, *, pronouns: bool = True, told: bool = False, definite: bool = False, plain: bool = False
) -> Phrase:
    """A person as a subject, or as an object without `pronouns`.

    `told`: only those whose gender English tells. `definite`: none with "a" or a number. `plain`: none with
    an adjective.
    """
    kind = rng.random()
    if pronouns and kind < 0.36:
        return rng.choice(PRONOUNS[2:4] + PRONOUNS[5:] if told else PRONOUNS)
    if kind < 0.5:
        name, gender = rng.choice(NAMES)
        return named(name, gender=gender)
    return draw_noun_phrase(rng, rng.choice(PEOPLE), definite=definite, plain=plain)


def draw_noun_phrase(
    rng: Random, noun: Noun, *, definite: bool = False, plain: bool = False, many: bool | None = None
) -> Phrase:
    """A phrase of the noun as a subject; `plain` has no adjective and no owner, `many` settles the number."""
    if many is None:
        many = noun.number == "many" or (noun.number == "both" and rng.random() < SHARE_PLURAL)
    if noun.among("kin"):
        determiner = rng.choice(POSSESSIVES)
    elif many:
        others = () if definite or noun.number == "many" else (rng.choice(COUNTED), "many", "some")
        determiner = rng.choice((*PLURAL, *others))
    elif noun.number == "mass":
        determiner = rng.choice(("the", "the", "the", "this"))
    else:
        determiner = rng.choice(SINGULAR)
        determiner = "the" if definite and determiner == "a" else determiner
    if plain or rng.random() >= SHARE_WITH_ADJECTIVE:
        return noun_phrase(noun, determiner=determiner, many=many)
    return _adorned(rng, noun, determiner=determiner, many=many)


def draw_object(rng: Random, noun: Noun, *, determiners: str = "all") -> Phrase:
    """A phrase of the noun as a verb's object, with the determiners that the verb allows (see `Verb`)."""
    if noun.number == "name":
        return noun_phrase(noun, determiner="generic" if noun.among("game") else "")
    if noun.among("meal") and rng.random() < 0.5:
        return noun_phrase(noun, determiner="generic")
    countable = noun.number in ("both", "one")
    many = noun.number == "many" or (noun.number == "both" and rng.random() < SHARE_PLURAL)
    bare = determiners == "all" and (many or noun.number == "mass")
    if bare and rng.random() < 0.3:
        return noun_phrase(noun, determiner="", many=many)
    if rng.random() < SHARE_OWNED and noun.among("goods text carried post"):
        return noun_phrase(noun, many=many, owner=draw_owner(rng))
    if noun.among("goods text carried post wear meal tool") and rng.random() < 0.25:
        determiner = rng.choice(POSSESSIVES)
    elif many:
        number = (rng.choice(COUNTED[:9]), "many") if determiners == "all" and noun.number != "many" else ()
        determiner = rng.choice((*PLURAL, *number))
    elif countable and determiners != "definite":
        determiner = rng.choice(("the", "the", "the", "a", "a", "this", "that"))
    else:
        determiner = rng.choice(("the", "the", "the", "this"))
    if rng.random() >= SHARE_WITH_ADJECTIVE:
        return noun_phrase(noun, determiner=determiner, many=many)
    return _adorned(rng, noun, determiner=determiner, many=many)


def draw_owner(rng: Random) -> Phrase:
    """Somebody whose a thing may be: a name, or one person."""
    if rng.random() < 0.4:
        name, gender = rng.choice(NAMES)
        return named(name, gender=gender)
    noun = rng.choice([noun for noun in PEOPLE if noun.number != "many"])
    return noun_phrase(noun, determiner=rng.choice(("my", "your")) if noun.among("kin") else "the")


def draw_place(rng: Random, *, kinds: str) -> tuple[str, str, str]:
    """Where something happens: English, Spanish, and the place's noun.

    >>> draw_place(Random(1), kinds="park")
    ('in the park', 'en el parque', 'park')
    """
    noun = rng.choice(nouns_among(kinds))
    place = noun_phrase(noun)
    return f"{noun.at or 'on'} {place.english}", f"en {place.spanish}", noun.english


def objects_of(verb: Verb) -> Sequence[Noun]:
    """The nouns that a verb may have as its object."""
    return nouns_among(verb.objects)


def is_for(noun: Noun, who: Phrase) -> bool:
    """Whether it is for such a person to have: children have no wine."""
    return who.head not in ("boy", "girl") or not noun.among("alcohol")


def _adorned(rng: Random, noun: Noun, *, determiner: str, many: bool) -> Phrase:
    """The phrase with an adjective, if the noun may have one."""
    choices = beside(noun)
    if determiner == "the" and not many and rng.random() < 0.3:
        choices = ordinals(noun) or choices
    adjective = rng.choice(choices) if choices else None
    return noun_phrase(noun, determiner=determiner, many=many, adjective=adjective)
