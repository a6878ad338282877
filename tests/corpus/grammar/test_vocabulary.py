"""The words: each is used, and what each goes with is there."""

from __future__ import annotations

from trasluz.corpus.grammar import verbs
from trasluz.corpus.grammar.adjectives import BEFORE_NOUN, ORDINALS, QUALITIES, STATES
from trasluz.corpus.grammar.nouns import NOUNS
from trasluz.corpus.grammar.word import Verb

KINDS = {noun.english for noun in NOUNS} | {kind for noun in NOUNS for kind in noun.kinds.split()}
ADJECTIVES = (*QUALITIES, *STATES, *BEFORE_NOUN, *ORDINALS)


def every_verb() -> list[Verb]:
    """The verbs of all tables."""
    tables = (verbs.TRANSITIVE, verbs.WITH_PEOPLE, verbs.GIVING, verbs.INTRANSITIVE, verbs.RISE)
    return [verb for table in tables for verb in table]


def test_no_noun_and_no_adjective_is_there_twice() -> None:
    assert len({noun.english for noun in NOUNS}) == len(NOUNS)
    assert len({adjective.english for adjective in ADJECTIVES}) == len(ADJECTIVES)


def test_what_adjectives_and_verbs_go_with_is_there() -> None:
    named = {kind for adjective in ADJECTIVES for kind in adjective.kinds.split()}
    named |= {kind for verb in every_verb() for kind in f"{verb.objects} {verb.places}".split()}
    assert named - KINDS == set()


def test_there_are_a_few_hundred_words() -> None:
    assert len(NOUNS) + len(ADJECTIVES) + len(every_verb()) > 300
