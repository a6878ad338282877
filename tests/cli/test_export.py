"""The command `trasluz export`: every program, every option, and what is refused."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from trasluz.corpus.read import Pair
from trasluz.export.shapes import MARIAN
from trasluz.models.directory import save_model
from trasluz.models.loaded import LoadedModel

Command = Callable[..., CompletedProcess[str]]
Refusal = Callable[..., str]


@pytest.fixture
def sample_file(pairs: list[Pair], tmp_path: Path) -> Path:
    path = tmp_path / "sample.txt"
    path.write_text("".join(f"{pair.source}\n" for pair in pairs[:17]), encoding="utf-8")
    return path


@pytest.fixture
def english(small: LoadedModel, tmp_path: Path) -> Path:
    """A model that says that it reads English."""
    directory = tmp_path / "model"
    save_model(directory, manifest=small.manifest, model=small.model, tokenizer=small.tokenizer)
    return directory


@pytest.mark.parametrize("to", ["ctranslate2", "argos"])
def test_to_ctranslate2_and_to_argos(
    trasluz: Command, trained: Path, sample_file: Path, tmp_path: Path, to: str
) -> None:
    pytest.importorskip("ctranslate2", reason="the extra 'export' is not installed")
    out = tmp_path / ("out.argosmodel" if to == "argos" else "out")
    languages = ("--source-language", "en", "--target-language", "es")
    arguments = ("export", trained, "--to", to, "--out", out, "--sample", sample_file, *languages)
    done = trasluz(*arguments)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    lines = done.stderr.splitlines()
    assert lines[-2].startswith("17 of 17 texts come out equal; largest difference of scores ")
    assert lines[-1] == f"the export is in {out}"
    beside = out / "agreement.json" if to == "ctranslate2" else tmp_path / "out.argosmodel.agreement.json"
    told = json.loads(beside.read_text("utf-8"))
    assert told["command"] == " ".join(["trasluz", *map(str, arguments)])
    assert (told["to"], told["sample"], told["quantization"]) == (to, str(sample_file), None)


def test_to_huggingface(trasluz: Command, english: Path, sample_file: Path, tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="transformers, the reference, is not installed")
    out = tmp_path / "out"
    done = trasluz("export", english, "--to", "huggingface", "--out", out, "--sample", sample_file)
    assert done.returncode == 0, done.stderr
    config = json.loads((out / "config.json").read_text("utf-8"))
    assert config["architectures"] == ["MarianMTModel"]


def test_the_bundled_corpus_is_the_sample_where_the_language_is_named(
    trasluz: Command, english: Path, tmp_path: Path
) -> None:
    pytest.importorskip("ctranslate2", reason="the extra 'export' is not installed")
    out = tmp_path / "out"
    done = trasluz("export", english, "--to", "ctranslate2", "--out", out, "--quantization", "float32")
    assert done.returncode == 0, done.stderr
    told = json.loads((out / "agreement.json").read_text("utf-8"))
    assert told["quantization"] == "float32"
    assert told["sample"] == "300 sentences of the corpus that comes with Trasluz (en)"


def test_what_cannot_be_exported_is_refused(
    refusal: Refusal, trained: Path, sample_file: Path, english: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    given = ("export", trained, "--out", out, "--sample", sample_file)
    assert refusal(*given, "--to", "onnx").startswith("unknown format 'onnx'; allowed, nearest first:")
    assert refusal(*given, "--to", "huggingface", "--quantization", "int8") == (
        "--quantization is 'int8', but weights go to Hugging Face in float32; leave it out"
    )
    assert refusal("export", tmp_path / "nowhere", "--to", "huggingface", "--out", out).startswith(
        f"{tmp_path / 'nowhere'}: there is no such model directory"
    )
    assert refusal("export", trained, "--to", "huggingface", "--out", out).startswith(
        "an export is tried out before it is handed over, but it is not known which language"
    )
    assert refusal(
        "export", trained, "--to", "huggingface", "--out", out, "--sample", tmp_path / "no"
    ).startswith(f"{tmp_path / 'no'}: no such file")
    assert refusal(
        "export", english, "--to", "huggingface", "--out", out, "--source-language", "fr"
    ).startswith("--source-language is 'fr', but this model has 'en'")
    assert refusal(*given, "--to", "argos") == (
        f"{out}: Argos Translate installs files that end in .argosmodel; give such an --out"
    )
    for taken in (".", "/"):
        assert refusal("export", tmp_path / "nowhere", "--to", "ctranslate2", "--out", taken) == (
            f"{taken} is no name of something new; give another --out"
        )
    assert not out.exists()
    out.mkdir()
    (out / "own").touch()
    assert refusal(*given, "--to", "huggingface").startswith(f"{out} is there already")


def test_a_run_that_is_ended_leaves_nothing(
    trasluz: Command, trained: Path, sample_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*arguments: object, **more: object) -> None:
        assert len(list(tmp_path.iterdir())) > before, "it has begun"
        signal.raise_signal(signal.SIGTERM)

    before = len(list(tmp_path.iterdir()))
    monkeypatch.setattr("trasluz.export.huggingface.shape_of", lambda config: MARIAN)
    monkeypatch.setattr("trasluz.export.huggingface.write_shape", end)
    done = trasluz(
        "export", trained, "--to", "huggingface", "--out", tmp_path / "out", "--sample", sample_file
    )
    assert done.returncode == 128 + signal.SIGTERM
    assert len(list(tmp_path.iterdir())) == before
