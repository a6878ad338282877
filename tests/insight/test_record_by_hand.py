"""Recorded weights against the formulas worked in NumPy, and against what the fast path made of them.

Letters: T rows, S columns, H heads, G key/value heads, K head width.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from trasluz.attention.multihead import MultiHead
from trasluz.attention.score import MLP, SCORES, Bilinear, Cosine, ScaledDot, Score
from trasluz.decoding.translator import Translator
from trasluz.insight.record import record
from trasluz.layers.recurrent import Attention
from trasluz.models.loaded import LoadedModel
from trasluz.models.recurrent import Recurrent

TEXT, TARGET = "the cat sees a house", "el gato ve dos manzanas"
CONVENTIONS: tuple[dict[str, Any], ...] = ({}, {"input_feeding": True}, {"query": "previous"})

Array = NDArray[np.float64]
Make = Callable[..., LoadedModel]
MakeTranslator = Callable[[LoadedModel], Translator]


def numbers(tensor: Tensor) -> Array:
    array: Array = tensor.detach().double().numpy()
    return array


def formula(score: Score, *, head: int, group: int) -> Callable[[Array, Array], float]:
    """What a score says of one query and one key."""
    if isinstance(score, Bilinear):
        matrix = numbers(score.weight[head])
        return lambda q, k: float(q @ matrix @ k)
    if isinstance(score, MLP):
        vector = numbers(score.vector[head, :, 0])
        query, key = numbers(score.query[head]), numbers(score.key[group])
        return lambda q, k: float(vector @ np.tanh(q @ query + k @ key))
    if isinstance(score, Cosine):
        temperature = float(score.temperature[head])
        return lambda q, k: float(temperature * q @ k / (np.linalg.norm(q) * np.linalg.norm(k)))
    scale = 1 / math.sqrt(4) if isinstance(score, ScaledDot) else 1.0
    return lambda q, k: float(scale * q @ k)


def softmax(scores: Array) -> Array:
    raised = np.exp(scores - scores.max(-1, keepdims=True))
    weights: Array = raised / raised.sum(-1, keepdims=True)
    return weights


def linear(layer: nn.Linear, x: Array) -> Array:
    result: Array = x @ numbers(layer.weight).T + numbers(layer.bias)
    return result


def by_hand(part: MultiHead, x: Array, memory: Array, *, causal: bool) -> tuple[Array, Array]:
    """The weights [H,T,S] of an attention, and what its heads find side by side [T,HK]."""
    H, G, K = part.heads, part.kv_heads, part.head_width
    query = linear(part.query, x).reshape(-1, H, K)
    key, value = (linear(layer, memory).reshape(-1, G, K) for layer in (part.key, part.value))
    weights, found = [], []
    for head in range(H):
        group = head * G // H
        compare = formula(part.score, head=head, group=group)
        scores = np.array([[compare(q, k) for k in key[:, group]] for q in query[:, head]])
        if causal:
            scores[np.triu_indices(len(scores), 1)] = -np.inf
        weights.append(softmax(scores))
        found.append(weights[-1] @ value[:, group])
    return np.stack(weights), np.concatenate(found, -1)


class Fast:
    """What goes through the attentions of a model while nobody listens."""

    def __init__(self, parts: list[MultiHead]) -> None:
        self.seen: list[dict[str, Array]] = [{} for _ in parts]
        for kept, part in zip(self.seen, parts, strict=True):
            for name in ("query", "key", "output"):
                layer = getattr(part, name)
                layer.register_forward_pre_hook(self._keep(kept, name))

    def _keep(self, kept: dict[str, Array], name: str) -> Callable[..., None]:
        def keep(layer: nn.Module, given: tuple[Any, ...]) -> None:
            kept[name] = numbers(given[0][0])

        return keep


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("kind", ["transformer", "decoder-only"])
@pytest.mark.parametrize("groups", [3, 6])
@torch.inference_mode()
def test_weights_are_the_formula_and_lead_to_what_the_fast_path_made(
    untrained: Make, translator_of: MakeTranslator, kind: str, score: str, groups: int
) -> None:
    loaded = untrained(kind, attention={"score": score, "kv_heads": groups})
    model, tokenizer = loaded.model, loaded.tokenizer
    exhibit = record(translator_of(loaded), TEXT, target=TARGET)
    attentions = model.attentions()
    parts = [
        part
        for own in (attentions.encoder, attentions.decoder, attentions.cross)
        for part in own
        if isinstance(part, MultiHead)
    ]
    fast = Fast(parts)
    source = torch.tensor([[*tokenizer.encode(TEXT), tokenizer.end_id]])
    target = torch.tensor([[*tokenizer.encode(TARGET), tokenizer.end_id]])
    given = model.teacher_forced(target)
    if kind == "decoder-only":
        given = torch.cat([given, target[:, -1:]], 1)  # the last token is seen as well
    model(source, given)
    recorded = [(name, layer) for name, weights in exhibit.weights() for layer in weights]
    assert len(recorded) == len(parts) == (6 if kind == "transformer" else 2)
    for (name, weights), part, seen in zip(recorded, parts, fast.seen, strict=True):
        expected, found = by_hand(part, seen["query"], seen["key"], causal=name == "decoder")
        np.testing.assert_allclose(weights.numpy(), expected, atol=1e-5)
        np.testing.assert_allclose(seen["output"], found, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("convention", CONVENTIONS, ids=["current", "fed", "previous"])
@torch.inference_mode()
def test_recurrent_weights_are_the_formula_and_lead_to_what_the_fast_path_found(
    untrained: Make, translator_of: MakeTranslator, convention: dict[str, Any], score: str
) -> None:
    loaded = untrained("recurrent", attention={"score": score, **convention})
    model, tokenizer = loaded.model, loaded.tokenizer
    exhibit = record(translator_of(loaded), TEXT, target=TARGET)
    assert isinstance(model, Recurrent)
    attention = model.decoder.attention
    assert isinstance(attention, Attention)
    queries, contexts, memories = [], [], []

    def keep(part: nn.Module, given: tuple[Any, ...], found: Tensor) -> None:
        queries.append(numbers(given[0][0]))
        memories.append(numbers(given[1].value[0, 0]))
        contexts.append(numbers(found[0]))

    attention.register_forward_hook(keep)
    source = torch.tensor([[*tokenizer.encode(TEXT), tokenizer.end_id]])
    target = torch.tensor([[*tokenizer.encode(TARGET), tokenizer.end_id]])
    model(source, model.teacher_forced(target))
    compare = formula(attention.score, head=0, group=0)
    if isinstance(attention.score, ScaledDot):
        width = queries[0].shape[-1]
        compare = lambda q, k: float(q @ k / math.sqrt(width))  # noqa: E731
    memory = memories[0]
    expected = softmax(np.array([[compare(q, k) for k in memory] for q in np.concatenate(queries)]))
    assert exhibit.cross is not None
    np.testing.assert_allclose(exhibit.cross[0, 0].numpy(), expected, atol=1e-5)
    np.testing.assert_allclose(np.concatenate(contexts), expected @ memory, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", ["rotary", "relative", "learned", "none"])
@pytest.mark.parametrize("model", ["transformer", "decoder-only"])
@torch.inference_mode()
def test_with_every_position_weights_times_values_are_what_the_fast_path_made(
    untrained: Make, translator_of: MakeTranslator, model: str, kind: str
) -> None:
    loaded = untrained(model, position={"kind": kind})
    exhibit = record(translator_of(loaded), TEXT, target=TARGET)
    parts = [part for part in loaded.model.attentions().decoder if isinstance(part, MultiHead)]
    fast = Fast(parts)
    tokenizer = loaded.tokenizer
    source = torch.tensor([[*tokenizer.encode(TEXT), tokenizer.end_id]])
    target = torch.tensor([[*tokenizer.encode(TARGET), tokenizer.end_id]])
    given = loaded.model.teacher_forced(target)
    if model == "decoder-only":
        given = torch.cat([given, target[:, -1:]], 1)
    loaded.model(source, given)
    assert exhibit.decoder is not None
    for weights, part, seen in zip(exhibit.decoder, parts, fast.seen, strict=True):
        value = linear(part.value, seen["key"]).reshape(-1, part.kv_heads, part.head_width)
        heads = [weights[h].double().numpy() @ value[:, h * part.kv_heads // part.heads] for h in range(6)]
        np.testing.assert_allclose(seen["output"], np.concatenate(heads, -1), atol=1e-5, rtol=1e-5)
