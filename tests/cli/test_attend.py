"""The command `trasluz attend`: a page, data or a picture of any model; what cannot be seen is said."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from trasluz.decoding.generator import load_generator
from trasluz.decoding.translator import load
from trasluz.insight.exhibit import to_json
from trasluz.insight.record import record, record_text
from trasluz.models.directory import save_model
from trasluz.models.loaded import LoadedModel

Command = Callable[..., CompletedProcess[str]]
Refusal = Callable[..., str]

TEXT, TARGET = "the cat sees a house", "el gato ve una casa"


@pytest.fixture
def directory(untrained: Callable[..., LoadedModel], tmp_path: Path) -> Callable[..., Path]:
    """Makes the directory of a model that nobody trained."""

    def make(name: str, *given: Any, **named: Any) -> Path:
        loaded = untrained(*given, **named)
        save_model(tmp_path / name, manifest=loaded.manifest, model=loaded.model, tokenizer=loaded.tokenizer)
        return tmp_path / name

    return make


def told_by(page: Path) -> dict[str, Any]:
    """The data in a page, without the weights."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text("utf-8"))
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


@pytest.mark.parametrize("target", [None, TARGET])
def test_data_is_what_python_gives(
    trasluz: Command, trained: Path, tmp_path: Path, target: str | None
) -> None:
    output = tmp_path / "attention.json"
    given = [] if target is None else ["--target", target]
    done = trasluz("attend", trained, TEXT, *given, "-o", output, "--beam", 2)
    assert (done.returncode, done.stdout) == (0, "")
    expected = to_json(record(load(trained), TEXT, target=target, beam=2))
    told = json.loads(output.read_text("utf-8"))
    assert (told["verdict"] is None) == (target is not None)
    odd = told["verdict"] not in (None, "complete")
    said = [f"the translation that is shown: {told['verdict']}"] if odd else []
    assert done.stderr.splitlines() == [*said, f"the attention is in {output}"]
    assert told == {**expected, "model": "eng-spa", "languages": ["", ""]}


@pytest.mark.parametrize("kind", ["transformer", "recurrent", "decoder-only"])
def test_every_architecture_has_a_page_and_a_picture(
    trasluz: Command, directory: Callable[..., Path], tmp_path: Path, kind: str
) -> None:
    model = directory("model", kind)
    for name in ("page.html", "picture.png"):
        done = trasluz("attend", model, TEXT, "--target", TARGET, "-o", tmp_path / name)
        assert done.returncode == 0, done.stderr
    data = told_by(tmp_path / "page.html")
    kinds = {"transformer": ["encoder", "decoder", "cross"], "recurrent": ["cross"]}
    assert list(data["attention"]) == kinds.get(kind, ["decoder"])
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_a_translation_that_was_cut_is_named(
    trasluz: Command, directory: Callable[..., Path], tmp_path: Path
) -> None:
    """Learnt positions end, and with them what can be written."""
    model = directory("model", position={"kind": "learned", "length": 29}, longest=29)
    output = tmp_path / "attention.json"
    done = trasluz("attend", model, TEXT, "-o", output, "--beam", 1)
    told = json.loads(output.read_text("utf-8"))
    assert len(told["target_tokens"]) == 29
    assert told["verdict"] == "truncated"
    assert done.stderr.splitlines()[0] == "the translation that is shown: truncated"


def test_a_language_model_writes_on_or_is_only_read(
    trasluz: Command, refusal: Refusal, directory: Callable[..., Path], tmp_path: Path
) -> None:
    model = directory("stories", "decoder-only", task="language-model")
    output = tmp_path / "attention.json"
    for most in (0, 7):
        assert trasluz("attend", model, TEXT, "-o", output, "--max-tokens", most).returncode == 0
        expected = to_json(record_text(load_generator(model), TEXT, most=most))
        assert json.loads(output.read_text("utf-8")) == {**expected, "model": "stories"}
    said = refusal("attend", model, TEXT, "--target", TARGET, "-o", output)
    assert said.startswith("a target is given, but a language model has none")


def test_a_picture_is_of_the_choice(trasluz: Command, trained: Path, tmp_path: Path) -> None:
    import matplotlib as mpl

    output = tmp_path / "picture.svg"
    with mpl.rc_context({"svg.fonttype": "none"}):
        done = trasluz("attend", trained, TEXT, "-o", output, "--kind", "encoder", "--layer", 1, "--head", 3)
    assert done.returncode == 0, done.stderr
    assert "encoder self-attention, layer 1, head 3" in output.read_text("utf-8")


def test_what_cannot_be_seen_is_refused(
    refusal: Refusal, trained: Path, directory: Callable[..., Path], tmp_path: Path
) -> None:
    page, picture = tmp_path / "page.html", tmp_path / "picture.png"
    blind = directory("blind", "recurrent", attention={"score": "none"})
    for arguments, sentence in (
        (
            [trained, TEXT, "-o", tmp_path / "page.txt"],
            "unknown ending of a file of attention '.txt'; allowed",
        ),
        ([trained, TEXT, "-o", picture, "--layer", 2], "there is no layer 2: the cross-attention has only 1"),
        (
            [trained, TEXT, "-o", picture, "--head", 4],
            "there is no head 4: the layer 1 of the cross-attention",
        ),
        ([trained, TEXT, "-o", picture, "--kind", "self"], "unknown kind of attention 'self'"),
        (
            [trained, TEXT, "-o", page, "--head", 1],
            "kind, layer and head choose what a picture shows, but page",
        ),
        ([trained, " ", "-o", page], "the text is blank"),
        ([trained, "the cat\nthe dog", "-o", page], "the text has 2 lines"),
        ([trained, TEXT, "-o", page, "--beam", 0], "the beam is 0"),
        ([trained, "the cat " * 600, "-o", page], "the text has "),
        ([blind, TEXT, "-o", page], "this model has no attention, so there is nothing to see; train one"),
        ([tmp_path / "nowhere", TEXT, "-o", page], f"{tmp_path / 'nowhere'}: there is no such model dir"),
        ([trained, TEXT, "-o", tmp_path / "no" / "page.html"], f"{tmp_path / 'no' / 'page.html'}: No such"),
    ):
        assert refusal("attend", *arguments).startswith(sentence)
    assert not page.exists()
    assert not picture.exists()


def test_wrong_use_is_2(trasluz: Command, trained: Path) -> None:
    for arguments in (
        [trained, TEXT],
        [trained, "-o", "page.html"],
        [trained, TEXT, "-o", "p.html", "--max-tokens", -1],
    ):
        assert trasluz("attend", *arguments).returncode == 2
