"""The parts around attention: residuals, norms, feed-forward, dropout."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from trasluz.errors import TrasluzError
from trasluz.layers.dropout import Dropout
from trasluz.layers.embedding import Output
from trasluz.layers.feedforward import FeedForward
from trasluz.layers.norm import make_norm
from trasluz.layers.residual import Residual

B, T, D, F, V = 2, 5, 7, 11, 13

Array = NDArray[np.float64]

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "relu": lambda z: np.maximum(z, 0),
    "gelu": lambda z: z * np.vectorize(lambda one: 0.5 * (1 + math.erf(one / math.sqrt(2))))(z),
    "gelu-tanh": lambda z: 0.5 * z * (1 + np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))),
    "silu": lambda z: z / (1 + np.exp(-z)),
}


def test_a_residual_adds_what_a_part_makes_of_the_normed_input() -> None:
    norm, x = make_norm("layer", D), torch.randn(B, T, D)
    pre, post = (Residual(norm, place=place, dropout=0.0) for place in ("pre", "post"))
    torch.testing.assert_close(pre(x, lambda h: 3 * h), x + 3 * norm(x))
    torch.testing.assert_close(post(x, lambda h: 3 * h), norm(x + 3 * x))


def test_norms_are_their_formulas() -> None:
    x = torch.randn(B, T, D)
    numbers = x.double().numpy()
    centred = numbers - numbers.mean(-1, keepdims=True)
    layer = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    rms = numbers / np.sqrt((numbers**2).mean(-1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(make_norm("layer", D)(x).detach(), layer, atol=1e-5)
    np.testing.assert_allclose(make_norm("rms", D)(x).detach(), rms, atol=1e-5)


@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_feed_forward_is_its_formula(activation: str, gated: bool) -> None:
    part = FeedForward(D, hidden=F, activation=activation, gated=gated)
    x = torch.randn(B, T, D)
    bend = ACTIVATIONS[activation]

    def linear(layer: nn.Linear, z: Array) -> Array:
        product: Array = z @ layer.weight.detach().double().numpy().T + layer.bias.detach().double().numpy()
        return product

    z = x.double().numpy()
    wide = linear(part.widen, z)
    bent = bend(wide) if part.gate is None else bend(linear(part.gate, z)) * wide
    np.testing.assert_allclose(part(x).detach(), linear(part.narrow, bent), atol=1e-5)


def test_the_output_is_linear_in_its_scaled_input() -> None:
    weight = nn.Parameter(torch.randn(V, D))
    output = Output(weight, bias=True, scale=0.5)
    assert output.bias is not None
    nn.init.normal_(output.bias)
    x = torch.randn(B, T, D)
    torch.testing.assert_close(output(x), 0.5 * x @ weight.t() + output.bias)


def test_dropout_drops_its_share_and_keeps_the_mean() -> None:
    torch.manual_seed(13)
    dropout, ones = Dropout(0.25), torch.ones(401, 503)
    dropped = dropout(ones)
    torch.testing.assert_close(dropped.unique(), torch.tensor([0.0, 4 / 3]))
    assert (dropped == 0).float().mean().item() == pytest.approx(0.25, abs=0.005)
    assert dropped.mean().item() == pytest.approx(1.0, abs=0.01)


def test_dropout_passes_the_gradient_where_it_passed_the_number() -> None:
    dropout, x = Dropout(0.5), torch.ones(17, 19, requires_grad=True)
    dropped = dropout(x)
    dropped.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, dropped.detach())


def test_dropout_of_neighbours_is_independent() -> None:
    torch.manual_seed(17)
    kept = (Dropout(0.5)(torch.ones(1 << 18)) > 0).float()
    for distance in range(1, 9):
        together = (kept[:-distance] * kept[distance:]).mean().item()
        assert together == pytest.approx(0.25, abs=0.005), distance


def test_dropout_does_nothing_outside_training_or_at_zero() -> None:
    x = torch.randn(B, T)
    assert Dropout(0.5).eval()(x) is x
    assert Dropout(0.0)(x) is x


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: make_norm("batch", D), "unknown norm 'batch'; allowed, nearest first: layer, rms"),
        (
            lambda: Residual(nn.Identity(), place="prenorm", dropout=0.0),
            "unknown place of the norm 'prenorm'; allowed, nearest first: pre, post",
        ),
        (
            lambda: FeedForward(D, hidden=F, activation="gelu_tanh"),
            "unknown activation 'gelu_tanh'; allowed, nearest first: gelu-tanh, gelu, relu, silu",
        ),
    ],
)
def test_unknown_parts_are_refused(make: Callable[[], object], sentence: str) -> None:
    with pytest.raises(TrasluzError) as refused:
        make()
    assert str(refused.value) == sentence


def test_a_rate_that_would_round_to_all_leaves_a_little() -> None:
    dropped = Dropout(0.999)(torch.ones(101, 257))
    assert bool(dropped.isfinite().all())
    assert 0 < int((dropped > 0).sum()) < 0.02 * dropped.numel()
