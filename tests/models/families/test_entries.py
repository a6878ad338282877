"""Which files a tokeniser is made of, and one clear sentence for files that are missing or do not fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import foreign
from tests.models.families.checkpoints import (
    ALL,
    CONFIG,
    ROWS,
    TRANSLATORS,
    Checkpoint,
    of_gpt2,
    of_llama,
    of_m2m100,
    of_marian,
    of_mbart,
    of_nllb,
    of_t5,
)
from trasluz.errors import TrasluzError
from trasluz.models.families import marian
from trasluz.models.families.entries import of_hub
from trasluz.models.families.family import Languages
from trasluz.text.hub import HubPieces
from trasluz.text.mapped import MappedPieces

MADE_OF = {
    "t5": "spiece.model and no tokenizer.json",
    "marian": "source.spm and no tokenizer.json",
    "mbart 25": "sentencepiece.bpe.model and no tokenizer.json",
    "nllb": "sentencepiece.bpe.model and no tokenizer.json",
    "m2m100": "sentencepiece.bpe.model and no tokenizer.json",
    "gpt2": "vocab.json and no merges.txt and no tokenizer.json",
    "llama": "tokenizer.model and no tokenizer.json",
}


@pytest.mark.parametrize("name", MADE_OF)
def test_a_missing_tokeniser_is_told_with_the_files_that_were_looked_for(name: str, tmp_path: Path) -> None:
    checkpoint = ALL[name](tmp_path)
    for path in list(tmp_path.iterdir()):
        if path.name != CONFIG:
            path.unlink()
    with pytest.raises(TrasluzError) as told:
        _ = checkpoint.ours
    assert str(told.value) == (
        f"{tmp_path}: the tokenizer is missing, as there is no {MADE_OF[name]}; "
        "copy the whole checkpoint again"
    )


@pytest.mark.parametrize("name", ["marian", "m2m100", "gpt2"])
def test_a_part_that_is_missing_is_told(name: str, tmp_path: Path) -> None:
    checkpoint = ALL[name](tmp_path)
    part = {"marian": "target.spm", "gpt2": "merges.txt", "m2m100": "sentencepiece.bpe.model"}[name]
    (tmp_path / part).unlink()
    with pytest.raises(TrasluzError, match=rf"{part}.*; copy the whole checkpoint again$"):
        _ = checkpoint.ours


@pytest.mark.parametrize("name", MADE_OF)
def test_damaged_parts_are_told_by_their_paths(name: str, tmp_path: Path) -> None:
    checkpoint = ALL[name](tmp_path)
    parts = [path for path in tmp_path.iterdir() if path.name != "merges.txt" or name != "gpt2"]
    for path in parts:
        whole = path.read_bytes()
        path.write_bytes(b"\xff\xfe no tokenizer")
        with pytest.raises(TrasluzError, match=rf"{path} is damaged"):
            _ = checkpoint.ours
        path.write_bytes(whole)
    foreign.write(tmp_path, {"tokenizer.json": "{}"})
    if name not in ("marian", "m2m100"):
        with pytest.raises(
            TrasluzError, match=r"tokenizer\.json is damaged or of an unknown kind \(KeyError"
        ):
            _ = checkpoint.ours


def test_merges_that_do_not_fit_the_vocabulary_are_told(tmp_path: Path) -> None:
    checkpoint = of_gpt2(tmp_path, hub=False)
    (tmp_path / "merges.txt").write_text("never seen")
    with pytest.raises(TrasluzError, match=r": vocab\.json or merges\.txt is damaged or of an unknown kind"):
        _ = checkpoint.ours


@pytest.mark.parametrize("text", ["", "\n", "#version: 0.2\n"])
def test_merges_of_which_there_are_none_are_told(text: str, tmp_path: Path) -> None:
    checkpoint = of_gpt2(tmp_path, hub=False)
    (tmp_path / "merges.txt").write_text(text)
    with pytest.raises(TrasluzError, match=r"merges\.txt is damaged: there are no merges; copy the whole"):
        _ = checkpoint.ours


def test_no_more_sentinels_are_made_than_the_table_has_rows(tmp_path: Path) -> None:
    checkpoint = of_t5(tmp_path, hub=False)
    pieces = len(checkpoint.ours) - 100
    foreign.write(tmp_path, {CONFIG: {"extra_ids": 10**9}})
    with pytest.raises(TrasluzError) as told:
        _ = checkpoint.ours
    assert str(told.value) == (
        f"{tmp_path}: the tokenizer has {pieces + 10**9} entries, but the embedding of the model has {ROWS} "
        "rows; one of them belongs to another model"
    )


@pytest.mark.parametrize("name", ["t5", "t5 hub", "marian", "m2m100", "gpt2 hub"])
def test_a_table_has_a_row_for_each_entry_and_may_have_more(name: str, tmp_path: Path) -> None:
    checkpoint = ALL[name](tmp_path)
    entries = len(checkpoint.ours)

    def with_rows(rows: int) -> Checkpoint:
        own = checkpoint.config
        embedding = own.embedding.model_copy(update={"vocabulary": rows})
        config = own.model_copy(update={"embedding": embedding})
        return Checkpoint(
            checkpoint.files, checkpoint.theirs, checkpoint.family, config, checkpoint.languages
        )

    assert len(with_rows(entries).ours) == entries
    with pytest.raises(TrasluzError) as told:
        _ = with_rows(entries - 1).ours
    assert str(told.value) == (
        f"{tmp_path}: the tokenizer has {entries} entries, but the embedding of the model has {entries - 1} "
        "rows; one of them belongs to another model"
    )


def test_marian_and_m2m100_are_made_of_their_own_files_though_a_tokenizer_json_is_there(
    tmp_path: Path,
) -> None:
    for made in (of_marian(tmp_path / "marian"), of_m2m100(tmp_path / "m2m100")):
        foreign.write(made.files.directory, {"tokenizer.json": foreign.bytelevel().to_str()})
        assert isinstance(made.ours, MappedPieces)
        assert "tokenizer.json" in made.ours.files()


def test_marian_can_be_made_of_a_tokenizer_json_alone(tmp_path: Path) -> None:
    inner = foreign.bytelevel(symbols=["</s>", "<unk>", ">>fra<<", "<pad>"])
    files = foreign.write(tmp_path, {"tokenizer.json": inner.to_str()})
    config = foreign.seq2seq(ROWS, pad=3, start=3, end=0, unknown=1)
    ours = marian.FAMILY.tokenizer(files, config, Languages(target="fra"))
    assert isinstance(ours, HubPieces)
    assert ours.frame.source(ours.encode("the"))[0] == inner.token_to_id(">>fra<<")


def test_files_that_are_no_tokenisers_are_left(tmp_path: Path) -> None:
    checkpoint = of_t5(tmp_path, hub=False)
    others = {"config.json": {}, "generation_config.json": {}, "model.safetensors": b"", "README.md": "x"}
    foreign.write(tmp_path, others)
    (tmp_path / "old.model").mkdir()
    assert set(checkpoint.ours.files()) == {"spiece.model"}


def test_t5_has_as_many_sentinels_as_it_says(tmp_path: Path) -> None:
    checkpoint = of_t5(tmp_path, hub=False)
    usual = len(checkpoint.ours)
    foreign.write(tmp_path, {CONFIG: {"extra_ids": 7}})
    fewer = checkpoint.ours
    assert len(fewer) == usual - 93
    assert fewer.pieces([usual - 100, len(fewer) - 1]) == ["<extra_id_6>", "<extra_id_0>"]


def test_mbart_has_as_many_languages_as_the_table_has_room_for(tmp_path: Path) -> None:
    of_25, of_50 = (of_mbart(tmp_path / str(fifty), hub=False, fifty=fifty) for fifty in (False, True))
    assert len(of_50.ours) - len(of_25.ours) == 27
    for made in (of_25, of_50):
        assert len(made.ours) == made.config.embedding.vocabulary
        assert made.ours.pieces([len(made.ours) - 1]) == ["<mask>"]


def test_a_model_of_m2m100_may_have_another_name_but_not_another_folder(tmp_path: Path) -> None:
    checkpoint = of_m2m100(tmp_path)
    bare = checkpoint.ours.encode("the cat")
    (tmp_path / "sentencepiece.bpe.model").rename(tmp_path / "spm.128k.model")
    foreign.write(tmp_path, {CONFIG: {"spm_file": "/home/somebody/spm.128k.model"}})
    assert checkpoint.ours.encode("the cat") == bare
    assert "spm.128k.model" in checkpoint.ours.files()


def test_m2m100_says_which_list_of_languages_it_has(tmp_path: Path) -> None:
    checkpoint = of_m2m100(tmp_path)
    usual = len(checkpoint.ours)
    foreign.write(tmp_path, {CONFIG: {"language_codes": "wmt21"}})
    eight = checkpoint.family.tokenizer(checkpoint.files, checkpoint.config, Languages("en", "de"))
    assert len(eight) == usual - 92
    assert eight.pieces(eight.frame.before) == ["__en__"]
    foreign.write(tmp_path, {CONFIG: {"language_codes": "wmt20"}})
    with pytest.raises(
        TrasluzError, match=r"^unknown language_codes .* 'wmt20'; allowed, .*: wmt21, m2m100$"
    ):
        _ = checkpoint.ours


def test_languages_of_nllb_are_where_added_tokens_say_or_else_in_their_order(tmp_path: Path) -> None:
    checkpoint = of_nllb(tmp_path, hub=False, legacy=False)
    listed = checkpoint.ours
    decoder = {
        str(number): {"content": piece, "special": True}
        for number, piece in enumerate(listed.pieces(range(len(listed))))
        if number > len(listed) - 5
    }
    foreign.write(tmp_path, {CONFIG: {"added_tokens_decoder": decoder}, "special_tokens_map.json": {}})
    assert checkpoint.ours.frame == listed.frame
    assert len(checkpoint.ours) == len(listed)
    numbers = {one["content"]: int(number) for number, one in decoder.items()}
    foreign.write(tmp_path, {CONFIG: {}, "added_tokens.json": numbers})
    assert checkpoint.ours.frame == listed.frame
    foreign.write(tmp_path, {"added_tokens.json": {}})
    with pytest.raises(TrasluzError, match=r": no file of the tokenizer names its languages; copy the whole"):
        _ = checkpoint.ours


def test_symbols_that_were_added_stand_behind_and_are_no_text(tmp_path: Path) -> None:
    checkpoint = of_llama(tmp_path, hub=False)
    bare = len(checkpoint.ours)
    foreign.write(
        tmp_path, {"added_tokens.json": {"[PAD]": bare}, "special_tokens_map.json": {"pad_token": "[PAD]"}}
    )
    ours = checkpoint.ours
    assert len(ours) == bare + 1
    assert ours.pieces([bare]) == ["[PAD]"]
    assert ours.decode([bare, *ours.encode("[PAD]")]) == "[PAD]"


def test_text_that_was_added_needs_a_tokenizer_json(tmp_path: Path) -> None:
    checkpoint = of_marian(tmp_path)
    foreign.write(tmp_path, {"added_tokens.json": {"dog house": 999, "cat": 1000}})
    with pytest.raises(TrasluzError, match=r": 'cat', 'dog house' was added to the tokenizer as text, which"):
        _ = checkpoint.ours


@pytest.mark.parametrize("added", [{"content": "</s>", "id": 9}, {"content": "<new>", "id": 9}])
def test_added_symbols_that_stand_elsewhere_are_told(added: dict[str, str | int], tmp_path: Path) -> None:
    checkpoint = of_marian(tmp_path)
    decoder = {added["id"]: {"content": added["content"], "special": True}}
    foreign.write(tmp_path, {CONFIG: {"source_lang": "eng", "added_tokens_decoder": decoder}})
    with pytest.raises(
        TrasluzError, match=rf": the token '{added['content']}' was added with the id 9, but the voc"
    ):
        _ = checkpoint.ours


def test_a_vocabulary_without_the_unknown_symbol_is_told(tmp_path: Path) -> None:
    checkpoint = of_marian(tmp_path)
    vocabulary = json.loads((tmp_path / "vocab.json").read_text())
    vocabulary["<strange>"] = vocabulary.pop("<unk>")
    foreign.write(tmp_path, {"vocab.json": vocabulary})
    with pytest.raises(TrasluzError, match=r": the vocabulary has no unknown symbol, such as <unk>; copy"):
        _ = checkpoint.ours
    foreign.write(tmp_path, {"special_tokens_map.json": {"unk_token": "<strange>"}})
    assert checkpoint.ours.unknown_id == vocabulary["<strange>"]


def test_gpt2_finds_what_was_added_and_puts_a_space_before_if_it_is_told_to(tmp_path: Path) -> None:
    checkpoint = of_gpt2(tmp_path, hub=False)
    bare = checkpoint.ours
    added = {"[PAD]": len(bare), "foo bar": len(bare) + 1}
    foreign.write(
        tmp_path, {"added_tokens.json": added, CONFIG: {"pad_token": "[PAD]", "add_prefix_space": True}}
    )
    ours = checkpoint.ours
    assert ours.encode("the foo bar")[-1:] == [added["foo bar"]]
    assert ours.encode("the") == bare.encode(" the")
    assert added["[PAD]"] not in ours.encode("[PAD]")


def test_a_tokenizer_json_knows_the_symbols_that_other_files_name(tmp_path: Path) -> None:
    files = foreign.write(
        tmp_path, {"tokenizer.json": foreign.bytelevel(symbols=[]).to_str(), CONFIG: {"eos_token": "the"}}
    )
    found = of_hub(files, foreign.seq2seq(ROWS, end=7), named=["he", "elsewhere"])
    seventh = next(name for name, number in found.ids.items() if number == 7)
    assert found.symbols == {"the", "he", seventh}


@pytest.mark.parametrize("name", TRANSLATORS)
def test_a_tokeniser_needs_its_files_only_once(name: str, tmp_path: Path) -> None:
    checkpoint = TRANSLATORS[name](tmp_path)
    ours = checkpoint.ours
    before = (ours.encode_all(foreign.WORDS), ours.files())
    for path in list(tmp_path.iterdir()):
        path.unlink()
    assert (ours.encode_all(foreign.WORDS), ours.files()) == before
