"""The command `trasluz generate`: a prompt in, text out, and the same text for the same seed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from trasluz.decoding.generator import Ending, Generation, Generator, load_generator
from trasluz.models.directory import save_model
from trasluz.models.loaded import LoadedModel

Command = Callable[..., CompletedProcess[str]]


@pytest.fixture(scope="module")
def stories(trasluz: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A language model of a few steps."""
    folder = tmp_path_factory.mktemp("language-model")
    text = folder / "stories.txt"
    text.write_text("".join(f"the cat sees {number} houses\n" for number in range(60)), encoding="utf-8")
    shape = "model.decoder={layers: 1, attention: {heads: 3}, feedforward: {hidden: 17}}"
    more = ("model.width=12", shape, "tokenizer.vocabulary=300", "--steps", 3)
    done = trasluz("train", text, "--task", "language-model", "--out", folder / "model", *more)
    assert done.returncode == 0, done.stderr
    assert "the language model is in" in done.stderr
    assert "trasluz generate" in done.stderr
    return folder / "model"


def test_the_text_begins_with_the_prompt_and_a_seed_gives_it_again(trasluz: Command, stories: Path) -> None:
    first = trasluz("generate", stories, "the cat", "--max-tokens", 9)
    assert first.returncode == 0
    assert first.stdout.startswith("the cat")
    assert trasluz("generate", stories, "the cat", "--max-tokens", 9).stdout == first.stdout
    assert trasluz("generate", stories, "the cat", "--max-tokens", 9, "--seed", 1).stdout != first.stdout


def test_json_says_why_the_text_ended(trasluz: Command, stories: Path) -> None:
    done = trasluz("generate", stories, "the", "--max-tokens", 2, "--temperature", 0, "--json")
    written = json.loads(done.stdout)
    assert set(written) == {"prompt", "text", "ending"}
    assert written["ending"] in ("length", "end")


def test_a_stop_string_is_read_as_translate_reads_it(
    trasluz: Command, stories: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    def generate(generator: Generator, prompt: str, *, stop: Sequence[str], **_: object) -> Generation:
        asked.append(tuple(stop))
        return Generation(prompt, "", Ending.stop)

    monkeypatch.setattr(Generator, "generate", generate)
    stop = ("--stop", "one\\ntwo")
    trasluz("generate", stories, "the", *stop, "--json")
    trasluz("translate", stories, "--prompt", "{text}", *stop, "--text", "the")
    assert asked == [("one\ntwo",), ("one\ntwo",)]


def test_a_model_that_holds_no_more_says_so(
    trasluz: Command, untrained: Callable[..., LoadedModel], tmp_path: Path
) -> None:
    loaded = untrained("decoder-only", task="language-model", position={"kind": "learned", "length": 13})
    save_model(tmp_path, manifest=loaded.manifest, model=loaded.model, tokenizer=loaded.tokenizer)
    room = load_generator(tmp_path).room("the cat")
    assert room is not None
    endless = ("generate", tmp_path, "the cat", "--temperature", 0)
    for form in ([], ["--json"]):
        done = trasluz(*endless, "--max-tokens", 50, *form)
        assert done.returncode == 0
        assert done.stderr == f"the model holds no more: it wrote {room} tokens of 50\n"
        assert trasluz(*endless, "--max-tokens", room, *form).stderr == ""


def test_what_cannot_be_is_one_sentence(
    refusal: Callable[..., str], stories: Path, pairs_file: Path, tmp_path: Path
) -> None:
    assert refusal("generate", tmp_path / "no", "x").startswith(f"{tmp_path / 'no'}: ")
    assert refusal("generate", stories, "x", "--temperature", -1).startswith("temperature is -1.0, but")
    assert refusal("generate", stories, "x", "--top-p", 0).startswith("top_p is 0.0, but")
    assert refusal("generate", stories, "x", "--max-tokens", 0).startswith("0 tokens are asked for")
    assert refusal("translate", stories, "--text", "x").startswith(
        "this is a language model, which goes on from a prompt; give one with a place for the text, such as "
    )
    prompt = ("--prompt", "en: {text}")
    assert refusal("translate", stories, *prompt, "--n-best", 2, "--text", "x").startswith(
        "a language model writes one translation of each text"
    )
    assert refusal("translate", stories, *prompt, "--beam", 5, "--text", "x") == (
        "a language model writes the likeliest token each time; leave --beam out"
    )
    assert refusal("translate", stories, *prompt, "--length-penalty", 2, "--text", "x").endswith(
        "leave --length-penalty out"
    )
    for command in ("evaluate", "align", "ablate"):
        assert refusal(command, stories, pairs_file) == (
            f"{stories} holds a language model, which does not translate by itself; use `trasluz generate`, "
            "or `trasluz translate --prompt`"
        )
    assert "has no place for the text" in refusal("translate", stories, "--prompt", "en:", "--text", "x")


def test_a_language_model_translates_by_a_prompt(trasluz: Command, stories: Path) -> None:
    prompt = ("--prompt", "the {text}\\n", "--stop", "house")
    done = trasluz("translate", stories, *prompt, "--text", "cat", "--json")
    told = json.loads(done.stdout)
    assert (told["source"], told["score"]) == ("cat", None)
    assert "house" not in told["text"]


def test_the_tokens_of_a_text_are_scored(trasluz: Command, stories: Path) -> None:
    told = json.loads(trasluz("score", stories, "the cat sees", "--json").stdout)
    logs = [token["log_probability"] for token in told["tokens"]]
    assert told["log_probability"] == pytest.approx(sum(logs))
    assert all(log < 0 for log in logs)
    lines = trasluz("score", stories, "the cat sees").stdout.splitlines()
    assert len(lines) == len(logs) + 1
    assert lines[-1].split()[0] == f"{sum(logs):.4f}"
