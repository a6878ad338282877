"""One matrix out of an exhibit: between words as the page has them; what there is not is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch

from trasluz.errors import TrasluzError
from trasluz.insight.exhibit import Exhibit
from trasluz.insight.matrix import join_pieces, matrix_of

if TYPE_CHECKING:
    from tests.insight.conftest import Drawn

SOURCE_WORDS = ("The", "girl", "reads", "letters", ".", "</s>")
TARGET_WORDS = ("La", "niña", "no", "lee", "cartas", ".", "</s>")


def test_pieces_are_summed_where_they_are_looked_at_and_averaged_where_they_look() -> None:
    weights = torch.tensor([[0.1, 0.2, 0.7], [0.3, 0.4, 0.3], [0.5, 0.5, 0.0]])
    joined = join_pieces(weights, rows=[0, 1, 1], columns=[0, 0, 1])
    torch.testing.assert_close(joined, torch.tensor([[0.3, 0.7], [0.85, 0.15]]))


def test_without_a_choice_it_is_the_mean_of_the_last_layer_of_cross_attention(exhibit: Exhibit) -> None:
    matrix = matrix_of(exhibit)
    assert (matrix.rows, matrix.columns) == (TARGET_WORDS, SOURCE_WORDS)
    assert matrix.title == "cross-attention, layer 3, mean of its heads"
    assert exhibit.cross is not None
    pieces = exhibit.cross[2].mean(0)  # "niña" has pieces 1 to 4, "letters" 3 and 4, "cartas" 7 and 8
    torch.testing.assert_close(matrix.weights[1, 3], pieces[1:5, 3:5].sum(1).mean())
    torch.testing.assert_close(matrix.weights[4, 0], pieces[7:9, 0].mean())
    torch.testing.assert_close(matrix.weights.sum(1), torch.ones(7), atol=1e-3, rtol=0)


def test_layers_and_heads_are_counted_from_one(exhibit: Exhibit) -> None:
    assert exhibit.encoder is not None
    matrix = matrix_of(exhibit, kind="encoder", layer=1, head=2)
    assert matrix.title == "encoder self-attention, layer 1, head 2"
    assert (matrix.rows, matrix.columns) == (SOURCE_WORDS, SOURCE_WORDS)
    torch.testing.assert_close(matrix.weights[0, 0], exhibit.encoder[0, 1, 0, 0])


def test_columns_of_a_decoder_are_what_it_has_read(exhibit: Exhibit) -> None:
    matrix = matrix_of(exhibit, kind="decoder")
    assert matrix.rows == TARGET_WORDS
    assert matrix.columns == ("<s>", *TARGET_WORDS[:-1])


def test_rows_of_one_sequence_are_named_after_what_they_predict(drawn: Drawn) -> None:
    text = ["<s>", "▁The", "▁girl", "▁ni", "ña"]
    weights = drawn.weights(5, 5, causal=True)
    matrix = matrix_of(Exhibit(source=(), target=text, decoder=weights, prompt_length=3))
    assert matrix.columns == ("<s>", "The", "girl", "niña")
    assert matrix.rows == ("The", "girl", "niña", "…")
    pieces = weights[-1].mean(0)
    torch.testing.assert_close(matrix.weights[2, 3], pieces[2:4, 3:5].sum(1).mean())
    torch.testing.assert_close(matrix.weights[3, 0], pieces[4, 0])


def test_the_first_word_may_be_cut(drawn: Drawn) -> None:
    """Its first piece was predicted by nothing, its second was."""
    weights = drawn.weights(3, 3, causal=True)
    matrix = matrix_of(Exhibit(source=(), target=["▁ni", "ña", "</s>"], decoder=weights, prompt_length=2))
    assert (matrix.rows, matrix.columns) == (("niña", "</s>", "…"), ("niña", "</s>"))


def test_one_head_is_said_to_be_the_only_one() -> None:
    exhibit = Exhibit(source=["▁a", "</s>"], target=["▁b"], cross=torch.full((1, 1, 1, 2), 0.5))
    assert matrix_of(exhibit).title == "cross-attention, layer 1, its only head"


def test_what_there_is_not_is_refused_with_how_many_there_are(exhibit: Exhibit) -> None:
    for layer in (0, 4, -1):
        with pytest.raises(
            TrasluzError, match=rf"no layer {layer}: the cross-attention has 3, numbered 1 to 3"
        ):
            matrix_of(exhibit, layer=layer)
    with pytest.raises(
        TrasluzError, match="no head 3: the layer 2 of the encoder self-attention has 2, numb"
    ):
        matrix_of(exhibit, kind="encoder", layer=2, head=3)
    with pytest.raises(
        TrasluzError, match="unknown kind of attention 'crosss'; allowed, nearest first: cros"
    ):
        matrix_of(exhibit, kind="crosss")
    alone = replace(exhibit, encoder=None, decoder=None)
    with pytest.raises(TrasluzError, match="this model has no decoder self-attention; what it has: cross"):
        matrix_of(alone, kind="decoder")
    single = Exhibit(source=["▁a", "</s>"], target=["▁b"], cross=torch.full((1, 1, 1, 2), 0.5))
    with pytest.raises(TrasluzError, match="no head 2: the layer 1 of the cross-attention has only 1; "):
        matrix_of(single, head=2)
