"""The patterns that ask: what, who, where, when, why, how many, how much, how old.

Each takes a source of chance and gives a sentence, or None where the choices do not go together.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from trasluz.corpus.grammar import clause as words
from trasluz.corpus.grammar import spanish, verbs
from trasluz.corpus.grammar.adjectives import predicates
from trasluz.corpus.grammar.being import FEELINGS, be, feel
from trasluz.corpus.grammar.clause import Clause
from trasluz.corpus.grammar.drawing import (
    draw_noun_phrase,
    draw_person,
    draw_tense,
    draw_time,
    objects_of,
)
from trasluz.corpus.grammar.nouns import nouns_among
from trasluz.corpus.grammar.patterns import UNTIMED, intransitive_clause, moving_clause, transitive_clause
from trasluz.corpus.grammar.phrase import IT, WE, I, Phrase, noun_phrase
from trasluz.corpus.grammar.sentence import Sentence, asked, is_definite, question

WHO = Phrase("who", "quién", IT, "m", "who")
NOT_OF_WHAT = ("have", "know", "speak", "tell")
"""Verbs that one does not ask "what" with; one would know (saber) what, or tell somebody."""


def what(rng: Random) -> Sentence | None:
    """What is the girl reading? ¿Qué está leyendo la niña?"""
    verb = rng.choice(
        [verb for verb in verbs.TRANSITIVE if not verb.preposition and verb.english not in NOT_OF_WHAT]
    )
    tense = draw_tense(rng, forms=verb.forms)
    clause = Clause(_asked_about(rng), verb, tense, key=("what",))
    clause = replace(clause, when=_time(rng, clause))
    return _question(clause, what="what", que="qué")


def who(rng: Random) -> Sentence | None:
    """Who opened the door? ¿Quién abrió la puerta?"""
    clause = transitive_clause(rng, subject=WHO)
    if clause.tense in ("can", "want to", "have to") and rng.random() < 0.5:
        return None
    return asked(words.english_statement(clause), words.spanish_statement(clause), clause)


def where(rng: Random) -> Sentence | None:
    """Where does the girl live? Where are the keys?"""
    if rng.random() < 0.5:
        clause = intransitive_clause(rng, subject=_asked_about(rng))
        if clause.tense == "can":
            return None
        clause = replace(clause, english="", spanish="", key=("where",))
        clause = replace(clause, when=_time(rng, clause))
    else:
        subject = _asked_about(rng)
        if rng.random() < 0.6:
            noun = rng.choice(nouns_among("small pet building carried"))
            subject = draw_noun_phrase(rng, noun, definite=True)
        tense = rng.choice(("present", "present", "past"))
        clause = Clause(subject, verbs.BE_THERE, tense, key=("where",))
    return _question(clause, what="where", que="dónde")


def where_to(rng: Random) -> Sentence | None:
    """Where is your sister going? ¿Adónde va a ir tu hermana?"""
    verb = rng.choice((verbs.GO, verbs.TRAVEL))
    tense = draw_tense(rng, forms="ptf")
    clause = Clause(_asked_about(rng), verb, tense, key=("where",))
    return _question(replace(clause, when=_time(rng, clause)), what="where", que="adónde")


def where_from(rng: Random) -> Sentence | None:
    """Where is the painter from? ¿De dónde es el pintor?"""
    clause = Clause(_asked_about(rng), verbs.BE, "present", english="from", key=("from",))
    return _question(clause, what="where", que="de dónde")


def when(rng: Random) -> Sentence | None:
    """When will Ana visit her aunt? ¿Cuándo visitará Ana ...?"""
    subject, tense = _asked_about(rng), rng.choice(("present", "past", "future"))
    kind = rng.random()
    if kind < 0.5:
        clause = transitive_clause(rng, subject=subject)
        if "g" not in clause.verb.forms:
            return None
    elif kind < 0.8:
        clause = moving_clause(rng, subject=subject)
    else:
        transport = draw_noun_phrase(rng, rng.choice(nouns_among("transport")), definite=True, plain=True)
        clause = Clause(transport, verbs.ARRIVE, "present", key=("when",))
    return _question(replace(clause, tense=tense), what="when", que="cuándo")


def why(rng: Random) -> Sentence | None:
    """Why is the girl sad? Why did he sell the car?"""
    kind = rng.random()
    subject, tense = _asked_about(rng), rng.choice(("present", "present", "past"))
    if kind < 0.5:
        adjective = rng.choice([state for state in predicates("person") if state.copula == "estar"])
        if not subject.gender and adjective.spanish != "triste":
            return None
        clause = be(subject, adjective, tense=tense)
    elif kind < 0.65:
        clause = feel(subject, rng.choice(FEELINGS[:7]), tense=tense)
    else:
        clause = transitive_clause(rng, subject=subject)
        if clause.tense in ("can", "future"):
            return None
    return _question(clause, what="why", que="por qué")


def how_many(rng: Random) -> Sentence | None:
    """How many apples did the boy eat? ¿Cuántas manzanas comió el niño?"""
    verb = rng.choice([verb for verb in verbs.TRANSITIVE if verb.determiners == "all"])
    things = [noun for noun in objects_of(verb) if noun.number == "both"]
    if not things or verb.english == "wear":
        return None
    thing = noun_phrase(rng.choice(things), determiner="", many=True)
    tense = draw_tense(rng, forms=verb.forms)
    clause = Clause(_asked_about(rng), verb, tense, key=(thing.head,))
    clause = replace(clause, when=_time(rng, clause))
    many = spanish.agree("cuánto", gender=thing.gender, many=True)
    return _question(clause, what=f"how many {thing.english}", que=f"{many} {thing.spanish}")


def how_much(rng: Random) -> Sentence | None:
    """How much does the bread cost? ¿Cuánto cuesta el pan?"""
    noun = rng.choice(nouns_among("goods food drink transport"))
    subject = draw_noun_phrase(rng, noun, definite=True)
    clause = Clause(subject, verbs.COST, "present", key=("how much",))
    return question(clause, what="how much", que="cuánto")


def how_old(rng: Random) -> Sentence | None:
    """How old is your brother? ¿Cuántos años tiene tu hermano?"""
    clause = Clause(_asked_about(rng), verbs.BE_HAVING, "present", key=("how old",))
    return _question(clause, what="how old", que="cuántos años")


def how(rng: Random) -> Sentence | None:
    """How is your mother? ¿Cómo está tu madre?"""
    clause = Clause(_asked_about(rng), verbs.BE_THERE, "present", key=("how",))
    return _question(clause, what="how", que="cómo")


def _question(clause: Clause, *, what: str, que: str) -> Sentence | None:
    return question(clause, what=what, que=que) if is_definite(clause) else None


def _asked_about(rng: Random) -> Phrase:
    """Whom a question may be about: not oneself, nobody with "a"."""
    person = draw_person(rng, definite=True)
    return draw_person(rng, pronouns=False, definite=True) if person in (I, WE) else person


def _time(rng: Random, clause: Clause) -> tuple[str, str]:
    """A time for what is done."""
    if clause.verb.state or clause.verb.english in UNTIMED:
        return "", ""
    return draw_time(rng, tense=clause.tense, share=0.3)
