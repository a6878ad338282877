"""The table of embeddings looked at: neighbours by NumPy's cosine, a map by its covariance."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.models.families.checkpoints import ALL
from trasluz.decoding.generator import Generator
from trasluz.decoding.translator import Translator
from trasluz.errors import TrasluzError
from trasluz.insight.embeddings import embedding_of, map_of, neighbors, written_pieces
from trasluz.models.loaded import LoadedModel
from trasluz.models.transformer import Transformer
from trasluz.text.tokenizer import Tokenizer

Array = NDArray[np.float64]
Make = Callable[..., LoadedModel]
MakeTranslator = Callable[[LoadedModel], Translator]


@pytest.fixture
def translator(small: LoadedModel, translator_of: MakeTranslator) -> Translator:
    return translator_of(small)


def table(translator: Translator) -> Array:
    assert isinstance(translator.model, Transformer)
    vectors: Array = translator.model.source_embedding.table.weight.detach().double().numpy()
    return vectors


def singles(tokenizer: Tokenizer) -> list[str]:
    """Words that are one piece."""
    pieces = tokenizer.pieces(written_pieces(tokenizer))
    return [piece[1:] for piece in pieces if len(tokenizer.encode(piece[1:])) == 1 and piece[0] == "▁"]


@pytest.mark.parametrize(
    ("name", "symbol"), [("t5", "<extra_id_7>"), ("m2m100", "__de__"), ("mbart 50 hub", "de_DE")]
)
def test_codes_of_languages_and_sentinels_are_no_words(name: str, symbol: str, tmp_path: Path) -> None:
    tokenizer = ALL[name](tmp_path).ours
    assert symbol in tokenizer.pieces(range(len(tokenizer)))
    assert symbol not in tokenizer.pieces(written_pieces(tokenizer))


@pytest.mark.parametrize("word", [None, "  sister ", "xylophone", "猫"])
def test_neighbors_are_those_of_the_largest_cosine(translator: Translator, word: str | None) -> None:
    tokenizer = translator.tokenizer
    word = singles(tokenizer)[0] if word is None else word
    vectors = table(translator)
    ids = tokenizer.encode(word.strip())
    mean = vectors[ids].mean(0)
    cosines = vectors @ mean / np.linalg.norm(vectors, axis=1) / np.linalg.norm(mean)
    others = [one for one in written_pieces(tokenizer) if one not in ids]
    best = sorted(others, key=lambda one: -cosines[one])[:7]
    found = neighbors(translator, word, most=7)
    np.testing.assert_allclose([one.cosine for one in found], cosines[best], atol=1e-9)
    pieces = tokenizer.pieces(best)
    assert [one.piece for one in found] == [
        piece[1:] if piece.startswith("▁") else f"-{piece}" for piece in pieces
    ]


def test_a_vector_that_points_the_same_way_is_the_nearest(
    untrained: Make, translator_of: MakeTranslator
) -> None:
    loaded = untrained()
    cat, dog = singles(loaded.tokenizer)[:2]
    assert isinstance(loaded.model, Transformer)
    weight = loaded.model.source_embedding.table.weight
    with torch.no_grad():
        weight[loaded.tokenizer.encode(dog)] = 3 * weight[loaded.tokenizer.encode(cat)]
    nearest = neighbors(translator_of(loaded), cat, most=1)[0]
    assert nearest.piece == dog
    assert nearest.cosine == pytest.approx(1)


def test_symbols_bytes_and_bare_space_are_no_neighbors(translator: Translator) -> None:
    pieces = translator.tokenizer.pieces(written_pieces(translator.tokenizer))
    assert not {"<pad>", "<s>", "</s>", "<unk>", "<0x41>", "▁"} & set(pieces)
    assert len(pieces) == len(translator.tokenizer) - 4 - 256 - 1
    word = singles(translator.tokenizer)[0]
    assert len(neighbors(translator, word, most=10_000)) == len(pieces) - 1


def test_each_side_has_its_table(
    untrained: Make, translator_of: MakeTranslator, generator: Generator
) -> None:
    translator = translator_of(untrained())
    model = translator.model
    assert isinstance(model, Transformer)
    assert embedding_of(translator) is model.source_embedding
    assert embedding_of(translator, side="target") is model.target_embedding
    assert embedding_of(generator, side="target") is generator.model.embedding
    assert neighbors(translator_of(untrained("recurrent")), "cat", side="target", most=1)


def test_a_map_lies_in_the_two_directions_of_most_variance(translator: Translator) -> None:
    frequent = written_pieces(translator.tokenizer)[:23]
    vectors = table(translator)[frequent]
    centred = vectors - vectors.mean(0)
    variances, directions = np.linalg.eigh(centred.T @ centred)  # rising
    found = map_of(translator, most=23)
    assert len(found.names) == 23
    shares = variances[::-1] / variances.sum()
    np.testing.assert_allclose(found.explained, shares[:2], rtol=1e-9)
    for axis in (0, 1):
        direction = directions[:, -1 - axis]
        direction = direction * np.sign(direction[np.abs(direction).argmax()])
        np.testing.assert_allclose(found.points[:, axis].numpy(), centred @ direction, atol=1e-9)


def test_words_are_laid_into_the_map_of_the_pieces(translator: Translator) -> None:
    word = singles(translator.tokenizer)[0]
    plain, with_words = map_of(translator, most=23), map_of(translator, most=23, words=(word, "xylophone"))
    assert with_words.names == (*plain.names, word, "xylophone")
    torch.testing.assert_close(with_words.points[:23], plain.points)
    place = plain.names.index(word)
    torch.testing.assert_close(with_words.points[23], plain.points[place])


def test_what_cannot_be_looked_at_is_refused(translator: Translator) -> None:
    with pytest.raises(TrasluzError, match="the word is blank"):
        neighbors(translator, "  ")
    with pytest.raises(TrasluzError, match="0 neighbours are asked for; ask for 1 or more"):
        neighbors(translator, "cat", most=0)
    with pytest.raises(TrasluzError, match="unknown side 'sauce'; allowed, nearest first: source, target"):
        neighbors(translator, "cat", side="sauce")
    with pytest.raises(TrasluzError, match="a map of 2 pieces is asked for; ask for 3 or more"):
        map_of(translator, most=2)
    with pytest.raises(TrasluzError, match="a map of 0 pieces is asked for"):
        map_of(translator, most=-5)
    with pytest.raises(TrasluzError, match="a word for the map is blank"):
        map_of(translator, words=("cat", ""))
