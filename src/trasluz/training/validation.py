"""A look at the validation pairs: the loss, and the same evaluation that every other door uses."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from trasluz.corpus.batch import Batch
from trasluz.decoding.translator import Translator
from trasluz.evaluation.metrics import Evaluation, evaluate
from trasluz.models.model import Model
from trasluz.training.loss import smoothed_loss_at_once
from trasluz.training.material import Material

SAMPLES = 3


@dataclass(frozen=True, slots=True)
class Validation:
    """`loss` in nats a target token, without smoothing; `seconds` is what the look cost."""

    loss: float
    evaluation: Evaluation
    seconds: float

    def figure(self, metric: str) -> float:
        """The figure of a metric by which checkpoints are compared: more is better."""
        if metric == "loss":
            return -self.loss
        return self.evaluation.metrics[metric].value

    def samples(self) -> list[dict[str, str]]:
        """A few translations, evenly spread over the validation pairs, the same ones every time."""
        translations = self.evaluation.translations
        spread = translations[:: max(1, len(translations) // SAMPLES)][:SAMPLES]
        return [{"source": one.source, "translation": one.text} for one in spread]


def validate(model: Model, material: Material) -> Validation:
    """Loss and greedy translations of the validation pairs; the model is left in training mode."""
    begin = time.monotonic()
    model.eval()
    translator = Translator(model, material.tokenizer, longest_source=material.longest_source)
    evaluation = evaluate(translator, material.validation, beam=1)
    loss = held_out_loss(model, material)
    model.train()
    return Validation(loss, evaluation, time.monotonic() - begin)


@torch.inference_mode()
def held_out_loss(model: Model, material: Material) -> float:
    """The mean cross-entropy of the validation targets, in nats a token."""
    held_out = material.held_out
    batches = [held_out.batch(0, index) for index in range(len(held_out.plan(0)))]
    total = sum(float(batch_loss(model, batch)) for batch in batches)
    return total / sum(batch.target_tokens for batch in batches)


def batch_loss(model: Model, batch: Batch) -> torch.Tensor:
    """The summed cross-entropy of a batch, without smoothing."""
    device = model.output.weight.device
    source, target = batch.source.to(device), batch.target.to(device)
    real = target != model.pad_id  # [B,T]
    hidden = model(source, model.teacher_forced(target))[real]  # [N,D]
    return smoothed_loss_at_once(hidden, target[real], output=model.output, smoothing=0.0)
