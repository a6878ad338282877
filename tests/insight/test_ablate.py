"""Heads switched off: as if zeroed by hand, on every path; and none switched off changes nothing at all.

Letters: H heads, K head width.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from trasluz.attention.attend import attend_fused, pass_all
from trasluz.attention.multihead import MultiHead
from trasluz.attention.score import SCORES
from trasluz.corpus.read import Pair
from trasluz.decoding.translator import Translator
from trasluz.errors import TrasluzError
from trasluz.evaluation.metrics import evaluate
from trasluz.insight.ablate import Effect, Head, ablate, heads_of, parse_heads, part_of, without
from trasluz.insight.record import record
from trasluz.models.loaded import LoadedModel
from trasluz.models.model import Model
from trasluz.models.recurrent import Recurrent

Make = Callable[..., LoadedModel]
MakeTranslator = Callable[[LoadedModel], Translator]

SOURCE = torch.tensor([[5, 6, 7, 8, 2], [9, 10, 2, 0, 0]])
GIVEN = torch.tensor([[1, 11, 12, 13], [1, 14, 15, 0]])
CHOSEN = {
    "transformer": [Head("encoder", 1, 2), Head("decoder", 2, 6), Head("cross", 1, 3), Head("cross", 1, 5)],
    "decoder-only": [Head("decoder", 1, 1), Head("decoder", 2, 4)],
    "recurrent": [Head("cross", 1, 1)],
}
TEXTS = ("the cat sees a house", "the dog", "my sister paints two apples")
PAIRS = [Pair(text, "el gato ve una casa"[: 7 + 4 * at].strip()) for at, text in enumerate(TEXTS)]


@torch.inference_mode()
def hidden(model: Model) -> Tensor:
    found: Tensor = model(SOURCE, GIVEN)
    return found


def zeroing(places: list[int], *, width: int) -> Callable[..., tuple[Tensor]]:
    """A hook that zeroes what some heads bring to the output projection."""

    def zero(layer: nn.Module, given: tuple[Any, ...]) -> tuple[Tensor]:
        joined = given[0].clone()  # [B,T,HK]
        for place in places:
            joined[..., place * width : (place + 1) * width] = 0.0
        return (joined,)

    return zero


@pytest.mark.parametrize("kind", CHOSEN)
def test_without_none_nothing_changes_and_afterwards_all_is_as_before(untrained: Make, kind: str) -> None:
    model = untrained(kind).model
    before = hidden(model)
    with without(model, []):
        assert torch.equal(hidden(model), before)
    with without(model, CHOSEN[kind]):
        assert not torch.allclose(hidden(model), before, atol=1e-3)
    assert torch.equal(hidden(model), before)
    assert all(part_of(model, head).gate is pass_all for head in heads_of(model))


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("kind", ["transformer", "decoder-only"])
def test_a_head_switched_off_is_zeroed_before_the_output_projection(
    untrained: Make, kind: str, score: str
) -> None:
    model = untrained(kind, attention={"score": score}).model
    with without(model, CHOSEN[kind]):
        switched_off = hidden(model)
    by_part: dict[MultiHead, list[int]] = {}
    for head in CHOSEN[kind]:
        part = part_of(model, head)
        assert isinstance(part, MultiHead)
        by_part.setdefault(part, []).append(head.head - 1)
    for part, places in by_part.items():
        part.output.register_forward_pre_hook(zeroing(places, width=part.head_width))
    assert torch.equal(hidden(model), switched_off)


@pytest.mark.parametrize("convention", [{}, {"input_feeding": True}, {"query": "previous"}])
def test_a_recurrent_model_then_finds_nothing(untrained: Make, convention: dict[str, Any]) -> None:
    model = untrained("recurrent", attention=convention).model
    with without(model, CHOSEN["recurrent"]):
        switched_off = hidden(model)
    assert isinstance(model, Recurrent)
    (attention,) = model.decoder.attentions()
    attention.register_forward_hook(lambda part, given, found: torch.zeros_like(found))
    assert torch.equal(hidden(model), switched_off)


def test_the_fast_path_stays_fast(untrained: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    fused: list[int] = []

    def counted(query: Tensor, *rest: Any, **named: Any) -> Tensor:
        fused.append(query.shape[1])
        return attend_fused(query, *rest, **named)

    monkeypatch.setattr("trasluz.attention.attend.attend_fused", counted)
    model = untrained().model
    with without(model, CHOSEN["transformer"]):
        hidden(model)
    assert fused == [6] * 6


@pytest.mark.parametrize("kind", CHOSEN)
@torch.inference_mode()
def test_step_by_step_it_is_as_at_once(untrained: Make, kind: str) -> None:
    model = untrained(kind).model
    source, given = SOURCE[:1], GIVEN[:1]
    with without(model, CHOSEN[kind]):
        at_once = model.output(model(source, given))
        _, state = model.start(source)
        for place in range(given.shape[1]):
            logits = model.step(given[:, place], state)
            torch.testing.assert_close(logits, at_once[:, place], atol=1e-5, rtol=1e-4)


def test_what_is_switched_off_twice_comes_back_one_by_one(untrained: Make) -> None:
    model = untrained().model
    first, second = Head("cross", 1, 3), Head("cross", 1, 5)
    with without(model, [first, second]):
        both = hidden(model)
    with without(model, [first]):
        one = hidden(model)
        with without(model, [second]):
            assert torch.equal(hidden(model), both)
        assert torch.equal(hidden(model), one)


def test_after_an_error_all_is_as_before_too(untrained: Make) -> None:
    model = untrained().model

    def fail() -> None:
        with without(model, CHOSEN["transformer"]):
            raise RuntimeError("in the midst of it")

    with pytest.raises(RuntimeError, match="in the midst of it"):
        fail()
    assert all(part_of(model, head).gate is pass_all for head in heads_of(model))


def test_weights_are_recorded_as_before_where_only_the_last_layer_is_switched_off(
    untrained: Make, translator_of: MakeTranslator
) -> None:
    """A head that is switched off still looks; what it finds goes nowhere."""
    loaded = untrained()
    translator = translator_of(loaded)
    before = record(translator, TEXTS[0], target="el gato").cross
    with without(loaded.model, [Head("cross", 2, 1)]):
        after = record(translator, TEXTS[0], target="el gato").cross
    assert before is not None
    assert after is not None
    assert torch.equal(before, after)


def test_every_head_is_named_once(untrained: Make) -> None:
    heads = heads_of(untrained().model)
    assert len(heads) == len(set(heads)) == 3 * 2 * 6
    assert str(heads[0]) == "encoder:1.1"
    assert str(heads[-1]) == "cross:2.6"
    assert heads_of(untrained("recurrent").model) == [Head("cross", 1, 1)]
    assert len(heads_of(untrained("decoder-only").model)) == 2 * 6


def test_names_are_read_back(untrained: Make) -> None:
    model = untrained().model
    assert parse_heads("cross:1.3, decoder:2.6", model) == [Head("cross", 1, 3), Head("decoder", 2, 6)]
    everything = heads_of(model)
    assert parse_heads(",".join(map(str, everything)), model) == everything


def test_the_loss_is_the_cross_entropy_of_each_pair_alone(
    untrained: Make, translator_of: MakeTranslator
) -> None:
    loaded = untrained()
    model, tokenizer = loaded.model, loaded.tokenizer
    group = CHOSEN["transformer"]
    whole, effect = ablate(translator_of(loaded), PAIRS, groups=[group])
    assert (whole.heads, effect.heads) == ((), tuple(group))
    for expected, heads in ((whole.loss, []), (effect.loss, group)):
        total, tokens = 0.0, 0
        for pair in PAIRS:
            source = torch.tensor([[*tokenizer.encode(pair.source), tokenizer.end_id]])
            target = torch.tensor([[*tokenizer.encode(pair.target), tokenizer.end_id]])
            with without(model, heads), torch.inference_mode():
                logits = model.output(model(source, model.teacher_forced(target)))[0]
            total += float(functional.cross_entropy(logits, target[0], reduction="sum"))
            tokens += target.shape[1]
        assert expected == pytest.approx(total / tokens, rel=1e-4)


def test_bleu_and_text_are_those_of_the_other_doors(untrained: Make, translator_of: MakeTranslator) -> None:
    loaded = untrained()
    translator = translator_of(loaded)
    group = CHOSEN["transformer"]
    told: list[Effect] = []
    effects = ablate(translator, PAIRS, groups=[group], bleu=True, text=TEXTS[0], watch=told.append)
    assert told == effects
    for effect, heads in zip(effects, ([], group), strict=True):
        with without(loaded.model, heads):
            assert effect.bleu == evaluate(translator, PAIRS, beam=1).metrics["bleu"].value
            assert effect.text == translator.translate(TEXTS[0]).text


@pytest.mark.parametrize("kind", CHOSEN)
def test_without_groups_each_head_goes_alone(
    untrained: Make, translator_of: MakeTranslator, kind: str
) -> None:
    loaded = untrained(kind)
    whole, *effects = ablate(translator_of(loaded), PAIRS[:1])
    assert [effect.heads for effect in effects] == [(head,) for head in heads_of(loaded.model)]
    assert (whole.bleu, whole.text) == (None, None)
    assert all(effect.loss != whole.loss for effect in effects)


def test_what_cannot_be_is_refused(untrained: Make, translator_of: MakeTranslator) -> None:
    model = untrained().model
    for text, sentence in (
        ("cross1.3", "'cross1.3' names no head; write its kind, layer and number, counted from 1, such as"),
        ("cross:1.3,", "'' names no head"),
        ("cross:1", "'cross:1' names no head"),
        ("decode:1.1", "unknown kind of attention 'decode'; allowed, nearest first: decoder"),
        ("cross:3.1", "no layer 3: the cross-attention has 2, numbered 1 to 2"),
        ("cross:0.1", "no layer 0"),
        ("cross:1.7", "no head 7: the layer 1 of the cross-attention has 6, numbered 1 to 6"),
    ):
        with pytest.raises(TrasluzError, match=sentence):
            parse_heads(text, model)
    alone = untrained("decoder-only").model
    with pytest.raises(TrasluzError, match="this model has no cross-attention; what it has: decoder"):
        parse_heads("cross:1.1", alone)
    translator = translator_of(untrained())
    with pytest.raises(TrasluzError, match="there are no pairs to try a model on"):
        ablate(translator, [])
    with pytest.raises(TrasluzError, match=r"pair 2: the text has \d+ pieces, .* at most 29"):
        ablate(translator, [*PAIRS[:1], Pair("the cat " * 20, "el gato")])
    blind = untrained("recurrent", attention={"score": "none"})
    with pytest.raises(TrasluzError, match="no attention, so there is no head to switch off; train one with"):
        ablate(translator_of(blind), PAIRS)
    with pytest.raises(TrasluzError, match="this model has no cross-attention; what it has: none"):
        parse_heads("cross:1.1", blind.model)
