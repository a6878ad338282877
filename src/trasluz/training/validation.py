"""A look at the validation pairs: the loss, and the same evaluation that every other door uses."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from trasluz.corpus.batch import Batch
from trasluz.decoding.generator import Generator
from trasluz.decoding.sample import Sampling
from trasluz.decoding.translator import Translator
from trasluz.evaluation.metrics import Evaluation, Metric, evaluate
from trasluz.models.decoder_only import DecoderOnly
from trasluz.models.model import Model
from trasluz.training.loss import smoothed_loss
from trasluz.training.material import Material

SAMPLES = 3
PROMPT_WORDS, CONTINUATION = 3, 30
"""How a language model shows what it can: from so many words on, it writes so many tokens."""


@dataclass(frozen=True, slots=True)
class Validation:
    """`loss` in nats a target token, without smoothing; `seconds` is what the look cost.

    `samples` are a few translations, or continuations of a language model, of the same texts every time.
    A language model has no `evaluation`.
    """

    loss: float
    evaluation: Evaluation | None
    samples: list[dict[str, str]]
    seconds: float

    @property
    def metrics(self) -> dict[str, Metric]:
        """The metrics of the translations, by name; none for a language model."""
        return {} if self.evaluation is None else self.evaluation.metrics

    def figure(self, metric: str) -> float:
        """The figure of a metric by which checkpoints are compared: more is better."""
        return -self.loss if metric == "loss" else self.metrics[metric].value


def validate(model: Model, material: Material) -> Validation:
    """Loss and greedy translations of the validation pairs; the model is left in training mode."""
    begin = time.monotonic()
    model.eval()
    evaluation = None if material.task == "language-model" else _translated(model, material)
    samples = _continued(model, material) if evaluation is None else _some(evaluation)
    loss = held_out_loss(model, material)
    model.train()
    return Validation(loss, evaluation, samples, time.monotonic() - begin)


def _translated(model: Model, material: Material) -> Evaluation:
    translator = Translator(
        model,
        material.tokenizer,
        longest_source=material.longest_source,
        most_sentences=material.most_sentences,
        longest_target=material.longest_target,
    )
    return evaluate(translator, material.validation, beam=1)


def _some(evaluation: Evaluation) -> list[dict[str, str]]:
    """Translations spread evenly over all of them."""
    spread = evaluation.translations[:: max(1, len(evaluation.translations) // SAMPLES)][:SAMPLES]
    return [{"source": one.source, "translation": one.text} for one in spread]


def _continued(model: Model, material: Material) -> list[dict[str, str]]:
    """The likeliest continuations of the first words of validation texts."""
    assert isinstance(model, DecoderOnly)
    generator = Generator(model, material.tokenizer, longest=material.longest_target)
    spread = material.validation[:: max(1, len(material.validation) // SAMPLES)][:SAMPLES]
    prompts = [" ".join(pair.target.split()[:PROMPT_WORDS]) for pair in spread]
    greedy = Sampling(temperature=0)
    written = [generator.generate(prompt, sampling=greedy, most=CONTINUATION) for prompt in prompts]
    return [{"prompt": one.prompt, "continuation": one.text} for one in written]


@torch.inference_mode()
def held_out_loss(model: Model, material: Material) -> float:
    """The mean cross-entropy of the validation targets, in nats a token."""
    held_out = material.held_out
    batches = [held_out.batch(0, index) for index in range(len(held_out.plan(0)))]
    total = sum(float(batch_loss(model, batch)) for batch in batches)
    return total / sum(batch.target_tokens for batch in batches)


def batch_loss(model: Model, batch: Batch, *, smoothing: float = 0.0) -> torch.Tensor:
    """The summed cross-entropy of the real target tokens of a batch, in nats."""
    device = model.output.weight.device
    source, target = batch.source.to(device), batch.target.to(device)
    real = target != model.pad_id  # [B,T]
    hidden = model(source, model.teacher_forced(target))[real]  # [N,D]
    return smoothed_loss(hidden, target[real], output=model.output, smoothing=smoothing)
