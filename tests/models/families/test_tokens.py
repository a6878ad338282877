"""What each family wants around the pieces of a text: what transformers has, for each side and language."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers.tokenization_utils_tokenizers import TokenizersBackend

from tests import foreign
from tests.models.families.checkpoints import (
    ALL,
    CONFIG,
    LANGUAGE_MODELS,
    ROWS,
    TRANSLATORS,
    Checkpoint,
    of_llama,
    of_marian,
    of_mbart,
    of_nllb,
)
from trasluz.errors import TrasluzError
from trasluz.models.families import gpt2
from trasluz.models.families.family import Languages
from trasluz.text.hub import HubPieces
from trasluz.text.mapped import MappedPieces

SOURCE, TARGET = "the cat sees the dog", "el gato ve al perro"
DEPARTURES = (" one before", "▁the ▁", "cafe\u0301")
"""Texts that transformers 5 cuts otherwise than the sentencepiece model that it made its tokeniser of."""


@pytest.fixture(scope="module")
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """One of them by its name."""
    return ALL[request.param](tmp_path_factory.mktemp("checkpoint"))


some = pytest.mark.parametrize("checkpoint", TRANSLATORS, indirect=True)
every = pytest.mark.parametrize("checkpoint", ALL, indirect=True)


@some
def test_a_source_is_that_of_transformers(checkpoint: Checkpoint) -> None:
    ours = checkpoint.ours
    prefix = ">>spa<< " if checkpoint.languages.target == "spa" else ""
    for text in (SOURCE, "¿Dónde? 世界", ""):
        assert ours.frame.source(ours.encode(text)) == checkpoint.theirs(prefix + text).input_ids


@some
def test_a_target_is_that_of_transformers(checkpoint: Checkpoint) -> None:
    ours, labels = checkpoint.ours, checkpoint.theirs(text_target=TARGET).input_ids
    written = ours.frame.target(ours.target.encode(TARGET))
    if not ours.frame.forced and ours.frame.start == labels[-1]:
        # Of mBART 25: its labels are turned by one before the decoder is given them.
        assert [ours.frame.start, *written] == [labels[-1], *labels[:-1]]
    elif checkpoint.files.settings(CONFIG).get("legacy_behaviour"):
        assert written == [labels[-1], *labels[:-1]]  # what generation with a forced code writes
    else:
        assert written == labels
    assert ours.target.decode(written) == TARGET


@pytest.mark.parametrize("checkpoint", LANGUAGE_MODELS, indirect=True)
def test_a_prompt_is_that_of_transformers(checkpoint: Checkpoint) -> None:
    ours = checkpoint.ours
    for text in (SOURCE, "¿Dónde? 世界"):
        assert ours.frame.prompt(ours.encode(text)) == checkpoint.theirs(text).input_ids
    assert ours.frame.start == checkpoint.theirs.bos_token_id == checkpoint.config.symbols.start
    assert ours.frame.opening in ((), (ours.frame.start,))
    assert ours.frame.prompt([]) == [ours.frame.start]


@pytest.mark.parametrize("flag", [True, False, None])
@pytest.mark.parametrize("name", ["llama hub", "llama hub not opened", "gpt2 hub"])
def test_what_opens_a_prompt_a_tokenizer_json_says_by_itself(
    name: str, flag: bool | None, tmp_path: Path
) -> None:
    one = ALL[name](tmp_path)
    foreign.write(tmp_path, {CONFIG: one.files.settings(CONFIG) | {"add_bos_token": flag}})
    theirs = TokenizersBackend.from_pretrained(tmp_path)
    assert one.ours.frame.prompt(one.ours.encode(SOURCE)) == theirs(SOURCE).input_ids
    assert bool(one.ours.frame.opening) == (name == "llama hub")


@every
def test_pieces_are_those_of_transformers(checkpoint: Checkpoint) -> None:
    ours, theirs = checkpoint.ours, checkpoint.theirs
    for text in foreign.WORDS:
        ids = ours.encode(text)
        departs = isinstance(ours, MappedPieces) and isinstance(theirs, TokenizersBackend)
        assert ids == theirs(text, add_special_tokens=False).input_ids or (departs and text in DEPARTURES)
    if checkpoint.family is not gpt2.FAMILY:  # whose pieces are bytes to transformers
        both = range(min(len(ours.target), len(theirs)))
        assert ours.target.pieces(both) == theirs.convert_ids_to_tokens(list(both))


def test_where_transformers_departs_from_the_sentencepiece_model(tmp_path: Path) -> None:
    of_25, of_50 = (of_mbart(tmp_path / str(fifty), hub=False, fifty=fifty) for fifty in (False, True))
    nllb, meta = of_nllb(tmp_path / "nllb", hub=False, legacy=False), of_llama(tmp_path / "llama", hub=False)

    def both(one: Checkpoint, text: str) -> tuple[list[str], list[str]]:
        ids = one.theirs(text, add_special_tokens=False).input_ids
        return one.ours.pieces(one.ours.encode(text)), one.theirs.convert_ids_to_tokens(ids)

    assert both(of_25, "１２") == (["▁", "1", "2"], ["▁", "<unk>"])  # it forgets to normalize
    for one in (of_50, nllb):  # it keeps a space at the end
        ours, theirs = both(one, "the ")
        assert theirs == [*ours, "▁"]
    ours, theirs = both(meta, " the")  # it takes a space at the begin for the one that it would put there
    assert ours == ["▁", *theirs]


@every
def test_a_tokenizer_json_is_taken_where_it_is_there(checkpoint: Checkpoint) -> None:
    of_hub = checkpoint.files.has("tokenizer.json") or checkpoint.files.has("merges.txt")
    assert isinstance(checkpoint.ours, HubPieces if of_hub else MappedPieces)


@every
def test_files_written_anew_make_the_same_tokeniser(checkpoint: Checkpoint, tmp_path: Path) -> None:
    ours = checkpoint.ours
    written = ours.files()
    there = {path.name: path.read_bytes() for path in checkpoint.files.directory.iterdir()}
    assert written == there
    again = checkpoint.family.tokenizer(
        foreign.write(tmp_path, dict(written)), checkpoint.config, checkpoint.languages
    )
    assert again.files() == written
    assert again.frame == ours.frame
    assert again.encode_all(foreign.WORDS) == ours.encode_all(foreign.WORDS)
    assert again.target.encode(TARGET) == ours.target.encode(TARGET)


@every
def test_no_text_has_a_symbol_in_it_and_symbols_are_no_text(checkpoint: Checkpoint) -> None:
    ours, theirs = checkpoint.ours, checkpoint.theirs
    frame = ours.frame
    symbols = {ours.pad_id, frame.start, frame.end, *frame.before, *frame.after, *frame.forced}
    assert symbols | set(theirs.all_special_ids) <= ours.symbol_ids
    for text in [*theirs.all_special_tokens, *foreign.SYMBOLS, "es_XX", "__es__", "eng_Latn", ">>spa<<"]:
        assert ours.symbol_ids.isdisjoint({*ours.encode(text)} - {ours.unknown_id})
        assert ours.decode(ours.encode(text)) == text
    assert ours.decode(sorted(symbols)) == ""
    assert frame.end == ours.end_id == checkpoint.config.symbols.end
    assert frame.start == ours.start_id
    assert ours.pad_id == checkpoint.config.symbols.pad


def test_frames_are_what_the_papers_say(tmp_path: Path) -> None:
    made = {name: make(tmp_path / name).ours for name, make in ALL.items()}

    def spelt(name: str) -> tuple[list[str], list[str]]:
        ours = made[name]
        frame = ours.frame
        return (
            ours.pieces(frame.source([ours.unknown_id])),
            ours.pieces([frame.start, *frame.target([ours.unknown_id])]),
        )

    assert spelt("t5") == spelt("t5 hub") == (["<unk>", "</s>"], ["<pad>", "<unk>", "</s>"])
    assert spelt("marian") == (["<unk>", "</s>"], ["<pad>", "<unk>", "</s>"])
    assert spelt("marian to several")[0] == [">>spa<<", "<unk>", "</s>"]
    of_25 = (["<unk>", "</s>", "es_XX"], ["de_DE", "<unk>", "</s>"])
    assert spelt("mbart 25") == spelt("mbart 25 hub") == of_25
    of_50 = (["es_XX", "<unk>", "</s>"], ["</s>", "de_DE", "<unk>", "</s>"])
    assert spelt("mbart 50") == spelt("mbart 50 hub") == of_50
    assert spelt("m2m100") == (["__es__", "<unk>", "</s>"], ["</s>", "__de__", "<unk>", "</s>"])
    target = ["</s>", "eng_Latn", "<unk>", "</s>"]
    assert spelt("nllb") == spelt("nllb hub") == (["spa_Latn", "<unk>", "</s>"], target)
    assert spelt("nllb legacy") == spelt("nllb legacy hub") == (["<unk>", "</s>", "spa_Latn"], target)


def test_sides_of_marian_are_cut_by_their_own_models(tmp_path: Path) -> None:
    one, two = of_marian(tmp_path / "one").ours, of_marian(tmp_path / "two", separate=True).ours
    for ours in (one, two):
        assert ours.target is not ours
        assert ours.target.target is ours.target
    assert one.encode(TARGET) != one.target.encode(TARGET)
    assert len(one) == len(one.target)
    assert two.pieces(range(99)) != two.target.pieces(range(99))


def test_mbart_is_told_by_its_name_before_its_count(tmp_path: Path) -> None:
    few = of_mbart(tmp_path, hub=False, fifty=False)
    foreign.write(tmp_path, {CONFIG: {"tokenizer_class": "MBart50TokenizerFast"}})
    source = few.ours.frame.source([])
    assert few.ours.pieces(source) == ["es_XX", "</s>"]
    with pytest.raises(TrasluzError, match="unknown target language 'gl_ES'"):
        few.family.tokenizer(few.files, few.config, Languages("es_XX", "gl_ES"))


def test_all_symbols_that_a_checkpoint_ends_at_are_ends(tmp_path: Path) -> None:
    one = of_llama(tmp_path, hub=False)
    assert one.ours.frame.also_end == ()
    foreign.write(tmp_path, {"config.json": {"eos_token_id": [2, 11]}})
    foreign.write(tmp_path, {"generation_config.json": {"eos_token_id": 7}})
    assert one.family.tokenizer(one.files, one.config, Languages()).frame.also_end == (7, 11)
    for wrong in ("</s>", ROWS, [2, ROWS], -1):
        foreign.write(tmp_path, {"generation_config.json": {"eos_token_id": wrong}})
        with pytest.raises(TrasluzError) as told:
            one.family.tokenizer(one.files, one.config, Languages())
        assert str(told.value) == (
            f"{tmp_path / 'generation_config.json'}: eos_token_id is {wrong!r}, but it should be the id of a "
            f"token, 0 to {ROWS - 1}, or several"
        )
