"""What goes to CTranslate2 computes what the model computes: every configuration that it can hold.

Two witnesses: the log-probability of every token of random targets, and greedy translations, token for token.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.export.conftest import decided
from trasluz.config import ModelConfig
from trasluz.export.ctranslate2 import write_ctranslate2
from trasluz.export.engine import engine_of
from trasluz.export.original import Original
from trasluz.export.sample import Sample
from trasluz.export.specification import NEVER, position_table, query_of, refusals
from trasluz.models.loaded import LoadedModel

Make = Callable[..., LoadedModel]
ct2 = pytest.importorskip("ctranslate2", reason="the extra 'export' is not installed")

PRE, POST = {"norm": {"place": "pre"}}, {"norm": {"place": "post"}}
RMS = {"norm": {"kind": "rms", "place": "pre", "epsilon": 3e-4}}


def both(**stack: Any) -> dict[str, Any]:
    """The same for both stacks."""
    return {"encoder": stack, "decoder": stack}


def attention(**settings: Any) -> dict[str, Any]:
    """The same attention for both stacks."""
    return both(attention=settings)


def feedforward(**settings: Any) -> dict[str, Any]:
    """The same feed-forward part for both stacks."""
    return both(feedforward=settings)


def position(kind: str, **settings: Any) -> dict[str, Any]:
    """The same position for both stacks."""
    return both(position={"kind": kind, **settings})


LLAMA3 = {"kind": "llama3", "factor": 5.0, "low": 1.5, "high": 3.5, "length": 23}

HOLDS: dict[str, dict[str, Any]] = {
    "post-norm": both(**POST),
    "pre-norm": both(**PRE),
    "pre-norm and post-norm": {"encoder": PRE, "decoder": POST},
    "RMS norm": both(**RMS),
    "another epsilon": both(norm={"place": "post", "epsilon": 0.02}),
    "dot": attention(score="dot"),
    "bilinear": attention(score="bilinear"),
    "bilinear without biases": attention(score="bilinear", bias=False),
    "three scores": {
        "encoder": {"attention": {"score": "bilinear"}},
        "decoder": {"attention": {"score": "dot"}},
    },
    "grouped heads": {"encoder": {"attention": {"kv_heads": 3}}, "decoder": {"attention": {"kv_heads": 2}}},
    "one head of keys": attention(kv_heads=1),
    "grouped heads, bilinear": attention(kv_heads=2, score="bilinear"),
    "GELU": feedforward(activation="gelu"),
    "GELU by tanh and SiLU": {
        "encoder": {"feedforward": {"activation": "gelu-tanh"}},
        "decoder": {"feedforward": {"activation": "silu"}},
    },
    "gated": feedforward(gated=True, activation="gelu-tanh"),
    "gated, SiLU, no biases": feedforward(gated=True, activation="silu", bias=False),
    "no biases": both(attention={"bias": False}, feedforward={"bias": False}),
    "interleaved sines": position("sinusoidal", layout="interleaved", first=3),
    "other sines": position("sinusoidal", spacing="tensor2tensor", first=2),
    "learned": {
        "encoder": {"position": {"kind": "learned", "length": 31}},
        "decoder": {"position": {"kind": "learned", "length": 107}},
    },
    "relative": {
        "encoder": {"position": {"kind": "relative", "buckets": 12, "longest": 13}},
        "decoder": {"position": {"kind": "relative", "buckets": 8, "longest": 11}},
    },
    "rotary": {
        "encoder": {"position": {"kind": "rotary", "base": 50.0}},
        "decoder": {
            "position": {"kind": "rotary", "scaling": {"kind": "linear", "factor": 3.0}},
            "attention": {"score": "dot", "kv_heads": 2},
        },
    },
    "rotary as Llama 3": {
        "encoder": {"position": {"kind": "rotary", "base": 40.0, "scaling": LLAMA3}},
        "decoder": {"position": {"kind": "rotary", "base": 30.0, "scaling": {**LLAMA3, "factor": 3.0}}},
    },
    "no positions": position("none"),
    "a table for each language": {"shared": False},
    "an output of its own": {"tied": False},
    "three tables": {"shared": False, "tied": False, "scaled": False},
    "a norm behind the embeddings": {"norm": True, **both(**PRE)},
    "output with bias and scale": {"output_bias": True, "output_scale": 0.3},
    "as T5": {
        **both(
            attention={"score": "dot", "bias": False},
            feedforward={"gated": True, "activation": "gelu-tanh", "bias": False},
            position={"kind": "relative", "buckets": 8, "longest": 11},
            **RMS,
        ),
        "scaled": False,
        "output_scale": 24**-0.5,
    },
}


@pytest.fixture(params=HOLDS.values(), ids=list(HOLDS))
def held(request: pytest.FixtureRequest, make: Make, tmp_path: Path) -> tuple[LoadedModel, Path]:
    """A model, and the directory that was written for it."""
    loaded = make(**request.param)
    write_ctranslate2(loaded, tmp_path / "out", quantization=None)
    return loaded, tmp_path / "out"


def test_log_probabilities_of_random_targets_are_the_models(held: tuple[LoadedModel, Path]) -> None:
    loaded, directory = held
    B, S, T = 7, 11, 5
    torch.manual_seed(1)
    source, target = (torch.randint(4, loaded.model.vocabulary, (B, width)) for width in (S, T))
    expected = log_probabilities(loaded, source, target)
    engine = ct2.Translator(str(directory), device="cpu")
    names = loaded.tokenizer.pieces
    found = engine.score_batch(
        [names(row) for row in source.tolist()], [names(row) for row in target.tolist()]
    )
    scores = torch.tensor([one.log_probs for one in found])
    torch.testing.assert_close(scores, expected, atol=1e-4, rtol=0.0)
    assert expected.std() > 0.1, "weights too small to tell parts apart"


@torch.inference_mode()
def log_probabilities(loaded: LoadedModel, source: Tensor, target: Tensor) -> Tensor:
    """Those of targets [B,T] and of the end symbol behind them, without what is never written; [B,T+1]."""
    model = loaded.model
    end = torch.full((len(source), 1), model.end_id)
    wanted = torch.cat([target, end], 1)
    logits = model.output(model(torch.cat([source, end], 1), model.teacher_forced(wanted)))  # [B,T+1,V]
    logits[..., list(model.forbidden_ids)] = -torch.inf
    scores: Tensor = logits.log_softmax(-1).gather(-1, wanted[..., None])[..., 0]
    return scores


def test_greedy_translations_are_the_models_token_for_token(
    held: tuple[LoadedModel, Path], sample: Sample
) -> None:
    loaded, directory = held
    texts = decided(loaded, sample).texts
    ours = Original(loaded).write(texts)
    theirs = engine_of(loaded, directory).write(texts)
    assert len({one.ids for one in ours}) > 5, "a model that looks away from its source tells nothing"
    assert [one.ids for one in theirs] == [one.ids for one in ours]
    assert [one.read for one in theirs] == [one.read for one in ours]
    assert [one.text for one in theirs] == [one.text for one in ours]
    torch.testing.assert_close(
        torch.tensor([one.score for one in theirs]),
        torch.tensor([one.score for one in ours]),
        atol=1e-4,
        rtol=0.0,
    )


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "cosine": (
        {"encoder": {"attention": {"score": "cosine"}}},
        "the encoder has the score 'cosine', and CTranslate2 has only the dot product",
    ),
    "mlp": (
        {"decoder": {"attention": {"score": "mlp"}}},
        "the decoder has the score 'mlp', and CTranslate2 has only the dot product",
    ),
    "yarn": (
        position("rotary", scaling={"kind": "yarn", "factor": 8.0, "length": 64, "magnitude": 1.2}),
        "the decoder has rotary positions stretched as 'yarn', for which CTranslate2 has no place",
    ),
    "bilinear behind rotary": (
        {"encoder": {"attention": {"score": "bilinear"}, "position": {"kind": "rotary"}}},
        "the encoder has the score 'bilinear' behind rotary positions, which stand between the query and its "
        "matrix",
    ),
    "two epsilons": (
        {"encoder": {"norm": {"epsilon": 1e-6}}, "decoder": {"norm": {"epsilon": 1e-5}}},
        "the norms of its stacks have the epsilons 1e-06 and 1e-05, and CTranslate2 has one for all",
    ),
}


@pytest.mark.parametrize(("settings", "reason"), REFUSED.values(), ids=list(REFUSED))
def test_what_cannot_be_held_is_refused_by_name(make: Make, settings: dict[str, Any], reason: str) -> None:
    assert reason in refusals(make(**settings).manifest.model)


def test_every_reason_is_told(make: Make) -> None:
    score = {"attention": {"score": "cosine"}}
    found = refusals(make(encoder=score, decoder={**score, "norm": {"epsilon": 0.1}}).manifest.model)
    assert [reason.split(" have")[0].split(" has")[0] for reason in found] == [
        "the encoder",
        "the decoder",
        "the norms of its stacks",
    ]


def test_recurrent_models_are_refused(untrained: Make) -> None:
    config: ModelConfig = untrained("recurrent").manifest.model
    assert refusals(config) == ["it is recurrent, and CTranslate2 runs Transformers only"]


def test_a_prompt_with_relative_positions_is_refused(make_decoder_only: Make) -> None:
    loaded = make_decoder_only("translation", position={"kind": "relative", "buckets": 8, "longest": 11})
    assert refusals(loaded.manifest.model) == [
        "it is decoder-only with relative positions, and CTranslate2 miscounts the distances in a prompt"
    ]


def test_the_matrix_of_a_bilinear_score_is_in_the_query(make: Make) -> None:
    loaded = make(encoder={"attention": {"score": "bilinear", "kv_heads": 3}})
    multihead: Any = loaded.model.attentions().encoder[0]
    weight, bias = query_of(multihead)
    assert bias is not None
    x = torch.randn(24)
    H, K = 6, 4
    plain = (x @ multihead.query.weight.T + multihead.query.bias).view(H, K)
    expected = torch.stack([plain[head] @ multihead.score.weight[head] for head in range(H)])
    torch.testing.assert_close((x @ weight.T + bias).view(H, K), expected)


def test_positions_are_written_out(make: Make) -> None:
    loaded = make(encoder={"position": {"kind": "sinusoidal", "first": 2}})
    stack: Any = loaded.model.encoder
    table = position_table(stack.position, width=24, rows=17)
    assert table.shape == (17, 24)
    assert float(table[5, 0]) == pytest.approx(torch.sin(torch.tensor(7.0)).item())


def test_what_no_translation_may_hold_is_out_of_reach_and_fits_half_precision() -> None:
    assert torch.tensor(NEVER, dtype=torch.float16).isfinite()
    assert torch.tensor([NEVER, 50.0]).softmax(-1)[0] == 0
