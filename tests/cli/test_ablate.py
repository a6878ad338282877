"""The command `trasluz ablate`: which heads matter, as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from trasluz.cli.ablate import table
from trasluz.corpus.read import read_pairs
from trasluz.decoding.translator import load
from trasluz.insight.ablate import Effect, Head, ablate

Command = Callable[..., CompletedProcess[str]]
Refusal = Callable[..., str]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "test.tsv"
    path.write_text(
        "the cat sees a house\tel gato ve una casa\nthe dog wants two apples\tel perro quiere dos\n"
    )
    return path


def test_each_head_is_told_once_and_the_one_that_costs_most_first(
    trasluz: Command, trained: Path, file: Path
) -> None:
    done = trasluz("ablate", trained, file, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    whole, *effects = ablate(load(trained), read_pairs([file]))
    assert told["whole"] == {"heads": [], "loss": whole.loss, "bleu": None, "text": None}
    assert {one["heads"][0]: one["loss"] for one in told["without"]} == {
        str(effect.heads[0]): effect.loss for effect in effects
    }
    losses = [one["loss"] for one in told["without"]]
    assert losses == sorted(losses, reverse=True)
    assert len(losses) == 3 * 3


def test_a_table_has_a_line_for_each(trasluz: Command, trained: Path, file: Path) -> None:
    lines = trasluz("ablate", trained, file).stdout.splitlines()
    assert lines[0].split() == ["switched", "off", "loss", "change"]
    assert lines[1].split()[0] == "nothing"
    assert len(lines) == 2 + 9


def test_heads_can_be_named_and_bleu_and_a_sentence_asked_for(
    trasluz: Command, trained: Path, file: Path
) -> None:
    arguments = ("--heads", "cross:1.3,decoder:1.1", "--bleu", "--text", "the cat")
    told = json.loads(trasluz("ablate", trained, file, *arguments, "--json").stdout)
    [effect] = told["without"]
    assert effect["heads"] == ["cross:1.3", "decoder:1.1"]
    assert told["whole"]["text"] == load(trained).translate("the cat").text
    assert isinstance(effect["bleu"], float)
    lines = trasluz("ablate", trained, file, *arguments).stdout.splitlines()
    assert lines[0].split() == ["switched", "off", "loss", "change", "BLEU", "change", "text"]
    assert lines[2].split()[0] == "cross:1.3,decoder:1.1"


def test_the_table_has_changes_worked_by_hand() -> None:
    whole = Effect((), 2.0, bleu=30.0, text="hola")
    effect = Effect((Head("cross", 1, 3), Head("decoder", 2, 1)), 2.5, bleu=20.5, text="eh")
    assert table(whole, [effect]) == [
        "switched off              loss   change    BLEU   change  text",
        "nothing                 2.0000  +0.0000   30.00    +0.00  hola",
        "cross:1.3,decoder:2.1   2.5000  +0.5000   20.50    -9.50  eh",
    ]


def test_what_cannot_be_is_refused(refusal: Refusal, trained: Path, file: Path, tmp_path: Path) -> None:
    for heads, sentence in (
        ("cross", "'cross' names no head; write its kind, layer and number"),
        ("cross:0.0", "there is no layer 0: the cross-attention has only 1"),
        ("cross:1.4", "there is no head 4: the layer 1 of the cross-attention has 3, numbered 1 to 3"),
        ("coder:1.1", "unknown kind of attention 'coder'"),
    ):
        assert refusal("ablate", trained, file, "--heads", heads).startswith(sentence)
    assert refusal("ablate", trained, tmp_path / "nowhere").startswith(
        f"{tmp_path / 'nowhere'}: no such file"
    )
    assert refusal("ablate", tmp_path / "nowhere", file).startswith(
        f"{tmp_path / 'nowhere'}: there is no such"
    )
    long = tmp_path / "long.tsv"
    long.write_text("the cat " * 600 + "\tel gato\n")
    assert refusal("ablate", trained, long).startswith("pair 1: the text has ")
