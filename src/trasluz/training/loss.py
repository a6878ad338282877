"""The loss of training: cross-entropy with label smoothing, made piece by piece so that it stays small.

Letters: N real target tokens of a batch, D model, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from trasluz.layers.embedding import Output

CHUNK = 1 << 22
"""Most logits that exist at one time."""


def smoothed_loss(hidden: Tensor, target: Tensor, *, output: Output, smoothing: float) -> Tensor:
    """The sum over tokens of the label-smoothed cross-entropy (Szegedy et al. 2016, section 7).

    `hidden` is [N,D] and `target` [N]; the result is a scalar in nats. Gradients are made on the way forward,
    for as many tokens at a time as keep their logits below `CHUNK`, so the N x V logits never exist at once.
    """
    bias = hidden.new_zeros(output.weight.shape[0]) if output.bias is None else output.bias
    loss: Tensor = _ChunkedLoss.apply(hidden * output.scale, output.weight, bias, target, smoothing)  # type: ignore[no-untyped-call]
    return loss


def smoothed_loss_at_once(hidden: Tensor, target: Tensor, *, output: Output, smoothing: float) -> Tensor:
    """What `smoothed_loss` computes, the obvious way, with all logits at once."""
    return functional.cross_entropy(output(hidden), target, reduction="sum", label_smoothing=smoothing)


class _ChunkedLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, target: Tensor, smoothing: float
    ) -> Tensor:
        grad_hidden, grad_weight, grad_bias = (torch.zeros_like(x) for x in (hidden, weight, bias))
        loss = hidden.new_zeros(())
        rows = max(1, CHUNK // weight.shape[0])
        for begin in range(0, hidden.shape[0], rows):
            part = slice(begin, begin + rows)
            log_p = torch.addmm(bias, hidden[part], weight.t()).log_softmax(-1)  # [rows,V]
            picked = log_p.gather(1, target[part, None])  # [rows,1]
            loss -= (1 - smoothing) * picked.sum() + smoothing * log_p.mean(-1).sum()
            grad = log_p.exp_().sub_(smoothing / weight.shape[0])
            grad.scatter_add_(1, target[part, None], torch.full_like(picked, smoothing - 1))
            torch.mm(grad, weight, out=grad_hidden[part])
            grad_weight.addmm_(grad.t(), hidden[part])
            grad_bias += grad.sum(0)
        ctx.save_for_backward(grad_hidden, grad_weight, grad_bias)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, scale: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        grad_hidden, grad_weight, grad_bias = ctx.saved_tensors
        return grad_hidden * scale, grad_weight * scale, grad_bias * scale, None, None
