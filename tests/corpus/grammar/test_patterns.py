"""The patterns: what all their sentences have, looked at from outside, by a list of words of its own."""

from __future__ import annotations

import re
from itertools import islice, pairwise
from random import Random

import pytest

from trasluz.corpus.grammar.sentence import Sentence
from trasluz.corpus.starter import PATTERNS, Pattern, starter_sentences

FEMININE = """
niña mujer reina princesa actriz camarera madre abuela hermana hija tía vaca gallina manzana naranja pera
patata sopa carne leche cerveza carta revista novela historia lección pregunta canción película camisa
falda chaqueta puerta ventana caja maleta llave cámara radio lámpara foto silla mesa cama flor voz pared
casa cocina habitación escuela estación iglesia torre plaza calle playa ciudad granja isla
"""
MASCULINE = """
niño hombre rey príncipe actor camarero médico profesor padre abuelo hermano hijo tío perro gato caballo
pájaro ratón león tomate huevo pan queso arroz café té vino libro mensaje poema problema cuadro vestido
abrigo sombrero paraguas reloj teléfono ordenador lápiz mapa sofá piano coche tren autobús avión árbol
nombre museo banco mercado parque jardín puente bosque río lago mar pueblo fútbol español
"""
GENDERS = dict.fromkeys(FEMININE.split(), "f") | dict.fromkeys(MASCULINE.split(), "m")
DETERMINERS = {
    ("m", False): "el un este ese nuestro al del",
    ("f", False): "la una esta esa nuestra",
    ("m", True): "los unos estos esos nuestros muchos cuántos",
    ("f", True): "las unas estas esas nuestras muchas cuántas",
}
PREDICATE = re.compile(
    r"(El|La|Los|Las) \w+ (?:no )?(?:es|son|era|eran|está|están|estaba|estaban|estará|estarán) (\w+[oa]s?)\."
)
ENDING = {"El": "o", "La": "a", "Los": "os", "Las": "as"}


@pytest.fixture(scope="module")
def sentences() -> list[Sentence]:
    """Some thousands of sentences in the proportions of the corpus."""
    return list(islice(starter_sentences(Random(1)), 12_000))


def words(text: str) -> list[str]:
    """The words of a text in small letters."""
    return re.findall(r"\w+", text.lower())


def name_of(pattern: Pattern) -> str:
    """What a pattern is called in the tests."""
    return pattern.__name__


@pytest.mark.parametrize("pattern", [pattern for pattern, _ in PATTERNS], ids=name_of)
def test_every_pattern_gives_sentences_with_all_that_belongs_to_one(pattern: Pattern) -> None:
    rng = Random(3)
    given = [sentence for _ in range(300) if (sentence := pattern(rng))]
    assert len(given) > 20
    for sentence in given:
        assert re.fullmatch(r"[A-Z][\w', -]*[.?]", sentence.source), sentence
        assert re.fullmatch(r"[A-ZÉÁÍÓÚ][\w, ]*\.|¿[A-ZÉÁÍÓÚ][\w, ]*\?", sentence.target), sentence
        assert sentence.source.endswith("?") == sentence.target.endswith("?")
        assert not re.search(r"  | [,.?]", sentence.source + sentence.target)
        assert not re.search(r"\b(a|de) el\b", sentence.target, re.IGNORECASE)
        assert sentence.combinations
        assert all(all(combination) for combination in sentence.combinations)


def test_each_source_has_one_target(sentences: list[Sentence]) -> None:
    targets: dict[str, str] = {}
    for sentence in sentences:
        assert targets.setdefault(sentence.source, sentence.target) == sentence.target


def test_determiners_agree_with_their_nouns(sentences: list[Sentence]) -> None:
    met = set()
    for sentence in sentences:
        tokens = words(sentence.target)
        for determiner, noun in pairwise(tokens):
            for (gender, many), forms in DETERMINERS.items():
                if not many and noun in GENDERS and determiner in forms.split():
                    assert GENDERS[noun] == gender, sentence
                    met.add(noun)
                elif many and determiner in forms.split() and noun not in GENDERS:
                    one = re.sub(r"e?s$", "", noun)
                    assert GENDERS.get(one, gender) == gender, sentence
                elif determiner in forms.split() and noun in GENDERS:
                    assert noun == "paraguas", sentence
    assert met == GENDERS.keys()


def test_adjectives_agree_with_their_subjects(sentences: list[Sentence]) -> None:
    found = [match for sentence in sentences if (match := PREDICATE.fullmatch(sentence.target))]
    assert len(found) > 100
    for match in found:
        if not match[0].startswith(("El agua", "El aula", "El águila")) and "ista" not in match[2]:
            assert match[2].endswith(ENDING[match[1]]), match[0]


def test_a_and_an_follow_the_sound(sentences: list[Sentence]) -> None:
    for sentence in sentences:
        for article, first in re.findall(r"\b([Aa]n?) (\w)", sentence.source):
            assert (first in "aeiou") == (article.lower() == "an") or "university" in sentence.source, (
                sentence
            )


def test_people_as_objects_have_the_personal_a(sentences: list[Sentence]) -> None:
    calls = [
        s for s in sentences if re.search(r"\bcall(s|ed|ing)? (?!me|you|him|her\b|us|them|on)", s.source)
    ]
    assert len(calls) > 20
    for sentence in calls:
        assert re.search(r" (a|al) \w", sentence.target), sentence


def test_a_language_does_not_follow_another_noun(sentences: list[Sentence]) -> None:
    # "El hombre alemán" would be a German.
    follows = re.compile(r"(\w+) (?:español|inglés|alemán|francés|italiano)\b")
    before = {word for sentence in sentences for word in follows.findall(sentence.target.lower())}
    assert "habla" in before
    assert not before & GENDERS.keys()


def test_children_have_no_alcohol(sentences: list[Sentence]) -> None:
    of_children = [sentence for sentence in sentences if re.search(r"\b(boy|girl)s?\b", sentence.source)]
    assert not any(re.search(r"\b(wine|beer)\b", sentence.source) for sentence in of_children)


def test_and_is_e_before_isabel(sentences: list[Sentence]) -> None:
    assert not any(" y Isabel" in sentence.target for sentence in sentences)


def test_no_sentence_can_be_of_two_tenses(sentences: list[Sentence]) -> None:
    plain = re.compile(r"(I|You|We|They|The \w+s|Our \w+s) read (the|a) \w+\.")
    assert not any(plain.fullmatch(sentence.source) for sentence in sentences)
