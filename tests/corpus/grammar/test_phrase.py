"""Noun phrases: each pair checked by hand."""

from __future__ import annotations

import pytest

from trasluz.corpus.grammar.adjectives import BEFORE_NOUN, ORDINALS, QUALITIES, STATES
from trasluz.corpus.grammar.nouns import noun_named
from trasluz.corpus.grammar.phrase import Phrase, determiner_of, named, noun_phrase
from trasluz.corpus.grammar.word import Adjective


def phrase(noun: str, *, adjective: str = "", determiner: str = "the", many: bool = False) -> Phrase:
    """The phrase of English words."""
    every = (*QUALITIES, *STATES, *BEFORE_NOUN, *ORDINALS)
    found: Adjective | None = next((word for word in every if word.english == adjective), None)
    return noun_phrase(noun_named(noun), determiner=determiner, many=many, adjective=found)


@pytest.mark.parametrize(
    ("given", "english", "spanish"),
    [
        (phrase("letter", adjective="old", many=True), "the old letters", "las cartas viejas"),
        (phrase("water"), "the water", "el agua"),
        (phrase("water", adjective="cold"), "the cold water", "el agua fría"),
        (phrase("water", adjective="good"), "the good water", "la buena agua"),
        (phrase("water", determiner="this"), "this water", "esta agua"),
        (phrase("eagle", determiner="a"), "an eagle", "un águila"),
        (phrase("eagle", many=True), "the eagles", "las águilas"),
        (phrase("apple", determiner="a", adjective="red"), "a red apple", "una manzana roja"),
        (phrase("film", determiner="a", adjective="good"), "a good film", "una buena película"),
        (phrase("book", determiner="a", adjective="good"), "a good book", "un buen libro"),
        (phrase("city", determiner="a", adjective="great"), "a great city", "una gran ciudad"),
        (phrase("city", determiner="a", adjective="big"), "a big city", "una ciudad grande"),
        (phrase("train", adjective="first"), "the first train", "el primer tren"),
        (phrase("lesson", adjective="third"), "the third lesson", "la tercera lección"),
        (phrase("pencil", determiner="two", many=True), "two pencils", "dos lápices"),
        (phrase("problem", determiner="those", many=True), "those problems", "esos problemas"),
        (phrase("photo", determiner="many", many=True), "many photos", "muchas fotos"),
        (phrase("sister", determiner="our", many=True), "our sisters", "nuestras hermanas"),
        (phrase("brother", determiner="her"), "her brother", "su hermano"),
        (phrase("parents", determiner="your"), "your parents", "tus padres"),
        (phrase("woman", adjective="young", many=True), "the young women", "las mujeres jóvenes"),
        (phrase("actress", adjective="hardworking"), "the hardworking actress", "la actriz trabajadora"),
        (phrase("chess", determiner="generic"), "chess", "el ajedrez"),
        (phrase("apple", determiner="generic", many=True), "apples", "las manzanas"),
        (phrase("apple", determiner="", many=True), "apples", "manzanas"),
    ],
)
def test_a_phrase_says_the_same_in_both_languages(given: Phrase, english: str, spanish: str) -> None:
    assert (given.english, given.spanish) == (english, spanish)


def test_what_is_somebodys() -> None:
    book = noun_named("book")
    assert noun_phrase(book, owner=named("Luis", gender="m")).english == "Luis's book"
    assert noun_phrase(book, owner=named("Luis", gender="m")).spanish == "el libro de Luis"
    of_mother = noun_phrase(book, many=True, owner=phrase("mother", determiner="my"))
    assert (of_mother.english, of_mother.spanish) == ("my mother's books", "los libros de mi madre")


def test_twenty_one_is_short_before_a_noun() -> None:
    assert determiner_of("twenty-one", gender="m", many=True) == "veintiún"


def test_pronouns_that_take_up_a_phrase_agree_with_it() -> None:
    letters = phrase("letter", many=True)
    assert (letters.object_pronoun, letters.clitic, letters.pronoun) == ("them", "las", "they")
    assert (phrase("book").object_pronoun, phrase("book").clitic) == ("it", "lo")
    assert (phrase("girl").pronoun, phrase("boy").pronoun) == ("she", "he")
