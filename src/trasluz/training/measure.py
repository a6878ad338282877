"""What a study says of one trained model: how good, how large, how fast, how widely it looks.

Knows no other model of the study. What was measured is kept in the model's directory, and measured again only
where the weights, the test pairs or the question are others.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torch.special import entr

from trasluz.config import Manifest
from trasluz.corpus.read import Pair
from trasluz.decoding.translator import Translator, load
from trasluz.evaluation.metrics import evaluate
from trasluz.insight.align import choose
from trasluz.insight.exhibit import Exhibit
from trasluz.insight.pharaoh import Aligned
from trasluz.insight.record import model_of, record
from trasluz.models.directory import WEIGHTS, read_json, write_json
from trasluz.models.load import read_manifest
from trasluz.text.sentences import trim
from trasluz.training.keeper import RECORD
from trasluz.training.material import fingerprint
from trasluz.training.progress import read_record
from trasluz.training.run import METRICS, best_device
from trasluz.training.variant import Variant

FIGURES = "figures.json"
BEAM = 5


@dataclass(frozen=True, slots=True)
class Questions:
    """What is asked of each model of a study.

    `tests` are pairs by the name of the test. `watched` are sentences, with their translations, whose
    attention is looked at. With `in_one_go` a source of up to so many pieces is translated as it is, though
    training had none as long; without, a text beyond the model's range is cut, as everywhere else. Alignments
    read off attention are held against those of `aligned`.
    """

    tests: Mapping[str, Sequence[Pair]]
    watched: Sequence[Pair]
    in_one_go: int | None = None
    aligned: Aligned | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """The answers of one model.

    `evaluations` holds, by the name of the test, `Evaluation.figures`. `validation_loss` is in nats a target
    token and `attention_entropy` in nats, of the kept weights, as `steps` and `seconds` are; the alignment
    error is the lowest that a head has; tokens are target tokens, of training; the memory is the
    most that its training held, in MiB. None is what there is not, such as the attention of a model without.
    """

    name: str
    architecture: str
    choice: str
    evaluations: dict[str, dict[str, Any]]
    validation_loss: float | None
    parameters: int
    tokens_per_second: float
    peak_memory_mb: float | None
    attention_entropy: float | None
    alignment_error: float | None
    steps: int
    seconds: float
    threads: int
    device: str
    precision: str

    def figure(self, test: str, metric: str) -> float:
        """The figure of a metric on a test."""
        value: float = self.evaluations[test]["metrics"][metric]["value"]
        return value


def measured(directory: Path, *, variant: Variant, questions: Questions) -> Row:
    """The answers of the model in `directory`: those that are kept there, or else measured now and kept."""
    kept = directory / FIGURES
    asked = _asked(directory, questions)
    if kept.is_file() and (there := read_json(kept)).get("asked") == asked:
        return Row(**there["row"])
    row = measure(directory, variant=variant, questions=questions)
    write_json(kept, {"asked": asked, "row": asdict(row)})
    return row


def measure(directory: Path, *, variant: Variant, questions: Questions) -> Row:
    """Load the model in `directory` and ask it everything; the figures of its making are read."""
    translator = load(directory, device=best_device())
    if questions.in_one_go is not None:
        translator = in_one_go(translator, read_manifest(directory), longest=questions.in_one_go)
    model = model_of(translator)
    evaluations = {
        name: evaluate(translator, pairs, beam=BEAM).figures() for name, pairs in questions.tests.items()
    }
    made = read_json(directory / RECORD)
    return Row(
        name=variant.name,
        architecture=variant.architecture,
        choice=variant.choice,
        evaluations=evaluations,
        validation_loss=_finite(made["validation"]["loss"]),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        tokens_per_second=_tokens_per_second(directory, made),
        peak_memory_mb=made["peak_memory_mb"],
        attention_entropy=attention_entropy(translator, questions.watched),
        alignment_error=alignment_error(translator, questions.aligned),
        steps=made["steps"],
        seconds=made["seconds"],
        threads=made["threads"],
        device=made["device"],
        precision=str(model.output.weight.dtype).removeprefix("torch."),
    )


def in_one_go(translator: Translator, manifest: Manifest, *, longest: int) -> Translator:
    """A translator that cuts no source of up to `longest` pieces, however few it learnt from."""
    return Translator(
        translator.model,
        translator.tokenizer,
        longest_source=longest,
        longest_target=manifest.model.longest_target(longest),
    )


def alignment_error(translator: Translator, aligned: Aligned | None) -> float | None:
    """The lowest alignment error rate that a head, or the mean of a layer's heads, has.

    Pairs that have no single pass to be seen in are left out. None without attention or gold alignments.
    """
    if aligned is None or not model_of(translator).attentions():
        return None
    every = zip(aligned.pairs, aligned.gold, strict=True)
    seen = [(pair, gold) for pair, gold in every if _fits(translator, pair)]
    if not seen:
        return None
    pairs, gold = zip(*seen, strict=True)
    return choose(translator, pairs, gold=gold).figure


def attention_entropy(translator: Translator, pairs: Sequence[Pair]) -> float | None:
    """How widely a model looks at the source: the mean entropy, in nats, of its rows of attention.

    A row is a head of a layer at one token of the given translation. In a decoder-only model it is what that
    token gives to the source, made to sum to 1. Pairs that have no single pass to be seen in are passed over;
    None where nothing is left, or nothing is looked at.
    """
    if not model_of(translator).attentions():
        return None
    rows = [
        entr(source_rows(record(translator, pair.source, target=pair.target)).double()).sum(-1).flatten()
        for pair in pairs
        if _fits(translator, pair)
    ]
    return _finite(float(torch.cat(rows).mean())) if rows else None


def source_rows(exhibit: Exhibit) -> Tensor:
    """What the prediction of each target token gave to the source, each row a distribution [L,H,T,S]."""
    if exhibit.cross is not None:
        return exhibit.cross
    assert exhibit.decoder is not None, "a translator that has attention looks at its source"
    assert exhibit.prompt_length is not None, "a decoder without cross-attention reads the source first"
    S = exhibit.prompt_length - 1  # the start symbol stands behind the source
    given = exhibit.decoder[:, :, S:-1, :S]
    return given / given.sum(-1, keepdim=True).clamp(min=1e-30)


def _fits(translator: Translator, pair: Pair) -> bool:
    """Whether a pair has a single pass to be seen in: one line on each side, and neither too long."""
    if any(len(trim(text)[1].splitlines()) != 1 for text in (pair.source, pair.target)):
        return False
    tokenizer = translator.tokenizer
    source = len(tokenizer.frame.source(tokenizer.encode(pair.source)))
    target = len(tokenizer.frame.target(tokenizer.target.encode(pair.target)))
    return source <= translator.longest_source and target <= (translator.longest_target or target)


def _tokens_per_second(directory: Path, made: Mapping[str, Any]) -> float:
    """The median over stretches of training, so that validations do not count; a short run has but a mean."""
    lines = read_record(directory / METRICS)
    rates = [float(line["tokens_per_second"]) for line in lines if line["kind"] == "training"]
    return round(median(rates) if rates else float(made["target_tokens_per_second"]), 1)


def _asked(directory: Path, questions: Questions) -> dict[str, Any]:
    """What tells one measurement from another."""
    return {
        "weights": hashlib.sha256((directory / WEIGHTS).read_bytes()).hexdigest(),
        "tests": {name: fingerprint(pairs) for name, pairs in questions.tests.items()},
        "watched": fingerprint(questions.watched),
        "in_one_go": questions.in_one_go,
        "beam": BEAM,
        "aligned": None if questions.aligned is None else questions.aligned.fingerprint,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
