"""Settings: what is wrong with them is said in one sentence that names the key."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from trasluz.config import DecoderOnlyConfig, Manifest, RecurrentConfig, RotaryPosition, TransformerConfig
from trasluz.errors import TrasluzError
from trasluz.parse import known_keys, parse

GOOD: dict[str, Any] = {"embedding": {"vocabulary": 101}}


def refusal(**settings: Any) -> str:
    with pytest.raises(TrasluzError) as refused:
        parse(TransformerConfig, settings, where="model.yaml")
    return str(refused.value)


def test_what_is_not_given_has_a_default() -> None:
    config = parse(TransformerConfig, GOOD, where="model.yaml")
    assert (config.width, config.encoder.layers, config.encoder.attention.score) == (256, 3, "scaled-dot")


def test_settings_survive_json() -> None:
    config = parse(
        TransformerConfig, {**GOOD, "encoder": {"position": {"kind": "rotary", "base": 500.0}}}, where=""
    )
    assert config.encoder.position == RotaryPosition(base=500.0)
    assert TransformerConfig.model_validate_json(config.model_dump_json()) == config


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        parse(TransformerConfig, GOOD, where="").width = 3


def test_an_unknown_key_names_the_nearest_known_one() -> None:
    assert refusal(**GOOD, widht=3).startswith(
        "model.yaml: unknown key 'widht'; known, nearest first: width, "
    )


def test_an_unknown_key_deep_inside_is_named_by_its_path() -> None:
    sentence = refusal(**GOOD, encoder={"position": {"kind": "rotary", "bas": 3}})
    assert sentence.startswith(
        "model.yaml: unknown key 'encoder.position.bas'; known, nearest first: encoder.position.base"
    )


def test_a_key_in_the_wrong_place_is_told_its_place() -> None:
    sentence = refusal(**GOOD, heads=3)
    assert sentence.startswith(
        "model.yaml: unknown key 'heads'; known, nearest first: encoder.attention.heads"
    )


def test_a_missing_key_is_named() -> None:
    assert refusal() == "model.yaml: the key 'embedding' is missing; add it, since it has no default"


def test_a_width_that_heads_do_not_divide_is_refused() -> None:
    assert refusal(**GOOD, width=255) == (
        "model.yaml: the width 255 is not divisible by the 4 heads of the encoder; "
        "choose a multiple of 4, or give encoder.attention.head_width"
    )
    wide = {"attention": {"heads": 4, "head_width": 7}}
    assert (
        parse(TransformerConfig, {**GOOD, "width": 255, "encoder": wide, "decoder": wide}, where="").width
        == 255
    )


def test_groups_that_do_not_divide_the_heads_are_refused() -> None:
    assert refusal(**GOOD, encoder={"attention": {"heads": 4, "kv_heads": 3}}) == (
        "model.yaml: 'heads' is 4 and 'kv_heads' 3; the second must divide the first"
    )


def test_a_range_too_short_for_the_buckets_is_refused() -> None:
    assert refusal(**GOOD, encoder={"position": {"kind": "relative", "longest": 16}}) == (
        "model.yaml: 'longest' is 16, but must be more than half of the 32 buckets"
    )


def test_an_unknown_choice_lists_the_known_ones_nearest_first() -> None:
    assert refusal(**GOOD, encoder={"attention": {"score": "cosinus"}}).startswith(
        "model.yaml: unknown encoder.attention.score 'cosinus'; allowed, nearest first: cosine, "
    )
    assert refusal(**GOOD, encoder={"position": {"kind": "rotatory"}}).startswith(
        "model.yaml: unknown encoder.position.kind 'rotatory'; allowed, nearest first: rotary, "
    )


def test_a_value_out_of_range_says_what_is_allowed() -> None:
    assert refusal(embedding={"vocabulary": 0}) == (
        "model.yaml: embedding.vocabulary is 0, but it should be greater than or equal to 1"
    )


def test_known_keys_reach_into_every_kind() -> None:
    keys = known_keys(TransformerConfig)
    assert {"width", "encoder.position.base", "decoder.position.buckets", "decoder.attention.score"} <= set(
        keys
    )
    assert len(keys) == len(set(keys))


def recurrent(**settings: Any) -> str:
    with pytest.raises(TrasluzError) as refused:
        parse(RecurrentConfig, {**GOOD, **settings}, where="model.yaml")
    return str(refused.value)


def test_a_recurrent_model_without_attention_takes_no_query_and_feeds_nothing() -> None:
    sentence = (
        "model.yaml: the score is 'none', so there is no query, but {}; choose a score, or leave that out"
    )
    previous = {"attention": {"score": "none", "query": "previous"}}
    feeding = {"attention": {"score": "none", "input_feeding": True}}
    assert recurrent(decoder=previous) == sentence.format("'query' is 'previous'")
    assert recurrent(decoder=feeding) == sentence.format("'input_feeding' is on")


def test_input_feeding_with_the_previous_query_is_refused() -> None:
    assert recurrent(decoder={"attention": {"query": "previous", "input_feeding": True}}) == (
        "model.yaml: 'input_feeding' is on, but where 'query' is 'previous' what is found goes into the "
        "cells already; choose one of the two"
    )


def test_an_odd_width_that_two_directions_cannot_share_is_refused() -> None:
    assert recurrent(width=255) == (
        "model.yaml: the width 255 is odd, but the two directions of the encoder share it; "
        "choose an even one, or give encoder.width"
    )
    assert (
        recurrent(encoder={"width": 7}) == "model.yaml: encoder.width is 7, but it should be a multiple of 2"
    )
    assert parse(RecurrentConfig, {**GOOD, "width": 255, "encoder": {"width": 254}}, where="").width == 255


def test_the_kind_of_a_model_decides_what_is_known_of_it() -> None:
    def refused(**model: Any) -> str:
        with pytest.raises(TrasluzError) as refused:
            parse(
                Manifest, {"format": 1, "longest_source": 7, "model": {**GOOD, **model}}, where="config.json"
            )
        return str(refused.value)

    assert refused(kind="recurrent", encoder={"attention": {}}).startswith(
        "config.json: unknown key 'model.encoder.attention'; known, nearest first: model.decoder.attention, "
    )
    assert refused(kind="transformer", cell="gru").startswith("config.json: unknown key 'model.cell'; known")
    kinds = "recurrent, decoder-only, transformer"
    assert refused(kind="recurent") == (
        f"config.json: unknown model.kind 'recurent'; allowed, nearest first: {kinds}"
    )
    assert refused(kind=7) == (
        "config.json: unknown model.kind '7'; allowed, nearest first: transformer, recurrent, decoder-only"
    )


def test_a_model_that_names_no_kind_is_a_transformer() -> None:
    manifest = parse(Manifest, {"format": 1, "longest_source": 7, "model": GOOD}, where="config.json")
    assert manifest.model == parse(TransformerConfig, GOOD, where="")


def test_a_position_must_name_its_kind() -> None:
    assert refusal(**GOOD, encoder={"position": 3}) == (
        "model.yaml: encoder.position is 3, but it should be a group of settings"
    )
    assert refusal(**GOOD, encoder={"position": {"base": 3.0}}) == (
        "model.yaml: the key 'encoder.position.kind' is missing; add it, since it has no default"
    )


def test_a_model_of_either_kind_survives_json() -> None:
    for model in (TransformerConfig(**GOOD), RecurrentConfig(**GOOD, cell="gru")):
        manifest = Manifest(format=1, longest_source=7, model=model)
        assert Manifest.model_validate_json(manifest.model_dump_json()) == manifest


def test_only_learnt_positions_limit_what_a_model_can_write() -> None:
    learned = {"decoder": {"position": {"kind": "learned", "length": 31}}}
    assert parse(TransformerConfig, {**GOOD, **learned}, where="").longest_target(7) == 31
    assert parse(DecoderOnlyConfig, {**GOOD, **learned}, where="").longest_target(7) == 31 - 7
    for kind in (TransformerConfig, RecurrentConfig, DecoderOnlyConfig):
        assert kind(**GOOD).longest_target(7) is None


def test_a_decoder_only_model_has_one_table() -> None:
    with pytest.raises(TrasluzError, match=r"has one table of tokens; leave embedding.shared at true"):
        parse(DecoderOnlyConfig, {"embedding": {"vocabulary": 101, "shared": False}}, where="test")


def test_a_symbol_is_a_token_of_the_vocabulary() -> None:
    for kind in (TransformerConfig, RecurrentConfig, DecoderOnlyConfig):
        with pytest.raises(
            TrasluzError, match=r"symbols.end is 101, but the vocabulary has the tokens 0 to 100"
        ):
            parse(kind, {**GOOD, "symbols": {"end": 101}}, where="test")
