"""Tokenisers of foreign checkpoints, small ones, made with the libraries that real ones are made with."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import sentencepiece
import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

from trasluz.config import DecoderOnlyConfig, TransformerConfig
from trasluz.models.families.family import Files
from trasluz.parse import parse

LEARNT = [
    "the cat sees the dog",
    "el gato ve al perro",
    "where are the dogs? the cats are here!",
    "¿dónde están los perros? ¡el año!",
    "the dog, the cat: and the house; fine",
    "a b c d e f g h i j k l m n o p q r s t u v w x y z",
    "A B C D E F G H I J K L M N O P Q R S T U V W X Y Z < > / _ _ | 0 1 2 3 4 5 6 7 8 9 . , ! ? ' - ( )",
    "世 界 猫 犬 世界",
]
WORDS = [
    "the cat sees the dog",
    "¿Dónde están los perros?",
    "Hello, world! (it's a well-known dog.)",
    "two  spaces   and more",
    " one before",
    "naïve café, ñandú; año",
    "cafe\u0301",
    "😀 smile 👩‍👩‍👧",
    "世界 猫犬",
    "unseen: Ж ض ऋ",
    "tab\tand\nline",
    "the\u00a0cat",
    "",
    "a",
    "...",
    "▁the ▁",
    "<0x41> <0xE2>",
]
"""Texts on which the reference and sentencepiece agree."""
FOLDED = ["ﬁne １２ ㎏ Ⅳ", "a\u200bb"]
"""Texts that the usual normalization of sentencepiece changes."""
SYMBOLS = ["</s>", "<s>", "<pad>", "<unk>", "a </s> b", "<mask> the", "<extra_id_0> the", "<|endoftext|>"]
"""Texts in which symbols are spelt out."""


def sentencepiece_model(
    texts: Sequence[str] = LEARNT,
    *,
    kind: Literal["unigram", "bpe"] = "unigram",
    vocabulary: int = 150,
    plain: bool = False,
    **more: Any,
) -> bytes:
    """A model with the normalization of most translators, or with none and with bytes if it is `plain`."""
    rule = {"normalization_rule_name": "identity", "remove_extra_whitespaces": False, "byte_fallback": True}
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([*texts] * 5),
        model_writer=model,
        model_type=kind,
        vocab_size=vocabulary + 256 * plain,
        hard_vocab_limit=False,
        minloglevel=3,
        **((rule if plain else {"normalization_rule_name": "nmt_nfkc"}) | more),
    )
    return model.getvalue()


def processor(model: bytes) -> sentencepiece.SentencePieceProcessor:
    """The model, ready for texts."""
    found = sentencepiece.SentencePieceProcessor()
    found.LoadFromSerializedProto(model)
    return found


def scored(model: bytes) -> list[tuple[str, float]]:
    """Every piece of a model with its score."""
    own = processor(model)
    return [(own.id_to_piece(at), own.get_score(at)) for at in range(own.get_piece_size())]


def normalization(model: bytes) -> bytes:
    """The table of characters in a model, which its file has in group 3, part 2, of protocol buffers."""
    return _field(_field(model, 3), 2)


def _field(data: bytes, wanted: int) -> bytes:
    """The last field of that number; only numbers (wire types 0 and 5) and bytes (2) are met."""
    at, found = 0, b""

    def number() -> int:
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = data[at]
            at, value, shift = at + 1, value | (byte & 0x7F) << shift, shift + 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = number()
        if key & 7 == 2:
            length = number()
            found = data[at : at + length] if key >> 3 == wanted else found
            at += length
        elif key & 7 == 5:
            at += 4
        else:
            number()
    return found


def bytelevel(*, vocabulary: int = 330, symbols: Sequence[str] = ("<|endoftext|>",)) -> tokenizers.Tokenizer:
    """Byte-level BPE as GPT-2 has it."""
    made = tokenizers.Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=list(symbols),
        show_progress=False,
    )
    made.train_from_iterator([*LEARNT * 5, "😀 😀 猫猫 世界 世界"], trainer)
    return made


def fairseq_vocabulary(model: bytes, behind: Iterable[str] = ()) -> list[tuple[str, float]]:
    """Pieces and scores in the order of fairseq, with symbols around."""
    before = [(name, 0.0) for name in ("<s>", "<pad>", "</s>", "<unk>")]
    return [*before, *scored(model)[3:], *((name, 0.0) for name in behind)]


def write(directory: Path, files: Mapping[str, Any]) -> Files:
    """A directory with these files: bytes, text, or what is to be JSON."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        text = content if isinstance(content, str | bytes) else json.dumps(content)
        (directory / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return Files(directory)


def seq2seq(rows: int, *, pad: int = 1, start: int = 2, end: int = 2, unknown: int = 3) -> TransformerConfig:
    """The configuration of a translator with that many rows in its table."""
    symbols = {"pad": pad, "start": start, "end": end, "unknown": unknown}
    settings = {"width": 8, "embedding": {"vocabulary": rows}, "symbols": symbols}
    return parse(TransformerConfig, settings, where="test")


def decoder_only(rows: int, *, pad: int, start: int, end: int) -> DecoderOnlyConfig:
    """The configuration of a language model with that many rows in its table."""
    symbols = {"pad": pad, "start": start, "end": end, "unknown": end}
    settings = {"width": 8, "embedding": {"vocabulary": rows}, "symbols": symbols}
    return parse(DecoderOnlyConfig, settings, where="test")
