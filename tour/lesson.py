"""Two small models trained on the bundled corpus: one to follow, and one that learns its positions.

Seeds and numbers of steps are fixed, so a machine trains the same models every time.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, cast

import torch
from torch.nn import functional

from tour.facts import Facts
from tour.walk import COMBINATION, SENTENCE
from trasluz.attention.position import Learned, Relative
from trasluz.config import TransformerConfig
from trasluz.corpus.read import Pair
from trasluz.corpus.starter import split_sentences
from trasluz.decoding.translator import Translator, load
from trasluz.evaluation.metrics import evaluate
from trasluz.models.transformer import Transformer
from trasluz.training.run import METRICS, Corpus, train

PAIRS, HELD_OUT, SEED = 20_000, 500, 1
STEPS, POSITION_STEPS = 1800, 1000
FOLLOWED, POSITIONED = "followed", "positioned"
"""The directories of the two models."""
STACK: dict[str, Any] = {"norm": {"place": "pre"}, "dropout": 0.1}
PIECES = 2000
"""What stands here is laid over the preset `tiny`, so that the page does not change when a preset does."""
LENGTH = 64
"""So many positions are learnt; the longest sentence has far fewer pieces."""
SHOWN, FARTHEST = 40, 20
"""So many learnt positions are shown, and relative distances up to this."""


class Lesson:
    """The pairs, and the models that learn from them, each in a directory below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        training, validation, test = split_sentences(PAIRS, held_out=HELD_OUT, seed=SEED)
        self.sentences = training
        self.training, self.validation, self.test = (
            [Pair(one.source, one.target) for one in part] for part in (training, validation, test)
        )

    def teach(self) -> None:
        """Train both models; what is trained already stays."""
        self._teach(FOLLOWED, steps=STEPS, encoder={}, decoder={})
        self._teach(
            POSITIONED,
            steps=POSITION_STEPS,
            encoder={"position": {"kind": "relative"}},
            decoder={"position": {"kind": "learned", "length": LENGTH}},
        )

    def _teach(self, name: str, *, steps: int, encoder: dict[str, Any], decoder: dict[str, Any]) -> None:
        changes = {
            "model": {"encoder": {**STACK, **encoder}, "decoder": {**STACK, **decoder}},
            "tokenizer": {"vocabulary": PIECES},
            "budget": {"steps": steps},
            "batch": {"longest": LENGTH - 1},
            "validation": {"every": 200, "pairs": 200},
            "seed": SEED,
            "source_language": "en",
            "target_language": "es",
        }
        train(Corpus(self.training, self.validation), out=self.folder / name, preset="tiny", changes=changes)

    def translator(self) -> Translator:
        """The model that is followed."""
        return load(self.folder / FOLLOWED)

    def facts(self) -> Facts:
        """How the followed model learnt, and what it can do."""
        lines = (self.folder / FOLLOWED / METRICS).read_text("utf-8").splitlines()
        records = [json.loads(line) for line in lines]
        steps = [one for one in records if one["kind"] == "training"]
        looks = [one for one in records if one["kind"] == "validation"]
        translator = self.translator()
        evaluation = evaluate(translator, self.test)
        assert all(one.source != SENTENCE for one in self.sentences), "the sentence is new to the model"
        right = sum(
            translation.text in references
            for translation, references in zip(evaluation.translations, evaluation.references, strict=True)
        )
        model = cast(Transformer, translator.model)
        return {
            "pairs": len(self.training),
            "test_pairs": len(self.test),
            "steps": STEPS,
            "vocabulary": model.vocabulary,
            "blind_loss": math.log(model.vocabulary),
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "width": model.output.weight.shape[1],
            "heads": model.encoder.blocks[0].self_attention.multihead.heads,
            "head_width": model.encoder.blocks[0].self_attention.multihead.head_width,
            "encoder_layers": len(model.encoder.blocks),
            "decoder_layers": len(model.decoder.blocks),
            "loss_steps": [one["step"] for one in steps],
            "loss": [one["loss"] for one in steps],
            "look_steps": [one["step"] for one in looks],
            "look_bleu": [one["metrics"]["bleu"] for one in looks],
            "look_loss": [one["loss"] for one in looks],
            "bleu": evaluation.metrics["bleu"].value,
            "signature": evaluation.metrics["bleu"].signature,
            "chrf": evaluation.metrics["chrf"].value,
            "word_for_word": right,
            "same_combination": sum(COMBINATION in one.combinations for one in self.sentences),
        }

    def positions(self) -> Facts:
        """What the other model learnt of positions: its decoder's table, its encoder's biases."""
        translator = load(self.folder / POSITIONED)
        model = cast(Transformer, translator.model)
        learned, relative = model.decoder.position, model.encoder.position
        assert isinstance(learned, Learned)
        assert isinstance(relative, Relative)
        table = functional.normalize(learned.embedding.weight.detach()[:SHOWN], dim=-1)
        lengths = sorted(map(len, translator.tokenizer.encode_all([pair.target for pair in self.training])))
        usual, seen = lengths[len(lengths) // 2] + 1, lengths[-1] + 1  # the start symbol has a position too
        cosines = table @ table.T  # [positions, positions]
        often = cosines[:usual, :usual]
        distances = torch.arange(-FARTHEST, FARTHEST + 1)
        with torch.no_grad():
            bias = relative.bias(torch.zeros(1, 1, dtype=torch.long), distances[None])[0, :, 0]  # [H,S]
        return {
            "steps": POSITION_STEPS,
            "positions_usual": usual,
            "positions_seen": seen,
            "positions_apart": usual // 2,
            "near": often.diagonal(1).mean(),
            "apart": torch.cat([often.diagonal(one) for one in range(usual // 2, usual)]).mean(),
            "unseen": cosines[seen:, seen:].diagonal(1).mean(),
            "learned_cosines": [[round(one, 2) for one in row] for row in cosines.tolist()],
            "relative_distances": distances,
            "relative_bias": bias,
        }


def configuration(directory: Path) -> TransformerConfig:
    """What the model in a directory is made of."""
    from trasluz.models.load import read_manifest

    config = read_manifest(directory).model
    assert isinstance(config, TransformerConfig)
    return config
