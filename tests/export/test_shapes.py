"""Which of the shapes a model has, and every reason why it has none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from trasluz.config import TransformerConfig
from trasluz.errors import TrasluzError
from trasluz.export.shapes import M2M100, MARIAN, PEGASUS, SHAPES, shape_of
from trasluz.models.loaded import LoadedModel
from trasluz.parse import parse
from trasluz.training.preset import NAMES, choose
from trasluz.training.settings import RunSettings

Make = Callable[..., LoadedModel]
MARIANS: dict[str, Any] = {"attention": {"head_width": None}, "norm": {"place": "post"}}
PEGASUSES: dict[str, Any] = {"attention": {"head_width": None}, "norm": {"place": "pre"}}
M2M100S: dict[str, Any] = {
    "attention": {"head_width": None},
    "norm": {"place": "pre"},
    "position": {"kind": "sinusoidal", "spacing": "tensor2tensor", "first": 1},
}


def test_the_shapes_are_found(make: Make) -> None:
    assert shape_of(make(encoder=MARIANS, decoder=MARIANS).manifest.model) is MARIAN
    assert shape_of(make(encoder=M2M100S, decoder=M2M100S).manifest.model) is M2M100
    assert shape_of(make(encoder=PEGASUSES, decoder=PEGASUSES).manifest.model) is PEGASUS


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_has_a_shape(name: str) -> None:
    for pairs in (997, 30_000_000):
        settings = choose(name, pairs=pairs, seconds=None, steps=None).settings
        assert shape_of(parse(RunSettings, settings, where="preset").model) in SHAPES


def test_the_settings_are_those_of_the_model(make: Make) -> None:
    found = MARIAN.settings(make(encoder=MARIANS, decoder=MARIANS).manifest)
    sizes = ("d_model", "encoder_layers", "decoder_layers", "encoder_ffn_dim", "decoder_ffn_dim")
    assert [found[key] for key in sizes] == [24, 2, 3, 17, 19]
    assert [found[f"{side}_attention_heads"] for side in ("encoder", "decoder")] == [6, 4]
    assert (found["pad_token_id"], found["decoder_start_token_id"], found["eos_token_id"]) == (0, 1, 2)


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "norm": ({"norm": {"place": "post", "kind": "rms"}}, "the norms of the encoder are of the kind 'rms'"),
    "place": ({"norm": {"place": "pre"}}, "the norms of the encoder stand at 'pre', not at 'post'"),
    "epsilon": (
        {"norm": {"place": "post", "epsilon": 1e-6}},
        "the epsilon of the norms of the encoder is 1e-06, not 1e-05",
    ),
    "score": ({"attention": {"score": "dot"}}, "the score of the encoder is 'dot', not 'scaled-dot'"),
    "groups": (
        {"attention": {"kv_heads": 3, "head_width": None}},
        "the 6 heads of the encoder share 3 of keys and values",
    ),
    "head width": (
        {"attention": {"head_width": 5}},
        "the 6 heads of the encoder are 5 wide, not the width 24 divided by their number",
    ),
    "biases": ({"attention": {"bias": False}}, "the attention of the encoder has no biases"),
    "biases behind": ({"feedforward": {"bias": False}}, "the feed-forward part of the encoder has no biases"),
    "gate": ({"feedforward": {"gated": True}}, "the feed-forward part of the encoder is gated"),
    "activation": (
        {"feedforward": {"activation": "silu"}},
        "encoder and decoder have two activations, relu and silu",
    ),
    "position": (
        {"position": {"kind": "rotary"}},
        "the positions of the encoder are rotary, not sinusoidal (halves, vaswani, the first at 0)",
    ),
    "sines": (
        {"position": {"kind": "sinusoidal", "layout": "interleaved", "first": 2}},
        "the positions of the encoder are sinusoidal (interleaved, vaswani, the first at 2), not sinusoidal "
        "(halves, vaswani, the first at 0)",
    ),
}


@pytest.mark.parametrize(("change", "reason"), CHANGES.values(), ids=list(CHANGES))
def test_each_part_that_does_not_fit_is_told(make: Make, change: dict[str, Any], reason: str) -> None:
    config = make(encoder={**MARIANS, **change}, decoder=MARIANS).manifest.model
    assert isinstance(config, TransformerConfig)
    assert any(one.startswith(reason) for one in MARIAN.misfits(config))
    with pytest.raises(TrasluzError, match=r"without loss: Marian does not fit, since .*M2M100 does not fit"):
        shape_of(config)


@pytest.mark.parametrize(
    ("embedding", "reason"),
    [
        ({"shared": False}, "both languages have a table of their own"),
        ({"tied": False}, "the output has a table of its own"),
        ({"norm": True}, "a norm stands behind the embeddings"),
        ({"output_scale": 0.5}, "the output is scaled by 0.5"),
    ],
)
def test_tables_that_do_not_fit_are_told(make: Make, embedding: dict[str, Any], reason: str) -> None:
    config = make(encoder=MARIANS, decoder=MARIANS, **embedding).manifest.model
    assert isinstance(config, TransformerConfig)
    assert MARIAN.misfits(config) == [reason]


def test_only_marian_has_a_bias_behind_its_output(make: Make) -> None:
    config = make(encoder=M2M100S, decoder=M2M100S, output_bias=True).manifest.model
    assert isinstance(config, TransformerConfig)
    assert M2M100.misfits(config) == ["the output has a bias"]
    assert "the output has a bias" not in MARIAN.misfits(config)


@pytest.mark.parametrize("kind", ["recurrent", "decoder-only"])
def test_other_architectures_have_no_shape(untrained: Make, kind: str) -> None:
    with pytest.raises(TrasluzError, match=f"this model is {kind}, and what was trained here goes"):
        shape_of(untrained(kind).manifest.model)
