"""What is measured of a model: figures of the one scoring path, entropy by its closed forms, kept once."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from trasluz.config import RecurrentConfig
from trasluz.corpus.read import Pair
from trasluz.decoding.translator import Translator, load
from trasluz.evaluation.metrics import evaluate
from trasluz.insight.align import choose
from trasluz.insight.exhibit import Exhibit
from trasluz.insight.pharaoh import Aligned, Gold
from trasluz.insight.record import record
from trasluz.models.build import build_model
from trasluz.models.loaded import LoadedModel
from trasluz.parse import parse
from trasluz.training.measure import (
    Questions,
    alignment_error,
    attention_entropy,
    measured,
    source_rows,
)
from trasluz.training.run import Corpus, train
from trasluz.training.variant import score_variants

(VARIANT,) = score_variants(["transformer"], ["dot"])


def aligned(pairs: list[Pair]) -> Aligned:
    """Pairs whose first words are said to belong together."""
    return Aligned(pairs, [Gold(frozenset({(0, 0)}), frozenset({(0, 0)})) for _ in pairs])


@pytest.fixture(scope="module")
def directory(
    pairs: list[Pair], tiny: Callable[..., dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A model after three steps."""
    out = tmp_path_factory.mktemp("measured") / "run"
    train(Corpus(pairs[:53], pairs[53:]), out=out, changes=tiny(budget={"steps": 3}))
    return out


def test_what_an_encoder_decoder_gives_to_the_source_is_its_cross_attention(small: LoadedModel) -> None:
    attention = record(Translator(small.model, small.tokenizer, longest_source=29), "the cat sees a house")
    assert source_rows(attention) is attention.cross


def test_what_a_decoder_only_model_gives_to_the_source_is_made_whole() -> None:
    S, T, L, H = 3, 2, 5, 7
    weights = torch.rand(L, H, S + 1 + T, S + 1 + T).tril()
    weights = weights / weights.sum(-1, keepdim=True)
    exhibit = Exhibit((), ("a", "b", "c", "<s>", "x", "y"), decoder=weights, prompt_length=S + 1)
    rows = source_rows(exhibit)
    assert rows.shape == (L, H, T, S)
    torch.testing.assert_close(rows.sum(-1), torch.ones(L, H, T))
    torch.testing.assert_close(rows[1, 2, 0, 0] / rows[1, 2, 0, 1], weights[1, 2, S, 0] / weights[1, 2, S, 1])


def without_attention(small: LoadedModel) -> Translator:
    settings = {
        "embedding": {"vocabulary": len(small.tokenizer)},
        "decoder": {"attention": {"score": "none"}},
    }
    model = build_model(parse(RecurrentConfig, {"width": 8, **settings}, where="test")).eval()
    return Translator(model, small.tokenizer, longest_source=29)


def test_a_model_that_looks_at_nothing_has_no_entropy(small: LoadedModel, pairs: list[Pair]) -> None:
    assert attention_entropy(without_attention(small), pairs[:3]) is None


def test_the_entropy_of_a_model_is_the_mean_over_all_its_rows(small: LoadedModel, pairs: list[Pair]) -> None:
    translator = Translator(small.model, small.tokenizer, longest_source=29)
    shown = [record(translator, pair.source, target=pair.target).cross for pair in pairs[:3]]
    by_hand = [
        -sum(float(p) * math.log(float(p)) for p in row if p > 0)
        for cross in shown
        if cross is not None
        for row in cross.reshape(-1, cross.shape[-1])
    ]
    found = attention_entropy(translator, pairs[:3])
    assert found == pytest.approx(sum(by_hand) / len(by_hand), rel=1e-5)


def test_sentences_beyond_the_range_are_passed_over(small: LoadedModel, pairs: list[Pair]) -> None:
    translator = Translator(small.model, small.tokenizer, longest_source=29)
    long = Pair(" ".join(["the cat"] * 31), "el gato")
    assert attention_entropy(translator, [long]) is None
    assert attention_entropy(translator, [long, *pairs[:2]]) == attention_entropy(translator, pairs[:2])


def test_the_figures_are_those_of_the_one_scoring_path(directory: Path, pairs: list[Pair]) -> None:
    row = measured(directory, variant=VARIANT, questions=Questions({"test": pairs[:5]}, pairs[53:]))
    evaluation = evaluate(load(directory), pairs[:5], beam=5)
    for name in ("bleu", "chrf", "ter"):
        assert row.figure("test", name) == evaluation.metrics[name].value
        assert row.evaluations["test"]["metrics"][name]["signature"] == evaluation.metrics[name].signature
    assert row.evaluations["test"]["sentences"] == 5
    assert "translations" not in row.evaluations["test"]
    assert (row.name, row.precision, row.alignment_error) == ("transformer-dot", "float32", None)


def test_what_was_measured_is_kept_until_the_question_changes(
    directory: Path, pairs: list[Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Questions({"test": pairs[:7]}, pairs[53:])
    row = measured(directory, variant=VARIANT, questions=asked)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("measured again")

    with monkeypatch.context() as patch:
        patch.setattr("trasluz.training.measure.evaluate", refuse)
        assert measured(directory, variant=VARIANT, questions=asked) == row
        for other in (
            Questions({"test": pairs[:11]}, pairs[53:]),
            Questions({"test": pairs[:7]}, pairs[55:]),
            Questions({"test": pairs[:7]}, pairs[53:], in_one_go=256),
            Questions({"test": pairs[:7]}, pairs[53:], aligned=aligned(pairs[7:11])),
        ):
            with pytest.raises(AssertionError, match="measured again"):
                measured(directory, variant=VARIANT, questions=other)


def test_a_study_scores_by_the_one_path_also_what_has_several_sentences(
    directory: Path, pairs: list[Pair]
) -> None:
    several = [Pair(f"{pairs[0].source} {pairs[1].source}", f"{pairs[0].target} {pairs[1].target}")]
    translator = load(directory)
    assert translator.most_sentences == 1
    row = measured(directory, variant=VARIANT, questions=Questions({"test": several}, pairs[53:]))
    assert row.figure("test", "chrf") == evaluate(translator, several, beam=5).metrics["chrf"].value


@pytest.mark.parametrize("odd", ["uno\u2028dos", "uno\x0cdos", " ".join(["casa"] * 99)])
def test_pairs_without_a_single_pass_are_passed_over(directory: Path, pairs: list[Pair], odd: str) -> None:
    translator, few = load(directory), pairs[:2]
    strange = [*few, Pair(odd, "uno")]
    assert attention_entropy(translator, strange) == attention_entropy(translator, few)
    assert alignment_error(translator, aligned(strange)) == alignment_error(translator, aligned(few))


def test_the_alignment_error_is_that_of_the_head_that_has_the_lowest(
    directory: Path, pairs: list[Pair]
) -> None:
    gold = aligned(pairs[7:11])
    translator = load(directory)
    every = [
        choose(translator, gold.pairs, gold=gold.gold, layer=layer, head=head).figure
        for layer, head in itertools.product((1,), (1, 2))
    ]
    asked = Questions({"test": pairs[:2]}, pairs[53:], aligned=gold)
    error = measured(directory, variant=VARIANT, questions=asked).alignment_error
    assert error is not None
    assert error <= min(every)
    assert alignment_error(translator, aligned([])) is None


def test_without_attention_nothing_is_aligned(small: LoadedModel, pairs: list[Pair]) -> None:
    assert alignment_error(without_attention(small), aligned(pairs[:3])) is None


def test_in_one_go_a_long_sentence_is_not_cut(directory: Path, pairs: list[Pair]) -> None:
    long = [Pair(f"{pairs[0].source}. {pairs[1].source}. {pairs[2].source}.", "uno. dos. tres.")]
    cut = load(directory)
    whole = Translator(cut.model, cut.tokenizer, longest_source=211)
    assert len(cut.tokenizer.encode(long[0].source)) >= cut.longest_source
    row = measured(directory, variant=VARIANT, questions=Questions({"test": long}, pairs[53:], in_one_go=211))
    figures = evaluate(whole, long, beam=5)
    assert row.figure("test", "chrf") == figures.metrics["chrf"].value
    assert figures.translations != evaluate(cut, long, beam=5).translations
