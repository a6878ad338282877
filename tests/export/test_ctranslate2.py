"""The directory for CTranslate2: what is in it, that it was tried, and what is refused."""

from __future__ import annotations

import copy
import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.export.conftest import LONGEST, NUMBERS, checkpoint, decided
from tests.foreign import LEARNT
from trasluz.errors import TrasluzError
from trasluz.export.ctranslate2 import (
    FEWEST_ROWS,
    MOST_READ,
    MOST_WRITTEN,
    QUANTIZATIONS,
    to_ctranslate2,
    write_ctranslate2,
)
from trasluz.export.engine import engine_of
from trasluz.export.original import Original
from trasluz.export.sample import Sample
from trasluz.models.directory import weights_of
from trasluz.models.load import load_model
from trasluz.models.loaded import LoadedModel
from trasluz.text.tokenizer import Frame

Make = Callable[..., LoadedModel]
ct2 = pytest.importorskip("ctranslate2", reason="the extra 'export' is not installed")


def test_the_directory_says_what_ctranslate2_has_to_know(
    taught: LoadedModel, sample: Sample, tmp_path: Path
) -> None:
    to_ctranslate2(taught, tmp_path / "out", sample=sample, command="trasluz export ...")
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert files == {
        "model.bin",
        "config.json",
        "shared_vocabulary.json",
        "tokenizer.model",
        "agreement.json",
    }
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config == {
        "add_source_bos": False,
        "add_source_eos": True,
        "bos_token": "<s>",
        "decoder_start_token": "<s>",
        "eos_token": "</s>",
        "layer_norm_epsilon": 1e-5,
        "multi_query_attention": False,
        "unk_token": "<unk>",
    }
    assert (tmp_path / "out" / "tokenizer.model").read_bytes() == taught.tokenizer.files()["tokenizer.model"]
    names = json.loads((tmp_path / "out" / "shared_vocabulary.json").read_text())
    assert names == taught.tokenizer.pieces(range(len(taught.tokenizer)))


def test_it_agrees_and_says_how_far(taught: LoadedModel, sample: Sample, tmp_path: Path) -> None:
    agreement = to_ctranslate2(taught, tmp_path / "out", sample=sample, command="trasluz export ...")
    assert (agreement.texts, agreement.equal, agreement.read_alike) == (60, 60, 60)
    assert agreement.largest_difference <= 1e-4
    told = json.loads((tmp_path / "out" / "agreement.json").read_text())
    assert (told["to"], told["quantization"], told["command"]) == ("ctranslate2", None, "trasluz export ...")
    assert (told["sample"], told["texts"], told["equal"]) == ("sixty sentences", 60, 60)
    assert told["versions"].keys() == {"trasluz", "torch", "ctranslate2"}
    assert told["tolerance"] == {"equal": 0.99, "score": 1e-3, "chrf": 0.0}


@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_fewer_digits_stay_near_and_leave_the_model_as_it_was(
    taught: LoadedModel, sample: Sample, tmp_path: Path, quantization: str
) -> None:
    before = {name: tensor.clone() for name, tensor in weights_of(taught.model).items()}
    agreement = to_ctranslate2(taught, tmp_path / "out", quantization=quantization, sample=sample)
    assert agreement.share > 0.9
    assert abs(agreement.scores[0] - agreement.scores[1]) < 0.05
    after = weights_of(taught.model)
    assert all(tensor.equal(after[name]) for name, tensor in before.items())


def test_int8_takes_less_room(taught: LoadedModel, tmp_path: Path) -> None:
    for quantization in ("float32", "int8"):
        write_ctranslate2(taught, tmp_path / quantization, quantization=quantization)
    sizes = [(tmp_path / name / "model.bin").stat().st_size for name in ("float32", "int8")]
    assert sizes[1] < sizes[0]


def test_without_being_told_it_never_writes_what_no_translation_may_hold(
    taught: LoadedModel, tmp_path: Path
) -> None:
    write_ctranslate2(taught, tmp_path / "out", quantization=None)
    engine = ct2.Translator(str(tmp_path / "out"), device="cpu")
    symbols = ["<pad>", "<s>", "<unk>"]
    [found] = engine.score_batch([["▁the"]], [symbols])
    assert all(score < -1000 for score in found.log_probs[:3])


def test_long_texts_have_their_positions(make: Make, tmp_path: Path) -> None:
    write_ctranslate2(make(), tmp_path / "out", quantization=None)
    engine = ct2.Translator(str(tmp_path / "out"), device="cpu")
    [found] = engine.translate_batch(
        [["▁the"] * FEWEST_ROWS],
        beam_size=1,
        max_decoding_length=FEWEST_ROWS,
        min_decoding_length=FEWEST_ROWS,
    )
    assert len(found.hypotheses[0]) == FEWEST_ROWS


POSITIONS: list[dict[str, Any]] = [
    {"position": {"kind": "sinusoidal"}, "attention": {"score": "bilinear"}},
    {"position": {"kind": "rotary"}, "attention": {"kv_heads": 2}, "norm": {"place": "pre", "kind": "rms"}},
    {"position": {"kind": "learned", "length": 61}, "attention": {"score": "dot", "kv_heads": 1}},
]


@pytest.mark.parametrize("decoder", POSITIONS, ids=["sinusoidal", "rotary", "learned"])
@pytest.mark.parametrize("task", ["translation", "language-model"])
def test_decoder_only_models_go_out_as_well(
    make_decoder_only: Make, sample: Sample, tmp_path: Path, task: str, decoder: dict[str, Any]
) -> None:
    loaded = make_decoder_only(task, **decoder)
    sample = decided(loaded, sample)
    agreement = to_ctranslate2(loaded, tmp_path / "out", sample=sample)
    assert agreement.equal == agreement.read_alike == agreement.texts == len(sample.texts)
    assert agreement.largest_difference <= 1e-4
    written = engine_of(loaded, tmp_path / "out").write(sample.texts)
    assert [one.ids for one in written] == [one.ids for one in Original(loaded).write(sample.texts)]
    assert (tmp_path / "out" / "vocabulary.json").is_file()


def test_checkpoints_go_out_as_well(tmp_path: Path) -> None:
    references: Any = pytest.importorskip("tests.models.families.references", reason="no transformers")
    for case in references.CASES:
        both = references.twins(case, tmp_path / case.name)
        settings = json.loads((tmp_path / case.name / "config.json").read_text())
        loaded, out = checkpoint(both, settings), tmp_path / f"{case.name} out"
        agreement = to_ctranslate2(loaded, out, sample=NUMBERS)
        assert (agreement.equal, agreement.read_alike) == (4, 4), case.name


def test_checkpoints_go_out_with_the_names_of_their_own_tokenisers(tmp_path: Path) -> None:
    made: Any = pytest.importorskip("tests.models.families.checkpoints", reason="no transformers")
    sample = Sample([*LEARNT, "unseen: Ж ض 😀"], "what they were learnt from")
    for name, make in made.ALL.items():
        directory = tmp_path / name
        whole = make(directory)
        made.reference_of(whole).save_pretrained(whole.files.directory)
        loaded = load_model(whole.files.directory, languages=whole.languages)
        agreement = to_ctranslate2(loaded, directory / "out", sample=sample)
        assert agreement.equal == agreement.read_alike == agreement.texts, name
        assert agreement.largest_difference <= 1e-4, name


@pytest.mark.parametrize(
    ("before", "behind", "forced"), [((11,), (), (13,)), ((), (11,), (13, 17)), ((), (11,), ())]
)
def test_codes_of_languages_are_given_with_the_pieces(
    tmp_path: Path, before: tuple[int, ...], behind: tuple[int, ...], forced: tuple[int, ...]
) -> None:
    references: Any = pytest.importorskip("tests.models.families.references", reason="no transformers")
    for case in references.CASES:
        both = references.twins(case, tmp_path / case.name)
        if not both.has_source:
            continue
        loaded = checkpoint(both, json.loads((tmp_path / case.name / "config.json").read_text()))
        own, out = loaded.tokenizer.frame, tmp_path / f"{case.name} out"
        loaded.tokenizer.frame = replace(own, before=before, after=(own.end, *behind), forced=forced)
        agreement = to_ctranslate2(loaded, out, sample=NUMBERS)
        assert (agreement.equal, agreement.read_alike) == (4, 4), case.name
        assert agreement.largest_difference <= 1e-4
        assert json.loads((out / "config.json").read_text())["add_source_eos"] is False
        notes = " ".join(json.loads((out / "agreement.json").read_text())["notes"])
        assert " ".join(map(str, [*before, "...", own.end, *behind])) in notes
        assert ("the target_prefix 13" in notes) == bool(forced)


def test_all_of_a_long_text_is_read(make: Make, sample: Sample, tmp_path: Path) -> None:
    loaded = make()
    loaded = replace(loaded, manifest=loaded.manifest.model_copy(update={"longest_source": 2000}))
    long = " ".join(sample.texts)
    pieces = len(loaded.tokenizer.encode(long))
    assert 1024 < pieces < 2000
    agreement = to_ctranslate2(loaded, tmp_path / "out", sample=Sample([long], "a long text"))
    assert (agreement.texts, agreement.equal) == (1, 1)
    assert agreement.largest_difference <= 1e-4
    notes = " ".join(json.loads((tmp_path / "out" / "agreement.json").read_text())["notes"])
    assert "reads 1024 pieces of a text, unless max_input_length says more" in notes
    assert "writes 256 pieces at most, unless max_decoding_length says more" in notes
    told = ct2.Translator.translate_batch.__doc__
    assert f"max_input_length: int = {MOST_READ}, max_decoding_length: int = {MOST_WRITTEN}" in told


def test_any_of_its_end_symbols_ends_a_text(make_decoder_only: Make, sample: Sample, tmp_path: Path) -> None:
    loaded = make_decoder_only("language-model", position={"kind": "rotary"})
    before = Original(loaded).write(sample.texts)
    [(often, _)] = Counter(one for own in before for one in own.ids).most_common(1)

    class Ending:
        """A tokeniser with one more end symbol."""

        frame = replace(loaded.tokenizer.frame, also_end=(often,))

        def __getattr__(self, name: str) -> Any:
            return getattr(loaded.tokenizer, name)

    ending = replace(loaded, tokenizer=Ending())
    texts = decided(ending, sample).texts
    agreement = to_ctranslate2(ending, tmp_path / "out", sample=Sample(texts, "sixty sentences"))
    assert agreement.equal == agreement.texts == len(texts)
    assert agreement.largest_difference <= 1e-4
    after = Original(ending).write(sample.texts)
    assert sum(len(one.ids) for one in after) < sum(len(one.ids) for one in before)
    for one, other in zip(before, after, strict=True):
        at = one.ids.index(often) if often in one.ids else len(one.ids)
        assert other.ids == one.ids[:at]


def test_a_language_model_writes_no_further_than_its_positions(
    make_decoder_only: Make, sample: Sample, tmp_path: Path
) -> None:
    loaded = make_decoder_only("language-model", position={"kind": "learned", "length": LONGEST})
    agreement = to_ctranslate2(loaded, tmp_path / "out", sample=decided(loaded, sample))
    assert agreement.equal == agreement.texts


def test_what_a_tokeniser_leaves_nothing_of_is_no_sample(taught: LoadedModel, tmp_path: Path) -> None:
    class Deaf:
        """A tokeniser that hears nothing but the cat."""

        def __getattr__(self, name: str) -> Any:
            return getattr(taught.tokenizer, name)

        def encode(self, text: str) -> list[int]:
            return taught.tokenizer.encode(text) if text == "the cat" else []

    deaf = replace(taught, tokenizer=Deaf())
    agreement = to_ctranslate2(deaf, tmp_path / "out", sample=Sample(["the cat", "the dog"], "two"))
    assert agreement.texts == 1
    with pytest.raises(TrasluzError, match="the model has no piece for any text of two; give another"):
        to_ctranslate2(deaf, tmp_path / "other", sample=Sample(["the dog", "a dog"], "two"))


def test_what_begins_and_ends_a_text_is_told(make_decoder_only: Make, sample: Sample, tmp_path: Path) -> None:
    loaded = make_decoder_only("language-model", position={"kind": "rotary"})

    class Talking:
        """A tokeniser of dialogues."""

        frame = replace(loaded.tokenizer.frame, opening=(1, 9), also_end=(7, 8))

        def __getattr__(self, name: str) -> Any:
            return getattr(loaded.tokenizer, name)

    talking = replace(loaded, tokenizer=Talking())
    to_ctranslate2(talking, tmp_path / "out", sample=decided(talking, sample))
    names = loaded.tokenizer.names([1, 9, 2, 7, 8])
    assert json.loads((tmp_path / "out" / "agreement.json").read_text())["notes"] == [
        f"a prompt is {' '.join(names[:2])}, and behind it the pieces of a text",
        f"any of these ends a text, if all are given as end_token: {' '.join(names[2:])}",
    ]


def test_languages_with_names_of_their_own_have_a_vocabulary_each(
    make: Make, sample: Sample, tmp_path: Path
) -> None:
    class Renamed:
        """The other side of a tokeniser, its pieces called otherwise."""

        def __getattr__(self, name: str) -> Any:
            return getattr(own, name)

        def names(self, ids: list[int]) -> list[str]:
            return [
                f"es:{name}" if number > symbol else name
                for number, name in zip(ids, own.names(ids), strict=True)
            ]

    class TwoSided(Renamed):
        target = Renamed()

        def names(self, ids: list[int]) -> list[str]:
            return own.names(ids)

    loaded, symbol = make(shared=False, tied=False), 3
    own = loaded.tokenizer
    loaded = replace(loaded, tokenizer=TwoSided())  # type: ignore[arg-type] # it hands on the rest
    write_ctranslate2(loaded, tmp_path / "out", quantization=None)
    assert (tmp_path / "out" / "target_vocabulary.json").is_file()
    texts = decided(loaded, sample).texts
    written = engine_of(loaded, tmp_path / "out").write(texts)
    assert [one.ids for one in written] == [one.ids for one in Original(loaded).write(texts)]
    symbol = 1
    with pytest.raises(TrasluzError, match="its end symbol has another name in each language"):
        to_ctranslate2(loaded, tmp_path / "other", sample=sample)


def test_what_does_not_agree_is_not_kept(
    taught: LoadedModel, sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil(loaded: LoadedModel, directory: Path, *, quantization: str | None) -> None:
        other: Any = copy.deepcopy(loaded.model)
        other.source_embedding.scale *= 0.3
        write_ctranslate2(replace(loaded, model=other), directory, quantization=quantization)

    monkeypatch.setattr("trasluz.export.ctranslate2.write_ctranslate2", spoil)
    with pytest.raises(
        TrasluzError, match=r"the export does not do what the model does: \d+ of 60 texts came"
    ):
        to_ctranslate2(taught, tmp_path / "out", sample=sample)
    assert list(tmp_path.iterdir()) == []


def test_what_stands_there_is_not_touched(taught: LoadedModel, sample: Sample, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    to_ctranslate2(taught, tmp_path / "out", sample=sample)
    before = (tmp_path / "out" / "model.bin").stat().st_mtime_ns
    with pytest.raises(TrasluzError, match="out is there already, and nothing is written over"):
        to_ctranslate2(taught, tmp_path / "out", sample=sample)
    assert (tmp_path / "out" / "model.bin").stat().st_mtime_ns == before


def test_other_quantizations_are_refused(taught: LoadedModel, sample: Sample, tmp_path: Path) -> None:
    with pytest.raises(TrasluzError, match="unknown quantization 'int4'; allowed, nearest first: int"):
        to_ctranslate2(taught, tmp_path / "out", quantization="int4", sample=sample)


def test_models_and_tokenisers_that_do_not_fit_are_refused(
    make: Make, taught: LoadedModel, sample: Sample, tmp_path: Path
) -> None:
    class Framed:
        frame = Frame(1, 2, after=(2,))
        target: Any = None

        def names(self, ids: list[int]) -> list[str]:
            return [f"t{number % 17}" for number in ids]

    Framed.target = Framed()
    namesakes = replace(taught, tokenizer=Framed())  # type: ignore[arg-type] # as much as is asked for
    with pytest.raises(TrasluzError, match="two of its tokens have the same name"):
        to_ctranslate2(namesakes, tmp_path / "out", sample=sample)
    cosine = make(encoder={"attention": {"score": "cosine"}})
    with pytest.raises(TrasluzError, match="CTranslate2 cannot hold this model: the encoder has the score"):
        to_ctranslate2(cosine, tmp_path / "out", sample=sample)


def test_a_missing_library_names_the_extra(
    taught: LoadedModel, sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    with pytest.raises(TrasluzError, match=r"install it with: pip install 'trasluz\[export\]'"):
        to_ctranslate2(taught, tmp_path / "out", sample=sample)


def test_without_a_language_a_sample_is_asked_for(taught: LoadedModel, tmp_path: Path) -> None:
    nameless = replace(taught, manifest=taught.manifest.model_copy(update={"source_language": None}))
    with pytest.raises(TrasluzError, match="give --sample with some hundred"):
        to_ctranslate2(nameless, tmp_path / "out")
