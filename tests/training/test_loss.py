"""The loss made in pieces is the loss made at once, and both are the formula."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from trasluz.layers.embedding import Output
from trasluz.training import loss as losses
from trasluz.training.loss import smoothed_loss, smoothed_loss_at_once

N, D, V = 11, 7, 13


def output(*, bias: bool) -> Output:
    made = Output(nn.Parameter(torch.randn(V, D)), bias=bias, scale=0.5)
    if made.bias is not None:
        nn.init.normal_(made.bias)
    return made


@pytest.mark.parametrize("chunk", [1, 3 * V, 1 << 22])
@pytest.mark.parametrize("bias", [False, True])
def test_in_pieces_and_at_once_agree_in_value_and_gradients(
    bias: bool, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses, "CHUNK", chunk)
    made = output(bias=bias)
    hidden, target = torch.randn(N, D, requires_grad=True), torch.randint(V, (N,))
    wanted = [hidden, *made.parameters()]

    def outcome(loss: Tensor) -> list[Tensor]:
        return [loss, *torch.autograd.grad(3.0 * loss, wanted)]

    pieces = outcome(smoothed_loss(hidden, target, output=made, smoothing=0.1))
    at_once = outcome(smoothed_loss_at_once(hidden, target, output=made, smoothing=0.1))
    for one, other in zip(pieces, at_once, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_is_its_formula(smoothing: float) -> None:
    made, hidden, target = output(bias=False), torch.randn(N, D), torch.randint(V, (N,))
    logits = (0.5 * hidden.double() @ made.weight.detach().double().t()).numpy()
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    expected = 0.0
    for row, wanted in enumerate(target.tolist()):
        wished = [smoothing / V + (1 - smoothing) * (entry == wanted) for entry in range(V)]
        expected -= sum(share * log_p[row, entry] for entry, share in enumerate(wished))
    assert smoothed_loss(hidden, target, output=made, smoothing=smoothing).item() == pytest.approx(
        expected, rel=1e-5
    )


def test_a_model_that_knows_nothing_loses_the_logarithm_of_the_vocabulary() -> None:
    made = Output(nn.Parameter(torch.zeros(V, D)))
    loss = smoothed_loss(torch.randn(N, D), torch.randint(V, (N,)), output=made, smoothing=0.1)
    assert loss.item() == pytest.approx(N * math.log(V), rel=1e-5)
