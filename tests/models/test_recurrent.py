"""The recurrent model against itself by other ways, and what its parts begin with."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

from trasluz.attention.score import SCORES
from trasluz.config import RecurrentConfig
from trasluz.decoding.beam import beam
from trasluz.decoding.greedy import greedy
from trasluz.decoding.rules import Hypothesis
from trasluz.layers.recurrent import CurrentQuery, InputFeeding, OneVector, PreviousQuery
from trasluz.layers.state import DecodeState
from trasluz.models.build import build_model
from trasluz.models.recurrent import Recurrent
from trasluz.parse import parse

V, D = 37, 22

SOURCE = torch.tensor([[5, 6, 7, 8, 2], [9, 10, 2, 0, 0]])
TARGET = torch.tensor([[11, 12, 13, 2], [14, 2, 0, 0]])

LUONG: dict[str, Any] = {}
FEEDING: dict[str, Any] = {"input_feeding": True}
BAHDANAU: dict[str, Any] = {"query": "previous"}
NONE: dict[str, Any] = {"score": "none"}
CONVENTIONS = (LUONG, FEEDING, BAHDANAU)
EVERY = [{"score": score, **convention} for score in SCORES for convention in CONVENTIONS] + [NONE]
CELLS = ("lstm", "gru")


def configuration(
    *, cell: str = "lstm", layers: int = 2, attention: dict[str, Any] = LUONG
) -> RecurrentConfig:
    settings = {
        "cell": cell,
        "width": D,
        "embedding": {"vocabulary": V},
        "encoder": {"layers": layers, "dropout": 0.0},
        "decoder": {"layers": layers, "dropout": 0.0, "attention": attention},
    }
    return parse(RecurrentConfig, settings, where="test")


def shaken(model: Recurrent) -> Recurrent:
    """Weights large enough for every part to matter."""
    torch.manual_seed(7)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    return model.eval()


def logits(model: Recurrent, source: Tensor, target: Tensor) -> Tensor:
    return cast(Tensor, model.output(model(source, model.teacher_forced(target))))


@dataclass(frozen=True)
class Prefixes:
    """The state of `Forgetful`: the sources, and all tokens so far."""

    source: Tensor  # [B,S]
    tokens: list[Tensor]  # of each step [B]

    def select(self, rows: Tensor) -> Prefixes:
        return Prefixes(self.source[rows], [tokens[rows] for tokens in self.tokens])

    def reorder(self, rows: Tensor) -> Prefixes:
        return replace(self.select(rows), source=self.source)


class Forgetful:
    """The slow, obvious way to decode: every step reads the source and the whole target so far again."""

    def __init__(self, model: Recurrent) -> None:
        self.model = model
        self.vocabulary, self.pad_id, self.end_id = model.vocabulary, model.pad_id, model.end_id
        self.forbidden_ids = model.forbidden_ids

    def start(self, source: Tensor) -> tuple[Tensor, DecodeState]:
        return self.model.first(source), Prefixes(source, [])

    def step(self, tokens: Tensor, state: Any) -> Tensor:
        state.tokens.append(tokens)
        hidden = self.model(state.source, torch.stack(state.tokens, 1))
        return cast(Tensor, self.model.output(hidden[:, -1]))


def same(found: list[list[Hypothesis]], expected: list[list[Hypothesis]]) -> None:
    assert [[one.ids for one in own] for own in found] == [[one.ids for one in own] for own in expected]
    for own, others in zip(found, expected, strict=True):
        assert [one.logprob for one in own] == pytest.approx([one.logprob for one in others], abs=1e-3)


@pytest.mark.parametrize(("cell", "attention"), list(itertools.product(CELLS, EVERY)), ids=str)
def test_step_by_step_equals_one_pass(cell: str, attention: dict[str, Any]) -> None:
    model = shaken(build_model(configuration(cell=cell, attention=attention)))
    whole = logits(model, SOURCE, TARGET)
    tokens, state = model.start(SOURCE)
    for at in range(TARGET.shape[1]):
        torch.testing.assert_close(model.step(tokens, state), whole[:, at], atol=1e-4, rtol=1e-4)
        tokens = TARGET[:, at]


@pytest.mark.parametrize(("cell", "attention"), list(itertools.product(CELLS, (*CONVENTIONS, NONE))), ids=str)
def test_a_sentence_alone_equals_the_same_sentence_in_a_padded_batch(
    cell: str, attention: dict[str, Any]
) -> None:
    model = shaken(build_model(configuration(cell=cell, attention=attention)))
    together = logits(model, SOURCE, TARGET)
    alone = logits(model, SOURCE[1:, :3], TARGET[1:, :2])
    torch.testing.assert_close(together[1:, :2], alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("attention", CONVENTIONS, ids=str)
def test_every_source_token_matters_and_no_later_target_token_does(attention: dict[str, Any]) -> None:
    model = shaken(build_model(configuration(attention=attention)))
    before = logits(model, SOURCE, TARGET)
    for at in range(5):
        source = SOURCE.clone()
        source[0, at] = 20
        assert not torch.allclose(logits(model, source, TARGET)[0], before[0])
    changed = TARGET.clone()
    changed[:, 2:] = 20
    after = logits(model, SOURCE, changed)
    torch.testing.assert_close(before[:, :3], after[:, :3])
    assert not torch.allclose(before[:, 3], after[:, 3])


@pytest.mark.parametrize("attention", [*CONVENTIONS, NONE], ids=str)
def test_selected_and_reordered_rows_go_on_as_they_would_have(attention: dict[str, Any]) -> None:
    model = shaken(build_model(configuration(attention=attention)))
    twins = SOURCE[[0, 0, 1, 1]]
    tokens, state = model.start(twins)
    model.step(tokens, state)
    model.step(torch.tensor([11, 12, 13, 14]), state)
    rows = torch.tensor([1, 1, 3, 2])
    selected, reordered, others = state.select(rows), state.reorder(rows), state.select(torch.tensor([3, 0]))
    following = torch.tensor([21, 22, 23, 24])
    expected = model.step(following, state)
    torch.testing.assert_close(model.step(following[rows], selected), expected[rows])
    torch.testing.assert_close(model.step(following[rows], reordered), expected[rows])
    torch.testing.assert_close(model.step(following[[3, 0]], others), expected[[3, 0]])


@pytest.mark.parametrize(("cell", "attention"), list(itertools.product(CELLS, (*CONVENTIONS, NONE))), ids=str)
def test_searches_find_what_they_find_without_a_state(cell: str, attention: dict[str, Any]) -> None:
    model = shaken(build_model(configuration(cell=cell, attention=attention)))
    caps = torch.tensor([11, 7])
    with torch.inference_mode():
        found = beam(model, SOURCE, size=3, n_best=3, caps=caps)
        same(found, beam(Forgetful(model), SOURCE, size=3, n_best=3, caps=caps))
        shortest = [[one] for one in greedy(model, SOURCE, caps=caps)]
        same(shortest, [[one] for one in greedy(Forgetful(model), SOURCE, caps=caps)])
        same(shortest, beam(model, SOURCE, size=1, caps=caps))


def test_every_convention_is_chosen_by_its_words() -> None:
    kinds = [type(build_model(configuration(attention=words)).decoder) for words in (*CONVENTIONS, NONE)]
    assert kinds == [CurrentQuery, InputFeeding, PreviousQuery, OneVector]
    assert len(build_model(configuration(attention=NONE)).attentions().cross) == 0
    assert len(build_model(configuration()).attentions().cross) == 1


def test_the_state_without_attention_holds_nothing_of_the_tokens_of_the_source() -> None:
    _, state = build_model(configuration(attention=NONE)).start(SOURCE)
    assert state.key.numel() == state.value.numel() == 0


def test_widths_may_differ_where_the_score_can_compare() -> None:
    settings = {
        "width": 11,
        "embedding": {"vocabulary": V},
        "encoder": {"width": 14, "dropout": 0.0},
        "decoder": {"width": 17, "dropout": 0.0, "attention": {"score": "mlp", "query": "previous"}},
    }
    model = build_model(parse(RecurrentConfig, settings, where="test"))
    assert model(SOURCE, TARGET).shape == (2, 4, 11)
    _, state = model.start(SOURCE)
    assert (state.value.shape, state.cells.shape) == ((2, 1, 5, 14), (2, 1, 2, 17))


@pytest.mark.parametrize(("cell", "attention"), list(itertools.product(CELLS, EVERY)), ids=str)
def test_every_parameter_learns(cell: str, attention: dict[str, Any]) -> None:
    model = build_model(configuration(cell=cell, attention=attention)).train()
    logits(model, SOURCE, TARGET).square().mean().backward()  # type: ignore[no-untyped-call]
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


def test_tied_shared_and_own_tables() -> None:
    def tables(**embedding: bool) -> int:
        settings = {"width": D, "embedding": {"vocabulary": V, **embedding}}
        model = build_model(parse(RecurrentConfig, settings, where="test"))
        source, target = model.source_embedding.table.weight, model.target_embedding.table.weight
        return len({id(source), id(target), id(model.output.weight)})

    assert [tables(), tables(shared=False), tables(tied=False), tables(shared=False, tied=False)] == [
        1,
        2,
        2,
        3,
    ]


@pytest.mark.parametrize("cell", CELLS)
def test_initial_values_are_those_of_the_table(cell: str) -> None:
    torch.manual_seed(11)
    settings = {"cell": cell, "width": 202, "embedding": {"vocabulary": 1009, "output_bias": True}}
    settings["decoder"] = {"width": 211, "attention": {"query": "previous"}}
    model = build_model(parse(RecurrentConfig, settings, where="test"))
    for name, parameter in model.named_parameters():
        if "weight_hh" in name:
            for gate in torch.split(parameter, parameter.shape[1]):
                torch.testing.assert_close(gate @ gate.t(), torch.eye(len(gate)), atol=1e-4, rtol=0)
        elif "weight_ih" in name:
            width = len(parameter) // (4 if cell == "lstm" else 3)
            bound = (6 / (width + parameter.shape[1])) ** 0.5
            assert parameter.abs().max().item() == pytest.approx(bound, rel=0.01), name
        elif name in ("decoder.bridge.linear.weight", "decoder.readout.linear.weight"):
            bound = (6 / sum(parameter.shape)) ** 0.5
            assert parameter.abs().max().item() == pytest.approx(bound, rel=0.01), name
        elif "bias_ih" in name and cell == "lstm":
            width = len(parameter) // 4
            expected = [0.0] * width + [1.0] * width + [0.0] * 2 * width
            assert parameter.tolist() == expected, name
        elif parameter.dim() == 1:
            assert not parameter.any(), name
        elif parameter.dim() == 2:
            assert parameter.std().item() == pytest.approx(0.02, rel=0.05), name
