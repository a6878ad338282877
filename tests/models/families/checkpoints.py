"""Directories of foreign tokenisers as transformers writes them, each with its own tokeniser of them."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers.models.gpt2.configuration_gpt2 import GPT2Config
from transformers.models.gpt2.modeling_gpt2 import GPT2LMHeadModel
from transformers.models.gpt2.tokenization_gpt2 import GPT2Tokenizer
from transformers.models.llama.configuration_llama import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaForCausalLM
from transformers.models.llama.tokenization_llama import LlamaTokenizer
from transformers.models.m2m_100.configuration_m2m_100 import M2M100Config
from transformers.models.m2m_100.modeling_m2m_100 import M2M100ForConditionalGeneration
from transformers.models.m2m_100.tokenization_m2m_100 import M2M100Tokenizer
from transformers.models.marian.configuration_marian import MarianConfig
from transformers.models.marian.modeling_marian import MarianMTModel
from transformers.models.marian.tokenization_marian import MarianTokenizer
from transformers.models.mbart.configuration_mbart import MBartConfig
from transformers.models.mbart.modeling_mbart import MBartForConditionalGeneration
from transformers.models.mbart.tokenization_mbart import MBartTokenizer
from transformers.models.mbart50.tokenization_mbart50 import MBart50Tokenizer
from transformers.models.nllb.tokenization_nllb import NllbTokenizer
from transformers.models.t5.configuration_t5 import T5Config
from transformers.models.t5.modeling_t5 import T5ForConditionalGeneration
from transformers.models.t5.tokenization_t5 import T5Tokenizer
from transformers.tokenization_utils_base import generate_merges
from transformers.utils import logging

from tests import foreign
from tests.models.families.references import BART, LLAMA, T5
from trasluz.models.families import gpt2, llama, m2m100, marian, mbart, t5
from trasluz.models.families.codes import MBART_25, MBART_50
from trasluz.models.families.family import Family, Files, Languages
from trasluz.text.tokenizer import Tokenizer

ROWS = 1009
SOURCE, TARGET = "the cat sees the dog", "el gato ve al perro"
NLLB = ("eng_Latn", "spa_Latn", "zho_Hans")
CONFIG = "tokenizer_config.json"
GPT2 = {"n_embd": 26, "n_head": 2, "n_layer": 3, "n_positions": 61, "n_inner": 37}


@dataclass(frozen=True)
class Checkpoint:
    """A directory, the tokeniser that transformers has of it, and ours."""

    files: Files
    theirs: Any
    family: Family
    config: Any
    languages: Languages = field(default_factory=Languages)

    @property
    def ours(self) -> Tokenizer:
        return self.family.tokenizer(self.files, self.config, self.languages)


def saved(theirs: Any, directory: Path, **settings: Any) -> tuple[Files, Any]:
    """The directory that transformers writes of a tokeniser, and what it reads there."""
    theirs.save_pretrained(directory)
    path = directory / CONFIG
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))
    return Files(directory), type(theirs).from_pretrained(directory)


def of_t5(folder: Path, *, hub: bool) -> Checkpoint:
    model = foreign.sentencepiece_model(pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    sentinels = [(f"<extra_id_{number}>", 0.0) for number in reversed(range(100))]
    theirs = T5Tokenizer(
        vocab=[*foreign.scored(model), *sentinels], _spm_precompiled_charsmap=foreign.normalization(model)
    )
    files, theirs = saved(theirs, folder) if hub else (foreign.write(folder, {"spiece.model": model}), theirs)
    return Checkpoint(files, theirs, t5.FAMILY, foreign.seq2seq(ROWS, pad=0, start=0, end=1, unknown=2))


def of_marian(folder: Path, *codes: str, separate: bool = False) -> Checkpoint:
    models = [foreign.sentencepiece_model(), foreign.sentencepiece_model([*foreign.LEARNT, *[TARGET] * 9])]
    pieces = [[one for one, _ in foreign.scored(model)[3:]] for model in models]
    sides = pieces if separate else [dict.fromkeys([*pieces[0], *pieces[1]])]
    vocabularies = [
        {one: at for at, one in enumerate(["</s>", "<unk>", *codes, *side, "<pad>"])} for side in sides
    ]
    pad = min(len(one) for one in vocabularies) - 1
    for one in vocabularies:
        other = next(name for name, number in one.items() if number == pad)
        one["<pad>"], one[other] = one[other], one["<pad>"]
    config = {"source_lang": "eng", "target_lang": "spa", "separate_vocabs": separate}
    files = foreign.write(
        folder,
        {
            "source.spm": models[0],
            "target.spm": models[1],
            "vocab.json": vocabularies[0],
            CONFIG: config,
            **({"target_vocab.json": vocabularies[1]} if separate else {}),
        },
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it recommends a library that it then does not use
        theirs = MarianTokenizer.from_pretrained(folder)
    asked = Languages("eng", codes[-1][2:-2] if codes else None)
    config_of_model = foreign.seq2seq(ROWS, pad=pad, start=pad, end=0, unknown=1)
    return Checkpoint(files, theirs, marian.FAMILY, config_of_model, asked)


def of_mbart(folder: Path, *, hub: bool, fifty: bool) -> Checkpoint:
    model = foreign.sentencepiece_model()
    kind: Any = MBart50Tokenizer if fifty else MBartTokenizer
    pieces = foreign.fairseq_vocabulary(model, [*(MBART_50 if fifty else MBART_25), "<mask>"])
    more = {"_spm_precompiled_charsmap": foreign.normalization(model)} if fifty else {}
    theirs = kind(vocab=pieces, src_lang="es_XX", tgt_lang="de_DE", **more)
    files, theirs = (
        saved(theirs, folder) if hub else (foreign.write(folder, {"sentencepiece.bpe.model": model}), theirs)
    )
    config = foreign.seq2seq(len(pieces))
    return Checkpoint(files, theirs, mbart.FAMILY, config, Languages("es_XX", "de_DE"))


def of_m2m100(folder: Path) -> Checkpoint:
    model = foreign.sentencepiece_model()
    vocabulary = {piece: at for at, (piece, _) in enumerate(foreign.fairseq_vocabulary(model))}
    files = foreign.write(
        folder, {"sentencepiece.bpe.model": model, "vocab.json": vocabulary, CONFIG: {"src_lang": "es"}}
    )
    theirs = M2M100Tokenizer.from_pretrained(folder, tgt_lang="de")
    return Checkpoint(files, theirs, m2m100.FAMILY, foreign.seq2seq(ROWS), Languages("es", "de"))


def of_nllb(folder: Path, *, hub: bool, legacy: bool) -> Checkpoint:
    model = foreign.sentencepiece_model(kind="bpe")
    pieces = foreign.fairseq_vocabulary(model, [*NLLB, "<mask>"])
    vocabulary = {piece: at for at, (piece, _) in enumerate(pieces)}
    kind: Any = NllbTokenizer
    theirs = kind(
        vocab=vocabulary,
        merges=generate_merges(vocabulary),
        src_lang=NLLB[1],
        tgt_lang=NLLB[0],
        extra_special_tokens=list(NLLB),
        legacy_behaviour=legacy,
        _spm_precompiled_charsmap=foreign.normalization(model),
    )
    slow: dict[str, Any] = {
        "sentencepiece.bpe.model": model,
        "special_tokens_map.json": {"additional_special_tokens": NLLB},
        CONFIG: {"legacy_behaviour": legacy},
    }
    files, theirs = saved(theirs, folder) if hub else (foreign.write(folder, slow), theirs)
    return Checkpoint(files, theirs, m2m100.FAMILY, foreign.seq2seq(ROWS), Languages(NLLB[1], NLLB[0]))


def of_gpt2(folder: Path, *, hub: bool, **settings: Any) -> Checkpoint:
    model = json.loads(foreign.bytelevel().to_str())["model"]
    merges = [tuple(pair) for pair in model["merges"]]
    kind: Any = GPT2Tokenizer
    theirs = kind(vocab=model["vocab"], merges=merges, **settings)
    lines = "#version: 0.2\n" + "\n".join(map(" ".join, merges))
    slow = {"vocab.json": model["vocab"], "merges.txt": lines, CONFIG: settings}
    files, theirs = saved(theirs, folder, **settings) if hub else (foreign.write(folder, slow), theirs)
    end = theirs.eos_token_id
    return Checkpoint(files, theirs, gpt2.FAMILY, foreign.decoder_only(ROWS, pad=end, start=end, end=end))


def of_llama(folder: Path, *, hub: bool, **settings: Any) -> Checkpoint:
    model = foreign.sentencepiece_model(kind="bpe", plain=True)
    vocabulary = {piece: at for at, (piece, _) in enumerate(foreign.scored(model))}
    theirs = LlamaTokenizer(
        vocab=vocabulary, merges=generate_merges(vocabulary), **{"add_bos_token": True, **settings}
    )
    slow = {"tokenizer.model": model, CONFIG: settings}
    files, theirs = saved(theirs, folder, **settings) if hub else (foreign.write(folder, slow), theirs)
    return Checkpoint(files, theirs, llama.FAMILY, foreign.decoder_only(ROWS, pad=2, start=1, end=2))


TRANSLATORS: dict[str, Callable[[Path], Checkpoint]] = {
    "t5": lambda folder: of_t5(folder, hub=False),
    "t5 hub": lambda folder: of_t5(folder, hub=True),
    "marian": of_marian,
    "marian to several": lambda folder: of_marian(folder, ">>fra<<", ">>spa<<"),
    "marian separate": lambda folder: of_marian(folder, separate=True),
    "mbart 25": lambda folder: of_mbart(folder, hub=False, fifty=False),
    "mbart 25 hub": lambda folder: of_mbart(folder, hub=True, fifty=False),
    "mbart 50": lambda folder: of_mbart(folder, hub=False, fifty=True),
    "mbart 50 hub": lambda folder: of_mbart(folder, hub=True, fifty=True),
    "m2m100": of_m2m100,
    "nllb": lambda folder: of_nllb(folder, hub=False, legacy=False),
    "nllb hub": lambda folder: of_nllb(folder, hub=True, legacy=False),
    "nllb legacy": lambda folder: of_nllb(folder, hub=False, legacy=True),
    "nllb legacy hub": lambda folder: of_nllb(folder, hub=True, legacy=True),
}
LANGUAGE_MODELS: dict[str, Callable[[Path], Checkpoint]] = {
    "gpt2": lambda folder: of_gpt2(folder, hub=False),
    "gpt2 hub": lambda folder: of_gpt2(folder, hub=True),
    "gpt2 opened": lambda folder: of_gpt2(folder, hub=False, add_bos_token=True),
    "llama": lambda folder: of_llama(folder, hub=False),
    "llama hub": lambda folder: of_llama(folder, hub=True),
    "llama not opened": lambda folder: of_llama(folder, hub=False, add_bos_token=False),
    "llama hub not opened": lambda folder: of_llama(folder, hub=True, add_bos_token=False),
}
ALL = TRANSLATORS | LANGUAGE_MODELS


def reference_of(checkpoint: Checkpoint) -> Any:
    """A model of the reference with random weights that fits the tokeniser of a checkpoint."""
    symbols, rows = checkpoint.config.symbols, checkpoint.config.embedding.vocabulary
    ids = {"eos_token_id": symbols.end, "decoder_start_token_id": symbols.start, "vocab_size": rows}
    makers: dict[str, Callable[[], Any]] = {
        "t5": lambda: T5ForConditionalGeneration(T5Config(**T5 | ids, pad_token_id=symbols.pad)),
        "marian": lambda: MarianMTModel(MarianConfig(**BART | ids, pad_token_id=symbols.pad)),
        "mbart": lambda: MBartForConditionalGeneration(MBartConfig(**BART | ids, pad_token_id=symbols.pad)),
        "m2m_100": lambda: M2M100ForConditionalGeneration(
            M2M100Config(**BART | ids, pad_token_id=symbols.pad)
        ),
        "gpt2": lambda: GPT2LMHeadModel(
            GPT2Config(**GPT2, vocab_size=rows, bos_token_id=symbols.start, eos_token_id=symbols.end)
        ),
        "llama": lambda: LlamaForCausalLM(
            LlamaConfig(
                **LLAMA | {"vocab_size": rows},
                hidden_size=60,
                num_key_value_heads=2,
                bos_token_id=symbols.start,
                eos_token_id=symbols.end,
            )
        ),
    }
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.manual_seed(3)
    model = makers[checkpoint.family.model_type]().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "embed_positions" not in name:
                parameter.normal_(std=0.4)
    return model
