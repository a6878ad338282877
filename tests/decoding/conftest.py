"""Models and a tokeniser made up for tests of searching: small enough to try every hypothesis."""

from __future__ import annotations

import codecs
import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from trasluz.config import DecoderOnlyConfig, EmbeddingConfig, StackConfig
from trasluz.models.build import build_model
from trasluz.models.decoder_only import DecoderOnly
from trasluz.text.sentencepieces import SentencePieces
from trasluz.text.tokenizer import Frame

PAD, START, END, UNKNOWN, FIRST_WORD = 0, 1, 2, 3, 4


@dataclass
class Prefixes:
    """A state that remembers, for each row, its source and every token fed."""

    sources: list[tuple[int, ...]]
    prefixes: list[tuple[int, ...]]

    def select(self, rows: Tensor) -> Prefixes:
        """The given rows."""
        chosen = rows.tolist()
        return Prefixes([self.sources[row] for row in chosen], [self.prefixes[row] for row in chosen])

    def reorder(self, rows: Tensor) -> Prefixes:
        """The prefixes of the given rows; each must come from a row of the same source."""
        chosen = self.select(rows)
        assert chosen.sources == self.sources
        return chosen


class MadeUpModel:
    """The next token depends on the source and on all tokens so far, in a way drawn by `seed`."""

    def __init__(
        self, *, words: int, seed: int = 0, end_logit: float = 0.0, forbidden_logit: float = 0.0
    ) -> None:
        self.vocabulary = FIRST_WORD + words
        self.pad_id, self.end_id, self.forbidden_ids = PAD, END, (PAD, START, UNKNOWN)
        self.seed, self.end_logit, self.forbidden_logit = seed, end_logit, forbidden_logit
        self.rows_fed: list[int] = []

    def start(self, source: Tensor) -> tuple[Tensor, Prefixes]:
        """The start symbol for each row, and nothing fed yet."""
        sources = [tuple(token for token in row if token != PAD) for row in source.tolist()]
        return torch.full((len(source),), START), Prefixes(sources, [()] * len(source))

    def step(self, tokens: Tensor, state: Prefixes) -> Tensor:
        """Logits [B,V] drawn anew for each source and prefix."""
        state.prefixes = [(*old, new) for old, new in zip(state.prefixes, tokens.tolist(), strict=True)]
        self.rows_fed.append(len(tokens))
        return torch.stack([self.draw(*row) for row in zip(state.sources, state.prefixes, strict=True)])

    def draw(self, source: tuple[int, ...], prefix: tuple[int, ...]) -> Tensor:
        """The logits [V] that follow a prefix."""
        key = zlib.crc32(repr((self.seed, source, prefix)).encode())
        logits = 2 * torch.randn(self.vocabulary, generator=torch.Generator().manual_seed(key))
        logits[END] += self.end_logit
        logits[list(self.forbidden_ids)] += self.forbidden_logit
        return logits


class Letters:
    """A tokeniser whose pieces are the ASCII characters."""

    frame = Frame(START, END, after=(END,))

    @property
    def target(self) -> Letters:
        """Itself."""
        return self

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """An id for each character."""
        return [[FIRST_WORD + ord(letter) for letter in text] for text in texts]

    def decode(self, ids: Sequence[int]) -> str:
        """The characters of the ids."""
        return "".join(chr(number - FIRST_WORD) for number in ids)


class Rot13Model:
    """A translator of letters: it is sure of each letter's partner, and half sure of a "?" in its place."""

    def __init__(self) -> None:
        self.vocabulary = FIRST_WORD + 128
        self.pad_id, self.end_id, self.forbidden_ids = PAD, END, (PAD, START, UNKNOWN)
        self.batches: list[tuple[int, int]] = []

    def start(self, source: Tensor) -> tuple[Tensor, Prefixes]:
        """The start symbol for each row, and nothing fed yet."""
        self.batches.append((source.shape[0], source.shape[1]))
        return torch.full((len(source),), START), Prefixes(
            [tuple(row) for row in source.tolist()], [()] * len(source)
        )

    def step(self, tokens: Tensor, state: Prefixes) -> Tensor:
        """Logits [B,V] that prefer the partner of the source's letter at this place."""
        state.prefixes = [(*old, new) for old, new in zip(state.prefixes, tokens.tolist(), strict=True)]
        logits = torch.full((len(tokens), self.vocabulary), -30.0)
        for row, (source, prefix) in enumerate(zip(state.sources, state.prefixes, strict=True)):
            token = source[min(len(prefix), len(source)) - 1]
            logits[row, self.partner(token)] = 0.0
            if token > UNKNOWN:
                logits[row, FIRST_WORD + ord("?")] = -1.0 - 0.1 * len(prefix)
        return logits

    def partner(self, token: int) -> int:
        """What a token becomes: a letter another one, anything else itself, and nothing an end."""
        if token <= UNKNOWN:
            return END
        return FIRST_WORD + ord(codecs.encode(chr(token - FIRST_WORD), "rot13"))


@pytest.fixture
def made_up() -> Callable[..., MadeUpModel]:
    """Makes a `MadeUpModel`."""
    return MadeUpModel


@pytest.fixture
def endless() -> MadeUpModel:
    """A model that never gives the end symbol."""
    return MadeUpModel(words=7, end_logit=-math.inf)


@pytest.fixture
def broken() -> MadeUpModel:
    """A model whose output is not a number."""
    return MadeUpModel(words=7, end_logit=math.nan)


@pytest.fixture
def rot13() -> Rot13Model:
    """A model that translates letters."""
    return Rot13Model()


@pytest.fixture
def letters() -> Letters:
    """The tokeniser of that model."""
    return Letters()


@pytest.fixture
def sources() -> Tensor:
    """Five sources of different lengths, padded; [5,7]."""
    rows = [(5, 6, 7, 8, 9, 10, END), (6, END), (9, 4, 4, END), (END,), (4, 9, 8, 7, END)]
    return torch.tensor([row + (PAD,) * (7 - len(row)) for row in rows])


@pytest.fixture(scope="module")
def tokenizer() -> SentencePieces:
    return SentencePieces.learn(["the cat sees the dog", "el gato ve al perro"] * 5, vocabulary=290)


@pytest.fixture(scope="module")
def config(tokenizer: SentencePieces) -> DecoderOnlyConfig:
    return DecoderOnlyConfig(
        width=16, embedding=EmbeddingConfig(vocabulary=len(tokenizer)), decoder=StackConfig(layers=1)
    )


@pytest.fixture(scope="module")
def model(config: DecoderOnlyConfig) -> DecoderOnly:
    torch.manual_seed(3)
    return build_model(config).eval()
