"""A sentence of the grammar: both languages, and the combinations of words that it is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from trasluz.corpus.grammar import clause as words
from trasluz.corpus.grammar import spanish
from trasluz.corpus.grammar.clause import Clause
from trasluz.corpus.grammar.phrase import NUMBERS


@dataclass(frozen=True, slots=True)
class Sentence:
    """English `source`, Spanish `target`, and for each clause its combination (see `Clause.combination`)."""

    source: str
    target: str
    combinations: tuple[tuple[str, ...], ...]


def statement(clause: Clause) -> Sentence:
    """The clause as a sentence that says something."""
    return told(words.english_statement(clause), words.spanish_statement(clause), clause)


def question(clause: Clause, *, what: str = "", que: str = "") -> Sentence:
    """The clause as a question; `what` and `que` open it, if it is not to be answered yes or no."""
    return asked(
        words.english_question(clause, opening=what), words.spanish_question(clause, opening=que), clause
    )


def told(in_english: str, in_spanish: str, *clauses: Clause) -> Sentence:
    """A statement of words that are there already."""
    target = words.sentence_of(spanish.contract(in_spanish))
    return Sentence(words.sentence_of(in_english), target, tuple(clause.combination for clause in clauses))


def asked(in_english: str, in_spanish: str, *clauses: Clause) -> Sentence:
    """A question of words that are there already."""
    target = words.pregunta_of(spanish.contract(in_spanish))
    return Sentence(words.question_of(in_english), target, tuple(clause.combination for clause in clauses))


def in_some_mood(rng: Random, clause: Clause, *, frequent: bool = True) -> Sentence | None:
    """The clause affirmed, denied or asked; None where its English would have two meanings.

    Of "a girl" nothing is denied. `frequent`: what the clause says may be so "always" or "never".
    """
    kind = rng.random()
    if kind < 0.2 and clause.subject.head != "I" and is_definite(clause):
        return question(clause)
    if kind < 0.42 and not clause.subject.english.startswith(("a ", "an ")):
        return statement(replace(clause, negative=True))
    may = frequent and ("g" in clause.verb.forms or clause.verb.english == "be")
    if may and kind > 0.9 and clause.tense == "present" and not clause.when[0]:
        clause = replace(clause, frequency=rng.choice(("always", "never")))
    return None if has_two_tenses(clause) else statement(clause)


def is_definite(clause: Clause) -> bool:
    """Whether one would ask about the subject: not about "a girl" or "six girls", nor at length."""
    first, *others = clause.subject.english.split()
    return len(others) < 2 and first.lower() not in ("a", "an", "some", "many", *NUMBERS)


def has_two_tenses(clause: Clause) -> bool:
    """Whether the affirmed clause could be of the present or of the past: "I read the book"."""
    told_apart = clause.subject.person == 2 or clause.when[0] or clause.frequency or clause.negative
    return clause.verb.english == "read" and clause.tense in ("present", "past") and not told_apart
