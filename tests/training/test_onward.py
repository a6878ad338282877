"""A run that goes on from a model: its pieces, its weights, what is frozen, and adapters."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.models.families.checkpoints import ALL, TRANSLATORS, Checkpoint, reference_of
from trasluz.corpus.read import Pair
from trasluz.decoding.translator import load
from trasluz.errors import TrasluzError
from trasluz.evaluation.metrics import evaluate
from trasluz.models.adapter import ADAPTER, CHANGES, fingerprint
from trasluz.models.directory import load_weights, weights_of
from trasluz.models.learnt import LEARNT
from trasluz.models.load import load_model, read_manifest
from trasluz.training.beginning import Onward, beginning_of
from trasluz.training.progress import make_display
from trasluz.training.run import Corpus, resolve, train
from trasluz.training.settings import merge

Settings = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def base(pairs: list[Pair], tiny: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A translator after some steps."""
    out = tmp_path_factory.mktemp("base") / "model"
    train(Corpus(pairs[:53], pairs[53:]), out=out, changes=tiny(budget={"steps": 3}))
    return out


@pytest.fixture
def corpus(pairs: list[Pair]) -> Corpus:
    return Corpus(pairs[7:40], pairs[53:])


def onward(base: Path, *, steps: int = 3, **more: Any) -> dict[str, Any]:
    """The settings of a run that goes on from a model."""
    own = {"directory": str(base), "weights": fingerprint(base), **more}
    return {"base": own, "budget": {"steps": steps}, "batch": {"tokens": 211}, "validation": {"pairs": 5}}


def onward_from(checkpoint: Checkpoint) -> dict[str, Any]:
    """The settings of a run that goes on from random weights for a checkpoint, in its languages."""
    directory, asked = checkpoint.files.directory, checkpoint.languages
    reference_of(checkpoint).save_pretrained(directory)
    languages = {"source_language": asked.source, "target_language": asked.target}
    return merge(onward(directory), {"batch": {"longest": 30}, **languages})


def weights(directory: Path) -> dict[str, torch.Tensor]:
    return weights_of(load_model(directory).model)


def test_it_begins_with_the_pieces_and_the_weights_of_the_model(
    base: Path, corpus: Corpus, tmp_path: Path
) -> None:
    train(corpus, out=tmp_path / "m", changes=merge(onward(base), {"optimizer": {"rate": 1e-9}}))
    before, after = weights(base), weights(tmp_path / "m")
    assert before.keys() == after.keys()
    for name, one in before.items():
        torch.testing.assert_close(after[name], one, atol=1e-6, rtol=0.0)
    assert load(tmp_path / "m").tokenizer.files() == load(base).tokenizer.files()


def test_it_learns_everything_unless_parts_are_frozen(base: Path, corpus: Corpus, tmp_path: Path) -> None:
    before = weights(base)
    train(corpus, out=tmp_path / "all", changes=onward(base))
    assert not any(torch.equal(one, before[name]) for name, one in weights(tmp_path / "all").items())
    train(corpus, out=tmp_path / "some", changes=onward(base, freeze=["encoder", "embeddings"]))
    for name, one in weights(tmp_path / "some").items():
        assert torch.equal(one, before[name]) == (not name.startswith("decoder.")), name


def test_an_adapter_learns_little_and_stands_apart(base: Path, corpus: Corpus, tmp_path: Path) -> None:
    out = tmp_path / "adapter"
    train(corpus, out=out, changes=onward(base, adapter={"rank": 3, "matrices": ["query", "value"]}))
    assert not (out / "model.safetensors").exists()
    before, after = weights(base), weights(out)
    for name, one in before.items():
        adapted = name.endswith(("query.weight", "value.weight"))
        assert torch.equal(after[name], one) != adapted, name
    changes = load_file(out / CHANGES)
    name = "decoder.blocks.0.cross_attention.multihead.value"
    up, down = changes[f"{name}.up"], changes[f"{name}.down"]
    assert (up.shape[1], down.shape[0]) == (3, 3)
    scale = 16.0 / 3
    torch.testing.assert_close(after[f"{name}.weight"], before[f"{name}.weight"] + scale * up @ down)


def test_stopped_and_resumed_it_is_the_same_run(base: Path, corpus: Corpus, tmp_path: Path) -> None:
    constant = {"optimizer": {"schedule": "constant"}, "validation": {"every": 2}}
    for kind, own in (("full", onward(base)), ("adapter", onward(base, adapter={"rank": 2}))):
        changes = merge(own, constant)
        for name, steps in (("parts", 2), ("parts", 5), ("whole", 5)):
            train(corpus, out=tmp_path / kind / name, changes=merge(changes, {"budget": {"steps": steps}}))
        parts, whole = (weights(tmp_path / kind / name) for name in ("parts", "whole"))
        assert all(torch.equal(parts[name], one) for name, one in whole.items())


def test_a_checkpoint_comes_back_as_one(corpus: Corpus, tmp_path: Path) -> None:
    checkpoint = ALL["marian"](tmp_path / "marian")
    directory = checkpoint.files.directory
    reference_of(checkpoint).save_pretrained(directory)
    changes = merge(onward(directory), {"batch": {"longest": 30}})
    train(corpus, out=tmp_path / "m", changes=changes)
    config = json.loads((tmp_path / "m" / "config.json").read_text("utf-8"))
    assert config["model_type"] == "marian"
    assert (tmp_path / "m" / "source.spm").read_bytes() == (directory / "source.spm").read_bytes()
    recorded = json.loads((tmp_path / "m" / "training.json").read_text("utf-8"))["validation"]["metrics"]
    found = evaluate(load(tmp_path / "m"), corpus.validation[:5], beam=1)
    assert found.metrics["chrf"].value == recorded["chrf"]["value"]
    again = type(reference_of(checkpoint)).from_pretrained(tmp_path / "m")
    assert again.config.d_model == config["d_model"]


@pytest.mark.parametrize("name", TRANSLATORS)
def test_a_checkpoint_learns_with_the_symbols_that_it_is_used_with(
    name: str, corpus: Corpus, tmp_path: Path
) -> None:
    checkpoint, out = TRANSLATORS[name](tmp_path / "base"), tmp_path / "m"
    directory, asked = checkpoint.files.directory, checkpoint.languages
    changes = onward_from(checkpoint)
    settings = resolve(corpus, out=out, preset="auto", changes=changes, marks={}, display=make_display())
    beginning = beginning_of(settings, out=out, begun=False)
    learning = beginning.model(beginning.config(beginning.tokenizer([], say=print)))
    used = load_model(directory, languages=asked)
    assert learning.start_id == used.model.start_id == used.tokenizer.frame.start
    assert (learning.pad_id, learning.end_id) == (used.model.pad_id, used.model.end_id)
    assert learning.forbidden_ids == used.model.forbidden_ids


def test_what_is_kept_has_the_symbols_of_the_model(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint, kept = ALL["mbart 25"](tmp_path / "base"), []
    directory, asked = checkpoint.files.directory, checkpoint.languages
    changes = onward_from(checkpoint)
    monkeypatch.setattr(
        Onward, "save", lambda own, manifest, model, tokenizer: kept.append((manifest, model))
    )
    train(corpus, out=tmp_path / "m", changes=changes)
    [(manifest, model), *_] = kept
    assert manifest.model.symbols == load_model(directory, languages=asked).manifest.model.symbols
    assert manifest.model.symbols.start == model.start_id == checkpoint.ours.frame.start


def test_texts_go_on_from_a_language_model(tmp_path: Path) -> None:
    checkpoint = ALL["gpt2"](tmp_path / "gpt2")
    directory = checkpoint.files.directory
    reference_of(checkpoint).save_pretrained(directory)
    texts = [Pair("", f"the cat sees {number} dogs") for number in range(20)]
    changes = merge(onward(directory), {"batch": {"longest": 40}, "validation": {"metric": "loss"}})
    train(Corpus(texts[:15], texts[15:]), out=tmp_path / "m", changes=changes | {"task": "language-model"})
    assert load_model(tmp_path / "m").manifest.task == "language-model"


def test_the_longest_text_is_what_the_model_holds(tmp_path: Path) -> None:
    checkpoint = ALL["gpt2"](tmp_path / "gpt2")
    directory = checkpoint.files.directory
    reference_of(checkpoint).save_pretrained(directory)
    texts = [Pair("", f"the cat sees {number} dogs") for number in range(20)]
    corpus, loss = Corpus(texts[:15], texts[15:]), {"validation": {"metric": "loss"}}
    train(corpus, out=tmp_path / "m", changes=merge(onward(directory), loss))
    held = json.loads((tmp_path / "m" / "settings.json").read_text("utf-8"))["settings"]["batch"]["longest"]
    assert held == load_model(directory).manifest.model.longest_target(0)
    with pytest.raises(TrasluzError) as refused:
        train(
            corpus,
            out=tmp_path / "n",
            changes=merge(onward(directory), {**loss, "batch": {"longest": held + 1}}),
        )
    assert str(refused.value) == (
        f"settings: batch.longest is {held + 1}, but the model to go on from holds {held} positions; give "
        f"{held} or less, or leave it out"
    )


def test_an_adapter_has_the_languages_that_it_learnt(tmp_path: Path, pairs: list[Pair]) -> None:
    checkpoint = ALL["m2m100"](tmp_path / "m2m100")
    directory, out = checkpoint.files.directory, tmp_path / "adapter"
    reference_of(checkpoint).save_pretrained(directory)
    own, other = checkpoint.languages.source, checkpoint.languages.target
    languages = {"source_language": own, "target_language": other}
    changes = merge(onward(directory, adapter={"rank": 2}), languages)
    train(Corpus(pairs[:30], pairs[40:45]), out=out, changes=changes)
    assert load(out).tokenizer.frame == checkpoint.ours.frame
    assert (read_manifest(out).source_language, read_manifest(out).target_language) == (own, other)
    turned = load(directory, source_language=other, target_language=own).tokenizer.frame
    assert (
        load(out, source_language=other, target_language=own).tokenizer.frame
        == turned
        != checkpoint.ours.frame
    )


def of_t5_with_words(folder: Path) -> Path:
    """A T5 whose configuration has words for a pair of languages."""
    checkpoint = ALL["t5"](folder)
    directory = checkpoint.files.directory
    reference_of(checkpoint).save_pretrained(directory)
    path = directory / "config.json"
    task = {"translation_en_to_es": {"prefix": "the old teacher wants: "}}
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"task_specific_params": task}))
    return directory


def test_a_t5_has_the_words_behind_which_it_learnt(tmp_path: Path, pairs: list[Pair]) -> None:
    directory, out = of_t5_with_words(tmp_path / "t5"), tmp_path / "out"
    languages = {"source_language": "en", "target_language": "es"}
    changes = merge(onward(directory), {"validation": {"pairs": 10}, **languages})
    train(Corpus(pairs[:30], pairs[40:50]), out=out, changes=changes)
    frame = load(directory, **languages).tokenizer.frame
    assert frame.before
    assert load(out).tokenizer.frame == frame
    told = json.loads((out / "training.json").read_text("utf-8"))["validation"]["metrics"]
    assert evaluate(load(out), pairs[40:50], beam=1).metrics["chrf"].value == told["chrf"]["value"]
    assert "source_language" not in json.loads((out / "config.json").read_text("utf-8"))


def test_a_checkpoint_has_the_languages_that_it_learnt(tmp_path: Path, pairs: list[Pair]) -> None:
    """After a stop, in a run that goes on from it, and behind an adapter for it."""
    checkpoint = ALL["m2m100"](tmp_path / "m2m100")
    directory = checkpoint.files.directory
    reference_of(checkpoint).save_pretrained(directory)
    own, other = checkpoint.languages.source, checkpoint.languages.target
    languages = {"source_language": own, "target_language": other}
    corpus = Corpus(pairs[:30], pairs[40:45])
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    train(corpus, out=one, changes=merge(onward(directory, steps=2), languages))
    train(corpus, out=one, changes=onward(directory, steps=4))
    train(corpus, out=two, changes=onward(one))
    train(corpus, out=three, changes=onward(two, adapter={"rank": 2}))
    for out in (one, two, three):
        assert load(out).tokenizer.frame == checkpoint.ours.frame
        assert (read_manifest(out).source_language, read_manifest(out).target_language) == (own, other)
        turned = load(out, source_language=other, target_language=own).tokenizer.frame
        assert turned == load(directory, source_language=other, target_language=own).tokenizer.frame
        assert turned != checkpoint.ours.frame
    again = type(reference_of(checkpoint)).from_pretrained(two)
    assert again.config.to_dict().keys().isdisjoint(languages)


def test_without_languages_nothing_is_remembered(tmp_path: Path, pairs: list[Pair]) -> None:
    directory, out = of_t5_with_words(tmp_path / "t5"), tmp_path / "out"
    train(Corpus(pairs[:30], pairs[40:45]), out=out, changes=onward(directory))
    assert not (out / LEARNT).exists()
    assert load(out).tokenizer.frame == load(directory).tokenizer.frame


def test_what_is_remembered_is_checked(tmp_path: Path) -> None:
    directory = of_t5_with_words(tmp_path / "t5")
    for text, sentence in (
        ("{", f"{directory / LEARNT} is damaged: it is not valid JSON"),
        ('{"source": "en"}', f"{directory / LEARNT}: unknown key 'source'; known, nearest first: source_la"),
        ('{"source_language": 3}', f"{directory / LEARNT}: source_language is 3, but it should be a text"),
        ('{"source_language": "en"}', f"{directory}: en to ? was asked for, but this model names en to es"),
    ):
        (directory / LEARNT).write_text(text)
        with pytest.raises(TrasluzError) as refused:
            load_model(directory)
        assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize("more", [{}, {"adapter": {"rank": 2}}], ids=["all", "adapter"])
def test_the_range_of_the_model_below_stays(
    base: Path, tmp_path: Path, pairs: list[Pair], more: dict[str, Any]
) -> None:
    short = [Pair(" ".join(pair.source.split()[:2]), pair.target) for pair in pairs]
    train(Corpus(short[:40], short[40:]), out=tmp_path / "m", changes=onward(base, **more))
    before, after = load_model(base).manifest, load_model(tmp_path / "m").manifest
    assert (after.longest_source, after.most_sentences) == (before.longest_source, before.most_sentences)


@pytest.mark.parametrize(("name", "sentences"), [("t5", 2), ("mbart 25", 1), ("marian", 2)])
def test_validation_says_what_evaluate_says_of_what_is_handed_out(
    name: str, sentences: int, tmp_path: Path, pairs: list[Pair]
) -> None:
    checkpoint = ALL[name](tmp_path / "base")
    asked = checkpoint.languages
    several = [Pair(" ".join([f"{one.source}."] * sentences), one.target) for one in pairs[40:50]]
    out = tmp_path / "out"
    changes = merge(onward_from(checkpoint), {"validation": {"pairs": 10}})
    train(Corpus(pairs[:30], several), out=out, changes=changes)
    told = json.loads((out / "training.json").read_text("utf-8"))["validation"]["metrics"]
    found = load(out, source_language=asked.source, target_language=asked.target)
    assert evaluate(found, several, beam=1).metrics["chrf"].value == told["chrf"]["value"]


class TestWhatCannotBe:
    """Every mistake is one sentence."""

    def refusal(self, corpus: Corpus, changes: dict[str, Any], out: Path) -> str:
        with pytest.raises(TrasluzError) as refused:
            train(corpus, out=out, changes=changes)
        return str(refused.value)

    def test_parts_and_matrices_that_there_are_not(self, base: Path, corpus: Corpus, tmp_path: Path) -> None:
        everything = ["embeddings", "encoder", "decoder"]
        assert self.refusal(corpus, onward(base, freeze=everything), tmp_path / "a") == (
            "with all of these parts frozen nothing is left to learn; freeze fewer"
        )
        odd = onward(base, adapter={"matrices": ["queery"]})
        assert self.refusal(corpus, odd, tmp_path / "b").startswith(
            "this model has no matrix named 'queery' to adapt; it has "
        )
        assert "unknown key 'base.rank'" in self.refusal(corpus, onward(base, rank=3), tmp_path / "c")

    def test_another_model_than_the_one_below(self, base: Path, corpus: Corpus, tmp_path: Path) -> None:
        for name, change in (("layers", {"layers": 2}), ("attention.score", {"attention": {"score": "dot"}})):
            other = merge(onward(base), {"model": {"encoder": change}})
            assert self.refusal(corpus, other, tmp_path / "a").startswith(
                f"settings: model.encoder.{name} is "
            )
        assert not (tmp_path / "a").exists()
        odd = onward(base) | {"task": "language-model"}
        assert self.refusal(corpus, odd, tmp_path / "b").startswith("settings: task is 'translation' there")
        drier = merge(onward(base), {"model": {"encoder": {"dropout": 0.3, "attention": {"dropout": 0.1}}}})
        assert train(corpus, out=tmp_path / "c", changes=drier).step == 3

    def test_what_the_model_brings(self, base: Path, corpus: Corpus, tmp_path: Path) -> None:
        with pytest.raises(
            TrasluzError, match=r"^the preset 'big' is asked for, but the model to go on from"
        ):
            train(corpus, out=tmp_path / "a", preset="big", changes=onward(base))
        pieces = onward(base) | {"tokenizer": {"kind": "bpe"}}
        assert self.refusal(corpus, pieces, tmp_path / "b") == (
            "settings: tokenizer.kind is 'bpe', but the model to go on from has its pieces; leave it out"
        )
        sampled = onward(base) | {"tokenizer": {"sampling": 0.5}}
        assert train(corpus, out=tmp_path / "c", changes=sampled).step == 3

    def test_an_adapter_without_what_is_below_it(self, base: Path, corpus: Corpus, tmp_path: Path) -> None:
        below, out = tmp_path / "below", tmp_path / "adapter"
        shutil.copytree(base, below)
        train(corpus, out=out, changes=onward(below, adapter={"rank": 2}))
        other = load_model(base).model
        load_weights(other, {name: one + 1 for name, one in weights(base).items()}, where=base)
        shutil.rmtree(below)
        with pytest.raises(TrasluzError, match=r"is an adapter for the model in .*, which is not there; put"):
            load_model(out)
        shutil.copytree(base, below)
        data = (below / "model.safetensors").read_bytes()
        (below / "model.safetensors").write_bytes(data[:-4] + b"\x00\x00\x00\x01")
        with pytest.raises(TrasluzError, match="is an adapter for other weights than those in"):
            load_model(out)
        (below / "model.safetensors").write_bytes(data)
        settings = json.loads((out / ADAPTER).read_text("utf-8"))
        for rank in (5, 10**9):
            settings["adapter"]["rank"] = rank
            (out / ADAPTER).write_text(json.dumps(settings), encoding="utf-8")
            with pytest.raises(TrasluzError, match=r"does not fit adapter\.json and the model below"):
                load_model(out)

    def test_an_adapter_with_the_tensors_of_another(self, base: Path, corpus: Corpus, tmp_path: Path) -> None:
        one, other = tmp_path / "one", tmp_path / "other"
        for out, seed in ((one, 1), (other, 2)):
            train(corpus, out=out, changes=onward(base, steps=1, adapter={"rank": 2}) | {"seed": seed})
        shutil.copy(other / CHANGES, one / CHANGES)
        with pytest.raises(TrasluzError) as refused:
            load_model(one)
        assert str(refused.value) == (
            f"{one / CHANGES} is not what {ADAPTER} was written with: it is damaged, or another adapter's; "
            "copy both again"
        )
        (one / CHANGES).unlink()
        with pytest.raises(
            TrasluzError, match=r"adapter\.safetensors is missing, and adapter\.json needs it"
        ):
            load_model(one)
