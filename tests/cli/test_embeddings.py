"""The command `trasluz embeddings`: neighbours of words, a map, and positions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

from trasluz.decoding.translator import load
from trasluz.insight.embeddings import neighbors
from trasluz.models.directory import save_model
from trasluz.models.loaded import LoadedModel

Command = Callable[..., CompletedProcess[str]]
Refusal = Callable[..., str]


def test_neighbors_are_those_that_python_gives(trasluz: Command, trained: Path) -> None:
    done = trasluz("embeddings", trained, "cat", "dog", "--most", 3, "--json", "--side", "target")
    assert (done.returncode, done.stderr) == (0, "")
    translator = load(trained)
    assert json.loads(done.stdout) == {
        word: [list(one) for one in neighbors(translator, word, side="target", most=3)]
        for word in ("cat", "dog")
    }


def test_a_line_for_each_word(trasluz: Command, trained: Path) -> None:
    lines = trasluz("embeddings", trained, "cat", "dog", "--most", 2).stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == ["cat", "dog"]
    expected = ", ".join(f"{one.piece} {one.cosine:.2f}" for one in neighbors(load(trained), "cat", most=2))
    assert lines[0] == f"cat: {expected}"


def test_map_and_positions_are_pictures(trasluz: Command, trained: Path, tmp_path: Path) -> None:
    drawn, positions = tmp_path / "map.png", tmp_path / "positions.svg"
    done = trasluz("embeddings", trained, "cat", "--map", drawn, "--pieces", 17, "--positions", positions)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [f"the map is in {drawn}", f"the positions are in {positions}"]
    assert drawn.read_bytes().startswith(b"\x89PNG")
    assert positions.read_bytes().startswith(b"<?xml")


def test_a_language_model_has_a_table_as_well(
    trasluz: Command, untrained: Callable[..., LoadedModel], tmp_path: Path
) -> None:
    loaded = untrained("decoder-only", task="language-model")
    save_model(tmp_path, manifest=loaded.manifest, model=loaded.model, tokenizer=loaded.tokenizer)
    assert trasluz("embeddings", tmp_path, "cat").stdout.startswith("cat: ")


def test_what_cannot_be_looked_at_is_refused(
    refusal: Refusal, trained: Path, untrained: Callable[..., LoadedModel], tmp_path: Path
) -> None:
    assert refusal("embeddings", trained) == (
        "nothing is asked for; give words, or --map or --positions with a file to write"
    )
    assert refusal("embeddings", trained, " ").startswith("the word is blank")
    assert refusal("embeddings", trained, "cat", "--side", "both").startswith("unknown side 'both'")
    assert refusal("embeddings", trained, "cat", "--most", 0).startswith("0 neighbours are asked for")
    assert refusal("embeddings", trained, "--map", tmp_path / "map.gif").startswith("unknown kind of picture")
    assert refusal("embeddings", trained, "--map", tmp_path / "map.png", "--pieces", 2).startswith(
        "a map of 2 pieces is asked for"
    )
    assert refusal("embeddings", tmp_path / "nowhere", "cat").startswith(
        f"{tmp_path / 'nowhere'}: there is no"
    )
    loaded = untrained("recurrent")
    model = tmp_path / "recurrent"
    save_model(model, manifest=loaded.manifest, model=loaded.model, tokenizer=loaded.tokenizer)
    assert refusal("embeddings", model, "--positions", tmp_path / "positions.png").startswith(
        "this model has no position encoding to draw"
    )
