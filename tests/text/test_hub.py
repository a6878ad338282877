"""A tokenizer.json: the ids of transformers, no symbol from a text, and pieces that can be read.

A text that spells a symbol is where the two part: transformers 5 takes "</s>" for the end symbol; here it is
text, also where the model itself has such a piece.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken
from transformers.models.gpt2.tokenization_gpt2 import GPT2Tokenizer
from transformers.models.llama.tokenization_llama import LlamaTokenizer
from transformers.models.mbart50.tokenization_mbart50 import MBart50Tokenizer
from transformers.models.nllb.tokenization_nllb import NllbTokenizer
from transformers.models.t5.tokenization_t5 import T5Tokenizer
from transformers.tokenization_utils_base import generate_merges
from transformers.tokenization_utils_tokenizers import TokenizersBackend

from tests import foreign
from trasluz.errors import TrasluzError
from trasluz.insight.words import join
from trasluz.text.hub import BYTE_OF, HubPieces, Machine
from trasluz.text.tokenizer import Frame


def json_of(theirs: TokenizersBackend | tokenizers.Tokenizer) -> bytes:
    """What would be in the tokenizer.json."""
    inner = theirs if isinstance(theirs, tokenizers.Tokenizer) else theirs.backend_tokenizer
    return inner.to_str().encode()


def hub(data: bytes, *, end: str = "</s>", named: tuple[str, ...] = ()) -> HubPieces:
    """The tokeniser of a tokenizer.json whose texts end with `end`."""
    machine = Machine.read(data, named=named, where="test")
    number = machine.ids[end]
    pad = machine.ids.get("<pad>", number)
    return HubPieces(machine, pad_id=pad, frame=Frame(number, number, after=(number,)), files={"a": data})


def t5() -> Any:
    model = foreign.sentencepiece_model(pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    sentinels = [(f"<extra_id_{number}>", 0.0) for number in reversed(range(7))]
    kind: Any = T5Tokenizer
    return kind(
        vocab=[*foreign.scored(model), *sentinels],
        extra_ids=7,
        _spm_precompiled_charsmap=foreign.normalization(model),
    )


def mbart() -> Any:
    model = foreign.sentencepiece_model()
    kind: Any = MBart50Tokenizer
    return kind(
        vocab=foreign.fairseq_vocabulary(model, ["en_XX", "es_XX", "<mask>"]),
        _spm_precompiled_charsmap=foreign.normalization(model),
    )


def nllb() -> Any:
    model = foreign.sentencepiece_model(kind="bpe")
    vocabulary = {piece: at for at, (piece, _) in enumerate(foreign.fairseq_vocabulary(model))}
    kind: Any = NllbTokenizer
    return kind(
        vocab=vocabulary,
        merges=generate_merges(vocabulary),
        extra_special_tokens=["eng_Latn", "spa_Latn"],
        _spm_precompiled_charsmap=foreign.normalization(model),
    )


def llama() -> Any:
    model = foreign.sentencepiece_model(kind="bpe", plain=True)
    vocabulary = {piece: at for at, (piece, _) in enumerate(foreign.scored(model))}
    kind: Any = LlamaTokenizer
    return kind(vocab=vocabulary, merges=generate_merges(vocabulary))


def gpt2() -> Any:
    model = json.loads(foreign.bytelevel().to_str())["model"]
    kind: Any = GPT2Tokenizer
    return kind(vocab=model["vocab"], merges=[tuple(pair) for pair in model["merges"]])


MAKERS = {"t5": t5, "mbart": mbart, "nllb": nllb, "llama": llama, "gpt2": gpt2}


@pytest.fixture(scope="module", params=list(MAKERS))
def pair(request: pytest.FixtureRequest) -> tuple[TokenizersBackend, HubPieces]:
    """Theirs, and ours of the same file."""
    theirs = MAKERS[request.param]()
    return theirs, hub(json_of(theirs), end=theirs.eos_token)


@pytest.fixture(scope="module")
def bytewise() -> HubPieces:
    return hub(json_of(foreign.bytelevel()), end="<|endoftext|>")


@pytest.mark.parametrize("text", foreign.WORDS + foreign.FOLDED + [" ", " both ", "\n\n  x"])
def test_ids_and_text_are_those_of_transformers(text: str, pair: tuple[TokenizersBackend, HubPieces]) -> None:
    theirs, ours = pair
    ids = theirs(text, add_special_tokens=False).input_ids
    assert ours.encode(text) == ids
    assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=True)
    assert len(ours) == len(theirs)


def test_symbols_are_those_of_transformers(pair: tuple[TokenizersBackend, HubPieces]) -> None:
    theirs, ours = pair
    assert {ours.machine.ids[one] for one in ours.machine.symbols} == set(theirs.all_special_ids)
    assert ours.pieces(theirs.all_special_ids) == theirs.all_special_tokens
    assert ours.decode(theirs.all_special_ids) == ""
    assert ours.unknown_id == theirs.unk_token_id


@pytest.mark.parametrize("text", [*foreign.SYMBOLS, "en_XX the", "eng_Latn", "x<s>y"])
def test_a_symbol_in_a_text_is_text(text: str, pair: tuple[TokenizersBackend, HubPieces]) -> None:
    theirs, ours = pair
    ids = ours.encode(text)
    assert set(ids).isdisjoint(theirs.all_special_ids)
    assert ours.decode(ids) == text
    spelt = [one for one in theirs.all_special_tokens if one in text]
    taken = set(theirs(text, add_special_tokens=False).input_ids) & set(theirs.all_special_ids)
    assert bool(spelt) == bool(taken)


def test_a_symbol_is_no_likely_piece_either_where_only_another_file_names_it() -> None:
    model = foreign.sentencepiece_model()
    inner = tokenizers.Tokenizer(
        tokenizers.models.Unigram(foreign.fairseq_vocabulary(model, ["en_XX"]), unk_id=3)
    )
    inner.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    data = json_of(inner)
    careless, careful = hub(data), hub(data, named=("</s>", "<s>", "<pad>", "en_XX", "nowhere"))
    assert careless.end_id in careless.encode("the </s>")
    assert careful.end_id not in careful.encode("the </s>")
    assert careful.machine.symbols == {"</s>", "<s>", "<pad>", "<unk>", "en_XX"}


def test_the_end_is_a_symbol_though_only_its_id_is_known() -> None:
    machine = Machine.read(json_of(foreign.bytelevel(symbols=[])), numbered=[68], where="test")
    assert [machine.ids[one] for one in machine.symbols] == [68]
    [name] = machine.symbols
    assert 68 not in machine.inner.encode(name).ids


def test_merges_that_would_spell_a_symbol_are_not_made() -> None:
    inner = tokenizers.Tokenizer(
        tokenizers.models.BPE(
            vocab={"a": 0, "b": 1, "ab": 2, "abb": 3, "<unk>": 4},
            merges=[("a", "b"), ("ab", "b")],
            unk_token="<unk>",
        )
    )
    inner.add_special_tokens(["ab"])
    ours = hub(json_of(inner), end="ab")
    assert ours.encode("abb") == [0, 1, 1]
    assert ours.unknown_id == 4
    assert ours.encode("c") == [4]


def test_what_was_added_as_text_is_found_whole() -> None:
    inner = foreign.bytelevel()
    inner.add_tokens(["foo bar", "é"])
    inner.add_special_tokens([AddedToken("<end>")])
    ours = hub(json_of(inner), end="<end>")
    kind: Any = TokenizersBackend
    theirs = kind(tokenizer_object=inner)
    ids = ours.encode("the foo bar é")
    assert ids == theirs("the foo bar é").input_ids
    assert ours.pieces(ids)[-3:] == ["foo▁bar", "▁", "é"]


def test_nothing_is_cut_off_or_padded_whatever_the_file_says() -> None:
    inner = foreign.bytelevel()
    bare = hub(json_of(inner), end="<|endoftext|>").encode_all(["the cat sees the dog", "a"])
    inner.enable_truncation(2)
    inner.enable_padding(length=11)
    assert hub(json_of(inner), end="<|endoftext|>").encode_all(["the cat sees the dog", "a"]) == bare


@given(st.text())
def test_any_text_comes_back_from_bytes(bytewise: HubPieces, text: str) -> None:
    assert bytewise.decode(bytewise.encode(text)) == text


@given(st.lists(st.text(max_size=9), max_size=5))
def test_many_texts_at_once_are_as_one_by_one(bytewise: HubPieces, texts: list[str]) -> None:
    assert bytewise.encode_all(texts) == [bytewise.encode(text) for text in texts]


@given(st.text(alphabet="abc .,\n0xEé世"))
def test_pieces_that_hold_their_characters_whole_spell_the_text(bytewise: HubPieces, text: str) -> None:
    pieces = "".join(bytewise.pieces(bytewise.encode(text)))
    spelt = re.sub(
        "(<0x..>)+",
        lambda found: bytes.fromhex(re.sub("<0x|>", "", found[0])).decode(errors="replace"),
        pieces,
    )
    assert "\ufffd" in spelt or spelt == text.replace(" ", "▁")


@given(st.lists(st.integers(0, 400)))
def test_any_ids_have_a_text_and_pieces_and_words(bytewise: HubPieces, ids: list[int]) -> None:
    bytewise.decode(ids)
    pieces = bytewise.pieces(ids)
    assert len(pieces) == len(ids)
    assert len(join(pieces, specials=["<|endoftext|>"]).of) == len(ids)


def test_bytes_are_named_as_in_gpt2() -> None:
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    assert set(BYTE_OF) == set(alphabet)
    assert sorted(BYTE_OF.values()) == list(range(256))
    pre = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    for text in ("\x00\n a~\x7f", "é¡ÿ\xad\xa0", "世😀"):
        [(named, _)] = pre.pre_tokenize_str(text)
        assert bytes(BYTE_OF[one] for one in named) == text.encode()


def test_a_space_is_marked_and_a_byte_alone_is_written_as_a_byte(bytewise: HubPieces) -> None:
    pieces = bytewise.pieces(bytewise.encode("the  cat\n鱼"))
    assert "".join(pieces) == "the▁▁cat\n<0xE9><0xB1><0xBC>"
    assert join(pieces).text == ("the", "", "cat\n鱼")
    assert bytewise.pieces([len(bytewise)]) == [f"<{len(bytewise)}>"]


def test_bytes_of_characters_that_are_cut_are_shown_as_missing() -> None:
    vocabulary = dict(BYTE_OF)
    name_of = {byte: name for name, byte in BYTE_OF.items()}
    named = [
        "".join(name_of[byte] for byte in data)
        for data in (b"\xe9\xb1", b" \xe9\xb1", b"a\xc3", b"\xb1\xbcz")
    ]
    vocabulary |= {name: 256 + at for at, name in enumerate(named)}
    inner = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=vocabulary, merges=[]))
    inner.decoder = tokenizers.decoders.ByteLevel()
    ours = hub(json_of(inner), end="z")
    assert ours.pieces([256, 257, 258, 259]) == ["\ufffd", "▁\ufffd", "a\ufffd", "\ufffd\ufffdz"]
    assert ours.names([256, 257, 258, 259, 999]) == [*named, "<999>"]
    assert join(ours.pieces([257, 0xBC, 0x61])).text == ("\ufffd\ufffd", "a")
    assert ours.decode([257, 0xBC, 0x61]) == " 鱼a"


def test_merges_and_a_vocabulary_make_what_their_tokenizer_json_makes() -> None:
    inner = foreign.bytelevel()
    model = json.loads(inner.to_str())["model"]
    merges = "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in model["merges"])
    end = {"<|endoftext|>": model["vocab"]["<|endoftext|>"]}
    more = {"<mine>": len(model["vocab"]), "foo bar": len(model["vocab"]) + 1}
    machine = Machine.of_merges(
        model["vocab"],
        merges.encode(),
        spaced=False,
        added=end | more,
        symbols={*end, "<mine>"},
        where="test",
    )
    reference = hub(json_of(inner), end="<|endoftext|>")
    made = HubPieces(machine, pad_id=0, frame=reference.frame, files={})
    for text in foreign.WORDS + foreign.FOLDED + foreign.SYMBOLS:
        assert made.encode(text) == reference.encode(text)
    assert made.encode("foo bar") == [more["foo bar"]]
    assert machine.symbols == {"<|endoftext|>", "<mine>"}
    assert machine.bytewise
    spaced = Machine.of_merges(
        model["vocab"], merges.encode(), spaced=True, added=end, symbols=end, where="test"
    )
    assert spaced.inner.encode("the").ids == reference.encode(" the")


def test_what_a_file_wants_around_a_text_is_told() -> None:
    theirs = llama()
    assert Machine.read(json_of(theirs), where="test").opening == []
    theirs.add_bos_token = True
    assert Machine.read(json_of(theirs), where="test").opening == [theirs.bos_token_id]


def test_files_come_back_byte_for_byte_and_make_the_same_again(
    pair: tuple[TokenizersBackend, HubPieces],
) -> None:
    _, ours = pair
    data = ours.files()["a"]
    again = HubPieces(
        Machine.read(data, where="test"), pad_id=ours.pad_id, frame=ours.frame, files=ours.files()
    )
    assert again.files() == ours.files()
    assert again.encode_all(foreign.WORDS) == ours.encode_all(foreign.WORDS)


def test_there_is_one_side_and_one_way_to_cut_a_text(bytewise: HubPieces) -> None:
    assert bytewise.target is bytewise
    assert bytewise.encodings("the cat", most=7) == [bytewise.encode("the cat")]


def test_half_of_a_surrogate_pair_is_no_text(bytewise: HubPieces) -> None:
    with pytest.raises(
        TrasluzError, match=r"^the text holds U\+DCFF, which is no character; give it as UTF-8$"
    ):
        bytewise.encode_all(["fine", "not \udcff"])
    with pytest.raises(TrasluzError, match=r"U\+D800"):
        bytewise.encode("\ud800")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [["a", "b"]]}}',
        b'{"model": {"type": "Unigram", "vocab": [["a", 0.0]], "unk_id": 7}}',
        b'{"model": {"type": "Never", "vocab": {}}}',
    ],
)
def test_bytes_that_are_no_tokenizer_json_are_refused(content: bytes) -> None:
    with pytest.raises(
        TrasluzError, match=r"^here/tokenizer\.json is damaged or of an unknown kind \(.+\); copy"
    ):
        Machine.read(content, where="here/tokenizer.json")


def test_added_entries_that_stand_elsewhere_are_refused() -> None:
    definition: dict[str, Any] = json.loads(foreign.bytelevel().to_str())
    definition["added_tokens"].append({**definition["added_tokens"][0], "content": "<far>", "id": 9999})
    with pytest.raises(TrasluzError, match=r"^test gives '<far>' the id 9999, but its place is \d+; one"):
        Machine.read(json.dumps(definition).encode(), where="test")
