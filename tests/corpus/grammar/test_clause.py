"""Clauses: the order of words, "do", auxiliaries, clitics; each pair checked by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from trasluz.corpus.grammar import being, presence, verbs
from trasluz.corpus.grammar.adjectives import QUALITIES, STATES
from trasluz.corpus.grammar.clause import Clause
from trasluz.corpus.grammar.nouns import noun_named
from trasluz.corpus.grammar.phrase import SHE, THEY_ALL, WE, YOU, I, Phrase, named, noun_phrase
from trasluz.corpus.grammar.sentence import has_two_tenses, question, statement
from trasluz.corpus.grammar.word import Verb

GIRL, ANA = noun_phrase(noun_named("girl")), named("Ana", gender="f")
LETTERS = noun_phrase(
    noun_named("letter"), many=True, adjective=next(a for a in QUALITIES if a.english == "old")
)
READ = next(verb for verb in verbs.TRANSITIVE if verb.english == "read")
TO_READ = Clause(GIRL, READ, "present", LETTERS.english, LETTERS.spanish, ("letter",))
SEE_ME = Clause(GIRL, Verb("see", "ver"), "present", "me", clitic="me")
TWO_BOOKS = noun_phrase(noun_named("book"), determiner="two", many=True)
DOCTOR = noun_phrase(noun_named("doctor"))
WEAR = next(verb for verb in verbs.TRANSITIVE if verb.english == "wear")
COAT = noun_phrase(noun_named("coat"))


def be(subject: Phrase, adjective: str, *, tense: str = "present") -> Clause:
    """The subject is so."""
    found = next(word for word in (*QUALITIES, *STATES) if word.english == adjective)
    return being.be(subject, found, tense=tense)


def having(subject: Phrase, feeling: str, *, very: bool = False) -> Clause:
    """The subject is hungry, or the like."""
    found = next(words for words in being.FEELINGS if words[0] == feeling)
    return being.feel(subject, found, tense="present", very=very)


@pytest.mark.parametrize(
    ("clause", "english", "spanish"),
    [
        (
            replace(TO_READ, negative=True),
            "The girl does not read the old letters.",
            "La niña no lee las cartas viejas.",
        ),
        (TO_READ, "The girl reads the old letters.", "La niña lee las cartas viejas."),
        (replace(TO_READ, tense="past"), "The girl read the old letters.", "La niña leyó las cartas viejas."),
        (
            replace(TO_READ, tense="future", when=("on Monday", "el lunes")),
            "The girl will read the old letters on Monday.",
            "La niña leerá las cartas viejas el lunes.",
        ),
        (
            replace(TO_READ, subject=I, tense="progressive"),
            "I am reading the old letters.",
            "Estoy leyendo las cartas viejas.",
        ),
        (
            replace(TO_READ, subject=WE, tense="going", negative=True),
            "We are not going to read the old letters.",
            "No vamos a leer las cartas viejas.",
        ),
        (
            replace(TO_READ, subject=THEY_ALL, tense="can", negative=True),
            "They cannot read the old letters.",
            "Ellos no pueden leer las cartas viejas.",
        ),
        (
            replace(TO_READ, subject=SHE, tense="have to", negative=True),
            "She does not have to read the old letters.",
            "Ella no tiene que leer las cartas viejas.",
        ),
        (
            replace(TO_READ, tense="want to"),
            "The girl wants to read the old letters.",
            "La niña quiere leer las cartas viejas.",
        ),
        (
            replace(TO_READ, frequency="never"),
            "The girl never reads the old letters.",
            "La niña nunca lee las cartas viejas.",
        ),
        (replace(SEE_ME, negative=True), "The girl does not see me.", "La niña no me ve."),
        (replace(SEE_ME, tense="can"), "The girl can see me.", "La niña me puede ver."),
        (Clause(GIRL, verbs.RISE[0], "past"), "The girl got up.", "La niña se levantó."),
        (
            Clause(WE, verbs.RISE[2], "present", when=("at one", "a la una")),
            "We go to bed at one.",
            "Nos acostamos a la una.",
        ),
        (
            Clause(ANA, Verb("help", "ayudar"), "past", DOCTOR.english, f"a {DOCTOR.spanish}"),
            "Ana helped the doctor.",
            "Ana ayudó al médico.",
        ),
        (
            Clause(GIRL, WEAR, "past", COAT.english, COAT.spanish),
            "The girl wore the coat.",
            "La niña llevaba el abrigo.",
        ),
        (
            Clause(GIRL, Verb("wear", "poner", reflexive=True), "past", "it", clitic="lo", negative=True),
            "The girl did not wear it.",
            "La niña no se lo puso.",
        ),
        (be(GIRL, "tired"), "The girl is tired.", "La niña está cansada."),
        (be(GIRL, "tall", tense="past"), "The girl was tall.", "La niña era alta."),
        (be(I, "sad", tense="future"), "I will be sad.", "Estaré triste."),
        (having(YOU, "thirsty"), "You are thirsty.", "Tienes sed."),
        (having(GIRL, "hungry", very=True), "The girl is very hungry.", "La niña tiene mucha hambre."),
        (having(GIRL, "cold", very=True), "The girl is very cold.", "La niña tiene mucho frío."),
        (
            being.like(GIRL, ("apples", "las manzanas"), agrees_with=4, key=()),
            "The girl likes apples.",
            "A la niña le gustan las manzanas.",
        ),
        (
            replace(being.like(I, ("to swim", "nadar"), agrees_with=2, key=()), negative=True),
            "I do not like to swim.",
            "No me gusta nadar.",
        ),
        (
            presence.there_is(TWO_BOOKS, place=("on the bed", "en la cama"), tense="past", key=()),
            "There were two books on the bed.",
            "Había dos libros en la cama.",
        ),
    ],
)
def test_statements(clause: Clause, english: str, spanish: str) -> None:
    sentence = statement(clause)
    assert (sentence.source, sentence.target) == (english, spanish)


@pytest.mark.parametrize(
    ("clause", "english", "spanish"),
    [
        (TO_READ, "Does the girl read the old letters?", "¿Lee la niña las cartas viejas?"),
        (
            replace(TO_READ, subject=YOU, tense="past"),
            "Did you read the old letters?",
            "¿Leíste las cartas viejas?",
        ),
        (
            replace(TO_READ, tense="progressive"),
            "Is the girl reading the old letters?",
            "¿Está leyendo la niña las cartas viejas?",
        ),
        (SEE_ME, "Does the girl see me?", "¿Me ve la niña?"),
        (be(GIRL, "tired"), "Is the girl tired?", "¿Está cansada la niña?"),
        (having(GIRL, "hungry"), "Is the girl hungry?", "¿Tiene hambre la niña?"),
        (
            being.like(GIRL, ("apples", "las manzanas"), agrees_with=4, key=()),
            "Does the girl like apples?",
            "¿Le gustan las manzanas a la niña?",
        ),
    ],
)
def test_questions(clause: Clause, english: str, spanish: str) -> None:
    sentence = question(clause)
    assert (sentence.source, sentence.target) == (english, spanish)


@pytest.mark.parametrize(
    ("clause", "what", "que", "english", "spanish"),
    [
        (
            replace(TO_READ, english="", spanish="", tense="past"),
            "what",
            "qué",
            "What did the girl read?",
            "¿Qué leyó la niña?",
        ),
        (
            Clause(GIRL, verbs.BE_HAVING, "present"),
            "how old",
            "cuántos años",
            "How old is the girl?",
            "¿Cuántos años tiene la niña?",
        ),
        (
            Clause(GIRL, verbs.BE, "present", "from"),
            "where",
            "de dónde",
            "Where is the girl from?",
            "¿De dónde es la niña?",
        ),
    ],
)
def test_questions_with_a_question_word(
    clause: Clause, what: str, que: str, english: str, spanish: str
) -> None:
    sentence = question(clause, what=what, que=que)
    assert (sentence.source, sentence.target) == (english, spanish)


def test_read_is_two_tenses_unless_something_tells_them_apart() -> None:
    i_read = replace(TO_READ, subject=I)
    assert has_two_tenses(i_read)
    assert has_two_tenses(replace(i_read, tense="past"))
    assert not has_two_tenses(replace(i_read, when=("yesterday", "ayer"), tense="past"))
    assert not has_two_tenses(replace(i_read, negative=True))
    assert not has_two_tenses(TO_READ)


def test_the_combination_is_the_same_in_every_form() -> None:
    for tense in ("present", "past", "future", "progressive", "going", "can", "have to", "want to"):
        for negative in (False, True):
            clause = replace(TO_READ, tense=tense, negative=negative)
            assert clause.combination == ("girl", "read", "letter")
            assert statement(clause).combinations == question(clause).combinations == (clause.combination,)
