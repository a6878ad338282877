"""Subword sampling: other pieces in other epochs, the same text, and no chance but that of its place."""

from __future__ import annotations

import numpy as np
import pytest

from trasluz.corpus.batch import Sequences
from trasluz.corpus.sampling import SampledSequences
from trasluz.text.sentencepieces import SentencePieces

TEXTS = ["the cat sees the dog", "where are the dogs?", "the dogs see", "a cat", "the dogs are there"]
ALL = np.arange(len(TEXTS))


@pytest.fixture(scope="module")
def tokenizer() -> SentencePieces:
    return SentencePieces.learn(TEXTS * 7, vocabulary=310)


def sampled(tokenizer: SentencePieces, share: float, seed: int = 1) -> SampledSequences:
    framed = tokenizer.frame.target
    fixed = Sequences.from_lists([framed(tokenizer.encode(text)) for text in TEXTS])
    return SampledSequences(fixed, TEXTS, tokenizer=tokenizer, framed=framed, share=share, seed=seed)


def test_no_source_stays_no_source(tokenizer: SentencePieces) -> None:
    nothing = SampledSequences(
        Sequences.from_lists([[], []]),
        ["", ""],
        tokenizer=tokenizer,
        framed=tokenizer.frame.source,
        share=1.0,
        seed=1,
    )
    assert [row.tolist() for row in nothing.rows(np.arange(2), epoch=0)] == [[], []]


def test_every_way_spells_the_text_and_ends(tokenizer: SentencePieces) -> None:
    for epoch in range(7):
        rows = sampled(tokenizer, 1.0).rows(ALL, epoch=epoch)
        assert [tokenizer.decode(row.tolist()) for row in rows] == TEXTS
        assert {int(row[-1]) for row in rows} == {tokenizer.end_id}


def test_epochs_differ_and_each_place_can_be_sought(tokenizer: SentencePieces) -> None:
    sequences = sampled(tokenizer, 1.0)
    epochs = [[row.tolist() for row in sequences.rows(ALL, epoch=epoch)] for epoch in range(5)]
    assert len({str(rows) for rows in epochs}) == 5
    alone = sampled(tokenizer, 1.0).rows(np.array([3]), epoch=4)
    assert alone[0].tolist() == epochs[4][3]


def test_a_share_of_none_is_the_usual_way(tokenizer: SentencePieces) -> None:
    rows = sampled(tokenizer, 0.0).rows(ALL, epoch=2)
    assert [row.tolist() for row in rows] == [[*tokenizer.encode(text), tokenizer.end_id] for text in TEXTS]
