"""Pieces of a sentencepiece model under the ids of a foreign checkpoint, where symbols stand in between.

Knows no family: which piece has which id, and which of them are symbols, is given. Touches no file.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import sentencepiece

from trasluz.errors import TrasluzError
from trasluz.text.sentencepieces import SPACE_MARK
from trasluz.text.tokenizer import Frame, why_not_encoded

FAIRSEQ_SYMBOLS = ("<s>", "<pad>", "</s>", "<unk>")
"""What stands before the pieces of a fairseq checkpoint; a sentencepiece model has three of them."""


class MappedPieces:
    """A sentencepiece model, and a map from its pieces to ids and back.

    A symbol that is spelt out in a text, such as </s> or Marian's >>fra<<, is text like any other, where
    transformers takes it for the symbol: no text shall end itself, or change its language. Spaces are those
    that the model's own normalization leaves: most fold several into one.
    """

    def __init__(
        self,
        processor: sentencepiece.SentencePieceProcessor,
        *,
        ids: Mapping[str, int],
        symbols: Collection[str],
        unknown: str,
        pad_id: int,
        frame: Frame,
        files: Mapping[str, bytes],
        target: MappedPieces | None = None,
    ) -> None:
        self.processor = processor
        self.pad_id, self.start_id, self.end_id = pad_id, frame.start, frame.end
        self.unknown_id = ids[unknown]
        self.frame = frame
        self._files = dict(files)
        self._target = target
        self._pieces = {number: piece for piece, number in ids.items()}
        self._symbols = {unknown, *symbols, *(one for one, number in ids.items() if number == frame.end)}
        self._text_ids = {piece: number for piece, number in ids.items() if piece not in self._symbols}
        named = (ids[one] for one in self._symbols & ids.keys())
        self.symbol_ids = frozenset({pad_id, frame.start, frame.end, *named})

    def files(self) -> dict[str, bytes]:
        """The files that were given with it, byte for byte."""
        return dict(self._files)

    @property
    def target(self) -> MappedPieces:
        """The tokeniser of the other side; itself where both sides share one."""
        return self._target or self

    def __len__(self) -> int:
        """How many entries there are: one more than the last id."""
        return max(self._pieces) + 1

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without any symbol."""
        return self.encode_all([text])[0]

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text.

        Raises `TrasluzError` for a text that is not Unicode: one with half of a surrogate pair.
        """
        try:
            encoded: list[list[str]] = self.processor.encode(list(texts), out_type=str)
        except (TypeError, RuntimeError):
            raise why_not_encoded(texts) from None
        return [self._mapped(pieces) for pieces in encoded]

    def encodings(self, text: str, *, most: int) -> list[list[int]]:
        """The `most` likeliest ways to cut a text into ids, the best first; a BPE model has one."""
        try:
            found: list[list[str]] = self.processor.nbest_encode(text, nbest_size=most, out_type=str)
        except (TypeError, RuntimeError):
            found = []
        return [self._mapped(pieces) for pieces in found] or [self.encode(text)]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids; symbols are left out, the unknown one among them, and so are ids of no entry."""
        pieces = [self._pieces[one] for one in ids if one in self._pieces and one not in self.symbol_ids]
        text: str = self.processor.decode_pieces(pieces)
        # A piece of the other side's model comes back as it is, with the mark.
        return text.removeprefix(SPACE_MARK).replace(SPACE_MARK, " ")

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Each id as sentencepiece writes it: a space is U+2581, a byte is `<0xE2>`.

        An id behind the last entry, where the table of a model is padded, is written as in `<32101>`.
        """
        return [self._pieces.get(one, f"<{one}>") for one in ids]

    def names(self, ids: Sequence[int]) -> list[str]:
        """The same: its vocabulary is written as it is called."""
        return self.pieces(ids)

    def _mapped(self, pieces: Sequence[str]) -> list[int]:
        found: list[int] = []
        for piece in pieces:
            # Some models find symbols in a text as pieces of their own; they are spelt out.
            spelt = piece if piece in self._symbols else (piece,)
            found += (self._text_ids.get(one, self.unknown_id) for one in spelt)
        return found


def read_sentencepiece(data: bytes, *, where: str) -> sentencepiece.SentencePieceProcessor:
    """A sentencepiece model from the bytes of a file.

    Raises `TrasluzError` for bytes that are none.
    """
    processor = sentencepiece.SentencePieceProcessor()
    try:
        processor.LoadFromSerializedProto(data)
    except RuntimeError:
        raise TrasluzError(
            f"{where} is damaged or is no sentencepiece model; copy the whole checkpoint again"
        ) from None
    return processor


def ids_as_they_are(processor: sentencepiece.SentencePieceProcessor) -> dict[str, int]:
    """The ids that a sentencepiece model itself gives its pieces."""
    return {piece: number for number, piece in enumerate(_pieces(processor))}


def ids_of_fairseq(processor: sentencepiece.SentencePieceProcessor) -> dict[str, int]:
    """The ids that fairseq gave the pieces: four symbols, then all but the model's own three."""
    own = _pieces(processor)[len(FAIRSEQ_SYMBOLS) - 1 :]
    return {piece: number for number, piece in enumerate((*FAIRSEQ_SYMBOLS, *own))}


def symbols_of(processor: sentencepiece.SentencePieceProcessor) -> set[str]:
    """The pieces that a sentencepiece model itself holds to be symbols."""
    return {
        piece
        for number, piece in enumerate(_pieces(processor))
        if processor.is_control(number) or processor.is_unknown(number)
    }


def _pieces(processor: sentencepiece.SentencePieceProcessor) -> list[str]:
    pieces: list[str] = processor.id_to_piece(list(range(processor.get_piece_size())))
    return pieces
