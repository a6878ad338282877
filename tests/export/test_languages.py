"""Codes and names of languages, and models that do not name theirs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from trasluz.errors import TrasluzError
from trasluz.export.languages import name_of, plain_code, with_languages
from trasluz.models.loaded import LoadedModel


@pytest.mark.parametrize(
    ("language", "code", "name"),
    [
        ("en", "en", "English"),
        ("spa", "es", "Spanish"),
        ("pt-BR", "pt", "Portuguese"),
        ("de_DE", "de", "German"),
        ("nah", "nah", "nah"),
    ],
)
def test_codes_and_names(language: str, code: str, name: str) -> None:
    assert (plain_code(language), name_of(language)) == (code, name)


def test_languages_that_are_not_named_are_filled_in(taught: LoadedModel) -> None:
    manifest = taught.manifest.model_copy(update={"source_language": None})
    found = with_languages(replace(taught, manifest=manifest), source="qu", target="spa").manifest
    assert (found.source_language, found.target_language) == ("qu", "es")


def test_another_language_than_the_models_is_refused(taught: LoadedModel) -> None:
    with pytest.raises(TrasluzError, match="--target-language is 'fr', but this model has 'es'"):
        with_languages(taught, source=None, target="fr")
