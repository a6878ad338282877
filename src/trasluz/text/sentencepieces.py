"""Text into pieces and back, by sentencepiece: no character is unknown, and nothing is changed on the way.

Touches no file: a tokeniser is made from bytes, and makes them.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import sentencepiece

from trasluz.errors import TrasluzError
from trasluz.text.tokenizer import Frame, why_not_encoded

FILE = "tokenizer.model"
PAD, START, END, UNKNOWN = 0, 1, 2, 3

NORMALIZATIONS = {"none": "identity", "nfkc": "nmt_nfkc"}
LONGEST_TEXT = 1 << 24
"""Longest text to learn from, in bytes: sentencepiece's own limit of 4192 would leave texts out silently."""

SPACE_MARK = "\u2581"
"""What sentencepiece writes for a space, so a text that holds it needs care."""
SUBSTITUTES = [chr(plane * 0x10000 + low) for plane in range(16, 0, -1) for low in (0xFFFF, 0xFFFE)]
"""Characters that Unicode promises never to use, each of four bytes."""


class SentencePieces:
    """The pieces learnt from a corpus (Kudo and Richardson 2018).

    Characters that are no piece are spelt in bytes, so every text can be encoded. Unless it was learnt with
    a normalization, `decode(encode(text))` is `text`.
    """

    pad_id, start_id, end_id, unknown_id = PAD, START, END, UNKNOWN
    symbol_ids = frozenset({PAD, START, END, UNKNOWN})
    frame = Frame(START, END, after=(END,), opening=(START,))

    def __init__(self, processor: sentencepiece.SentencePieceProcessor) -> None:
        self.processor = processor

    @classmethod
    def learn(
        cls,
        texts: Iterable[str],
        *,
        vocabulary: int,
        kind: Literal["unigram", "bpe"] = "unigram",
        normalization: Literal["none", "nfkc"] = "none",
    ) -> SentencePieces:
        """Learn up to `vocabulary` pieces; the symbols and the 256 bytes count among them.

        `unigram` is Kudo 2018, `bpe` Sennrich et al. 2016. Raises `TrasluzError` where the vocabulary has no
        room for the symbols, the bytes and the characters of the texts.
        """
        model = io.BytesIO()
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=_without_space_mark(texts),
                model_writer=model,
                vocab_size=vocabulary,
                hard_vocab_limit=False,
                model_type=kind,
                byte_fallback=True,
                normalization_rule_name=NORMALIZATIONS[normalization],
                remove_extra_whitespaces=False,
                max_sentence_length=LONGEST_TEXT,
                pad_id=PAD,
                bos_id=START,
                eos_id=END,
                unk_id=UNKNOWN,
                minloglevel=3,
            )
        except RuntimeError as error:
            raise _why_not_learnt(str(error), vocabulary) from None
        return cls.from_bytes(model.getvalue())

    @classmethod
    def from_bytes(cls, data: bytes) -> SentencePieces:
        """The tokeniser that `files` gave.

        Raises `TrasluzError` for bytes that are no sentencepiece model, or one whose symbols stand elsewhere.
        """
        processor = sentencepiece.SentencePieceProcessor()
        try:
            processor.LoadFromSerializedProto(data)
        except RuntimeError:
            raise TrasluzError(
                "the tokenizer is damaged or is no sentencepiece model; copy the model directory again"
            ) from None
        symbols = (processor.pad_id(), processor.bos_id(), processor.eos_id(), processor.unk_id())
        if symbols != (PAD, START, END, UNKNOWN):
            raise TrasluzError(
                f"the tokenizer has its pad, start, end and unknown symbols at {symbols}, but Trasluz's own "
                f"are at {(PAD, START, END, UNKNOWN)}; it belongs to another model"
            )
        return cls(processor)

    def files(self) -> dict[str, bytes]:
        """The tokeniser as a file of sentencepiece's own format."""
        return {FILE: self.processor.serialized_model_proto()}

    @property
    def target(self) -> SentencePieces:
        """Itself: both languages share their pieces."""
        return self

    def __len__(self) -> int:
        """How many entries there are: symbols, bytes and pieces."""
        return int(self.processor.get_piece_size())

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without start or end symbol."""
        return self.encode_all([text])[0]

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text; for many texts much faster than one by one.

        Raises `TrasluzError` for a text that is not Unicode: one with half of a surrogate pair.
        """
        try:
            encoded: list[list[int]] = self.processor.encode(list(texts))
        except (TypeError, RuntimeError):
            raise why_not_encoded(texts) from None
        for number, text in enumerate(texts):
            if SPACE_MARK in text:
                encoded[number] = self._encode_space_mark(text)
        return encoded

    def encodings(self, text: str, *, most: int) -> list[list[int]]:
        """The `most` likeliest ways to cut a text into ids, the best first; a `bpe` tokeniser has one.

        Where one is drawn anew each time, that is subword regularisation (Kudo 2018, section 3.3).
        """
        if SPACE_MARK in text or not text:
            return [self.encode(text)]
        try:
            found: list[list[int]] = self.processor.nbest_encode(text, nbest_size=most)
        except RuntimeError:
            found = []
        return found or [self.encode(text)]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids; symbols are left out, and bytes that spell no character become U+FFFD."""
        text: str = self.processor.decode(list(ids))
        return text

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Each id as sentencepiece writes it: a space is U+2581, a byte is `<0xE2>`."""
        pieces: list[str] = self.processor.id_to_piece(list(ids))
        return pieces

    def names(self, ids: Sequence[int]) -> list[str]:
        """The same: its vocabulary is written as it is called."""
        return self.pieces(ids)

    def _encode_space_mark(self, text: str) -> list[int]:
        """Encode a text with U+2581: another character stands in for it and gives way to its bytes."""
        substitute = next(one for one in SUBSTITUTES if one not in text)
        ids: list[int] = self.processor.encode(text.replace(SPACE_MARK, substitute))
        spelt, wanted = self._bytes(substitute), self._bytes(SPACE_MARK)
        found: list[int] = []
        for one in ids:
            found.append(one)
            if found[-len(spelt) :] == spelt:
                found[-len(spelt) :] = wanted
        return found

    def _bytes(self, character: str) -> list[int]:
        """A character spelt in bytes."""
        return [self.processor.piece_to_id(f"<0x{byte:02X}>") for byte in character.encode()]


def _without_space_mark(texts: Iterable[str]) -> Iterator[str]:
    """Texts to learn from; sentencepiece would leave one with U+2581 out."""
    return (text.replace(SPACE_MARK, " ") for text in texts)


def _why_not_learnt(message: str, vocabulary: int) -> TrasluzError:
    """The sentence for what sentencepiece's trainer refused."""
    if found := re.search(r"smaller than required_chars\. \d+ vs (\d+)", message):
        return TrasluzError(
            f"a vocabulary of {vocabulary} is too small: the symbols, the bytes and the characters of these "
            f"texts need {found[1]} entries; raise tokenizer.vocabulary"
        )
    return TrasluzError(f"no pieces could be learnt from these texts: {message}")
