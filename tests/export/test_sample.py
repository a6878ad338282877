"""The texts on which an export is tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from trasluz.errors import TrasluzError
from trasluz.export.sample import USUAL, Sample, read_sample, usual_sample
from trasluz.models.loaded import LoadedModel, Origin

Reading = Callable[[str | None], LoadedModel]


@pytest.fixture
def reading(small: LoadedModel) -> Reading:
    """A model that says it reads a language."""

    def made(language: str | None) -> LoadedModel:
        return replace(small, manifest=small.manifest.model_copy(update={"source_language": language}))

    return made


@pytest.mark.parametrize("language", ["en", "eng", "en-US", "en_XX", "eng_Latn", "English"])
def test_english_comes_with_trasluz(reading: Reading, language: str) -> None:
    sample = usual_sample(reading(language))
    assert len(set(sample.texts)) == USUAL
    assert sample.origin == "300 sentences of the corpus that comes with Trasluz (en)"
    assert any(text.startswith("The ") for text in sample.texts)


def test_spanish_comes_with_trasluz(reading: Reading) -> None:
    assert any(text.startswith("¿") for text in usual_sample(reading("es")).texts)


def test_for_other_languages_a_file_is_asked_for(reading: Reading) -> None:
    with pytest.raises(TrasluzError, match=r"but this model reads 'qu', and .*; give --sample with .* each$"):
        usual_sample(reading("qu"))
    with pytest.raises(TrasluzError, match=r"but it is not known .*; give --sample .*--source-language"):
        usual_sample(reading(None))
    foreign = replace(reading(None), origin=Origin({}, {}))
    with pytest.raises(TrasluzError, match=r"but it is not known .*; give --sample with .* each$"):
        usual_sample(foreign)


def test_a_file_gives_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "sample.txt"
    path.write_text(" the cat \n\n\nthe dog\n", encoding="utf-8")
    assert read_sample(path) == Sample(["the cat", "the dog"], str(path))


def test_a_bad_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sample.txt"
    with pytest.raises(TrasluzError, match="no such file"):
        read_sample(path)
    path.write_text(" \n\n")
    with pytest.raises(TrasluzError, match="all lines are blank; give a --sample with text"):
        read_sample(path)
    path.write_bytes(b"\xff\xfe\n")
    with pytest.raises(TrasluzError, match=r"sample\.txt, line 1"):
        read_sample(path)


def test_what_does_not_fit_is_cut_and_blanks_are_left_out() -> None:
    sample = Sample(["  one two. three four.  ", " ", "five\nsix"], "")
    assert sample.parts(lambda text: len(text.split()) <= 2) == ["one two.", "three four.", "five", "six"]
    assert sample.parts(lambda text: True) == ["one two. three four.", "five", "six"]
