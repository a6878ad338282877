"""English forms, each known by heart."""

from __future__ import annotations

import pytest

from trasluz.corpus.grammar import english


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("girl", "girls"),
        ("woman", "women"),
        ("mouse", "mice"),
        ("knife", "knives"),
        ("tomato", "tomatoes"),
        ("photo", "photos"),
        ("city", "cities"),
        ("boy", "boys"),
        ("box", "boxes"),
        ("church", "churches"),
        ("actress", "actresses"),
    ],
)
def test_plurals(one: str, many: str) -> None:
    assert english.plural(one) == many


def test_an_stands_before_the_sound_of_a_vowel() -> None:
    assert english.a("old university") == "an old university"
    assert english.a("university") == "a university"
    assert english.a("umbrella") == "an umbrella"


def test_one_owner_has_an_s_whatever_the_name_ends_in() -> None:
    assert english.possessive("the princess") == "the princess's"
    assert english.possessive("Luis") == "Luis's"


@pytest.mark.parametrize(
    ("verb", "third", "past", "ing"),
    [
        ("read", "reads", "read", "reading"),
        ("write", "writes", "wrote", "writing"),
        ("study", "studies", "studied", "studying"),
        ("play", "plays", "played", "playing"),
        ("wash", "washes", "washed", "washing"),
        ("go to bed", "goes to bed", "went to bed", "going to bed"),
        ("get up", "gets up", "got up", "getting up"),
        ("look for", "looks for", "looked for", "looking for"),
        ("have", "has", "had", "having"),
        ("swim", "swims", "swam", "swimming"),
        ("see", "sees", "saw", "seeing"),
        ("travel", "travels", "traveled", "traveling"),
        ("close", "closes", "closed", "closing"),
    ],
)
def test_forms_of_verbs(verb: str, third: str, past: str, ing: str) -> None:
    assert (english.third(verb), english.past(verb), english.ing(verb)) == (third, past, ing)
