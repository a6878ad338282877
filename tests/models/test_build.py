"""A model that will be filled is the one that is drawn, but for the values of its parameters."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from trasluz.config import DecoderOnlyConfig, ModelConfig, RecurrentConfig, TransformerConfig
from trasluz.models.build import build_model, build_to_fill
from trasluz.parse import parse

TABLE = {"vocabulary": 31}
STACK = {"layers": 2, "attention": {"heads": 3, "score": "bilinear"}}
KINDS: list[tuple[Any, dict[str, Any]]] = [
    (TransformerConfig, {"encoder": STACK, "decoder": {**STACK, "position": {"kind": "relative"}}}),
    (DecoderOnlyConfig, {"decoder": {**STACK, "position": {"kind": "rotary"}}}),
    (RecurrentConfig, {"decoder": {"attention": {"score": "mlp"}}}),
    (RecurrentConfig, {"cell": "gru", "decoder": {"attention": {"score": "none"}}}),
]


@pytest.mark.parametrize(("kind", "settings"), KINDS)
def test_a_model_to_fill_is_drawn_by_nobody(kind: Any, settings: dict[str, Any]) -> None:
    config: ModelConfig = parse(kind, {"width": 18, "embedding": TABLE, **settings}, where="settings")
    drawn = build_model(config)
    before = torch.get_rng_state()
    filled = build_to_fill(config)
    assert torch.equal(torch.get_rng_state(), before)
    shapes = {name: one.shape for name, one in drawn.named_parameters()}
    assert {name: one.shape for name, one in filled.named_parameters()} == shapes
    buffers = dict(drawn.named_buffers())
    assert dict(filled.named_buffers()).keys() == buffers.keys()
    assert all(torch.equal(one, buffers[name]) for name, one in filled.named_buffers())
    build_model(config)
    assert not torch.equal(torch.get_rng_state(), before)
