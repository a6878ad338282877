"""The file for Argos Translate: one directory in a zip archive, the same for the same model."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import sentencepiece

from tests.export.conftest import Numbers
from trasluz.corpus.read import Pair
from trasluz.errors import TrasluzError
from trasluz.export.argos import argos_of, to_argos
from trasluz.export.sample import Sample
from trasluz.models.loaded import LoadedModel

Make = Callable[..., LoadedModel]
ct2 = pytest.importorskip("ctranslate2", reason="the extra 'export' is not installed")


@pytest.fixture
def package(taught: LoadedModel, sample: Sample, tmp_path: Path) -> Path:
    """A file for Argos Translate."""
    to_argos(taught, tmp_path / "en_es.argosmodel", sample=sample, command="trasluz export ...")
    return tmp_path / "en_es.argosmodel"


def test_it_holds_one_directory_with_all_that_argos_wants(package: Path) -> None:
    with ZipFile(package) as archive:
        names = archive.namelist()
        metadata = json.loads(archive.read("translate-en_es-1_0/metadata.json"))
    assert names == sorted(names)
    assert [name.removeprefix("translate-en_es-1_0/") for name in names] == [
        "README.md",
        "metadata.json",
        "model/config.json",
        "model/model.bin",
        "model/shared_vocabulary.json",
        "sentencepiece.model",
    ]
    assert metadata == {
        "package_version": "1.0",
        "argos_version": "1.9.0",
        "from_code": "en",
        "from_name": "English",
        "to_code": "es",
        "to_name": "Spanish",
    }


def test_what_argos_does_with_it_gives_the_translations(
    package: Path, pairs: list[Pair], tmp_path: Path
) -> None:
    with ZipFile(package) as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / "translate-en_es-1_0"
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "sentencepiece.model"))
    engine = ct2.Translator(str(folder / "model"), device="cpu")
    rows = [pieces.encode(pair.source, out_type=str) for pair in pairs]
    found = engine.translate_batch(rows, beam_size=4, length_penalty=0.2, replace_unknowns=True)
    texts = [pieces.decode_pieces(one.hypotheses[0]) for one in found]
    assert sum(text == pair.target for text, pair in zip(texts, pairs, strict=True)) > 50


def test_how_far_it_agrees_stands_beside_it(package: Path) -> None:
    told = json.loads(package.with_name("en_es.argosmodel.agreement.json").read_text("utf-8"))
    assert (told["to"], told["equal"], told["read_alike"], told["command"]) == (
        "argos",
        60,
        60,
        "trasluz export ...",
    )
    assert any("_" in note for note in told["notes"])
    assert {path.name for path in package.parent.iterdir()} == {
        "en_es.argosmodel",
        "en_es.argosmodel.agreement.json",
    }


def test_the_same_model_gives_the_same_file(
    taught: LoadedModel, sample: Sample, package: Path, tmp_path: Path
) -> None:
    to_argos(taught, tmp_path / "again" / "other.argosmodel", sample=sample)
    assert (tmp_path / "again" / "other.argosmodel").read_bytes() == package.read_bytes()


def test_int8_is_smaller(taught: LoadedModel, sample: Sample, package: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.argosmodel"
    assert to_argos(taught, small, quantization="int8", sample=sample).share > 0.9
    assert small.stat().st_size < package.stat().st_size


def test_what_stands_there_stays(taught: LoadedModel, sample: Sample, package: Path, tmp_path: Path) -> None:
    with pytest.raises(TrasluzError, match=r"en_es\.argosmodel is there already"):
        to_argos(taught, package, sample=sample)
    package.unlink()
    with pytest.raises(TrasluzError, match=r"agreement\.json is there already"):
        to_argos(taught, package, sample=sample)


def test_both_languages_are_asked_for(taught: LoadedModel, sample: Sample, tmp_path: Path) -> None:
    def nameless(**languages: Any) -> LoadedModel:
        return replace(taught, manifest=taught.manifest.model_copy(update=languages))

    out = tmp_path / "out.argosmodel"
    with pytest.raises(TrasluzError, match="does not name its target language; give --target-language"):
        to_argos(nameless(target_language=None), out, sample=sample)
    with pytest.raises(TrasluzError, match="its source and target language; give --source"):
        to_argos(nameless(source_language=None, target_language=None), out, sample=sample)


def test_two_languages_are_asked_for(taught: LoadedModel, sample: Sample, tmp_path: Path) -> None:
    def named(source: str, target: str) -> LoadedModel:
        languages = {"source_language": source, "target_language": target}
        return replace(taught, manifest=taught.manifest.model_copy(update=languages))

    out = tmp_path / "out.argosmodel"
    with pytest.raises(TrasluzError, match="but both are English here; name them with --source-language"):
        to_argos(named("en-US", "eng"), out, sample=sample)
    with pytest.raises(TrasluzError, match=r"'\.\./en' is no code of a language"):
        to_argos(named("../en", "es"), out, sample=sample)
    assert list(tmp_path.iterdir()) == []
    to_argos(named("English", "spa_Latn"), out, sample=sample)
    with ZipFile(out) as archive:
        assert "translate-en_es-1_0/metadata.json" in archive.namelist()


def test_low_lines_become_spaces_as_argos_makes_them(
    taught: LoadedModel, package: Path, tmp_path: Path
) -> None:
    joined = argos_of(taught, package, tmp_path / "installed").joined
    assert joined(taught.tokenizer.encode("the_cat sees")) == "the cat sees"


def test_another_ending_is_refused(taught: LoadedModel, sample: Sample, tmp_path: Path) -> None:
    with pytest.raises(TrasluzError, match=r"installs files that end in \.argosmodel; give such an --out"):
        to_argos(taught, tmp_path / "out.zip", sample=sample)


def test_what_argos_cannot_hold_is_refused(
    make: Make, make_decoder_only: Make, sample: Sample, tmp_path: Path
) -> None:
    out = tmp_path / "out.argosmodel"
    with pytest.raises(TrasluzError, match="it is decoder-only, and Argos Translate runs encoder-decoders"):
        to_argos(make_decoder_only("translation"), out, sample=sample)
    with pytest.raises(TrasluzError, match="CTranslate2 cannot hold this model: the encoder has the score"):
        to_argos(make(encoder={"attention": {"score": "cosine"}}), out, sample=sample)
    other = replace(make(), tokenizer=Numbers(make().model))  # type: ignore[arg-type] # as much as is asked for
    with pytest.raises(TrasluzError, match="its tokeniser is not one model of sentencepiece for both"):
        to_argos(other, out, sample=sample)
    assert list(tmp_path.iterdir()) == []
