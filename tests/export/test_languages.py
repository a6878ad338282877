"""Codes and names of languages, and models that do not name theirs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from trasluz.errors import TrasluzError
from trasluz.export.languages import NAMES, OTHERWISE, code_of, name_of, plain_code, with_languages
from trasluz.models.loaded import LoadedModel


@pytest.mark.parametrize(
    ("language", "code", "name"),
    [
        ("en", "en", "English"),
        ("spa", "es", "Spanish"),
        ("pt-BR", "pt", "Portuguese"),
        ("de_DE", "de", "German"),
        ("fra_Latn", "fr", "French"),
        ("deu", "de", "German"),
        ("ger", "de", "German"),
        ("arb_Arab", "ar", "Arabic"),
        ("French", "fr", "French"),
        ("nah", "nah", "nah"),
    ],
)
def test_codes_and_names(language: str, code: str, name: str) -> None:
    assert (plain_code(language), name_of(language)) == (code, name)


def test_every_language_has_a_code_of_two_letters_and_another_of_three() -> None:
    assert all(len(code) == 2 for code in NAMES)
    assert all(code_of(code) == code for code in NAMES)
    threes = [word for word in OTHERWISE if len(word) == 3]
    assert {OTHERWISE[word] for word in threes} == NAMES.keys()
    assert len(NAMES) == len(set(NAMES.values()))


@pytest.mark.parametrize("language", ["a/b", "../../en", "   ", "", "Klingon", "e", "e1"])
def test_what_is_no_code_is_refused(language: str) -> None:
    with pytest.raises(TrasluzError, match="is no code of a language; give one of two or three letters"):
        code_of(language)


def test_languages_that_are_not_named_are_filled_in(taught: LoadedModel) -> None:
    manifest = taught.manifest.model_copy(update={"source_language": None})
    found = with_languages(replace(taught, manifest=manifest), source="qu", target="spa").manifest
    assert (found.source_language, found.target_language) == ("qu", "es")


def test_another_language_than_the_models_is_refused(taught: LoadedModel) -> None:
    with pytest.raises(TrasluzError, match="--target-language is 'fr', but this model has 'es'"):
        with_languages(taught, source=None, target="fr")
