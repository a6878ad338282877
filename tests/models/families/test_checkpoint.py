"""Whole checkpoints: read, used, seen from inside, written back; and what is wrong with them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.models.families.checkpoints import ALL, LANGUAGE_MODELS, Checkpoint, reference_of
from trasluz.decoding.generator import Generator, generator_of
from trasluz.decoding.sample import Sampling
from trasluz.decoding.translator import Translator, translator_of
from trasluz.errors import TrasluzError
from trasluz.insight.attention import attend
from trasluz.insight.record import see
from trasluz.models.directory import CONFIG, WEIGHTS
from trasluz.models.families.checkpoint import OLD_WEIGHTS, save_checkpoint
from trasluz.models.load import load_model, read_manifest
from trasluz.models.loaded import LoadedModel

ONE_OF_EACH = ["t5", "marian", "mbart 50", "m2m100", "gpt2", "llama"]
TEXT, MOST = "the cat sees the dog", 9


@pytest.fixture
def whole(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Checkpoint, Any]:
    """A checkpoint with weights, and the reference's model of it."""
    checkpoint = ALL[request.param](tmp_path)
    reference = reference_of(checkpoint)
    reference.save_pretrained(checkpoint.files.directory)
    return checkpoint, reference


def opened(checkpoint: Checkpoint) -> LoadedModel:
    return load_model(checkpoint.files.directory, languages=checkpoint.languages)


def written_by(reference: Any, loaded: LoadedModel) -> list[int]:
    """What the reference writes greedily of the text, symbols in front left out."""
    frame, ids = loaded.tokenizer.frame, loaded.tokenizer.encode(TEXT)
    forbidden = [[one] for one in loaded.model.forbidden_ids] or None
    options = {"max_new_tokens": MOST, "do_sample": False, "bad_words_ids": forbidden, "num_beams": 1}
    options |= {"forced_eos_token_id": None, "forced_bos_token_id": None, "pad_token_id": 0}
    if loaded.manifest.task == "language-model":
        begun = frame.prompt(ids)
        return list(reference.generate(torch.tensor([begun]), **options)[0, len(begun) :].tolist())
    begun = [frame.start, *frame.forced]
    found = reference.generate(
        torch.tensor([frame.source(ids)]),
        decoder_input_ids=torch.tensor([begun]),
        decoder_start_token_id=frame.start,
        **options,
    )
    return list(found[0, len(begun) :].tolist())


@pytest.mark.parametrize("whole", ALL, indirect=True)
def test_it_writes_what_the_reference_writes(whole: tuple[Checkpoint, Any]) -> None:
    checkpoint, reference = whole
    loaded = opened(checkpoint)
    assert read_manifest(checkpoint.files.directory).model.kind == loaded.manifest.model.kind
    theirs = written_by(reference, loaded)
    end = loaded.model.end_id
    theirs = theirs[: theirs.index(end)] if end in theirs else theirs
    if loaded.manifest.task == "language-model":
        _, mine = generator_of(loaded).written(TEXT, sampling=Sampling(temperature=0), most=MOST)
        mine = mine[: mine.index(end)] if end in mine else mine
    else:
        [[best]] = translator_of(loaded).search([loaded.tokenizer.encode(TEXT)], beam=1)
        mine = list(best.ids[:MOST])
    assert mine == theirs


@pytest.mark.parametrize("whole", ONE_OF_EACH, indirect=True)
def test_every_weight_of_it_can_be_seen(whole: tuple[Checkpoint, Any], tmp_path: Path) -> None:
    loaded = opened(whole[0])
    model: Translator | Generator
    if loaded.manifest.task == "language-model":
        model = generator_of(loaded)
        attention = attend(model, TEXT, most=3)
    else:
        model = translator_of(loaded)
        attention = attend(model, TEXT, target="el gato")
    for _, weights in attention.exhibit.weights():
        torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]), atol=1e-5, rtol=0.0)
    source, given = torch.tensor([loaded.tokenizer.frame.source([11, 12, 13])]), torch.tensor([[7, 8, 9, 10]])
    source = source[:, :0] if loaded.manifest.task == "language-model" else source
    with torch.inference_mode():  # with somebody listening it is weights times values, without a fused kernel
        torch.testing.assert_close(
            see(loaded.model, source, given).hidden, loaded.model(source, given), atol=1e-5, rtol=0.0
        )
    attention.save(tmp_path / "page.html")
    assert (tmp_path / "page.html").stat().st_size > 10_000


@pytest.mark.parametrize("whole", ALL, indirect=True)
def test_it_goes_back_as_it_came(whole: tuple[Checkpoint, Any], tmp_path: Path) -> None:
    checkpoint, reference = whole
    again = tmp_path / "again"
    save_checkpoint(again, opened(checkpoint))
    source = {path.name: path for path in checkpoint.files.directory.iterdir() if path.is_file()}
    assert {path.name for path in again.iterdir()} == source.keys()
    for name, path in source.items():
        if name == WEIGHTS:
            there, here = load_file(path), load_file(again / name)
            assert there.keys() >= here.keys()
        elif name == CONFIG:
            assert json.loads(path.read_text("utf-8")) == json.loads((again / name).read_text("utf-8"))
        else:
            assert path.read_bytes() == (again / name).read_bytes(), name
    rows = checkpoint.config.embedding.vocabulary
    ids = torch.randint(10, rows, (2, 7), generator=torch.Generator().manual_seed(1))
    inputs = {"input_ids": ids}
    if checkpoint.family.task == "translation":
        inputs["decoder_input_ids"] = ids[:, :5]
    before = reference(**inputs).logits
    after = type(reference).from_pretrained(again).eval()(**inputs).logits
    torch.testing.assert_close(after, before, rtol=0.0, atol=0.0)


@pytest.mark.parametrize("whole", ["marian", "gpt2"], indirect=True)
def test_weights_may_be_in_shards_or_old_or_of_the_bare_model(whole: tuple[Checkpoint, Any]) -> None:
    checkpoint, reference = whole
    directory = checkpoint.files.directory
    before = dict(opened(checkpoint).model.named_parameters())

    def same() -> LoadedModel:
        loaded = opened(checkpoint)
        for name, parameter in loaded.model.named_parameters():
            assert torch.equal(parameter, before[name]), name
        return loaded

    tensors = load_file(directory / WEIGHTS)
    (directory / WEIGHTS).unlink()
    reference.save_pretrained(directory, max_shard_size="20KB")
    assert len(list(directory.glob("model-*.safetensors"))) > 2
    assert same().notes == ()
    for path in directory.glob("model*.safetensors*"):
        path.unlink()
    torch.save(tensors, directory / OLD_WEIGHTS)
    (note,) = same().notes
    assert "old PyTorch file, of which only the tensors are read" in note
    assert read_manifest(directory).model.kind in ("transformer", "decoder-only")
    (directory / OLD_WEIGHTS).unlink()
    prefix = {"marian": "model.", "gpt2": "transformer."}[checkpoint.family.model_type]
    bare = {name.removeprefix(prefix): one for name, one in tensors.items()}
    save_file(bare, directory / WEIGHTS)
    if checkpoint.family.model_type == "gpt2":
        same()


class TestWhatCannotBeRead:
    """Every mistake is one sentence."""

    @pytest.fixture
    def directory(self, tmp_path: Path) -> Path:
        checkpoint = ALL["gpt2"](tmp_path)
        reference_of(checkpoint).save_pretrained(checkpoint.files.directory)
        return checkpoint.files.directory

    def refusal(self, directory: Path) -> str:
        with pytest.raises(TrasluzError) as refused:
            load_model(directory)
        return str(refused.value)

    def change(self, directory: Path, **settings: Any) -> None:
        path = directory / CONFIG
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | settings), encoding="utf-8")

    def test_another_family(self, directory: Path) -> None:
        self.change(directory, model_type="bert")
        assert self.refusal(directory) == (
            f"{directory}: unknown family of checkpoints 'bert'; allowed, nearest first: mbart, t5, gpt2, "
            "marian, pegasus, m2m_100, llama"
        )

    def test_quantised_weights(self, directory: Path) -> None:
        self.change(directory, quantization_config={"quant_method": "gptq", "bits": 4})
        assert self.refusal(directory).startswith(f"{directory} is quantised (gptq), and its weights cannot")

    def test_a_key_that_nobody_knows(self, directory: Path) -> None:
        self.change(directory, sliding_window=128)
        assert self.refusal(directory).startswith(
            f"{directory / CONFIG}: Trasluz does not know what sliding_window (128) would change in this "
        )

    @pytest.mark.parametrize(
        ("settings", "why"),
        [
            ({"activation_function": "mish"}, "activation_function is 'mish', but Trasluz has relu, gelu, "),
            ({"scale_attn_weights": False}, "scale_attn_weights is False, but Trasluz has only True there"),
            ({"n_embd": "wide"}, "n_embd is 'wide', but it should be a whole number, 1 or more"),
            ({"layer_norm_epsilon": True}, "layer_norm_epsilon is True, but it should be a number"),
            ({"tie_word_embeddings": "yes"}, "tie_word_embeddings is 'yes', but it should be true or false"),
            (
                {"activation_function": ["relu"]},
                "activation_function is ['relu'], but Trasluz has relu, gelu, ",
            ),
            ({"tie_encoder_decoder": True}, "tie_encoder_decoder is True, but Trasluz has only False there"),
            ({"n_head": 0}, "n_head is 0, but it should be a whole number, 1 or more"),
            ({"bos_token_id": -3}, "bos_token_id is -3, but it should be the id of a token"),
            ({"n_embd": None}, "the key 'n_embd' is missing; copy the whole checkpoint again"),
        ],
    )
    def test_values_that_cannot_be_had(self, directory: Path, settings: dict[str, Any], why: str) -> None:
        self.change(directory, **settings)
        assert self.refusal(directory).startswith(f"{directory / CONFIG}: {why}")

    def test_no_tokenizer(self, directory: Path) -> None:
        for name in ("tokenizer.json", "vocab.json", "merges.txt"):
            (directory / name).unlink(missing_ok=True)
        assert "tokenizer.json" in self.refusal(directory)

    @pytest.mark.parametrize("kind", ["dynamic", "longrope"])
    def test_an_unknown_stretch_of_positions(self, tmp_path: Path, kind: str) -> None:
        checkpoint = ALL["llama"](tmp_path)
        directory = checkpoint.files.directory
        reference_of(checkpoint).save_pretrained(directory)
        self.change(directory, rope_parameters={"rope_type": kind, "rope_theta": 10000.0, "factor": 2.0})
        assert self.refusal(directory).endswith(
            f"rope_type is '{kind}', but Trasluz has default, linear, llama3, yarn"
        )

    def test_languages_for_a_model_of_one_pair(self, directory: Path) -> None:
        from trasluz.models.families.family import Languages

        with pytest.raises(TrasluzError, match="language"):
            load_model(directory, languages=Languages("en", "es"))


def test_it_ends_at_the_end_of_a_turn_though_that_is_the_padding(tmp_path: Path) -> None:
    checkpoint = ALL["llama"](tmp_path)
    directory, reference = checkpoint.files.directory, reference_of(checkpoint)
    reference.save_pretrained(directory)
    ids = checkpoint.ours.frame.prompt(checkpoint.ours.encode(TEXT))

    def by_reference(**ends: Any) -> list[int]:
        options = {"attention_mask": torch.ones(1, len(ids), dtype=torch.long), "do_sample": False} | ends
        found = reference.generate(torch.tensor([ids]), max_new_tokens=MOST, **options)
        return list(found[0, len(ids) :].tolist())

    turn = by_reference(eos_token_id=2, pad_token_id=2)[2]
    ends = {"eos_token_id": [2, turn], "pad_token_id": turn}
    for name in (CONFIG, "generation_config.json"):
        path = directory / name
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | ends), encoding="utf-8")
    _, mine = generator_of(opened(checkpoint)).written(TEXT, sampling=Sampling(temperature=0), most=MOST)
    assert mine == by_reference(**ends)
    assert mine[-1] == turn
    save_checkpoint(tmp_path / "again", opened(checkpoint))
    assert json.loads((tmp_path / "again" / CONFIG).read_text("utf-8"))["pad_token_id"] == turn


def test_a_copied_directory_is_as_good(tmp_path: Path) -> None:
    checkpoint = ALL["gpt2"](tmp_path / "one")
    reference_of(checkpoint).save_pretrained(checkpoint.files.directory)
    shutil.copytree(checkpoint.files.directory, tmp_path / "two")
    assert load_model(tmp_path / "two").manifest == load_model(checkpoint.files.directory).manifest
    assert set(LANGUAGE_MODELS) < set(ALL)


def test_what_lies_beside_it_goes_with_it(tmp_path: Path) -> None:
    checkpoint = ALL["llama"](tmp_path)
    directory = checkpoint.files.directory
    reference_of(checkpoint).save_pretrained(directory)
    for name in ("chat_template.jinja", "LICENSE", "NOTICE.txt"):
        (directory / name).write_text(f"of {name}")
    save_checkpoint(tmp_path / "out", load_model(directory))
    for name in ("chat_template.jinja", "LICENSE", "NOTICE.txt", "generation_config.json"):
        assert (tmp_path / "out" / name).read_bytes() == (directory / name).read_bytes()


@pytest.mark.parametrize(("said", "longest"), [(37, 37), (10**30, 61), (5, 61), ("many", 61)])
def test_the_length_is_the_least_that_is_meant(tmp_path: Path, said: object, longest: int) -> None:
    checkpoint = ALL["gpt2"](tmp_path)
    directory = checkpoint.files.directory
    reference_of(checkpoint).save_pretrained(directory)
    path = directory / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"model_max_length": said}))
    assert load_model(directory).manifest.longest_source == longest
