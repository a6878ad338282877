"""The decoder-only model: one sequence, whatever the padding, cached or at once, seen as torch's own."""

from __future__ import annotations

from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

from trasluz.attention.score import SCORES
from trasluz.config import DecoderOnlyConfig
from trasluz.decoding.beam import beam
from trasluz.decoding.greedy import greedy
from trasluz.models.build import build_model
from trasluz.models.decoder_only import DecoderOnly
from trasluz.parse import parse

V, D, H, G, F, L = 37, 24, 4, 2, 29, 2
SOURCE = torch.tensor([[5, 6, 7, 8, 2], [9, 10, 2, 0, 0], [11, 2, 0, 0, 0]])
TARGET = torch.tensor([[12, 13, 14, 2], [15, 2, 0, 0], [16, 17, 2, 0]])
POSITIONS: tuple[dict[str, Any], ...] = (
    {"kind": "sinusoidal"},
    {"kind": "learned", "length": 31},
    {"kind": "rotary"},
    {"kind": "relative", "buckets": 8, "longest": 11},
    {"kind": "none"},
)


def model(*, place: str = "pre", kv_heads: int = G, **stack: Any) -> DecoderOnly:
    """A model with weights large enough for every part to matter."""
    settings = {
        "width": D,
        "embedding": {"vocabulary": V},
        "decoder": {
            "layers": L,
            "attention": {"heads": H, "kv_heads": kv_heads, "score": stack.pop("score", "scaled-dot")},
            "feedforward": {"hidden": F},
            "norm": {"place": place},
            **stack,
        },
    }
    made = build_model(parse(DecoderOnlyConfig, settings, where="test"))
    torch.manual_seed(7)
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.3)
    return made.eval()


def logits(made: DecoderOnly, source: Tensor, target: Tensor) -> Tensor:
    return cast(Tensor, made.output(made(source, made.teacher_forced(target))))


@pytest.mark.parametrize("position", POSITIONS, ids=lambda one: one["kind"])
def test_a_pair_alone_is_as_in_a_padded_batch(position: dict[str, Any]) -> None:
    made = model(position=position)
    together = logits(made, SOURCE, TARGET)
    for row in range(len(SOURCE)):
        source, target = SOURCE[row][SOURCE[row] != 0], TARGET[row][TARGET[row] != 0]
        alone = logits(made, source[None], target[None])
        torch.testing.assert_close(together[row, : len(target)], alone[0])


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("position", POSITIONS, ids=lambda one: one["kind"])
def test_step_by_step_with_a_cache_is_as_at_once(score: str, position: dict[str, Any]) -> None:
    made = model(score=score, position=position)
    at_once = logits(made, SOURCE, TARGET)
    tokens, state = made.start(SOURCE)
    given = made.teacher_forced(TARGET)
    assert torch.equal(tokens, given[:, 0])
    for place in range(TARGET.shape[1]):
        torch.testing.assert_close(made.step(given[:, place], state), at_once[:, place])


def test_no_token_sees_a_later_one_and_every_token_sees_the_source() -> None:
    made = model()
    before = logits(made, SOURCE[:1], TARGET[:1])
    later = TARGET[:1].clone()
    later[0, 2] = 30
    torch.testing.assert_close(logits(made, SOURCE[:1], later)[:, :3], before[:, :3])
    source = SOURCE[:1].clone()
    source[0, 0] = 30
    assert not torch.isclose(logits(made, source, TARGET[:1]), before).all(-1).any()


def test_a_source_is_no_more_than_what_stands_before() -> None:
    """Source, start symbol and target as one text without a source give the same logits."""
    made = model()
    source, target = SOURCE[:1], TARGET[:1]
    given = torch.cat([source, made.teacher_forced(target)], 1)
    as_text = made.output(made(source[:, :0], given))[:, source.shape[1] :]
    torch.testing.assert_close(logits(made, source, target), as_text)


def test_without_a_source_the_start_symbol_comes_first() -> None:
    made = model()
    tokens, state = made.start(SOURCE[:, :0])
    assert tokens.tolist() == [made.start_id] * len(SOURCE)
    torch.testing.assert_close(made.step(tokens, state), logits(made, SOURCE[:, :0], TARGET)[:, 0])


@pytest.mark.parametrize("place", ["pre", "post"])
def test_the_stack_is_torch_s_own_with_a_causal_mask(place: str) -> None:
    made = model(place=place, kv_heads=H, position={"kind": "none"}, dropout=0.0)
    layer = nn.TransformerEncoderLayer(D, H, F, dropout=0.0, batch_first=True, norm_first=place == "pre")
    last = nn.LayerNorm(D) if place == "pre" else None
    theirs = nn.TransformerEncoder(layer, L, norm=last, enable_nested_tensor=False).eval()
    ours = dict(made.decoder.named_parameters())
    names = {
        "self_attn.out_proj": "self_attention.multihead.output",
        "linear1": "feedforward.widen",
        "linear2": "feedforward.narrow",
        "norm1": f"self_attention.residual.{place}",
        "norm2": f"residual.{place}",
    }
    with torch.no_grad():
        for name, parameter in theirs.named_parameters():
            if name.startswith("norm."):
                parameter.copy_(ours[name])
                continue
            _, number, rest = name.split(".", 2)
            if "in_proj" in rest:
                kind = rest.rpartition("_")[2]
                heads: list[Tensor] = [
                    ours[f"blocks.{number}.self_attention.multihead.{part}.{kind}"]
                    for part in ("query", "key", "value")
                ]
                parameter.copy_(torch.cat(heads))
            else:
                part, _, kind = rest.rpartition(".")
                parameter.copy_(ours[f"blocks.{number}.{names[part]}.{kind}"])
    x = torch.randn(3, 7, D)
    at, filled = torch.arange(7)[None], torch.ones(3, 7, dtype=torch.bool)
    causal = nn.Transformer.generate_square_subsequent_mask(7)
    found = made.decoder(x, at, filled, made.decoder.begin())
    torch.testing.assert_close(found, theirs(x, mask=causal, is_causal=True), rtol=1e-4, atol=1e-5)


def test_searches_drive_it_like_any_model() -> None:
    made = model()
    best = greedy(made, SOURCE)
    for one, other in zip(best, beam(made, SOURCE, size=1), strict=True):
        assert one.ids == other[0].ids
    for row, alone in enumerate(best):
        source = SOURCE[row][SOURCE[row] != 0][None]
        assert greedy(made, source)[0].ids == alone.ids


def test_its_attentions_are_those_of_its_stack() -> None:
    parts = model().attentions()
    assert (len(parts.encoder), len(parts.decoder), len(parts.cross)) == (0, L, 0)
