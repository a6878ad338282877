"""Recorded attention: distributions of the shapes that are promised, and those that the fast path used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from trasluz.attention.attend import share
from trasluz.attention.multihead import MultiHead
from trasluz.config import RecurrentConfig, parse
from trasluz.decoding.translator import Translator
from trasluz.errors import TrasluzError
from trasluz.insight.record import Attention, listening, record
from trasluz.layers.stack import CrossAttention, Stack
from trasluz.models.build import build_model
from trasluz.models.directory import LoadedModel
from trasluz.models.transformer import Transformer

TEXT, TARGET = "the cat sees a house", "el gato ve dos manzanas"
LAYERS, HEADS = 2, 3


@pytest.fixture
def translator(small: LoadedModel) -> Translator:
    return Translator(small.model, small.tokenizer, longest_source=29)


@pytest.fixture
def attention(translator: Translator) -> Attention:
    return record(translator, TEXT, target=TARGET)


def parts(small: LoadedModel) -> list[MultiHead]:
    return [module for module in small.model.modules() if isinstance(module, MultiHead)]


def test_every_row_is_a_distribution(attention: Attention) -> None:
    for weights in (attention.encoder, attention.decoder, attention.cross):
        torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]), atol=1e-5, rtol=0)
        assert (weights >= 0).all()


def test_shapes_are_those_of_the_pieces(attention: Attention, small: LoadedModel) -> None:
    source, target = (
        [*small.tokenizer.pieces(small.tokenizer.encode(text)), "</s>"] for text in (TEXT, TARGET)
    )
    assert (list(attention.source), list(attention.target)) == (source, target)
    S, T = len(source), len(target)
    assert S != T
    assert attention.encoder.shape == (LAYERS, HEADS, S, S)
    assert attention.decoder.shape == (LAYERS, HEADS, T, T)
    assert attention.cross.shape == (LAYERS, HEADS, T, S)


def test_no_piece_of_the_target_looks_at_a_later_one(attention: Attention) -> None:
    assert (attention.decoder.triu(1) == 0).all()
    assert (attention.decoder[:, :, 0, 0] == 1).all()


def test_heads_and_layers_differ(attention: Attention) -> None:
    heads = attention.cross.flatten(0, 1)
    for first in range(LAYERS * HEADS):
        for second in range(first):
            assert not torch.allclose(heads[first], heads[second], atol=1e-3)


class Watched:
    """What the multi-head attentions of a stack were given and gave, pass by pass."""

    def __init__(self, chosen: list[MultiHead]) -> None:
        self.values: list[list[Tensor]] = [[] for _ in chosen]
        self.gave: list[list[Tensor]] = [[] for _ in chosen]
        self.hooks = [
            part.register_forward_hook(self._hook(number), with_kwargs=True)
            for number, part in enumerate(chosen)
        ]

    def _hook(self, number: int) -> Callable[..., None]:
        def keep(part: MultiHead, given: tuple[Any, ...], named: dict[str, Any], gave: Tensor) -> None:
            self.values[number].append(named["values"] if "values" in named else given[2])
            self.gave[number].append(gave)

        return keep

    def stop(self) -> None:
        """Watch no longer."""
        for hook in self.hooks:
            hook.remove()


def looks(stack: Stack, kind: str) -> list[MultiHead]:
    found: list[MultiHead] = []
    for block in stack.blocks:
        if kind == "self":
            found.append(block.self_attention.multihead)
        else:
            assert isinstance(block.cross_attention, CrossAttention)
            found.append(block.cross_attention.multihead)
    return found


@pytest.mark.parametrize("kind", ["self", "cross"])
@torch.inference_mode()
def test_weights_times_values_are_what_the_fast_path_made_step_by_step(
    small: LoadedModel, attention: Attention, kind: str
) -> None:
    tokenizer, model = small.tokenizer, small.model
    assert isinstance(model, Transformer)
    source = torch.tensor([[*tokenizer.encode(TEXT), tokenizer.end_id]])
    chosen = looks(model.decoder, kind)
    watched = Watched(chosen)
    tokens, state = model.start(source)
    for token in [*tokenizer.encode(TARGET), tokenizer.end_id]:
        model.step(tokens, state)
        tokens = torch.tensor([token])
    watched.stop()
    recorded = attention.cross if kind == "cross" else attention.decoder  # [L,H,T,S]
    for layer, part in enumerate(chosen):
        for t, gave in enumerate(watched.gave[layer]):
            values = share(watched.values[layer][t], heads=HEADS)[0]  # [H,S,K]
            weights = recorded[layer, :, t : t + 1, : values.shape[1]]  # [H,1,S]
            looked = part.output((weights @ values).transpose(0, 1).flatten(1))  # [1,D]
            torch.testing.assert_close(looked[None], gave, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_weights_times_values_are_what_the_fast_encoder_made(
    small: LoadedModel, attention: Attention
) -> None:
    source = torch.tensor([[*small.tokenizer.encode(TEXT), small.tokenizer.end_id]])
    model = small.model
    assert isinstance(model, Transformer)
    chosen = looks(model.encoder, "self")
    watched = Watched(chosen)
    model.encode(source, remembers=False)
    watched.stop()
    for layer, part in enumerate(chosen):
        values = share(watched.values[layer][0], heads=HEADS)[0]  # [H,S,K]
        looked = part.output((attention.encoder[layer] @ values).transpose(0, 1).flatten(1))  # [S,D]
        torch.testing.assert_close(looked[None], watched.gave[layer][0], atol=1e-4, rtol=1e-4)


def test_without_a_target_the_one_that_was_decoded_is_seen_piece_by_piece(
    translator: Translator, small: LoadedModel
) -> None:
    tokenizer = small.tokenizer
    for text in (TEXT, "my sister finds two apples", "  our teacher  "):
        best = translator.search([tokenizer.encode(text.strip())])[0][0]
        decoded = [*best.ids, tokenizer.end_id] if best.finished else list(best.ids)
        assert list(record(translator, text).target) == tokenizer.pieces(decoded)


def test_a_text_beyond_the_range_has_no_single_pass_and_that_is_said(translator: Translator) -> None:
    with pytest.raises(TrasluzError, match="29"):
        record(translator, "the cat sees a house. " * 7)


def test_afterwards_nobody_listens(small: LoadedModel, attention: Attention) -> None:
    assert attention.cross.numel() > 0
    assert [part.listener for part in parts(small)] == [None] * len(parts(small))


def test_after_an_error_nobody_listens_either(small: LoadedModel) -> None:
    def fail() -> None:
        with listening(parts(small)) as heard:
            assert all(part.listener is not None for part in parts(small))
            small.model(torch.tensor([[5, 2]]), torch.tensor([[1]]))
            assert len(heard) == len(parts(small))
            raise RuntimeError("in the midst of it")

    with pytest.raises(RuntimeError, match="in the midst of it"):
        fail()
    assert [part.listener for part in parts(small)] == [None] * len(parts(small))


def test_to_be_seen_changes_nothing(translator: Translator) -> None:
    before = translator.translate(TEXT)
    record(translator, TEXT)
    assert translator.translate(TEXT) == before


@pytest.mark.parametrize(
    ("query", "score", "layers"), [("current", "dot", 1), ("previous", "mlp", 1), ("current", "none", 0)]
)
def test_a_recurrent_model_has_one_attention_or_none(
    small: LoadedModel, query: str, score: str, layers: int
) -> None:
    settings = {
        "width": 22,
        "embedding": {"vocabulary": len(small.tokenizer)},
        "decoder": {"attention": {"score": score, "query": query}},
    }
    model = build_model(parse(RecurrentConfig, settings, where="test")).eval()
    seen = record(Translator(model, small.tokenizer, longest_source=29), TEXT, target=TARGET)
    queries, keys = len(seen.target), len(seen.source)
    assert seen.cross.shape == (layers, layers, queries, keys)
    assert seen.encoder.shape == (0, 0, keys, keys)
    assert seen.decoder.shape == (0, 0, queries, queries)
    torch.testing.assert_close(seen.cross.sum(-1), torch.ones(layers, layers, queries))
