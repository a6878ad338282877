"""The command `trasluz translate`: a line in, a line out, and an exit code that says when to look again."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import torch
from torch import Tensor

from trasluz.config import Manifest
from trasluz.decoding.translator import Alternative, Translation, Translator, load
from trasluz.decoding.verdict import Verdict
from trasluz.models.directory import save_model
from trasluz.models.load import load_model
from trasluz.parse import parse

Command = Callable[..., CompletedProcess[str]]
Refusal = Callable[..., str]

LINES = ["the cat sees a house", "", "my sister paints two apples", "  the dog  "]


class Canned(Translator):
    """A translator that says "hola" to everything, with the verdict that the text asks for."""

    def __init__(self) -> None:  # neither a model nor a tokeniser is needed
        self.asked: list[tuple[int, dict[str, Any]]] = []

    def translate(self, texts: list[str], **how: Any) -> list[Translation]:  # type: ignore[override]
        """One translation for each text."""
        self.asked.append((len(texts), how))
        return [self._translation(text) for text in texts]

    def _translation(self, text: str) -> Translation:
        verdict = next((one for one in Verdict if one.value == text), Verdict.complete)
        return Translation(text, "hola", -0.5, verdict, (Alternative("hola", -0.5), Alternative("eh", -1.25)))


@pytest.fixture
def canned(monkeypatch: pytest.MonkeyPatch) -> Canned:
    """The translator in every directory, for this test."""
    translator = Canned()
    monkeypatch.setattr("trasluz.cli.translate.open_any", lambda *_: (translator, None))
    return translator


class Dictated:
    """A model that writes the same pieces whatever it reads."""

    pad_id, end_id = 0, 2
    forbidden_ids: tuple[int, ...] = (0, 1, 3)

    def __init__(self, pieces: list[int], *, vocabulary: int) -> None:
        self.pieces, self.vocabulary = [*pieces, self.end_id], vocabulary

    def start(self, source: Tensor) -> tuple[Tensor, Written]:
        """The start symbol for each row."""
        return torch.ones_like(source[:, 0]), Written()

    def step(self, tokens: Tensor, state: Written) -> Tensor:
        """The next piece, for every row."""
        following = self.pieces[min(state.count, len(self.pieces) - 1)]
        state.count += 1
        return torch.nn.functional.one_hot(torch.full_like(tokens, following), self.vocabulary) * 30.0


class Written:
    """How many pieces are written."""

    def __init__(self, count: int = 0) -> None:
        self.count = count

    def select(self, rows: Tensor) -> Written:
        """Every row is as far."""
        return Written(self.count)

    reorder = select


@pytest.fixture(scope="module")
def endless(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that never comes to an end: the bias of its output forbids the end symbol."""
    directory = tmp_path_factory.mktemp("models") / "endless"
    loaded = load_model(trained)
    settings = loaded.manifest.model_dump()
    settings["model"]["embedding"]["output_bias"] = True
    bias = torch.zeros(len(loaded.tokenizer))
    bias[loaded.tokenizer.end_id] = -1e4
    loaded.model.output.bias = torch.nn.Parameter(bias)
    manifest = parse(Manifest, settings, where="test")
    save_model(directory, manifest=manifest, model=loaded.model, tokenizer=loaded.tokenizer)
    return directory


def test_standard_input_goes_to_standard_output_line_by_line(trasluz: Command, trained: Path) -> None:
    done = trasluz("translate", trained, stdin="\n".join(LINES).encode())
    expected = [one.text for one in load(trained).translate(LINES)]
    assert done.stdout == "".join(f"{text}\n" for text in expected)
    assert done.stdout.split("\n")[1] == ""


@pytest.mark.parametrize("character", ["\n", "\r", "\x0b", "\x85", "\u2028"])
def test_a_line_stays_a_line_even_if_the_model_writes_a_line_break(
    trasluz: Command, trained: Path, monkeypatch: pytest.MonkeyPatch, character: str
) -> None:
    tokenizer = load(trained).tokenizer
    broken = Dictated(tokenizer.encode(f"uno{character}dos"), vocabulary=len(tokenizer))
    translator = Translator(broken, tokenizer, longest_source=29)
    monkeypatch.setattr("trasluz.cli.translate.open_any", lambda *_: (translator, None))
    done = trasluz("translate", "model", stdin=b"one two\nthree four\n")
    assert done.stdout == "uno dos\n" * 2


def test_files_are_read_one_after_another(trasluz: Command, canned: Canned, tmp_path: Path) -> None:
    plain, packed = tmp_path / "one.txt", tmp_path / "two.txt.gz"
    plain.write_bytes("\ufeffthe cat\r\nthe dog".encode())
    packed.write_bytes(gzip.compress(b"my sister\n\n"))
    done = trasluz("translate", "model", plain, packed, "--json")
    sources = [json.loads(line)["source"] for line in done.stdout.splitlines()]
    assert sources == ["the cat", "the dog", "my sister", ""]


def test_standard_input_is_read_as_files_are(trasluz: Command, canned: Canned, tmp_path: Path) -> None:
    data = "\ufeffthe cat\r\nthe\rdog\r\r\n\u2028\n\ufeffend".encode()
    path = tmp_path / "text.txt"
    path.write_bytes(data)
    from_file = trasluz("translate", "model", path, "--json").stdout
    assert trasluz("translate", "model", "--json", stdin=data).stdout == from_file
    sources = [json.loads(line)["source"] for line in from_file.split("\n")[:-1]]
    assert sources == ["the cat", "the\rdog\r", "\u2028", "\ufeffend"]


@pytest.mark.skipif(not Path("/dev/stdin").exists(), reason="this system has no such file")
def test_a_pipe_is_a_file_too(trained: Path) -> None:
    words = [sys.executable, "-m", "trasluz", "translate", str(trained), "/dev/stdin", "--beam", "1"]
    done = subprocess.run(words, input=b"the cat\nthe dog\n", capture_output=True, check=False)
    assert done.returncode in (0, 3), done.stderr
    assert done.stdout.count(b"\n") == 2


def test_a_text_beside_files_is_refused(refusal: Refusal, canned: Canned, tmp_path: Path) -> None:
    one, two = tmp_path / "one.txt", tmp_path / "two.txt"
    assert refusal("translate", "model", one, two, "--text", "x") == (
        f"--text is given and so is {one} and {two}; give the one or the other"
    )
    assert canned.asked == []


def test_a_text_may_be_given_in_the_command(trasluz: Command, canned: Canned) -> None:
    for flag in ("--text", "-t"):
        done = trasluz("translate", "model", flag, "hello", stdin=b"not read")
        assert (done.returncode, done.stdout, done.stderr) == (0, "hola\n", "")


def test_how_to_search_is_handed_on(trasluz: Command, canned: Canned) -> None:
    trasluz("translate", "model", "-t", "x", "--beam", 7, "--n-best", 2, "--length-penalty", 0.6)
    assert canned.asked == [(1, {"beam": 7, "n_best": 2, "length_penalty": 0.6})]


def test_what_is_not_said_of_the_search_is_left_to_it(trasluz: Command, canned: Canned) -> None:
    trasluz("translate", "model", "-t", "x")
    assert canned.asked == [(1, {"n_best": 1})]


def test_many_lines_are_translated_in_chunks(
    trasluz: Command, canned: Canned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trasluz.cli.translate.LINES_AT_ONCE", 3)
    done = trasluz("translate", "model", stdin=b"a line\n" * 7)
    assert [count for count, _ in canned.asked] == [3, 3, 1]
    assert done.stdout == "hola\n" * 7


def test_each_of_several_translations_has_its_line_number_and_score(trasluz: Command, canned: Canned) -> None:
    done = trasluz("translate", "model", "--n-best", 2, stdin=b"hello\nbye\n")
    assert done.stdout.splitlines() == [
        "1\t-0.5000\thola",
        "1\t-1.2500\teh",
        "2\t-0.5000\thola",
        "2\t-1.2500\teh",
    ]


def test_the_best_of_several_is_the_one_that_is_given_alone(trasluz: Command, trained: Path) -> None:
    several = trasluz("translate", trained, "-t", LINES[0], "--n-best", 3).stdout.split("\n")[:-1]
    alone = trasluz("translate", trained, "-t", LINES[0]).stdout.removesuffix("\n")
    assert several[0].split("\t")[2] == alone
    scores = [float(line.split("\t")[1]) for line in several]
    assert scores == sorted(scores, reverse=True)


def test_json_is_one_object_a_line_with_all_there_is_to_know(trasluz: Command, trained: Path) -> None:
    done = trasluz("translate", trained, "--json", "--n-best", 2, stdin="\n".join(LINES).encode())
    told = [json.loads(line) for line in done.stdout.splitlines()]
    expected = load(trained).translate(LINES, n_best=2)
    assert [one["source"] for one in told] == LINES
    assert [one["text"] for one in told] == [one.text for one in expected]
    assert [one["score"] for one in told] == [one.score for one in expected]
    assert [one["verdict"] for one in told] == [one.verdict.value for one in expected]
    assert [len(one["alternatives"]) for one in told] == [len(one.alternatives) for one in expected]


@pytest.mark.parametrize("form", [[], ["--json"], ["--n-best", 2]])
def test_a_bad_verdict_is_3_and_names_the_line(trasluz: Command, canned: Canned, form: list[object]) -> None:
    done = trasluz("translate", "model", *form, stdin=b"hello\nlooping\nhello\ntruncated\n")
    assert done.returncode == 3
    assert done.stderr.splitlines() == ["line 2: looping", "line 4: truncated"]


def test_good_verdicts_are_0(trasluz: Command, canned: Canned) -> None:
    done = trasluz("translate", "model", stdin=b"hello\nbye\n")
    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_in_is_nothing_out(trasluz: Command, canned: Canned) -> None:
    done = trasluz("translate", "model", stdin=b"")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_translation_that_hit_the_limit_is_never_a_success(trasluz: Command, endless: Path) -> None:
    done = trasluz("translate", endless, "-t", "the cat", "--beam", 1)
    assert (done.returncode, done.stderr) == (3, "line 1: truncated\n")
    assert done.stdout.count("\n") == 1


def test_what_cannot_be_translated_is_refused(refusal: Refusal, trained: Path, tmp_path: Path) -> None:
    missing, latin = tmp_path / "missing.txt", tmp_path / "latin1.txt"
    latin.write_bytes(b"the cat\nthe ni\xf1o\n")
    assert refusal("translate", trained, missing).startswith(f"{missing}: no such file")
    assert refusal("translate", trained, tmp_path).startswith(f"{tmp_path}: a directory, not a file")
    assert refusal("translate", trained, latin).startswith(
        f"{latin}, line 2: the byte 0xf1 at place 7 is not"
    )
    assert refusal("translate", trained, stdin=latin.read_bytes()) == (
        "standard input, line 2: the byte 0xf1 at place 7 is not UTF-8; convert it to UTF-8"
    )
    assert refusal("translate", tmp_path / "nowhere", "-t", "x").startswith(
        f"{tmp_path / 'nowhere'}: there is no such model directory"
    )
    assert refusal("translate", trained, "-t", "x", "--beam", 0).startswith("the beam is 0")
    assert "2 hypotheses" in refusal("translate", trained, "-t", "x", "--beam", 1, "--n-best", 2)
    assert "the length penalty is" in refusal("translate", trained, "-t", "x", "--length-penalty", "nan")
    assert "U+DCF1" in refusal("translate", trained, "-t", "ni\udcf1o")
