"""Language models and decoder-only translators: the same trainer, from text or from pairs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from trasluz.corpus.read import Pair
from trasluz.decoding.generator import load_generator
from trasluz.decoding.translator import load
from trasluz.errors import TrasluzError
from trasluz.parse import parse
from trasluz.training.material import learn_tokenizer, prepare
from trasluz.training.run import Corpus, read_corpus, train
from trasluz.training.settings import RunSettings, TokenizerSettings, merge

STACK = {"layers": 1, "attention": {"heads": 3, "kv_heads": 1}, "feedforward": {"hidden": 17}}
DECODER_ONLY = {"kind": "decoder-only", "width": 12, "decoder": STACK}


@pytest.fixture
def settings(tiny: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    return {key: value for key, value in tiny().items() if key != "model"} | {"model": DECODER_ONLY}


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "stories.txt"
    lines = [f"the {what} sees {number} houses" for what in ("cat", "dog", "man") for number in range(30)]
    path.write_text("\n\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_decoder_only_translator_is_trained_like_any_other(
    pairs: list[Pair], settings: dict[str, Any], tmp_path: Path
) -> None:
    train(Corpus(pairs[:50], pairs[50:]), out=tmp_path / "m", changes=settings)
    translator = load(tmp_path / "m")
    assert translator.translate(pairs[0].source).text
    record = json.loads((tmp_path / "m" / "training.json").read_text("utf-8"))
    assert set(record["validation"]["metrics"]) == {"bleu", "chrf", "ter"}


def test_text_gives_a_language_model_that_is_compared_by_its_loss(
    text: Path, settings: dict[str, Any], tmp_path: Path
) -> None:
    corpus = read_corpus([text], task="language-model")
    assert not any(pair.source for pair in (*corpus.training, *corpus.validation))
    assert set(corpus.training).isdisjoint(corpus.validation)
    train(corpus, out=tmp_path / "m", changes=merge(settings, {"task": "language-model"}))
    looks = [
        report
        for line in (tmp_path / "m" / "metrics.jsonl").read_text("utf-8").splitlines()
        if (report := json.loads(line))["kind"] == "validation"
    ]
    assert looks[-1]["loss"] < looks[0]["loss"]
    assert looks[-1]["metrics"] == {}
    assert [set(sample) for sample in looks[-1]["samples"]] == [{"prompt", "continuation"}] * 3
    assert load_generator(tmp_path / "m").generate("the cat", most=5).text


def test_a_language_model_needs_no_word_of_its_architecture(
    text: Path, tiny: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    changes = {"task": "language-model", "budget": {"steps": 1}, "tokenizer": {"vocabulary": 300}}
    train(read_corpus([text], task="language-model"), out=tmp_path / "m", preset="tiny", changes=changes)
    assert load_generator(tmp_path / "m").generate("the", most=2).prompt == "the"


def test_a_long_text_is_cut_at_its_sentences_and_none_of_it_is_lost(settings: dict[str, Any]) -> None:
    sentences = [f"The cat sees {number} houses." for number in range(40)]
    tokenizer = learn_tokenizer([Pair("", one) for one in sentences], TokenizerSettings(vocabulary=290))
    changes = merge(settings, {"preset": "test", "task": "language-model", "batch": {"longest": 40}})
    changes = merge(changes, {"model": {"embedding": {"vocabulary": len(tokenizer)}}})
    material = prepare(
        [Pair("", " ".join(sentences))],
        [Pair("", sentences[3])],
        tokenizer=tokenizer,
        settings=parse(RunSettings, changes, where="test"),
    )
    plan = range(len(material.batches.plan(0)))
    rows = [row for index in plan for row in material.batches.batch(0, index).target.tolist()]
    assert len(rows) > 3
    learnt = [one for row in rows for one in re.findall(r"The cat[^.]*\.", tokenizer.decode(row))]
    assert sorted(learnt) == sorted(sentences)


def test_stopped_and_resumed_it_is_the_same_run(text: Path, settings: dict[str, Any], tmp_path: Path) -> None:
    corpus = read_corpus([text], task="language-model")
    constant = {"optimizer": {"schedule": "constant"}, "validation": {"every": 5}}
    changes = merge(settings, {"task": "language-model", **constant})
    for name, steps in (("parts", 5), ("parts", 11), ("whole", 11)):
        train(corpus, out=tmp_path / name, changes=merge(changes, {"budget": {"steps": steps}}))
    parts, whole = (load_generator(tmp_path / name).model for name in ("parts", "whole"))
    for one, other in zip(parts.parameters(), whole.parameters(), strict=True):
        assert torch.equal(one, other)


def test_what_does_not_go_together_is_refused(text: Path, settings: dict[str, Any], tmp_path: Path) -> None:
    corpus = read_corpus([text], task="language-model")

    def refusal(**changes: Any) -> str:
        asked = merge(settings, {"task": "language-model", **changes})
        with pytest.raises(TrasluzError) as refused:
            train(corpus, out=tmp_path / "m", changes=asked)
        return str(refused.value)

    recurrent = {"kind": "recurrent", "width": 12}
    assert "a language model is decoder-only, but the model is of the kind 'recurrent'" in refusal(
        model=recurrent
    )
    assert "a language model is compared by its loss, but validation.metric is 'bleu'" in refusal(
        validation={"metric": "bleu"}
    )
    learned = {"decoder": {"position": {"kind": "learned", "length": 31}}}
    assert "model.decoder.position.length is 31, but up to 256 pieces a side" in refusal(model=learned)
    assert not (tmp_path / "m").exists()


def test_blank_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "blank.txt"
    path.write_text(" \n\n", encoding="utf-8")
    with pytest.raises(TrasluzError, match="all lines are blank; give a file of text"):
        read_corpus([path], task="language-model")
