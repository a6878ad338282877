"""The models of a study: every combination once, each with its one choice, and no impossible ones."""

from __future__ import annotations

from typing import get_args

import pytest

from trasluz.attention import score
from trasluz.config import PositionConfig
from trasluz.errors import TrasluzError
from trasluz.training.preset import ARCHITECTURES, choose
from trasluz.training.settings import RunSettings, merge
from trasluz.training.variant import POSITIONS, SCORES, Variant, position_variants, score_variants


def resolved(variant: Variant) -> RunSettings:
    chosen = choose("tiny", pairs=11, seconds=None, steps=3, arch=variant.architecture)
    return RunSettings.model_validate(merge(chosen.settings, {"model": variant.settings}))


def test_all_scores_in_all_architectures_are_sixteen_models() -> None:
    variants = score_variants(ARCHITECTURES)
    names = [variant.name for variant in variants]
    assert len(names) == len(set(names)) == 16
    assert set(names) == {"recurrent-none", *(f"{arch}-{name}" for arch in ARCHITECTURES for name in SCORES)}


def test_the_scores_are_those_that_there_are() -> None:
    assert SCORES == score.SCORES


@pytest.mark.parametrize("variant", score_variants(ARCHITECTURES), ids=lambda variant: variant.name)
def test_every_attention_of_a_model_has_its_score(variant: Variant) -> None:
    model = resolved(variant).model.model_dump()
    attentions = [
        model[name]["attention"] for name in ("encoder", "decoder") if "attention" in model.get(name, {})
    ]
    assert {attention["score"] for attention in attentions} == {variant.choice}
    assert len(attentions) == (2 if variant.architecture == "transformer" else 1)


@pytest.mark.parametrize(
    "variant",
    position_variants(["transformer", "decoder-only"], longest=256),
    ids=lambda variant: variant.name,
)
def test_every_stack_of_a_model_has_its_position(variant: Variant) -> None:
    model = resolved(variant).model.model_dump()
    positions = [model[name]["position"] for name in ("encoder", "decoder") if name in model]
    assert {position["kind"] for position in positions} == {variant.choice}
    if variant.choice == "learned":
        assert {position["length"] for position in positions} == {513}


def test_the_positions_are_those_that_there_are() -> None:
    options = get_args(get_args(PositionConfig)[0])
    assert set(POSITIONS) == {option.model_fields["kind"].default for option in options}


def test_what_is_given_twice_counts_once_and_keeps_its_order() -> None:
    variants = score_variants(["recurrent", "transformer", "recurrent"], ["mlp", "none", "dot", "mlp"])
    assert [variant.name for variant in variants] == [
        *("recurrent-mlp", "recurrent-none", "recurrent-dot"),
        *("transformer-mlp", "transformer-dot"),
    ]


def test_what_is_unknown_is_said_with_the_nearest() -> None:
    with pytest.raises(
        TrasluzError, match=r"^unknown architecture 'transfomer'; allowed, nearest first: transf"
    ):
        score_variants(["transfomer"])
    with pytest.raises(
        TrasluzError, match=r"^unknown score 'scaleddot'; allowed, nearest first: scaled-dot, "
    ):
        score_variants(["transformer"], ["dot", "scaleddot"])
    with pytest.raises(TrasluzError, match=r"^unknown position 'rotatory'; allowed, nearest first: rotary, "):
        position_variants(["transformer"], ["rotatory"], longest=7)


def test_no_attention_is_for_the_recurrent_architecture_alone() -> None:
    with pytest.raises(TrasluzError) as refused:
        score_variants(["transformer", "decoder-only"], ["dot", "none"])
    assert str(refused.value) == (
        "the score 'none' is for the recurrent architecture alone, since the others cannot do without "
        "attention; leave it out, or give --arch recurrent"
    )


def test_a_recurrent_model_has_no_positions() -> None:
    with pytest.raises(
        TrasluzError, match=r"no positions to compare; give --arch transformer or decoder-only$"
    ):
        position_variants(["transformer", "recurrent"], longest=7)
