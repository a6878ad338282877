"""The command `trasluz train`: pairs become a model, runs go on, and every mistake is one sentence."""

from __future__ import annotations

import gzip
import io
import json
import signal
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from trasluz.corpus.read import Pair
from trasluz.models.directory import save_model
from trasluz.models.loaded import LoadedModel

Command = Callable[..., CompletedProcess[str]]
Refusal = Callable[..., str]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "model"


def settings_in(out: Path) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads((out / "settings.json").read_text())["settings"]
    return settings


def test_training_leaves_a_model_and_says_where(
    trasluz: Command, pairs_file: Path, small_settings: tuple[str, ...], out: Path
) -> None:
    done = trasluz("train", pairs_file, *small_settings, "--out", out, "--steps", 2)
    assert (done.returncode, done.stdout) == (0, "")
    lines = done.stderr.splitlines()
    assert lines[0].startswith("dropout 0.2: "), "what was asked for needs no reason"
    assert lines[-1] == f"the translator is in {out}; try: trasluz translate {out}"
    assert trasluz("info", out).returncode == 0


def test_the_last_word_is_that_of_the_command_line(
    trasluz: Command, pairs_file: Path, small_settings: tuple[str, ...], out: Path, tmp_path: Path
) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text("seed: 5\nsmoothing: 0.3\nbudget: {steps: 9}\nmodel: {width: 24}\n")
    done = trasluz(
        *("train", pairs_file, "--config", config, "--out", out, "--steps", 1, "--seed", 7),
        *("--score", "cosine", "--preset", "small", *small_settings, "keep=2"),
    )
    assert done.returncode == 0, done.stderr
    settings = settings_in(out)
    assert (settings["seed"], settings["smoothing"], settings["budget"]["steps"]) == (7, 0.3, 1)
    assert (settings["model"]["width"], settings["keep"], settings["preset"]) == (12, 2, "small")
    assert settings["model"]["decoder"]["attention"] == {
        **settings["model"]["encoder"]["attention"],
        "score": "cosine",
        "heads": 3,
    }


@pytest.mark.parametrize("form", ["two files", "jsonl", "gz", "columns"])
def test_pairs_come_in_many_forms(
    trasluz: Command,
    pairs: list[Pair],
    small_settings: tuple[str, ...],
    out: Path,
    tmp_path: Path,
    form: str,
) -> None:
    source, target, other = (tmp_path / name for name in ("text.en", "text.es", "pairs"))
    source.write_text("".join(f"{pair.source}\n" for pair in pairs), encoding="utf-8")
    target.write_text("".join(f"{pair.target}\n" for pair in pairs), encoding="utf-8")
    words: list[object] = [source, target]
    if form == "jsonl":
        words = [other.with_suffix(".jsonl")]
        lines = [json.dumps({"source": pair.source, "target": pair.target}) for pair in pairs]
        other.with_suffix(".jsonl").write_text("\n".join(lines))
    elif form == "gz":
        words = [other.with_suffix(".tsv.gz")]
        text = "".join(f"{pair.source}\t{pair.target}\n" for pair in pairs)
        other.with_suffix(".tsv.gz").write_bytes(gzip.compress(text.encode()))
    elif form == "columns":
        words = [other, "--columns", "3,1"]
        other.write_text("".join(f"{pair.target}\t7\t{pair.source}\n" for pair in pairs), encoding="utf-8")
    done = trasluz("train", *words, *small_settings, "--out", out, "--steps", 1)
    assert done.returncode == 0, done.stderr
    assert json.loads(trasluz("info", out, "--json").stdout)["training"]["pairs"] == 57


def test_on_a_terminal_texts_are_shown_as_they_are() -> None:
    from rich.console import Console

    from trasluz.training.progress import TerminalDisplay

    screen = io.StringIO()
    display = TerminalDisplay(Console(force_terminal=True, file=screen, width=120))
    display.say("    :car: [b]the[/b] 12 'cats'\n      -> :dog: C:/x")
    assert screen.getvalue() == "    :car: [b]the[/b] 12 'cats'\n      -> :dog: C:/x\n"


def test_interrupted_is_1_and_the_same_command_goes_on(
    trasluz: Command,
    pairs_file: Path,
    small_settings: tuple[str, ...],
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from trasluz.training.progress import PlainDisplay

    command = ("train", pairs_file, *small_settings, "--out", out, "--steps", 5, "validation.every=4")
    with monkeypatch.context() as patch:
        patch.setattr(PlainDisplay, "step", lambda self, report: signal.raise_signal(signal.SIGINT))
        stopped = trasluz(*command)
    assert stopped.returncode == 1
    assert "stopping after this update; a checkpoint is written first" in stopped.stderr
    last = f"stopped; the same command goes on from the checkpoint in {out}"
    assert stopped.stderr.splitlines()[-1] == last
    assert "error: " not in stopped.stderr
    done = trasluz(*command)
    assert done.returncode == 0
    assert f"{out} holds a run of 1 steps: going on from there" in done.stderr


def test_pairs_that_a_language_model_reads_as_text_are_told(
    trasluz: Command, untrained: Callable[..., LoadedModel], pairs_file: Path, out: Path, tmp_path: Path
) -> None:
    model = tmp_path / "stories"
    loaded = untrained("decoder-only", task="language-model")
    save_model(model, manifest=loaded.manifest, model=loaded.model, tokenizer=loaded.tokenizer)
    more = ("--from", model, "--out", out, "--steps", 1)
    done = trasluz("train", pairs_file, *more)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[0] == (
        f"{model} is a language model: each line of {pairs_file} is read as one text, tabs too"
    )


class TestWhatCannotBeTrained:
    """Every mistake is one sentence, exit code 1, and nothing is written."""

    @pytest.fixture(autouse=True)
    def nothing_written(self, out: Path) -> Any:
        """Afterwards there is no directory."""
        yield
        assert not out.exists()

    def test_files(self, refusal: Refusal, out: Path, pairs_file: Path, tmp_path: Path) -> None:
        missing, empty, narrow, latin, blank = (tmp_path / f"{name}.tsv" for name in "menlb")
        empty.touch()
        narrow.write_text("the cat\tel gato\n\nthe dog\n")
        latin.write_bytes(b"the cat\tel gato\nthe girl\tla ni\xf1a\n")
        blank.write_text("the cat\t \n\tel gato\n")
        assert refusal("train", missing, "--out", out) == (
            f"{missing}: no such file; give the path of a text file"
        )
        assert refusal("train", empty, "--out", out) == (
            f"{empty} is empty; give a file with a sentence pair, or a text, on each line"
        )
        assert refusal("train", narrow, "--out", out) == (
            f"{narrow}, line 3: 1 column where at least 2 are needed; "
            "source and target are separated by a tab"
        )
        assert refusal("train", latin, "--out", out) == (
            f"{latin}, line 2: the byte 0xf1 at place 15 is not UTF-8; convert it to UTF-8"
        )
        assert refusal("train", blank, "--out", out) == (
            f"{blank}: no pair is left, since one side of each is blank; give other pairs"
        )
        assert refusal("train", pairs_file, "--valid", missing, "--out", out).startswith(
            f"{missing}: no such"
        )
        assert "0 files of pairs are given" in refusal("train", "seed=3", "--out", out)
        assert "there is only 1 pair" in refusal("train", single(tmp_path), "--out", out)

    def test_what_goes_with_a_model_to_go_on_from(
        self, refusal: Refusal, out: Path, pairs_file: Path, trained: Path, tmp_path: Path
    ) -> None:
        for option in (("--freeze", "encoder"), ("--adapter", 4)):
            assert refusal("train", pairs_file, *option, "--out", out) == (
                "--freeze and --adapter change a model that there is; give it with --from"
            )
        onward = ("train", pairs_file, "--from", trained, "--out", out)
        assert refusal(*onward, "--arch", "recurrent") == (
            "--from brings the parts of its model; leave out --arch"
        )
        assert refusal(*onward, "--freeze", "encodr").startswith(
            "settings: unknown base.freeze.0 'encodr'; al"
        )
        assert refusal("train", pairs_file, "--from", tmp_path / "no", "--out", out).startswith(
            f"{tmp_path / 'no'}: there is no such model directory"
        )

    def test_the_task_of_a_model_to_go_on_from(
        self, refusal: Refusal, out: Path, trained: Path, tmp_path: Path
    ) -> None:
        """It is told before the texts are read, which are no pairs."""
        texts = tmp_path / "texts.txt"
        texts.write_text("the cat\nthe dog\n", encoding="utf-8")
        asked = ("train", texts, "--task", "language-model", "--from", trained, "--out", out)
        assert refusal(*asked) == (
            f"the task 'language-model' is asked for, but {trained} is a translator; leave it out"
        )

    def test_two_files_of_different_length(self, refusal: Refusal, out: Path, tmp_path: Path) -> None:
        source, target = tmp_path / "text.en", tmp_path / "text.es"
        source.write_text("one\ntwo\nthree\n")
        target.write_text("uno\ndos\ntres\ncuatro\ncinco\n")
        assert refusal("train", source, target, "--out", out) == (
            f"{source} has 3 lines and {target} has 5; "
            "each line of one must be the translation of the same line of the other"
        )

    @pytest.mark.parametrize(
        ("words", "begin"),
        [
            (["--score", "cosinus"], "unknown score 'cosinus'; allowed, nearest first: cosine, "),
            (["--preset", "bigg"], "unknown preset 'bigg'; allowed, nearest first: big, "),
            (
                ["--arch", "transfomer"],
                "unknown architecture 'transfomer'; allowed, nearest first: transformer",
            ),
            (["--time", "soon"], "'soon' is no length of time; write it as 90s, 15m, 2h or 1h30m"),
            (["--time", "0s"], "settings: budget.seconds is 0.0, but it should be greater than 0"),
            (["--columns", "1"], "'1' names no two columns; write them as 1,2, counted from 1"),
            (["model.widht=12"], "settings: unknown key 'model.widht'; known, nearest first: model.width, "),
            (["model.width=30"], "settings: the width 30 is not divisible by the 4 heads of the encoder; "),
            (["model.width=wide"], "settings: model.width is 'wide', but it should be a whole number"),
            (
                ["model.encoder.attention.score=dott"],
                "settings: unknown model.encoder.attention.score 'dott'; ",
            ),
            (
                ["model.encoder.position.kind=rotatory"],
                "settings: unknown model.encoder.position.kind 'rotat",
            ),
            (["model.encoder={layers"], "model.encoder={layers is not valid YAML: "),
            (["Model.width=12"], "unknown key 'Model.width'; keys are written in small letters: model.width"),
            (["seed=soon"], "settings: seed is 'soon', but it should be a whole number, 0 or more"),
            (["seed=-1"], "settings: seed is -1, but it should be a whole number, 0 or more"),
            (["seed=true"], "settings: seed is True, but it should be a whole number, 0 or more"),
            (["seed="], "settings: seed is None, but it should be a whole number, 0 or more"),
            (["model=3"], "settings: model is 3, but it should be "),
            (["budget=3"], "settings: budget is 3, but it should be "),
            (["budget.seconds=15m"], "settings: budget.seconds is '15m', but it should be a number"),
            (["smoothing=1.0"], "settings: smoothing is 1.0, but it should be less than 1"),
            (["tokenizer.kind=bpe", "tokenizer.sampling=0.5"], "settings: tokenizer.sampling needs the kind"),
        ],
    )
    def test_settings(
        self, refusal: Refusal, out: Path, pairs_file: Path, words: list[str], begin: str
    ) -> None:
        sentence = refusal("train", pairs_file, "--out", out, *words)
        assert sentence.startswith(begin)

    @pytest.mark.parametrize(
        ("data", "sentence"),
        [
            (None, "there is no such file of settings"),
            (b"model: {width: 12", "is not valid YAML"),
            (b"- model\n- width\n", "settings are keys with values, such as 'model: {width: 256}'"),
            (b"", "settings are keys with values, such as 'model: {width: 256}'"),
            (b"source_language: espa\xf1ol\n", "UTF-8"),
            (b"seed: \x00\n", "is not valid YAML"),
        ],
    )
    def test_files_of_settings(
        self,
        refusal: Refusal,
        out: Path,
        pairs_file: Path,
        tmp_path: Path,
        data: bytes | None,
        sentence: str,
    ) -> None:
        config = tmp_path / "settings.yaml"
        if data is not None:
            config.write_bytes(data)
        refused = refusal("train", pairs_file, "--out", out, "--config", config)
        assert refused.startswith(str(config))
        assert sentence in refused

    @pytest.mark.parametrize("text", ["1: {2: 3}", "budget:", "model: {1: 2}", "preset: [tiny]"])
    def test_settings_that_are_valid_yaml_and_nothing_else(
        self, refusal: Refusal, out: Path, pairs_file: Path, tmp_path: Path, text: str
    ) -> None:
        config = tmp_path / "settings.yaml"
        config.write_text(text)
        assert refusal("train", pairs_file, "--out", out, "--config", config).startswith("settings: ")


def single(folder: Path) -> Path:
    """A file with one pair."""
    path = folder / "single.tsv"
    path.write_text("the cat\tel gato\n")
    return path


def test_pairs_that_are_all_too_long_are_said(
    refusal: Refusal, pairs_file: Path, small_settings: tuple[str, ...], out: Path
) -> None:
    sentence = refusal("train", pairs_file, *small_settings, "batch.longest=1", "--out", out)
    assert sentence == "all 57 pairs are longer than 1 pieces; raise batch.longest, or split them"


def test_another_run_in_the_directory_is_refused_with_the_differences(
    refusal: Refusal, trained: Path, pairs_file: Path, small_settings: tuple[str, ...]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in trained.rglob("*")}
    command = ("train", pairs_file, *small_settings, "--out", trained, "--steps", 5)
    assert refusal(*command, "smoothing=0.3") == (
        f"{trained} holds another run: smoothing is 0.1 there and 0.3 here; "
        "choose another --out, or give what it was begun with"
    )
    assert "holds another run: the pairs are others" in refusal(*command, "--columns", "2,1")
    assert {path: path.stat().st_mtime_ns for path in trained.rglob("*")} == before


def test_a_directory_of_something_else_is_refused(
    refusal: Refusal, pairs_file: Path, small_settings: tuple[str, ...]
) -> None:
    assert refusal("train", pairs_file, *small_settings, "--out", pairs_file.parent) == (
        f"{pairs_file.parent} is there already and holds no run; choose another --out"
    )
