"""Clauses in both languages at once: a subject, what is said of it, and when.

Knows the order of words, "do", "not" and the auxiliaries; leaves every choice to its caller.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trasluz.corpus.grammar import english, spanish
from trasluz.corpus.grammar.phrase import Phrase
from trasluz.corpus.grammar.word import Verb

TO_BE, TO_HAVE = {"going": "be", "progressive": "be"}, {"have to": "have"}
MODALS: dict[str, tuple[str, Callable[[int], str]]] = {
    "going": ("be going to", lambda person: spanish.conjugate("ir", tense="present", person=person) + " a"),
    "can": ("can", lambda person: spanish.conjugate("poder", tense="present", person=person)),
    "have to": (
        "have to",
        lambda person: spanish.conjugate("tener", tense="present", person=person) + " que",
    ),
    "want to": ("want to", lambda person: spanish.conjugate("querer", tense="present", person=person)),
}
"""What stands before an infinitive in each language."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause before it has words.

    `tense` is present, past, future, progressive, or one of `MODALS`. `english` and `spanish` are what
    follows the verb, `when` the same for the time. `clitic` is a Spanish pronoun before the verb. With
    `predicate_first` what follows the verb stands before the subject in a Spanish question: ¿Está cansada la
    niña? ¿Habla español el pintor? `frequency` is "always" or "never". `agrees_with` is the person that the
    Spanish verb agrees with, where it is not the English subject's. `key` is what combinations are made of,
    beside the subject and the verb.
    """

    subject: Phrase
    verb: Verb
    tense: str
    english: str = ""
    spanish: str = ""
    key: tuple[str, ...] = ()
    negative: bool = False
    clitic: str = ""
    when: tuple[str, str] = ("", "")
    frequency: str = ""
    agrees_with: int | None = None
    predicate_first: bool = False

    @property
    def combination(self) -> tuple[str, ...]:
        """The words whose coming together makes the clause: subject, verb, and object, place or the like."""
        return (self.subject.head, self.verb.english, *self.key)


def sentence_of(words: str) -> str:
    """Words made a sentence of: capital letter, full stop."""
    return words[0].upper() + words[1:] + "."


def question_of(words: str) -> str:
    """Words made a question of, in English."""
    return words[0].upper() + words[1:] + "?"


def pregunta_of(words: str) -> str:
    """Words made a question of, in Spanish."""
    return "¿" + question_of(words)


def joined(*parts: str) -> str:
    """The parts that are not empty, with spaces between."""
    return " ".join(filter(None, parts))


def english_statement(clause: Clause, *, subject: str | None = None) -> str:
    """The words of the English clause; `subject` stands for the clause's own ("" for none)."""
    auxiliary, rest = english_verb(clause, question=False)
    negation = ("cannot" if auxiliary == "can" else f"{auxiliary} not") if clause.negative else auxiliary
    who = clause.subject.english if subject is None else subject
    verb = (negation, clause.frequency, rest)
    return joined(who, *verb, clause.english, clause.when[0])


def english_question(clause: Clause, *, opening: str = "") -> str:
    """The words of the English question; `opening` is "what", "where" and the like."""
    auxiliary, rest = english_verb(clause, question=True)
    who = clause.subject.english
    return joined(opening, auxiliary, who, rest, clause.english, clause.when[0])


def english_verb(clause: Clause, *, question: bool) -> tuple[str, str]:
    """The auxiliary that "not" follows and that a question begins with, if there is one, and the rest."""
    verb, person, tense = clause.verb.english, clause.subject.person, clause.tense
    if tense == "future":
        return "will", verb
    if tense == "can":
        return "can", verb
    if tense in TO_BE:
        follows = f"going to {verb}" if tense == "going" else english.ing(verb)
        return english.BE["present"][person], follows
    if verb == "be" and tense in english.BE:
        return english.BE[tense][person], ""
    if tense in MODALS:
        main, _, to = tense.partition(" ")
        verb, tense = f"{main} {to} {verb}", "present"
    if question or clause.negative:
        return ("did" if tense == "past" else "does" if person == 2 else "do"), verb
    if tense == "past":
        return "", english.past(verb)
    return "", english.third(verb) if person == 2 else verb


def spanish_statement(clause: Clause, *, subject: str | None = None) -> str:
    """The words of the Spanish clause; `subject` stands for the clause's own ("" for none)."""
    who = clause.subject.spanish if subject is None else subject
    return joined(who, spanish_verb(clause), clause.spanish, clause.when[1])


def spanish_question(clause: Clause, *, opening: str = "") -> str:
    """The words of the Spanish question: verb, subject, the rest."""
    who, rest = clause.subject.spanish, clause.spanish
    middle = (rest, who) if clause.predicate_first else (who, rest)
    return joined(opening, spanish_verb(clause), *middle, clause.when[1])


def spanish_verb(clause: Clause) -> str:
    """The Spanish verb with all that stands before it: siempre, no, clitics."""
    tense, infinitive = clause.tense, clause.verb.spanish
    person = clause.subject.person if clause.agrees_with is None else clause.agrees_with
    clitic = joined(spanish.PRONOUNS[person] if clause.verb.reflexive else "", clause.clitic)
    if tense == "progressive":
        form = f"{spanish.conjugate('estar', tense='present', person=person)} {spanish.gerund(infinitive)}"
    elif tense in MODALS:
        form = f"{MODALS[tense][1](person)} {infinitive}"
    else:
        tense = "imperfect" if tense == "past" and clause.verb.state else tense
        form = spanish.conjugate(infinitive, tense=tense, person=person)
    frequency = {"always": "siempre", "never": "nunca"}.get(clause.frequency, "")
    return joined(frequency, "no" if clause.negative else "", clitic, form)
