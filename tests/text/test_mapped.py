"""Sentencepiece under foreign ids: the ids of transformers, no symbol from a text, and text back from ids.

A text that spells a symbol is where the two part: transformers 5 takes "</s>" for the end symbol, so that
a reader of the text could end it, or speak in another's name; here it is text.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers.models.m2m_100.tokenization_m2m_100 import M2M100Tokenizer
from transformers.models.marian.tokenization_marian import MarianTokenizer
from transformers.models.t5.tokenization_t5 import T5Tokenizer

from tests import foreign
from trasluz.errors import TrasluzError
from trasluz.insight.words import join
from trasluz.text.mapped import (
    MappedPieces,
    ids_as_they_are,
    ids_of_fairseq,
    read_sentencepiece,
    symbols_of,
)
from trasluz.text.tokenizer import Frame

SYMBOLS = ("<s>", "<pad>", "</s>", "<unk>")


def mapped(model: bytes, ids: dict[str, int] | None = None, symbols: Sequence[str] = SYMBOLS) -> MappedPieces:
    """A tokeniser with the given ids, or with the model's own."""
    found = read_sentencepiece(model, where="test")
    ids = ids_as_they_are(found) if ids is None else ids
    end = ids["</s>"]
    return MappedPieces(
        found,
        ids=ids,
        symbols=symbols,
        unknown="<unk>",
        pad_id=ids.get("<pad>", end),
        frame=Frame(end, end, after=(end,)),
        files={"a.model": model},
    )


@pytest.fixture(scope="module")
def model() -> bytes:
    return foreign.sentencepiece_model()


@pytest.fixture(scope="module")
def plain() -> bytes:
    """BPE with bytes for what is no piece, as Llama has it."""
    return foreign.sentencepiece_model(kind="bpe", plain=True)


@pytest.fixture(scope="module")
def shuffled(model: bytes) -> dict[str, int]:
    """Ids in another order than the model's: the end symbol first and padding last, as Marian has them."""
    pieces = [piece for piece, _ in reversed(foreign.scored(model)) if piece not in SYMBOLS]
    return {piece: at for at, piece in enumerate(["</s>", "<unk>", ">>spa<<", *pieces, "<pad>"])}


@pytest.fixture(scope="module")
def like_marian(model: bytes, shuffled: dict[str, int], tmp_path_factory: pytest.TempPathFactory) -> Any:
    directory = tmp_path_factory.mktemp("marian")
    foreign.write(directory, {"source.spm": model, "target.spm": model, "vocab.json": shuffled})
    names = {name: str(directory / f"{name.replace('_', '.')}") for name in ("source_spm", "target_spm")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it recommends a library that it then does not use
        kind: Any = MarianTokenizer
        return kind(**names, vocab=str(directory / "vocab.json"))


@pytest.mark.parametrize("text", foreign.WORDS + foreign.FOLDED + [" ", " both "])
def test_ids_and_text_are_those_of_marian(
    text: str, model: bytes, shuffled: dict[str, int], like_marian: Any
) -> None:
    ours = mapped(model, shuffled, (*SYMBOLS, ">>spa<<"))
    ids = like_marian(text, add_special_tokens=False).input_ids
    assert ours.encode(text) == ids
    assert ours.decode(ids).strip() == like_marian.decode(ids, skip_special_tokens=True)
    assert ours.pieces(ids) == like_marian.convert_ids_to_tokens(ids)


@pytest.mark.parametrize("text", foreign.WORDS + foreign.FOLDED + [" ", " both "])
def test_ids_and_text_are_those_of_m2m100(text: str, model: bytes, tmp_path: Path) -> None:
    vocabulary = ids_of_fairseq(foreign.processor(model))
    foreign.write(tmp_path, {"sentencepiece.bpe.model": model, "vocab.json": vocabulary})
    theirs = M2M100Tokenizer(str(tmp_path / "vocab.json"), str(tmp_path / "sentencepiece.bpe.model"))
    ids = theirs(text, add_special_tokens=False).input_ids
    ours = mapped(model, vocabulary)
    assert ours.encode(text) == ids
    assert ours.decode(ids).strip() == theirs.decode(ids, skip_special_tokens=True)


@pytest.mark.parametrize("text", foreign.WORDS + foreign.FOLDED + [" ", " both "])
def test_ids_and_text_are_those_of_t5(text: str) -> None:
    pieces = foreign.sentencepiece_model(pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    kind: Any = T5Tokenizer
    theirs = kind(
        vocab=foreign.scored(pieces), extra_ids=0, _spm_precompiled_charsmap=foreign.normalization(pieces)
    )
    ours = mapped(pieces)
    ids = theirs(text, add_special_tokens=False).input_ids
    assert ours.encode(text) == ids
    assert ours.decode(ids).strip() == theirs.decode(ids, skip_special_tokens=True).strip()


@pytest.mark.parametrize("text", foreign.SYMBOLS)
def test_a_symbol_in_a_text_is_text(
    text: str, model: bytes, plain: bytes, shuffled: dict[str, int], like_marian: Any
) -> None:
    for ours in (mapped(model), mapped(model, ids_of_fairseq(foreign.processor(model))), mapped(plain)):
        assert set(ours.encode(text)).isdisjoint({ours.pad_id, ours.end_id, ours.unknown_id})
        assert ours.decode(ours.encode(text)) == text
    assert ("</s>" in text) == (
        like_marian.eos_token_id in like_marian(text, add_special_tokens=False).input_ids
    )


def test_a_language_in_a_text_is_text_where_marian_takes_it_for_an_order(
    model: bytes, shuffled: dict[str, int], like_marian: Any
) -> None:
    ours = mapped(model, shuffled, (*SYMBOLS, ">>spa<<"))
    assert shuffled[">>spa<<"] in like_marian(">>spa<< the cat").input_ids
    assert shuffled[">>spa<<"] not in ours.encode(">>spa<< the cat")


def test_characters_without_pieces_that_spell_a_symbol_are_unknown() -> None:
    few = foreign.sentencepiece_model(["the cat sees"], vocabulary=40)
    ours = mapped(few, {**ids_as_they_are(foreign.processor(few)), "<pad>": 99, "?!?": 100})
    assert ours.encode("</s>")[-1:] == [ours.unknown_id]
    assert 99 not in ours.encode("the <pad>")
    assert ours.encode("?!?")[-1:] == [100]  # no piece, but an entry, as in Marian's shared vocabularies


def test_the_end_is_a_symbol_though_nobody_names_it(model: bytes) -> None:
    vocabulary = ids_as_they_are(foreign.processor(model))
    last = mapped(model).encode("the cat")[0]
    ours = MappedPieces(
        foreign.processor(model),
        ids=vocabulary,
        symbols=(),
        unknown="<unk>",
        pad_id=0,
        frame=Frame(last, last, after=(last,)),
        files={},
    )
    assert last not in ours.encode("the cat")
    assert ours.decode(ours.encode("the cat")) == "the cat"


def test_symbols_that_a_model_looks_for_in_texts_are_spelt_out() -> None:
    sought = foreign.sentencepiece_model(user_defined_symbols=["<pad>", "<sep>"])
    ours = mapped(sought)
    assert ours.decode(ours.encode("the <pad> cat")) == "the <pad> cat"
    assert ours.pad_id not in ours.encode("the <pad> cat")
    assert ours.pieces(ours.encode("<sep>"))[-1] == "<sep>"  # one that nobody calls a symbol


@given(st.text())
def test_any_text_that_is_not_normalized_comes_back(plain: bytes, text: str) -> None:
    ours = mapped(plain)
    assert ours.decode(ours.encode(text)) == text.replace("▁", " ")


@given(st.lists(st.text(max_size=9), max_size=5))
def test_many_texts_at_once_are_as_one_by_one(model: bytes, texts: list[str]) -> None:
    ours = mapped(model)
    assert ours.encode_all(texts) == [ours.encode(text) for text in texts]


@given(st.lists(st.integers(0, 200)))
def test_any_ids_have_a_text_and_pieces_and_words(
    model: bytes, shuffled: dict[str, int], ids: list[int]
) -> None:
    ours = mapped(model, shuffled)
    assert "▁" not in ours.decode(ids)
    pieces = ours.pieces(ids)
    assert len(pieces) == len(ids)
    assert len(join(pieces, specials=SYMBOLS).of) == len(ids)


def test_ids_behind_the_last_entry_are_no_text_and_have_a_name(model: bytes) -> None:
    ours = mapped(model)
    ids = ours.encode("the cat")
    assert ours.decode([*ids, len(ours)]) == "the cat"
    assert ours.pieces([len(ours) + 7]) == [f"<{len(ours) + 7}>"]


def test_symbols_are_left_out_of_the_text_the_unknown_one_too(model: bytes) -> None:
    ours = mapped(model)
    ids = ours.encode("the cat")
    assert ours.decode([ours.start_id, *ids, ours.unknown_id, ours.end_id]) == "the cat"


def test_bytes_are_joined_to_characters(plain: bytes) -> None:
    ours = mapped(plain)
    ids = ours.encode("the 鱼")
    assert ours.pieces(ids)[-3:] == ["<0xE9>", "<0xB1>", "<0xBC>"]
    assert ours.decode(ids) == "the 鱼"
    assert ours.decode(ids[:-1]).endswith("\ufffd")


def test_pieces_of_the_other_side_are_text_too(model: bytes, shuffled: dict[str, int]) -> None:
    ours = mapped(model, {**shuffled, "▁elsewhere": len(shuffled)})
    assert ours.decode([len(shuffled), *ours.encode("the"), len(shuffled)]) == "elsewhere the elsewhere"


def test_fairseq_has_four_symbols_and_then_the_pieces(model: bytes) -> None:
    ids = ids_of_fairseq(foreign.processor(model))
    pieces = [piece for piece, _ in foreign.scored(model)]
    assert [ids[one] for one in SYMBOLS] == [0, 1, 2, 3]
    assert [ids[one] - at for at, one in enumerate(pieces)][3:] == [1] * (len(pieces) - 3)
    assert len(mapped(model, ids)) == len(pieces) + 1


def test_a_model_knows_its_own_symbols(model: bytes) -> None:
    assert symbols_of(foreign.processor(model)) == {"<unk>", "<s>", "</s>"}


def test_the_other_side_has_a_tokeniser_of_its_own_or_shares_this_one(model: bytes) -> None:
    source, target = mapped(model), mapped(foreign.sentencepiece_model(vocabulary=120))
    assert source.target is source
    both = MappedPieces(
        source.processor,
        ids=ids_as_they_are(source.processor),
        symbols=SYMBOLS,
        unknown="<unk>",
        pad_id=0,
        frame=source.frame,
        files={},
        target=target,
    )
    assert both.target is target
    assert both.target.target is target


def test_files_come_back_byte_for_byte(model: bytes) -> None:
    ours = mapped(model)
    assert ours.files() == {"a.model": model}
    ours.files().clear()
    assert mapped(ours.files()["a.model"]).encode("the cat") == ours.encode("the cat")


def test_all_ways_to_cut_a_text_spell_it_and_the_first_is_the_usual_one(model: bytes, plain: bytes) -> None:
    ours = mapped(model, ids_of_fairseq(foreign.processor(model)))
    ways = ours.encodings("the cat sees", most=7)
    assert ways[0] == ours.encode("the cat sees")
    assert 1 < len(ways) <= 7
    assert {ours.decode(way) for way in ways} == {"the cat sees"}
    assert ours.encodings("", most=7) == [[]]
    assert mapped(plain).encodings("the cat", most=7) == [mapped(plain).encode("the cat")]


@pytest.mark.parametrize("encode", [MappedPieces.encode, lambda ours, text: ours.encodings(text, most=2)])
def test_half_of_a_surrogate_pair_is_no_text(
    model: bytes, encode: Callable[[MappedPieces, str], object]
) -> None:
    with pytest.raises(
        TrasluzError, match=r"^the text holds U\+DCFF, which is no character; give it as UTF-8$"
    ):
        encode(mapped(model), "not \udcff")


@pytest.mark.parametrize("data", [b"", b"no model at all", json.dumps({"a": 1}).encode()])
def test_bytes_that_are_no_model_are_refused(data: bytes) -> None:
    with pytest.raises(TrasluzError, match=r"^here/a\.model is damaged or is no sentencepiece model; copy"):
        read_sentencepiece(data, where="here/a.model")
