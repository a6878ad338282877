"""The patterns of two clauses, joined by and, but, because.

In the second clause Spanish leaves out a pronoun that takes up the first subject: "because she is tired" is
porque está cansada. Things are taken up by lo, la, los, las, whose gender the first clause tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from trasluz.corpus.grammar import clause as words
from trasluz.corpus.grammar import spanish, verbs
from trasluz.corpus.grammar.adjectives import predicates
from trasluz.corpus.grammar.being import FEELINGS, IMPERSONAL, WEATHER, be, feel
from trasluz.corpus.grammar.clause import Clause
from trasluz.corpus.grammar.drawing import PLURAL, SHARE_PLURAL, draw_object, draw_person
from trasluz.corpus.grammar.nouns import nouns_among
from trasluz.corpus.grammar.patterns import intransitive_clause, transitive_clause
from trasluz.corpus.grammar.phrase import Phrase, noun_phrase
from trasluz.corpus.grammar.sentence import Sentence, has_two_tenses, told
from trasluz.corpus.grammar.word import Adjective, Noun, Verb

ACTIVITY = "ptfgm"
RAIN, WANT = Verb("rain", "llover"), Verb("want", "querer", state=True)
REASONS = "tired sick busy sad worried angry nervous"
NEEDS = ("hungry", "thirsty", "cold", "hot", "sleepy", "in a hurry")
DRAWBACKS = "old small expensive dirty heavy broken"
"""What may speak against wanting a thing."""
CONTRASTING = (
    ("old", "beautiful"),
    ("small", "beautiful"),
    ("beautiful", "expensive"),
    ("beautiful", "dangerous"),
    ("new", "dirty"),
    ("new", "broken"),
    ("new", "cheap"),
    ("modern", "expensive"),
    ("modern", "small"),
    ("interesting", "difficult"),
    ("interesting", "long"),
    ("long", "easy"),
    ("old", "modern"),
    ("old", "clean"),
    ("important", "easy"),
    ("delicious", "expensive"),
    ("rich", "sad"),
    ("rich", "alone"),
    ("tired", "happy"),
    ("sick", "happy"),
    ("young", "famous"),
    ("famous", "friendly"),
    ("intelligent", "nervous"),
    ("busy", "happy"),
)
"""Adjectives that one may contrast, in either order."""
SEQUENCES = (
    ("buy", "comprar", "eat", "comer", "fruit baked"),
    ("buy", "comprar", "read", "leer", "book newspaper magazine novel"),
    ("buy", "comprar", "use", "usar", "tool machine"),
    ("cook", "cocinar", "eat", "comer", "cooked"),
    ("write", "escribir", "send", "enviar", "letter message"),
    ("open", "abrir", "read", "leer", "letter book message"),
    ("receive", "recibir", "open", "abrir", "post"),
    ("receive", "recibir", "read", "leer", "letter message"),
    ("find", "encontrar", "open", "abrir", "box suitcase package"),
    ("find", "encontrar", "sell", "vender", "watch camera radio picture"),
    ("wash", "lavar", "wear", "ponerse", "shirt jacket coat pants"),
    ("repair", "reparar", "sell", "vender", "car bicycle boat watch radio computer"),
    ("clean", "limpiar", "close", "cerrar", "window"),
    ("prepare", "preparar", "drink", "beber", "coffee tea"),
    ("prepare", "preparar", "eat", "comer", "sandwich salad soup"),
)
"""What one does and then does to the same thing."""
CONTRASTS = (
    ("look for", "buscar", "find", "encontrar", "carried tool small"),
    ("have", "tener", "use", "usar", "tool machine bicycle car umbrella"),
    ("read", "leer", "understand", "entender", "letter book poem message novel"),
    ("want", "querer", "need", "necesitar", "goods"),
    ("see", "ver", "buy", "comprar", "wear instrument picture vehicle"),
    ("buy", "comprar", "wear", "ponerse", "shirt jacket coat hat scarf shoes pants"),
    ("sing", "cantar", "understand", "entender", "sung"),
)
"""What one does, and what one does not do to the same thing."""


def two_people(rng: Random) -> Sentence | None:
    """The girl reads the letter and the boy sings; the boy sings, but the girl does not dance."""
    tense = rng.choice(("present", "past", "future", "progressive"))
    first, second = _activity(rng, tense=tense), _activity(rng, tense=tense, pronouns=False)
    if first is None or second is None or first.subject.head == second.subject.head:
        return None
    if first.combination[1:] == second.combination[1:]:
        return None
    if rng.random() < 0.3:
        return _but(first, replace(second, negative=True))
    return told(
        f"{words.english_statement(first)} and {words.english_statement(second)}",
        spanish.both(words.spanish_statement(first), words.spanish_statement(second)),
        first,
        second,
    )


def because_of_oneself(rng: Random) -> Sentence | None:
    """The girl does not work because she is tired."""
    tense = rng.choice(("present", "past"))
    doing = _activity(rng, tense=tense)
    if doing is None:
        return None
    return _because(replace(doing, negative=True), _reason(rng, doing.subject, tense=tense))


def because_of_need(rng: Random) -> Sentence | None:
    """The boy eats an apple because he is hungry."""
    need, verb, things = rng.choice(
        (
            (FEELINGS[0], Verb("eat", "comer"), "food"),
            (FEELINGS[1], Verb("drink", "beber"), "water juice milk"),
            (FEELINGS[2], Verb("wear", "llevar", state=True, determiners="some"), "coat scarf jacket hat"),
            (FEELINGS[2], Verb("close", "cerrar", determiners="some"), "window door"),
            (FEELINGS[3], Verb("open", "abrir", determiners="some"), "window door"),
        )
    )
    subject, tense = draw_person(rng), rng.choice(("present", "past"))
    thing = draw_object(rng, rng.choice(nouns_among(things)), determiners=verb.determiners)
    doing = Clause(subject, verb, tense, thing.english, thing.spanish, (thing.head,))
    return _because(doing, feel(subject, need, tense=tense))


def because_of_weather(rng: Random) -> Sentence | None:
    """The boys do not play in the park because it is raining."""
    names = ("run", "play", "rest", "wait", "dance")
    verb = rng.choice([verb for verb in verbs.INTRANSITIVE if verb.english in names])
    places = "square street" if verb.english == "wait" else "park garden beach square"
    subject = draw_person(rng, definite=True)
    doing = intransitive_clause(rng, subject=subject, tense="present", verb=verb, places=places)
    if rng.random() < 0.5:
        sky = Clause(IMPERSONAL, RAIN, "progressive")
    else:
        in_english, in_spanish = rng.choice(WEATHER)
        sky = Clause(IMPERSONAL, verbs.BE_DOING, "present", in_english, in_spanish, (in_english,))
    return _because(replace(doing, negative=True), sky)


def doing_twice(rng: Random) -> Sentence | None:
    """The boy buys an apple and eats it: la come."""
    first, second = _same_thing(rng, SEQUENCES)
    return told(
        f"{words.english_statement(first)} and {words.english_statement(second, subject='')}",
        spanish.both(words.spanish_statement(first), words.spanish_statement(second, subject="")),
        first,
        second,
    )


def doing_once(rng: Random) -> Sentence | None:
    """The man looks for the keys, but does not find them: no las encuentra."""
    first, second = _same_thing(rng, CONTRASTS)
    return _but(first, replace(second, negative=True), subject="")


def wanting_anyway(rng: Random) -> Sentence | None:
    """She wants the dress, but it is expensive: pero es caro."""
    noun = rng.choice(nouns_among("wear instrument machine vehicle furniture"))
    thing = _pointed_at(rng, noun)
    against = _named(DRAWBACKS, predicates(f"{noun.kinds} {noun.english}"))
    first = Clause(draw_person(rng), WANT, "present", thing.english, thing.spanish, (thing.head,))
    it = "they" if thing.many else "it"
    return _but(first, be(thing, rng.choice(against)), subject=it)


def being_both(rng: Random) -> Sentence | None:
    """The house is old, but it is beautiful; the king is rich, but he is sad."""
    if rng.random() < 0.5:
        subject = draw_person(rng, told=True, definite=True, plain=True)
        choices, pronoun = predicates("person"), subject.pronoun
    else:
        noun = rng.choice(nouns_among("goods building town outdoors text lesson food"))
        subject = _pointed_at(rng, noun)
        choices, pronoun = predicates(f"{noun.kinds} {noun.english}"), "they" if subject.many else "it"
    by_name = {adjective.english: adjective for adjective in choices}
    pairs = [(one, other) for one, other in CONTRASTING if one in by_name and other in by_name]
    if not pairs:
        return None
    pair = [by_name[name] for name in rng.choice(pairs)]
    rng.shuffle(pair)
    tense = rng.choice(("present", "present", "past"))
    first, second = (be(subject, adjective, tense=tense) for adjective in pair)
    return _but(first, second, subject=pronoun)


def _activity(rng: Random, *, tense: str, pronouns: bool = True) -> Clause | None:
    """Somebody does something that one can be at; None where the draw is nothing of the kind."""
    subject = draw_person(rng, pronouns=pronouns, definite=True, plain=True)
    draw = transitive_clause if rng.random() < 0.65 else intransitive_clause
    clause = draw(rng, subject=subject, tense=tense)
    at_will = clause.verb.forms == ACTIVITY and not clause.verb.state
    return clause if at_will and not has_two_tenses(clause) else None


def _reason(rng: Random, subject: Phrase, *, tense: str) -> Clause:
    """How somebody is, as a reason for not doing a thing."""
    if rng.random() < 0.35:
        return feel(
            subject, rng.choice([feeling for feeling in FEELINGS if feeling[0] in NEEDS]), tense=tense
        )
    choices = _named(REASONS, predicates("person"))
    if not subject.gender:
        choices = [adjective for adjective in choices if adjective.spanish == "triste"]
    return be(subject, rng.choice(choices), tense=tense)


def _same_thing(rng: Random, table: tuple[tuple[str, str, str, str, str], ...]) -> tuple[Clause, Clause]:
    """Two things that somebody does to one thing, the second with a pronoun for it."""
    do, hacer, then_do, luego_hacer, things = rng.choice(table)
    subject = draw_person(rng)
    thing = draw_object(rng, rng.choice(nouns_among(things)), determiners="some")
    tense = "present" if do in ("have", "want") else rng.choice(("present", "past"))
    first = Clause(subject, Verb(do, hacer), tense, thing.english, thing.spanish, (thing.head,))
    again = Verb(then_do, luego_hacer.removesuffix("se"), reflexive=luego_hacer.endswith("se"))
    second = Clause(subject, again, tense, thing.object_pronoun, key=(thing.head,), clitic=thing.clitic)
    return first, second


def _pointed_at(rng: Random, noun: Noun) -> Phrase:
    """The thing, or things, that one looks at."""
    many = noun.number == "many" or (noun.number == "both" and rng.random() < SHARE_PLURAL)
    return noun_phrase(noun, determiner=rng.choice(PLURAL if many else ("the", "this", "that")), many=many)


def _named(words_: str, choices: Sequence[Adjective]) -> list[Adjective]:
    """Those of the adjectives that the list names."""
    return [adjective for adjective in choices if adjective.english in words_.split()]


def _because(first: Clause, second: Clause) -> Sentence:
    """The first, and why: the second, whose subject is the same or the weather.

    The weather as a reason has no combination: there are so few that all would be held out together.
    """
    weather = second.subject is IMPERSONAL
    pronoun = "it" if weather else second.subject.pronoun
    return told(
        f"{words.english_statement(first)} because {words.english_statement(second, subject=pronoun)}",
        f"{words.spanish_statement(first)} porque {words.spanish_statement(second, subject='')}",
        *((first,) if weather else (first, second)),
    )


def _but(first: Clause, second: Clause, *, subject: str | None = None) -> Sentence:
    """The first, but the second; `subject` is the English of a second subject that Spanish leaves out."""
    omitted = None if subject is None else ""
    return told(
        f"{words.english_statement(first)}, but {words.english_statement(second, subject=subject)}",
        f"{words.spanish_statement(first)}, pero {words.spanish_statement(second, subject=omitted)}",
        first,
        second,
    )
