"""Models of transformers with random weights, and the same models on the one stack.

All sizes are different primes, or products of two where something must divide them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn
from transformers.models.gpt2.configuration_gpt2 import GPT2Config
from transformers.models.gpt2.modeling_gpt2 import GPT2LMHeadModel
from transformers.models.llama.configuration_llama import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaForCausalLM
from transformers.models.m2m_100.configuration_m2m_100 import M2M100Config
from transformers.models.m2m_100.modeling_m2m_100 import M2M100ForConditionalGeneration
from transformers.models.marian.configuration_marian import MarianConfig
from transformers.models.marian.modeling_marian import MarianMTModel
from transformers.models.mbart.configuration_mbart import MBartConfig
from transformers.models.mbart.modeling_mbart import MBartForConditionalGeneration
from transformers.models.pegasus.configuration_pegasus import PegasusConfig
from transformers.models.pegasus.modeling_pegasus import PegasusForConditionalGeneration
from transformers.models.t5.configuration_t5 import T5Config
from transformers.models.t5.modeling_t5 import T5ForConditionalGeneration
from transformers.utils import logging

from trasluz.models.build import build_model
from trasluz.models.families.checkpoint import FAMILIES
from trasluz.models.families.family import Family
from trasluz.models.families.names import Table, to_ours
from trasluz.models.families.reading import Reading
from trasluz.models.model import Model

V = 97
T5 = {
    "vocab_size": V,
    "d_model": 23,
    "d_kv": 5,
    "d_ff": 31,
    "num_layers": 3,
    "num_decoder_layers": 2,
    "num_heads": 7,
    "relative_attention_num_buckets": 12,
    "relative_attention_max_distance": 19,
    "dropout_rate": 0.0,
}
BART = {
    "vocab_size": V,
    "d_model": 44,
    "encoder_layers": 3,
    "decoder_layers": 2,
    "encoder_attention_heads": 11,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 37,
    "decoder_ffn_dim": 29,
    "max_position_embeddings": 41,
    "dropout": 0.0,
    "attention_dropout": 0.0,
}
LLAMA = {"vocab_size": V, "intermediate_size": 37, "num_hidden_layers": 3, "num_attention_heads": 6}
LLAMA3 = {
    **LLAMA,
    "hidden_size": 60,
    "num_key_value_heads": 2,
    "tie_word_embeddings": True,
    "max_position_embeddings": 61,
}
LONGER = {"rope_theta": 500.0, "factor": 8.0, "original_max_position_embeddings": 16}


@dataclass(frozen=True)
class Case:
    """One kind of checkpoint: the reference's class, and its configuration."""

    name: str
    reference: type[nn.Module]
    config: Callable[[], Any]


def cases(
    size: str,
    *,
    t5: dict[str, Any],
    bart: dict[str, Any],
    gpt2: dict[str, Any],
    llama: dict[str, Any],
    llama3: dict[str, Any],
) -> list[Case]:
    """One of each kind, with these sizes."""
    return [
        Case(f"T5 1.0{size}", T5ForConditionalGeneration, lambda: T5Config(**t5)),
        Case(
            f"T5 1.1{size}",
            T5ForConditionalGeneration,
            lambda: T5Config(**t5, feed_forward_proj="gated-gelu", tie_word_embeddings=False),
        ),
        Case(
            f"mBART{size}",
            MBartForConditionalGeneration,
            lambda: MBartConfig(**bart, scale_embedding=True, decoder_start_token_id=5),
        ),
        Case(
            f"Marian{size}",
            MarianMTModel,
            lambda: MarianConfig(
                **bart,
                activation_function="swish",
                pad_token_id=V - 1,
                decoder_start_token_id=V - 1,
                scale_embedding=True,
            ),
        ),
        Case(f"M2M100{size}", M2M100ForConditionalGeneration, lambda: M2M100Config(**bart)),
        Case(
            f"Pegasus{size}",
            PegasusForConditionalGeneration,
            lambda: PegasusConfig(**bart, pad_token_id=0, eos_token_id=1, decoder_start_token_id=0),
        ),
        Case(
            f"GPT-2{size}",
            GPT2LMHeadModel,
            lambda: GPT2Config(
                vocab_size=V,
                **gpt2,
                bos_token_id=2,
                eos_token_id=2,
                resid_pdrop=0.0,
                embd_pdrop=0.0,
                attn_pdrop=0.0,
            ),
        ),
        Case(
            f"Llama 2{size}",
            LlamaForCausalLM,
            lambda: LlamaConfig(**llama, max_position_embeddings=61),
        ),
        Case(
            f"Llama 3{size}",
            LlamaForCausalLM,
            lambda: LlamaConfig(
                **llama3,
                rope_parameters={
                    "rope_type": "llama3",
                    "low_freq_factor": 1.0,
                    "high_freq_factor": 4.0,
                    **LONGER,
                },
            ),
        ),
    ]


GPT2 = {"n_embd": 26, "n_head": 2, "n_layer": 3, "n_positions": 41, "n_inner": 37}
CASES = [
    *cases("", t5=T5, bart=BART, gpt2=GPT2, llama=LLAMA | {"hidden_size": 84}, llama3=LLAMA3),
    *cases(
        ", other sizes",
        t5=T5
        | {"d_model": 31, "d_kv": 3, "d_ff": 47, "num_layers": 4, "num_decoder_layers": 1, "num_heads": 5},
        bart=BART
        | {
            "d_model": 66,
            "encoder_layers": 1,
            "decoder_layers": 4,
            "encoder_attention_heads": 3,
            "decoder_attention_heads": 11,
            "encoder_ffn_dim": 53,
            "decoder_ffn_dim": 41,
        },
        gpt2=GPT2 | {"n_embd": 39, "n_head": 3, "n_layer": 4, "n_inner": 53},
        llama=LLAMA | {"hidden_size": 50, "num_attention_heads": 5, "intermediate_size": 41},
        llama3=LLAMA3 | {"hidden_size": 70, "num_attention_heads": 5, "num_key_value_heads": 1},
    ),
]


STRETCHES: dict[str, dict[str, Any]] = {
    "default": {"rope_type": "default"},
    "linear": {"rope_type": "linear"},
    "yarn": {"rope_type": "yarn"},
    "yarn with all its settings": {
        "rope_type": "yarn",
        "beta_fast": 5.0,
        "beta_slow": 2.0,
        "attention_factor": 1.3,
        "truncate": False,
    },
    "yarn with mscale": {"rope_type": "yarn", "mscale": 0.7, "mscale_all_dim": 0.3},
}


def stretched(name: str) -> Case:
    """A Llama whose positions are stretched in one of the `STRETCHES`."""
    position = {**LONGER, **STRETCHES[name]}
    return Case(
        name,
        LlamaForCausalLM,
        lambda: LlamaConfig(**LLAMA3, attention_bias=True, mlp_bias=True, rope_parameters=position),
    )


@dataclass(frozen=True)
class Twins:
    """A model of the reference, and the same on the one stack."""

    reference: Any
    ours: Model
    family: Family
    table: Table
    directory: Path

    @property
    def has_source(self) -> bool:
        """Whether it is an encoder-decoder."""
        return self.family.task == "translation"


def twins(case: Case, directory: Path, *, seed: int = 1) -> Twins:
    """Both of a kind, with random weights that the reference wrote and we read."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.manual_seed(seed)
    config = case.config()
    reference: Any = case.reference(config).eval()
    if (
        config.model_type == "t5" and not config.scale_decoder_outputs
    ):  # the reference ties them when it is new
        reference.lm_head.weight = nn.Parameter(torch.empty_like(reference.lm_head.weight))
    with torch.no_grad():
        for name, parameter in reference.named_parameters():
            if not (
                config.model_type in ("marian", "pegasus") and "embed_positions" in name
            ):  # these are sines
                parameter.normal_(std=0.4)
        if hasattr(reference, "final_logits_bias"):
            reference.final_logits_bias.normal_()
    reference.save_pretrained(directory)
    return read_twins(reference, directory)


def reread(both: Twins, changes: Mapping[str, Any], *, without: Collection[str] = ()) -> Twins:
    """The same weights with another config.json, which both sides read."""
    path = both.directory / "config.json"
    settings = json.loads(path.read_text("utf-8")) | dict(changes)
    path.write_text(json.dumps({key: settings[key] for key in settings.keys() - set(without)}), "utf-8")
    return read_twins(type(both.reference).from_pretrained(both.directory).eval(), both.directory)


def read_twins(reference: Any, directory: Path) -> Twins:
    """A model of the reference, and what we read in its directory."""
    tensors = load_file(directory / "model.safetensors")
    settings = json.loads((directory / "config.json").read_text("utf-8"))
    family = FAMILIES[settings["model_type"]]
    ours_config = family.config_from_hf(Reading(settings, stored=tensors, where="config.json"))
    ours: Model = build_model(ours_config).eval()
    table = family.table(ours_config)
    to_ours(tensors, table, ours, where=directory)
    return Twins(reference, ours, family, table, directory)
