"""AdamW and the rate of learning over a run."""

from __future__ import annotations

import math

import torch
from torch import nn

from trasluz.training.settings import OptimizerSettings


def make_optimizer(model: nn.Module, settings: OptimizerSettings) -> torch.optim.AdamW:
    """AdamW over what a model may learn; matrices decay, vectors (biases, norms, temperatures) do not."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        groups,
        lr=settings.rate,
        betas=(settings.beta1, settings.beta2),
        eps=settings.epsilon,
        fused=True,
    )


def rate_at(step: int, *, progress: float, settings: OptimizerSettings) -> float:
    """The rate of the update after `step` updates, when the share `progress` of the budget is used up.

    It rises in a straight line over the warm-up; then `inverse-sqrt` (Vaswani et al. 2017, equation 3) falls
    with the square root of the steps, `cosine` (Loshchilov and Hutter 2017, equation 5) falls to zero as the
    budget ends, `constant` stays.
    """
    done = step + 1
    if done < settings.warmup:
        return settings.rate * done / settings.warmup
    match settings.schedule:
        case "inverse-sqrt":
            return settings.rate * math.sqrt(max(1, settings.warmup) / done)
        case "cosine":
            return settings.rate * (1 + math.cos(math.pi * min(1.0, progress))) / 2
        case "constant":
            return settings.rate


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Let every group of parameters learn at `rate`."""
    for group in optimizer.param_groups:
        group["lr"] = rate
