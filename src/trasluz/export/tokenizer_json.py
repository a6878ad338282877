"""The pieces of sentencepiece as a tokenizer.json, the format of the library tokenizers.

Knows no library: the one is a message of protocol buffers, the other JSON.
"""

from __future__ import annotations

import base64
import json
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from trasluz.text.sentencepieces import SPACE_MARK

FILE = "tokenizer.json"
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
"""Kinds of pieces."""
UNIGRAM, BPE = 1, 2
"""Kinds of models."""
OUT_OF_REACH = -1e4
"""The score of entries that are no text, so low that a text in which such a name is spelt out is cut into its
letters."""


@dataclass(frozen=True, slots=True)
class Piece:
    """An entry of a model: its text, how likely it is or how early it was merged, and of which kind it is."""

    text: str
    score: float
    kind: int


@dataclass(frozen=True, slots=True)
class Pieces:
    """A model of sentencepiece; `characters` is how it changes characters, empty where it does not."""

    entries: tuple[Piece, ...]
    kind: int
    characters: bytes

    @classmethod
    def read(cls, data: bytes) -> Pieces:
        """The model in the bytes of its file."""
        entries, kind, characters = [], UNIGRAM, b""
        for number, value in _fields(data):
            if number == 1:
                fields = dict(_fields(value))
                [score] = struct.unpack("<f", fields.get(2, bytes(4)))
                entries.append(Piece(fields[1].decode(), score, fields.get(3, NORMAL)))
            elif number == 2:
                kind = dict(_fields(value)).get(3, UNIGRAM)
            elif number == 3:
                characters = dict(_fields(value)).get(2, b"")
        return cls(tuple(entries), kind, characters)

    def named(self, kind: int) -> dict[str, int]:
        """The entries of one kind, and their ids."""
        return {one.text: number for number, one in enumerate(self.entries) if one.kind == kind}


def tokenizer_json(data: bytes, *, end: str) -> bytes:
    """A model of sentencepiece as a tokenizer.json, whose texts end in the symbol `end`.

    It is one that `SentencePieces.learn` makes: spaces are kept, a space is put before every text, and what
    is no piece is spelt in bytes.
    """
    pieces = Pieces.read(data)
    symbols = {**pieces.named(CONTROL), **pieces.named(UNKNOWN)}
    definition = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": number, "content": text, "special": True, "normalized": False}
            | dict.fromkeys(("single_word", "lstrip", "rstrip"), False)
            for text, number in sorted(symbols.items(), key=lambda item: item[1])
        ],
        "normalizer": {"type": "Sequence", "normalizers": list(_normalizers(pieces))},
        "pre_tokenizer": _apart(pieces),
        "post_processor": _frame(end, symbols[end]),
        "decoder": {
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": SPACE_MARK}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
                {"type": "Strip", "content": " ", "start": 1, "stop": 0},
            ],
        },
        "model": _unigram(pieces) if pieces.kind == UNIGRAM else _merging(pieces),
    }
    return (json.dumps(definition, indent=1, ensure_ascii=False) + "\n").encode()


def _normalizers(pieces: Pieces) -> Iterator[dict[str, Any]]:
    if pieces.characters:
        coded = base64.b64encode(pieces.characters).decode()
        yield {"type": "Precompiled", "precompiled_charsmap": coded}
    yield {"type": "Prepend", "prepend": SPACE_MARK}
    yield {"type": "Replace", "pattern": {"String": " "}, "content": SPACE_MARK}


def _apart(pieces: Pieces) -> dict[str, Any] | None:
    """Letters of symbols' names that no piece has stand alone, so that no name is found in a text.

    Otherwise the name would be likelier than its letters, since a letter without a piece is the least likely.
    """
    names = "".join(one.text for one in pieces.entries if one.kind != NORMAL)
    letters = sorted(set(names) - {letter for text in pieces.named(NORMAL) for letter in text})
    if pieces.kind != UNIGRAM or not letters:
        return None
    pattern = f"[{re.escape(''.join(letters))}]"
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def _frame(end: str, number: int) -> dict[str, Any]:
    """The end symbol behind every text."""

    def closed(*texts: str) -> list[dict[str, Any]]:
        behind = {"SpecialToken": {"id": end, "type_id": 0}}
        return [part for text in texts for part in ({"Sequence": {"id": text, "type_id": 0}}, behind)]

    return {
        "type": "TemplateProcessing",
        "single": closed("A"),
        "pair": closed("A", "B"),
        "special_tokens": {end: {"id": end, "ids": [number], "tokens": [end]}},
    }


def _unigram(pieces: Pieces) -> dict[str, Any]:
    """Kudo 2018: the likeliest cut."""
    [unknown] = pieces.named(UNKNOWN).values()
    scored = [[one.text, one.score if one.kind == NORMAL else OUT_OF_REACH] for one in pieces.entries]
    return {"type": "Unigram", "unk_id": unknown, "vocab": scored, "byte_fallback": True}


def _merging(pieces: Pieces) -> dict[str, Any]:
    """Sennrich et al. 2016: neighbours are merged into the piece that was learnt earliest."""
    normal = pieces.named(NORMAL)
    [unknown] = pieces.named(UNKNOWN)
    merges = [
        [text[:at], text[at:]]
        for text in sorted(normal, key=lambda text: -pieces.entries[normal[text]].score)
        for at in range(1, len(text))
        if text[:at] in normal and text[at:] in normal
    ]
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": unknown,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": True,
        "ignore_merges": False,
        "vocab": {one.text: number for number, one in enumerate(pieces.entries)},
        "merges": merges,
    }


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a message in the wire format of protocol buffers: number, and value as it is stored."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value: Any
            value, at = _varint(message, at)
        else:
            if wire == 2:
                size, at = _varint(message, at)
            else:
                size = {1: 8, 5: 4}[wire]
            value, at = message[at : at + size], at + size
        yield number, value


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """A whole number of seven bits a byte, the lowest first, and where it ends."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
