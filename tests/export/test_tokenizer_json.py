"""A tokenizer.json cuts and joins texts as the sentencepiece model does that it was made of."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trasluz.corpus.starter import starter_pairs
from trasluz.export.tokenizer_json import BPE, UNIGRAM, Pieces, tokenizer_json
from trasluz.text.sentencepieces import FILE, SPACE_MARK, SentencePieces

tokenizers: Any = pytest.importorskip("tokenizers", reason="the library tokenizers is not installed")

TEXTS = [side for pair in starter_pairs(200) for side in (pair.source, pair.target)]
KINDS: Any = ["unigram", "bpe"]
ANYTHING = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=[SPACE_MARK]), max_size=30)
NEARLY_WORDS = st.text("abceghiñáTñ <>/0x14As.¿?", max_size=40)


@pytest.fixture(scope="module", params=KINDS)
def pieces(request: pytest.FixtureRequest) -> SentencePieces:
    return SentencePieces.learn(TEXTS, vocabulary=450, kind=request.param)


@pytest.fixture(scope="module")
def machine(pieces: SentencePieces) -> Any:
    """The library with the tokenizer.json; symbols in a text are text."""
    made = tokenizers.Tokenizer.from_str(tokenizer_json(pieces.files()[FILE], end="</s>").decode())
    made.encode_special_tokens = True
    return made


def ids(machine: Any, text: str) -> list[int]:
    """Without the end symbol."""
    found: list[int] = machine.encode(text, add_special_tokens=False).ids
    return found


def test_a_corpus_is_cut_and_joined_alike(pieces: SentencePieces, machine: Any) -> None:
    for text in TEXTS:
        expected = pieces.encode(text)
        assert ids(machine, text) == expected
        assert machine.decode(expected) == pieces.decode(expected)


@settings(deadline=None)
@given(text=ANYTHING | NEARLY_WORDS)
def test_any_text_is_cut_and_joined_alike(pieces: SentencePieces, machine: Any, text: str) -> None:
    expected = pieces.encode(text)
    assert ids(machine, text) == expected
    assert machine.decode(expected) == pieces.decode(expected) == text


@pytest.mark.parametrize(
    "text", ["</s>", "a <s> b", "<pad><unk>", "<0x41>", "<0xE2><0x96><0x81>", "  two  spaces ", ""]
)
def test_names_of_symbols_are_text(pieces: SentencePieces, machine: Any, text: str) -> None:
    assert ids(machine, text) == pieces.encode(text)


@pytest.mark.parametrize("kind", KINDS)
def test_a_normalization_goes_along(kind: Any) -> None:
    pieces = SentencePieces.learn(TEXTS, vocabulary=450, kind=kind, normalization="nfkc")
    machine = tokenizers.Tokenizer.from_str(tokenizer_json(pieces.files()[FILE], end="</s>").decode())
    for text in ("ﬁn Ａ½", "e\u0301", "tab\there", "①", *TEXTS[:50]):
        assert ids(machine, text) == pieces.encode(text)


def test_texts_end_in_the_end_symbol(pieces: SentencePieces, machine: Any) -> None:
    assert machine.encode("the cat").ids == [*pieces.encode("the cat"), 2]


def test_the_space_mark_is_the_one_text_that_is_not_cut_alike(pieces: SentencePieces, machine: Any) -> None:
    assert ids(machine, f"a{SPACE_MARK}b") == pieces.encode("a b") != pieces.encode(f"a{SPACE_MARK}b")


def test_a_model_is_read_as_sentencepiece_reads_it(pieces: SentencePieces) -> None:
    found = Pieces.read(pieces.files()[FILE])
    names = pieces.pieces(list(range(len(pieces))))
    assert [one.text for one in found.entries] == names
    assert [one.score for one in found.entries] == [pieces.processor.get_score(n) for n in range(len(names))]
    assert found.kind in (UNIGRAM, BPE)
    assert found.characters == b""


def test_it_is_plain_json_with_the_symbols_in_their_places(pieces: SentencePieces) -> None:
    definition = json.loads(tokenizer_json(pieces.files()[FILE], end="</s>"))
    symbols = [(one["id"], one["content"], one["special"]) for one in definition["added_tokens"]]
    assert symbols == [(0, "<pad>", True), (1, "<s>", True), (2, "</s>", True), (3, "<unk>", True)]
