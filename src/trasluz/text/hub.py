"""Pieces as a tokenizer.json defines them, the format of the library tokenizers.

Knows no family: which names are symbols beside those that the file itself says is given. Touches no file.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import tokenizers

from trasluz.errors import TrasluzError
from trasluz.text.sentencepieces import SPACE_MARK
from trasluz.text.tokenizer import Frame, why_not_encoded

OUT_OF_REACH = " "
"""Stands before a symbol's name inside the machine. No text reaches it there: by then a space is written
otherwise, U+2581 or as a byte."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A tokeniser of the library, ready for texts, and what it does not tell by itself.

    `ids` has every entry by its name, symbols included; `plain` are the names that were added as text.
    """

    inner: tokenizers.Tokenizer
    ids: Mapping[str, int]
    symbols: frozenset[str]
    plain: frozenset[str]
    unknown: str | None
    bytewise: bool

    @classmethod
    def read(
        cls, data: bytes, *, named: Collection[str] = (), numbered: Collection[int] = (), where: str
    ) -> Machine:
        """The machine of a tokenizer.json; other files may say by their names or ids what else are symbols.

        Raises `TrasluzError` for bytes that are no such file, or one that the library cannot use.
        """
        with _damage_told(where):
            definition = json.loads(data.decode("utf-8"))
            return cls._of(definition, named=named, numbered=numbered, where=where)

    @classmethod
    def of_merges(
        cls,
        vocabulary: Mapping[str, int],
        merges: bytes,
        *,
        spaced: bool,
        added: Mapping[str, int],
        symbols: Collection[str],
        where: str,
    ) -> Machine:
        """The machine of byte-level BPE (Radford et al. 2019) in a vocab.json and a merges.txt.

        `spaced` puts a space before every text that has none. `added` are entries beside the vocabulary or
        out of it that are found whole, `symbols` those of them that are not to be found.
        """
        with _damage_told(where):
            lines = merges.decode("utf-8").split("\n")
            pairs = [line.split() for line in lines if line.strip() and not line.startswith("#version")]
            if not pairs:
                raise TrasluzError(
                    f"{where} is damaged: there are no merges; copy the whole checkpoint again"
                )
            bytewise = {
                "type": "ByteLevel",
                "add_prefix_space": spaced,
                "trim_offsets": True,
                "use_regex": True,
            }
            definition = {
                "version": "1.0",
                "added_tokens": [
                    _added(name, number, symbol=name in symbols) for name, number in added.items()
                ],
                "pre_tokenizer": bytewise,
                "decoder": bytewise,
                "model": {"type": "BPE", "vocab": dict(vocabulary), "merges": pairs},
            }
            return cls._of(definition, named=symbols, numbered=(), where=where)

    @classmethod
    def _of(
        cls, definition: Mapping[str, Any], *, named: Collection[str], numbered: Collection[int], where: str
    ) -> Machine:
        model = definition["model"]
        added = {one["content"]: one for one in definition.get("added_tokens") or ()}
        ids = _ids(model["vocab"]) | {name: one["id"] for name, one in added.items()}
        unknown = _unknown(model)
        symbols = frozenset(
            name
            for name, number in ids.items()
            if name in named or name == unknown or number in numbered or added.get(name, {}).get("special")
        )
        inner = tokenizers.Tokenizer.from_str(json.dumps(_hiding(definition, symbols), ensure_ascii=False))
        inner.encode_special_tokens = True
        for name, one in added.items():
            counted = inner.token_to_id(OUT_OF_REACH + name if name in symbols else name)
            if counted != one["id"]:
                raise TrasluzError(
                    f"{where} gives {name!r} the id {one['id']}, but its place is {counted}; one of the "
                    "files belongs to another model"
                )
        return cls(
            inner=inner,
            ids=ids,
            symbols=symbols,
            plain=frozenset(added) - symbols,
            unknown=unknown or ("<unk>" if "<unk>" in symbols else None),
            bytewise="ByteLevel" in _kinds(definition.get("decoder") or definition.get("pre_tokenizer")),
        )

    @property
    def opening(self) -> list[int]:
        """The ids that the file itself wants around an empty text."""
        ids: list[int] = self.inner.encode("", add_special_tokens=True).ids
        return ids


class HubPieces:
    """The pieces of a tokenizer.json.

    A symbol that is spelt out in a text, such as </s>, is text like any other, where transformers takes it
    for the symbol: no text shall end itself, or change its language. What was added as plain text is found
    as it should be. Nothing is cut off and nothing padded, whatever the file says.
    """

    def __init__(self, machine: Machine, *, pad_id: int, frame: Frame, files: Mapping[str, bytes]) -> None:
        ids = machine.ids
        self.machine = machine
        self.pad_id, self.start_id, self.end_id = pad_id, frame.start, frame.end
        self.unknown_id = frame.end if machine.unknown is None else ids[machine.unknown]
        self.frame = frame
        self._files = dict(files)
        self._names = {number: name for name, number in ids.items()}
        self.symbol_ids = frozenset({pad_id, frame.start, frame.end, *(ids[one] for one in machine.symbols)})

    def files(self) -> dict[str, bytes]:
        """The files that were given with it, byte for byte."""
        return dict(self._files)

    @property
    def target(self) -> HubPieces:
        """Itself: both sides share their pieces."""
        return self

    def __len__(self) -> int:
        """How many entries there are: one more than the last id."""
        return max(self._names, default=-1) + 1

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without any symbol."""
        return self.encode_all([text])[0]

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text.

        Raises `TrasluzError` for a text that is not Unicode: one with half of a surrogate pair.
        """
        try:
            encoded = self.machine.inner.encode_batch(list(texts), add_special_tokens=False)
        except TypeError:
            raise why_not_encoded(texts) from None
        return [one.ids for one in encoded]

    def encodings(self, text: str, *, most: int) -> list[list[int]]:
        """The one way in which the library cuts a text."""
        return [self.encode(text)]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids; symbols are left out, the unknown one among them, and so are ids of no entry.

        Bytes that spell no character become U+FFFD.
        """
        text = [one for one in ids if one in self._names and one not in self.symbol_ids]
        return str(self.machine.inner.decode(text, skip_special_tokens=False))

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Each id as sentencepiece would write it: a space is U+2581, a byte is `<0xE2>`.

        A piece of bytes is read as UTF-8: one byte alone that is no character is written as a byte, and in a
        longer piece U+FFFD stands for what belongs to a character that the piece does not hold whole. An id
        behind the last entry, where the table of a model is padded, is written as in `<32101>`.
        """
        return [self._piece(one) for one in ids]

    def names(self, ids: Sequence[int]) -> list[str]:
        """Each id as the file calls it: bytes are written as in `BYTE_OF`.

        An id behind the last entry is written as in `<32101>`.
        """
        return [self._names.get(one, f"<{one}>") for one in ids]

    def _piece(self, number: int) -> str:
        [name] = self.names([number])
        if number in self.symbol_ids or name in self.machine.symbols or number not in self._names:
            return name
        if not self.machine.bytewise or name in self.machine.plain or not BYTE_OF.keys() >= set(name):
            return name.replace(" ", SPACE_MARK)
        data = bytes(BYTE_OF[one] for one in name)
        text = data.decode(errors="replace")
        if len(data) == 1 and text == "\ufffd":
            return f"<0x{data[0]:02X}>"
        return text.replace(" ", SPACE_MARK)


def _byte_names() -> Iterator[tuple[str, int]]:
    """How byte-level BPE writes each byte: itself where it can be seen, else a letter from U+0100 on."""
    unseen = 0
    for byte in range(256):
        if byte in range(0x21, 0x7F) or (byte in range(0xA1, 0x100) and byte != 0xAD):
            yield chr(byte), byte
        else:
            yield chr(0x100 + unseen), byte
            unseen += 1


BYTE_OF: Mapping[str, int] = dict(_byte_names())
"""The byte that each character in the name of a byte-level piece stands for."""


@contextmanager
def _damage_told(where: str) -> Iterator[None]:
    """Whatever goes wrong inside is told as damage of the file; the library raises no narrower error."""
    try:
        yield
    except TrasluzError:
        raise
    except Exception as error:
        raise TrasluzError(
            f"{where} is damaged or of an unknown kind ({error!r}); copy the whole checkpoint again"
        ) from None


def _added(name: str, number: int, *, symbol: bool) -> dict[str, Any]:
    """An entry beside the vocabulary, as a tokenizer.json has it."""
    sides = {"single_word": False, "lstrip": False, "rstrip": False}
    return {"id": number, "content": name, "special": symbol, "normalized": not symbol, **sides}


def _ids(vocabulary: Mapping[str, int] | Sequence[Sequence[Any]]) -> dict[str, int]:
    """The ids of pieces, which a unigram model lists with their scores instead."""
    if isinstance(vocabulary, Mapping):
        return dict(vocabulary)
    return {piece: number for number, (piece, _) in enumerate(vocabulary)}


def _unknown(model: Mapping[str, Any]) -> str | None:
    """The name of the unknown symbol, if there is one."""
    if model.get("unk_id") is not None:
        return str(model["vocab"][model["unk_id"]][0])
    named = model.get("unk_token")
    return named if named in model["vocab"] else None


def _kinds(part: Mapping[str, Any] | None) -> set[str]:
    """The types of a part and of the parts inside."""
    if part is None:
        return set()
    inside = [*part.get("decoders", ()), *part.get("pretokenizers", ())]
    return {part["type"]}.union(*map(_kinds, inside))


def _hiding(definition: Mapping[str, Any], symbols: frozenset[str]) -> dict[str, Any]:
    """A definition whose symbols cannot be met in a text, and which cuts nothing off and pads nothing.

    To leave symbols unlooked for is not enough: they may be pieces of the model as well, and likely ones.
    """

    def name(one: str) -> str:
        return OUT_OF_REACH + one if one in symbols else one

    model = dict(definition["model"])
    vocabulary = model["vocab"]
    if isinstance(vocabulary, dict):
        model["vocab"] = {name(piece): number for piece, number in vocabulary.items()}
    else:
        model["vocab"] = [(name(piece), score) for piece, score in vocabulary]
    if model.get("unk_token") is not None:
        model["unk_token"] = name(model["unk_token"])
    if model.get("merges"):
        pairs = (one.split(" ") if isinstance(one, str) else one for one in model["merges"])
        model["merges"] = [(a, b) for a, b in pairs if symbols.isdisjoint((a, b, a + b))]
    added = [
        {**one, "content": name(one["content"]), "special": one["content"] in symbols}
        for one in definition.get("added_tokens") or ()
    ]
    return {**definition, "model": model, "added_tokens": added, "truncation": None, "padding": None}
