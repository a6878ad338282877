"""What the keys of a config.json mean, said or unsaid: what they mean to the reference, or one sentence."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers.models.gpt2.configuration_gpt2 import GPT2Config
from transformers.models.llama.configuration_llama import LlamaConfig
from transformers.models.m2m_100.configuration_m2m_100 import M2M100Config
from transformers.models.marian.configuration_marian import MarianConfig
from transformers.models.mbart.configuration_mbart import MBartConfig
from transformers.models.pegasus.configuration_pegasus import PegasusConfig
from transformers.models.t5.configuration_t5 import T5Config

from tests.models.families.references import (
    BART,
    CASES,
    GPT2,
    LLAMA3,
    LONGER,
    T5,
    Case,
    Twins,
    V,
    read_twins,
    reread,
    twins,
)
from trasluz.config import NO_PADDING
from trasluz.errors import TrasluzError
from trasluz.models.decoder_only import DecoderOnly
from trasluz.models.families.checkpoint import FAMILIES
from trasluz.models.families.reading import LARGEST, Reading

BY_NAME = {case.name: case for case in CASES}


def assert_same(both: Twins) -> None:
    """The logits are the reference's."""
    given = torch.randint(7, 90, (2, 11), generator=torch.Generator().manual_seed(3))
    read = {"input_ids": given, "decoder_input_ids": given} if both.has_source else {"input_ids": given}
    with torch.inference_mode():
        ours = both.ours.output(both.ours(given if both.has_source else given[:, :0], given))
        torch.testing.assert_close(ours, both.reference(**read).logits, atol=1e-4, rtol=0.0)


ONLY_SIZES: dict[str, tuple[type[Any], dict[str, Any], int]] = {
    "T5 1.0": (T5Config, {key: T5[key] for key in ("d_model", "d_kv", "d_ff", "num_layers", "num_heads")}, V),
    **{
        name: (
            kind,
            {key: BART[key] for key in BART if key.startswith(("d_model", "encoder_", "decoder_"))},
            58103 if name == "Marian" else V,
        )
        for name, kind in {
            "mBART": MBartConfig,
            "Marian": MarianConfig,
            "M2M100": M2M100Config,
            "Pegasus": PegasusConfig,
        }.items()
    },
    "GPT-2": (GPT2Config, {key: GPT2[key] for key in ("n_embd", "n_head", "n_layer")}, 50261),
    "Llama 2": (
        LlamaConfig,
        {
            "hidden_size": 84,
            "intermediate_size": 37,
            "num_hidden_layers": 3,
            "num_attention_heads": 6,
        },
        V,
    ),
}
"""The configurations of the families, their sizes, and a vocabulary that the usual symbols fit into."""


@pytest.mark.parametrize("name", ONLY_SIZES)
def test_a_missing_key_means_what_it_means_to_the_reference(name: str, tmp_path: Path) -> None:
    kind, sizes, rows = ONLY_SIZES[name]
    sizes = sizes | {"vocab_size": rows}
    both = twins(Case(name, BY_NAME[name].reference, lambda: kind(**sizes)), tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(sizes | {"model_type": kind.model_type}), "utf-8")
    both = read_twins(type(both.reference).from_pretrained(tmp_path).eval(), tmp_path)
    assert_same(both)
    theirs, ours = both.reference.config, both.ours
    assert ours.end_id == theirs.eos_token_id
    first = getattr(theirs, "decoder_start_token_id", None) if both.has_source else theirs.bos_token_id
    first = theirs.pad_token_id if name == "T5 1.0" else first  # as its paper has it; its class says nothing
    assert ours.start_id == (theirs.eos_token_id if first is None else first)
    assert ours.pad_id == (theirs.pad_token_id if both.has_source else NO_PADDING)


RATES = {
    "T5 1.0": {"dropout": "dropout_rate", "attention": "dropout_rate", "feedforward": "dropout_rate"},
    **{
        name: {"dropout": "dropout", "attention": "attention_dropout", "feedforward": "activation_dropout"}
        for name in ("mBART", "Marian", "M2M100", "Pegasus")
    },
    "GPT-2": {"dropout": "resid_pdrop", "attention": "attn_pdrop", "embedding": "embd_pdrop"},
    "Llama 2": {"attention": "attention_dropout"},
}
"""Where each family has the rates of dropout, which no evaluation shows."""


@pytest.mark.parametrize("name", RATES)
def test_a_missing_rate_of_dropout_is_that_of_the_reference(name: str) -> None:
    kind, sizes, rows = ONLY_SIZES[name]
    theirs, settings = kind(), sizes | {"vocab_size": rows, "model_type": kind.model_type}
    reading = Reading(settings, stored=["a tensor"] * 99, where="config.json")
    ours: Any = FAMILIES[kind.model_type].config_from_hf(reading)
    found = {
        "dropout": ours.decoder.dropout,
        "attention": ours.decoder.attention.dropout,
        "feedforward": ours.decoder.feedforward.dropout,
        "embedding": ours.embedding.dropout,
    }
    assert {part: found[part] for part in RATES[name]} == {
        part: getattr(theirs, key) for part, key in RATES[name].items()
    }


@pytest.mark.parametrize("activation", ["gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu", None])
@pytest.mark.parametrize("word", ["relu", "gated-gelu", "gated-gelu_new"])
def test_the_feed_forward_of_t5_is_what_its_later_keys_say(
    word: str, activation: str | None, tmp_path: Path
) -> None:
    both = twins(
        Case("t5", BY_NAME["T5 1.0"].reference, lambda: T5Config(**T5, feed_forward_proj=word)), tmp_path
    )
    said = {} if activation is None else {"dense_act_fn": activation}
    assert_same(reread(both, said, without=("is_gated_act", *({"dense_act_fn"} - said.keys()))))


def test_whether_that_of_t5_is_gated_is_said_twice(tmp_path: Path) -> None:
    def configured() -> T5Config:
        return T5Config(**T5, feed_forward_proj="relu", is_gated_act=True)

    both = twins(Case("t5", BY_NAME["T5 1.0"].reference, configured), tmp_path)
    assert both.reference.config.is_gated_act
    assert_same(both)
    with pytest.raises(TrasluzError, match="wi_0"):
        reread(both, {"is_gated_act": False})


OLD = {"rope_type": "linear", "factor": 4.0}
NEW = {"rope_type": "default", "rope_theta": 777.0}


@pytest.mark.parametrize(
    ("said", "without"),
    [
        ({"rope_scaling": OLD, "rope_parameters": NEW}, ()),
        ({"rope_scaling": OLD, "rope_parameters": NEW, "rope_theta": 123.0}, ()),
        ({"rope_scaling": OLD | {"rope_theta": 99.0}, "rope_parameters": NEW}, ()),
        ({"rope_scaling": {}, "rope_parameters": NEW}, ()),
        ({"rope_scaling": None, "rope_parameters": NEW, "rope_theta": 123.0}, ()),
        ({"rope_scaling": OLD, "rope_theta": 123.0}, ("rope_parameters",)),
        ({"rope_scaling": {"type": "linear", "factor": 4.0}}, ("rope_parameters",)),
        ({"rope_parameters": OLD, "rope_theta": 123.0}, ()),
        ({"rope_theta": 123.0}, ("rope_parameters",)),
        ({}, ("rope_parameters",)),
        ({"rope_parameters": {"rope_type": "yarn", **LONGER, "beta_fast": 0, "beta_slow": 0}}, ()),
    ],
)
def test_of_two_groups_of_rotary_positions_the_same_counts(
    said: dict[str, Any], without: tuple[str, ...], tmp_path: Path
) -> None:
    usual = LLAMA3 | {"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}}
    both = twins(Case("llama", BY_NAME["Llama 3"].reference, lambda: LlamaConfig(**usual)), tmp_path)
    assert_same(reread(both, said, without=without))


@pytest.mark.parametrize("name", ["GPT-2", "Llama 3"])
@pytest.mark.parametrize("pad", [-1, 0, 2, 11])
def test_padding_of_a_language_model_is_a_token_like_any_other(name: str, pad: int, tmp_path: Path) -> None:
    both = reread(twins(BY_NAME[name], tmp_path), {"pad_token_id": pad, "eos_token_id": [2, 3]})
    assert_same(both)
    given, ours = torch.tensor([[0, 11, 7, 2, 11, 9]]), both.ours
    assert isinstance(ours, DecoderOnly)
    with torch.inference_mode():
        stepped = ours.step(given[:, -1], ours.read(given[:, :-1]))
        theirs = both.reference(given).logits[:, -1]
    torch.testing.assert_close(stepped, theirs, atol=1e-4, rtol=0.0)
    assert pad not in set(ours.forbidden_ids) - {ours.start_id, 0}  # 0: the unknown one of Llama


@pytest.mark.parametrize("name", ["GPT-2", "Llama 2", "M2M100"])
def test_an_activation_by_its_other_name_is_the_same(name: str, tmp_path: Path) -> None:
    key = "hidden_act" if name == "Llama 2" else "activation_function"
    assert_same(reread(twins(BY_NAME[name], tmp_path), {key: "gelu_pytorch_tanh"}))


def test_a_t5_without_an_output_of_its_own_has_that_of_its_table(tmp_path: Path) -> None:
    both, path = twins(BY_NAME["T5 1.1"], tmp_path), tmp_path / "model.safetensors"
    tensors = load_file(path)
    del tensors["lm_head.weight"]
    save_file(tensors, path, metadata={"format": "pt"})
    assert_same(read_twins(type(both.reference).from_pretrained(tmp_path).eval(), tmp_path))


def read(name: str, said: dict[str, Any], *, stored: int = 99) -> Any:
    """Our configuration of one of the cases with other keys."""
    settings = BY_NAME[name].config().to_dict() | said
    reading = Reading(settings, stored=["a tensor"] * stored, where="config.json")
    return FAMILIES[settings["model_type"]].config_from_hf(reading)


@pytest.mark.parametrize(
    ("name", "said", "why"),
    [
        (
            "M2M100",
            {"decoder_start_token_id": 1},
            "decoder_start_token_id is 1, but that is the padding symbol",
        ),
        *(
            (
                name,
                {"tie_word_embeddings": False},
                "tie_word_embeddings is False, but Trasluz has only True there",
            )
            for name in ("mBART", "M2M100", "Marian", "Pegasus")
        ),
        ("Llama 3", {"head_dim": 7}, "head_dim is 7, but rotary positions need an even one"),
        (
            "Llama 3",
            {"head_dim": None, "num_attention_heads": 4},
            "hidden_size / num_attention_heads is 15, but rotary positions need an even one",
        ),
        ("Marian", {"max_position_embeddings": 0}, "max_position_embeddings is 0, but it should be a whole"),
        (
            "Pegasus",
            {"max_position_embeddings": "x"},
            "max_position_embeddings is 'x', but it should be a whole",
        ),
        ("T5 1.0", {"n_positions": -1}, "n_positions is -1, but it should be a whole number, 1 or more"),
        (
            "T5 1.0",
            {"dense_act_fn": "tanh"},
            "dense_act_fn is 'tanh', but Trasluz has relu, gelu, gelu_new, ",
        ),
        ("T5 1.0", {"d_ff": 10**12}, f"d_ff is {10**12}, but no model has more than {LARGEST} there"),
        ("mBART", {"d_model": 10**30}, f"d_model is {10**30}, but no model has more than {LARGEST} there"),
        ("Marian", {"encoder_layers": 10**7}, f"encoder_layers is {10**7}, but no model has more than"),
        (
            "Marian",
            {"encoder_layers": 10**5},
            f"encoder_layers is {10**5}, but there are 99 tensors beside it",
        ),
        (
            "T5 1.0",
            {"num_decoder_layers": 100},
            "num_decoder_layers is 100, but there are 99 tensors beside it",
        ),
        ("GPT-2", {"n_layer": 100}, "n_layer is 100, but there are 99 tensors beside it, fewer than layers"),
        (
            "GPT-2",
            {"n_positions": 10**10},
            f"n_positions is {10**10}, but no model has more than {2**31} there",
        ),
        (
            "Llama 3",
            {"num_hidden_layers": 100},
            "num_hidden_layers is 100, but there are 99 tensors beside it",
        ),
    ],
)
def test_what_cannot_be_had_is_one_sentence(name: str, said: dict[str, Any], why: str) -> None:
    with pytest.raises(TrasluzError, match="^" + re.escape(f"config.json: {why}")):
        read(name, said)


def test_an_output_of_its_own_goes_with_tables_of_their_own() -> None:
    said = {"share_encoder_decoder_embeddings": False, "tie_word_embeddings": False}
    embedding = read("Marian", said).embedding
    assert (embedding.shared, embedding.tied) == (False, False)
    assert read("Marian", {}).symbols.start == read("Marian", {}).symbols.pad  # as it should be there
