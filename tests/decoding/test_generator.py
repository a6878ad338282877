"""Writing on from a prompt: streamed or at once, the same text; it ends where it should, and says why."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.decoding.writers import scripted
from trasluz.config import DecoderOnlyConfig, Manifest
from trasluz.decoding.generator import Ending, Generator, load_generator
from trasluz.decoding.sample import Sampling
from trasluz.decoding.translator import load
from trasluz.errors import TrasluzError
from trasluz.models.decoder_only import DecoderOnly
from trasluz.models.directory import FORMAT, save_model
from trasluz.text.sentencepieces import SentencePieces


def test_parts_joined_are_the_text_and_equal_seeds_give_it_again(
    model: DecoderOnly, tokenizer: SentencePieces
) -> None:
    generator = Generator(model, tokenizer)
    for seed in range(5):
        whole = generator.generate("the cat", most=30, seed=seed)
        assert "".join(generator.stream("the cat", most=30, seed=seed)) == whole.text
        assert whole == generator.generate("the cat", most=30, seed=seed)
    assert len({generator.generate("the cat", most=30, seed=seed).text for seed in range(5)}) == 5


def test_characters_of_several_bytes_come_whole(tokenizer: SentencePieces) -> None:
    parts = list(scripted(tokenizer, " a 猫 \U0001f600!").stream("the"))
    assert "".join(parts) == "  a 猫 \U0001f600!"
    assert "\ufffd" not in "".join(parts)
    assert "猫" in parts


def test_the_end_symbol_ends_a_text(tokenizer: SentencePieces) -> None:
    written = scripted(tokenizer, "cat sees").generate("the")
    assert (written.prompt, written.text, written.ending) == ("the", " cat sees", Ending.end)


def test_any_of_several_end_symbols_ends_a_text(tokenizer: SentencePieces) -> None:
    [turn] = tokenizer.encode("?")[-1:]
    generator = scripted(tokenizer, "cat? sees")
    assert generator.generate("the").text == " cat? sees"
    generator = scripted(tokenizer, "cat? sees")
    generator.tokenizer = copy(tokenizer)
    generator.tokenizer.frame = replace(tokenizer.frame, also_end=(turn,))
    written = generator.generate("the")
    assert (written.text, written.ending) == (" cat", Ending.end)
    given, ids = scripted(generator.tokenizer, "cat? sees").written("the")
    assert [*given, *ids] == [*tokenizer.frame.prompt(tokenizer.encode("the")), *tokenizer.encode("cat?")]


def test_a_length_ends_a_text(tokenizer: SentencePieces) -> None:
    ids = tokenizer.encode("cat sees the dog")
    written = scripted(tokenizer, "cat sees the dog", ends=False).generate("the", most=len(ids) - 1)
    assert written.ending is Ending.length
    assert written.text == tokenizer.decode([*tokenizer.encode("the"), *ids[:-1]]).removeprefix("the")


@pytest.mark.parametrize("stop", ["dog", "the d", " dog sees", "g"])
def test_no_part_of_a_stop_string_comes_out(tokenizer: SentencePieces, stop: str) -> None:
    generator = scripted(tokenizer, "cat sees the dog sees")
    parts = list(generator.stream("the", stop=["猫", stop]))
    text = " cat sees the dog sees"
    assert "".join(parts) == text[: text.index(stop)]
    assert scripted(tokenizer, "cat sees the dog sees").generate("", stop=[stop]).ending is Ending.stop


def test_a_stop_string_is_held_back_while_its_next_character_is_spelt_in_bytes(
    tokenizer: SentencePieces,
) -> None:
    parts = list(scripted(tokenizer, "cat#€ dog").stream("the", stop=["#€"]))
    assert "".join(parts) == " cat"


def test_a_stop_string_in_the_prompt_stops_nothing(tokenizer: SentencePieces) -> None:
    assert scripted(tokenizer, "cat").generate("the dog", stop=["dog"]).ending is Ending.end


def test_greedy_is_what_the_model_thinks_likeliest(model: DecoderOnly, tokenizer: SentencePieces) -> None:
    written = Generator(model, tokenizer).generate("the cat", sampling=Sampling(temperature=0), most=5)
    ids = [model.start_id, *tokenizer.encode("the cat")]
    given = len(ids)
    for _ in range(5):
        logits = model.output(model(torch.zeros(1, 0, dtype=torch.long), torch.tensor([ids])))[0, -1]
        logits[list(model.forbidden_ids)] = -torch.inf
        ids.append(int(logits.argmax()))
    assert model.end_id not in ids[given:]
    assert written.text == tokenizer.decode(ids).removeprefix("the cat")


def test_what_cannot_be_is_refused(model: DecoderOnly, tokenizer: SentencePieces) -> None:
    generator = Generator(model, tokenizer, longest=5)
    with pytest.raises(TrasluzError, match="0 tokens are asked for; ask for 1 or more"):
        generator.generate("a", most=0)
    with pytest.raises(TrasluzError, match="a stop string is empty"):
        generator.generate("a", stop=["x", ""])
    with pytest.raises(TrasluzError, match=r"the prompt has \d+ tokens, .* but this model holds 5; "):
        generator.generate("the cat sees the dog and the other cat")
    assert generator.generate("", most=99, sampling=Sampling(temperature=0)).text


def test_each_kind_of_model_says_which_command_is_for_it(
    model: DecoderOnly, config: DecoderOnlyConfig, tokenizer: SentencePieces, tmp_path: Path
) -> None:
    for task in ("language-model", "translation"):
        manifest = Manifest.model_validate(
            {"format": FORMAT, "task": task, "model": config.model_dump(), "longest_source": 1}
        )
        save_model(tmp_path / task, manifest=manifest, model=model, tokenizer=tokenizer)
    assert load_generator(tmp_path / "language-model").generate("the", most=3).text
    assert load(tmp_path / "translation").translate("the").source == "the"
    with pytest.raises(
        TrasluzError, match=r"holds a language model, which does not translate by itself; use"
    ):
        load(tmp_path / "language-model")
    with pytest.raises(TrasluzError, match=r"holds a translator, which needs a source; use"):
        load_generator(tmp_path / "translation")
