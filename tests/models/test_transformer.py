"""The Transformer against PyTorch's on the same weights, and against itself by other ways."""

from __future__ import annotations

import itertools
import math
from typing import Any, Literal, cast

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from trasluz.attention.multihead import MultiHead
from trasluz.attention.score import SCORES
from trasluz.config import StackConfig, TransformerConfig
from trasluz.layers.stack import CrossAttention, Stack
from trasluz.models.build import build_model
from trasluz.models.transformer import Transformer
from trasluz.parse import parse

V, D, HEADS, F = 37, 30, 3, 53
POSITIONS = ("sinusoidal", "learned", "rotary", "relative", "none")

SOURCE = torch.tensor([[5, 6, 7, 8, 2], [9, 10, 2, 0, 0]])
TARGET = torch.tensor([[11, 12, 13, 2], [14, 2, 0, 0]])


def configuration(**stack: Any) -> TransformerConfig:
    both = {"layers": 2, "feedforward": {"hidden": F}, "dropout": 0.0, **stack}
    both["attention"] = {"heads": HEADS, **stack.get("attention", {})}
    settings = {"width": D, "embedding": {"vocabulary": V}, "encoder": both, "decoder": {**both, "layers": 1}}
    return parse(TransformerConfig, settings, where="test")


def shaken(model: Transformer) -> Transformer:
    """Weights large enough for every part to matter."""
    torch.manual_seed(7)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    return model.eval()


def logits(model: Transformer, source: Tensor, target: Tensor) -> Tensor:
    return cast(Tensor, model.output(model(source, model.teacher_forced(target))))


def copy_attention(ours: MultiHead, theirs: nn.MultiheadAttention) -> None:
    ours.query.weight, ours.key.weight, ours.value.weight = map(nn.Parameter, theirs.in_proj_weight.chunk(3))
    ours.query.bias, ours.key.bias, ours.value.bias = map(nn.Parameter, theirs.in_proj_bias.chunk(3))
    ours.output.weight, ours.output.bias = theirs.out_proj.weight, theirs.out_proj.bias


def copy_stack(ours: Stack, theirs: nn.TransformerEncoder | nn.TransformerDecoder, *, place: str) -> None:
    for block, layer in zip(ours.blocks, theirs.layers, strict=True):
        copy_attention(block.self_attention.multihead, layer.self_attn)
        residuals = [block.self_attention.residual, block.residual]
        if isinstance(block.cross_attention, CrossAttention):
            copy_attention(block.cross_attention.multihead, layer.multihead_attn)
            residuals.insert(1, block.cross_attention.residual)
        block.feedforward.widen, block.feedforward.narrow = layer.linear1, layer.linear2
        for number, residual in enumerate(residuals, start=1):
            setattr(residual, place, getattr(layer, f"norm{number}"))
    if place == "pre":
        ours.norm = cast(nn.Module, theirs.norm)


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")  # PyTorch speaks of its own speed
@pytest.mark.parametrize("place", ["pre", "post"])
def test_it_is_pytorchs_transformer_on_the_same_weights(place: Literal["pre", "post"]) -> None:
    norm_first = place == "pre"
    theirs = nn.Transformer(D, HEADS, 2, 1, F, dropout=0.0, norm_first=norm_first, batch_first=True)
    for parameter in theirs.parameters():
        nn.init.normal_(parameter, std=0.3)
    if not norm_first:  # PyTorch always has a last norm; the paper, and ours, only where norms stand first
        theirs.encoder.norm = theirs.decoder.norm = None
    ours = shaken(build_model(configuration(norm={"place": place})))
    copy_stack(ours.encoder, theirs.encoder, place=place)
    copy_stack(ours.decoder, theirs.decoder, place=place)
    table = ours.output.weight
    given = ours.teacher_forced(TARGET)

    def embed(ids: Tensor) -> Tensor:
        angle = torch.arange(ids.shape[1])[:, None] / 10000 ** (torch.arange(0, D, 2) / D)
        return functional.embedding(ids, table) * math.sqrt(D) + torch.cat([angle.sin(), angle.cos()], 1)

    hidden = theirs(
        embed(SOURCE),
        embed(given),
        tgt_mask=torch.ones(4, 4, dtype=torch.bool).triu(1),
        src_key_padding_mask=SOURCE == 0,
        memory_key_padding_mask=SOURCE == 0,
    )
    torch.testing.assert_close(ours(SOURCE, given), hidden, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(logits(ours, SOURCE, TARGET), hidden @ table.t(), atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize(("score", "position"), list(itertools.product(SCORES, POSITIONS)))
def test_step_by_step_with_a_cache_equals_one_pass(score: str, position: str) -> None:
    settings = {"attention": {"score": score, "heads": 6, "kv_heads": 3, "head_width": 4}}
    model = shaken(build_model(configuration(position={"kind": position}, **settings)))
    whole = logits(model, SOURCE, TARGET)
    tokens, state = model.start(SOURCE)
    for at in range(TARGET.shape[1]):
        torch.testing.assert_close(model.step(tokens, state), whole[:, at], atol=1e-4, rtol=1e-4)
        tokens = TARGET[:, at]


@pytest.mark.parametrize("position", POSITIONS)
def test_a_sentence_alone_equals_the_same_sentence_in_a_padded_batch(position: str) -> None:
    model = shaken(build_model(configuration(position={"kind": position})))
    together = logits(model, SOURCE, TARGET)
    alone = logits(model, SOURCE[1:, :3], TARGET[1:, :2])
    torch.testing.assert_close(together[1:, :2], alone, atol=1e-5, rtol=1e-4)


def test_what_comes_later_in_the_target_does_not_matter() -> None:
    model = shaken(build_model(configuration()))
    changed = TARGET.clone()
    changed[:, 2:] = 20
    before, after = logits(model, SOURCE, TARGET), logits(model, SOURCE, changed)
    torch.testing.assert_close(before[:, :3], after[:, :3])
    assert not torch.allclose(before[:, 3], after[:, 3])


def test_selected_rows_go_on_as_they_would_have() -> None:
    model = shaken(build_model(configuration()))
    tokens, state = model.start(SOURCE)
    model.step(tokens, state)
    rows = torch.tensor([1, 0, 1])
    chosen = state.select(rows)
    expected = model.step(torch.tensor([3, 4]), state)
    torch.testing.assert_close(model.step(torch.tensor([3, 4])[rows], chosen), expected[rows])


def test_reordered_rows_take_over_the_past_and_leave_the_source() -> None:
    model = shaken(build_model(configuration()))
    twins = SOURCE[[0, 0, 1, 1]]
    tokens, state = model.start(twins)
    model.step(tokens, state)
    model.step(torch.tensor([11, 12, 13, 14]), state)
    rows = torch.tensor([1, 1, 3, 2])
    selected, reordered = state.select(rows), state.reorder(rows)
    following = torch.tensor([21, 22, 23, 24])
    torch.testing.assert_close(model.step(following, reordered), model.step(following, selected))


def test_a_long_text_outgrows_the_first_room_of_the_cache() -> None:
    model = shaken(build_model(configuration()))
    target = torch.randint(4, V, (2, 43))
    whole = logits(model, SOURCE, target)
    tokens, state = model.start(SOURCE)
    for at in range(target.shape[1]):
        last = model.step(tokens, state)
        tokens = target[:, at]
    torch.testing.assert_close(last, whole[:, -1], atol=1e-4, rtol=1e-4)


def test_tied_shared_and_own_tables() -> None:
    def tables(**embedding: bool) -> set[int]:
        settings = {"width": D, "embedding": {"vocabulary": V, **embedding}}
        heads = {"encoder": {"attention": {"heads": HEADS}}, "decoder": {"attention": {"heads": HEADS}}}
        model = build_model(parse(TransformerConfig, settings | heads, where="test"))
        source, target = model.source_embedding.table.weight, model.target_embedding.table.weight
        return {id(source), id(target), id(model.output.weight)}

    assert len(tables()) == 1
    assert len(tables(shared=False)) == 2
    assert len(tables(tied=False)) == 2
    assert len(tables(shared=False, tied=False)) == 3


def test_a_deep_encoder_and_a_shallow_decoder() -> None:
    model = build_model(
        parse(
            TransformerConfig,
            {"width": 8, "embedding": {"vocabulary": V}, "encoder": {"layers": 5}, "decoder": {"layers": 1}},
            where="test",
        )
    )
    assert (len(model.encoder.blocks), len(model.decoder.blocks)) == (5, 1)
    assert logits(model, SOURCE, TARGET).shape == (2, 4, V)


def test_initial_values_are_those_of_the_table() -> None:
    torch.manual_seed(11)
    stack = StackConfig().model_dump()
    settings = {"width": 256, "embedding": {"vocabulary": 1009, "output_bias": True}, "encoder": stack}
    model = build_model(parse(TransformerConfig, settings, where="test"))
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1:
            assert parameter.std().item() == pytest.approx(0.02, rel=0.05), name
        else:
            expected = 1.0 if name.endswith(("pre.weight", "post.weight")) else 0.0
            assert torch.equal(parameter, torch.full_like(parameter, expected)), name


def test_every_parameter_learns() -> None:
    for score in SCORES:
        model = build_model(configuration(attention={"score": score}, position={"kind": "relative"})).train()
        logits(model, SOURCE, TARGET).square().mean().backward()  # type: ignore[no-untyped-call]
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
