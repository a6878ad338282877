"""An export comes to its place whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from trasluz.errors import TrasluzError
from trasluz.export.place import beside, check_free


def test_a_directory_and_a_file_are_moved_in_place(tmp_path: Path) -> None:
    out, record = tmp_path / "new" / "out", tmp_path / "new" / "record.json"
    with beside(out, record) as (here, note):
        here.mkdir()
        (here / "part").write_text("whole")
        note.write_text("{}")
        assert not out.exists()
    assert (out / "part").read_text() == "whole"
    assert {path.name for path in out.parent.iterdir()} == {"out", "record.json"}


def test_an_empty_directory_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with beside(tmp_path / "out") as (here,):
        here.mkdir()
        (here / "part").touch()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["part"]


def test_after_an_error_nothing_is_left(tmp_path: Path) -> None:
    def fail() -> None:
        with beside(tmp_path / "out") as (here,):
            here.mkdir()
            (here / "part").write_text("half")
            raise RuntimeError("half")

    with pytest.raises(RuntimeError, match="half"):
        fail()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["file", "directory", "link"])
def test_what_stands_there_stays(tmp_path: Path, kind: str) -> None:
    out = tmp_path / "out"
    if kind == "directory":
        out.mkdir()
        (out / "own").touch()
    elif kind == "file":
        out.write_text("own")
    else:
        out.symlink_to(tmp_path / "nowhere")
    with pytest.raises(TrasluzError, match="out is there already, and nothing is written over; give another"):
        check_free(out)
    with pytest.raises(TrasluzError, match="is there already"), beside(tmp_path / "free", out):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_came_meanwhile_stays(tmp_path: Path) -> None:
    out = tmp_path / "out"

    def write() -> None:
        with beside(out) as (here,):
            here.write_text("ours")
            out.write_text("theirs")

    with pytest.raises(TrasluzError, match="is there already"):
        write()
    assert out.read_text() == "theirs"
