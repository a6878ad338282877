"""Languages: the codes of published checkpoints, and one clear sentence for what is missing or unknown."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers.models.m2m_100 import tokenization_m2m_100 as their_m2m100
from transformers.models.mbart import tokenization_mbart as their_mbart
from transformers.models.mbart50 import tokenization_mbart50 as their_mbart50

from tests import foreign
from tests.models.families.checkpoints import (
    CONFIG,
    TRANSLATORS,
    Checkpoint,
    of_gpt2,
    of_llama,
    of_marian,
    of_t5,
)
from trasluz.errors import TrasluzError
from trasluz.models.families.codes import (
    M2M100,
    M2M100_OR_NLLB,
    MARIAN,
    MBART,
    MBART_25,
    MBART_50,
    chosen,
    codes_among,
)
from trasluz.models.families.family import Languages
from trasluz.text.tokenizer import Tokenizer


def test_codes_are_those_of_transformers_in_their_order() -> None:
    assert list(MBART_25) == their_mbart.FAIRSEQ_LANGUAGE_CODES
    assert list(MBART_50) == their_mbart50.FAIRSEQ_LANGUAGE_CODES
    assert {name: list(known) for name, known in M2M100.items()} == their_m2m100.FAIRSEQ_LANGUAGE_CODES


def test_codes_are_known_by_their_spelling_and_come_without_it() -> None:
    ids = {"</s>": 2, "zho_Hans": 9, "ace_Arab": 4, "__en__": 6, "en_XX": 7, ">>fra<<": 8, "<mask>": 10}
    assert codes_among(ids, ids, M2M100_OR_NLLB) == {"ace_Arab": 4, "en": 6, "zho_Hans": 9}
    assert list(codes_among(ids, ids, M2M100_OR_NLLB)) == ["ace_Arab", "en", "zho_Hans"]
    assert codes_among(ids, {*ids, "de_DE"}, MBART) == {"en_XX": 7}
    assert codes_among(ids, ids, MARIAN) == {"fra": 8}
    assert codes_among(ids, {"</s>"}, MBART) == {}


def test_the_languages_that_marian_is_asked_for(tmp_path: Path) -> None:
    several, single = of_marian(tmp_path / "a", ">>fra<<", ">>spa<<"), of_marian(tmp_path / "b")

    def ask(one: Checkpoint, source: str | None, target: str | None) -> Tokenizer:
        return one.family.tokenizer(one.files, one.config, Languages(source, target))

    assert ask(several, None, "fra").frame.before == (2,)
    assert ask(single, None, None).frame.before == ()
    with pytest.raises(TrasluzError, match=r"a: the target language is missing; give one of fra, spa$"):
        ask(several, None, None)
    with pytest.raises(
        TrasluzError, match=r"unknown target language 'sp'; allowed, nearest first: spa, fra$"
    ):
        ask(several, None, "sp")
    with pytest.raises(
        TrasluzError, match=r"b: the target language 'spa' was given, but this model has one pair"
    ):
        ask(single, None, "spa")
    with pytest.raises(
        TrasluzError, match=r"the source language 'en' was given, but this model reads 'eng'; leave"
    ):
        ask(single, "en", None)
    foreign.write(tmp_path / "b", {CONFIG: {}})
    with pytest.raises(
        TrasluzError, match=r"'en' was given, but this model does not say which language it reads;"
    ):
        ask(single, "en", None)


@pytest.mark.parametrize("name", ["mbart 25", "mbart 50 hub", "m2m100", "nllb", "nllb hub"])
def test_languages_that_are_missing_or_unknown_are_told_with_those_that_there_are(
    name: str, tmp_path: Path
) -> None:
    checkpoint = TRANSLATORS[name](tmp_path)
    own, other = checkpoint.languages.source, checkpoint.languages.target

    def ask(source: str | None, target: str | None) -> Tokenizer:
        return checkpoint.family.tokenizer(checkpoint.files, checkpoint.config, Languages(source, target))

    with pytest.raises(TrasluzError, match=rf": the source language is missing; give one of .*\b{other}\b"):
        ask(None, other)
    with pytest.raises(TrasluzError, match=rf": the target language is missing; give one of .*\b{other}\b"):
        ask(own, None)
    with pytest.raises(TrasluzError, match=rf": unknown source language '{other}_'; allowed, .*\b{other}\b"):
        ask(f"{other}_", other)
    with pytest.raises(TrasluzError, match=rf": unknown target language '{other}_'; allowed, .*\b{other}\b"):
        ask(own, f"{other}_")


def test_of_many_codes_the_likeliest_are_told(tmp_path: Path) -> None:
    codes = dict.fromkeys(MBART_50, 0)

    def told(language: str) -> str:
        with pytest.raises(TrasluzError) as refused:
            chosen(codes, language, side="source", where=tmp_path)
        return str(refused.value).partition("nearest first: ")[2]

    assert told("french").startswith("fr_XX, ")
    assert told("English").startswith("en_XX, ")
    assert told("es").startswith("es_XX, ")
    assert told("pt-BR").startswith("pt_XX, ")
    names, more = told("xyz").split(", ... ")
    assert (len(names.split(", ")), more) == (10, "and 42 more; leave it out to see all")
    few = dict.fromkeys(MBART_50[:10], 0)
    with pytest.raises(TrasluzError, match=r"_[A-Z]{2}$"):
        chosen(few, "xyz", side="source", where=tmp_path)


@pytest.mark.parametrize("languages", [Languages("de"), Languages(target="de")])
def test_languages_are_nothing_to_language_models_and_some_t5(languages: Languages, tmp_path: Path) -> None:
    one = of_t5(tmp_path / "t5", hub=False)
    with pytest.raises(
        TrasluzError, match=r"'de' was given, but this model takes its task in front of the text, such as"
    ):
        one.family.tokenizer(one.files, one.config, languages)
    for made in (of_gpt2(tmp_path / "gpt2", hub=False), of_llama(tmp_path / "llama", hub=True)):
        with pytest.raises(
            TrasluzError, match=r"'de' was given, but a language model goes on in that of its prompt$"
        ):
            made.family.tokenizer(made.files, made.config, languages)


@pytest.mark.parametrize("hub", [False, True])
def test_languages_of_t5_are_the_words_that_its_configuration_has(tmp_path: Path, hub: bool) -> None:
    one = of_t5(tmp_path, hub=hub)
    words = {"de": "translate English to German: ", "fr": "translate English to French: "}
    tasks: dict[str, object] = {f"translation_en_to_{code}": {"prefix": text} for code, text in words.items()}
    tasks |= {"summarization": {"prefix": "summarize: "}, "translation_de_to_en": {}}
    foreign.write(one.files.directory, {"config.json": {"task_specific_params": tasks}})
    for code, text in words.items():
        ours = one.family.tokenizer(one.files, one.config, Languages("en", code))
        expected = one.theirs(f"{text}the cat sees").input_ids
        assert ours.frame.source(ours.encode("the cat sees")) == expected
        assert ours.frame.around_source == len(expected) - len(ours.encode("the cat sees"))
    assert one.ours.frame.before == ()
    for asked in (Languages("en", "es"), Languages("de", "en"), Languages("en"), Languages(target="de")):
        with pytest.raises(TrasluzError, match="but this model names en to de, en to fr; for another task"):
            one.family.tokenizer(one.files, one.config, asked)


@pytest.mark.parametrize("hub", [False, True])
def test_words_of_t5_that_would_run_into_the_text_are_refused(tmp_path: Path, hub: bool) -> None:
    one = of_t5(tmp_path, hub=hub)

    def ask(words: str) -> Tokenizer:
        tasks = {"translation_zh-CN_to_en": {"prefix": words}}
        foreign.write(one.files.directory, {"config.json": {"task_specific_params": tasks}})
        return one.family.tokenizer(one.files, one.config, Languages("zh-CN", "en"))

    for words in ("translate:", "translate English to German:"):
        with pytest.raises(TrasluzError) as told:
            ask(words)
        assert str(told.value) == (
            f"{tmp_path / 'config.json'}: the words {words!r} for zh-CN to en run into the text behind them; "
            "end them in a space there, or leave the languages out and write them in front of the text"
        )
    for words in ("translate: ", "x  ", "", "   ", "Übersetze ins Deutsche:\n", "en>de▁"):
        ours = ask(words)
        assert ours.frame.source(ours.encode("the cat")) == one.theirs(f"{words}the cat").input_ids
