"""An export comes to its place whole or not at all."""

from __future__ import annotations

import errno
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


def test_directories_that_were_made_are_removed_after_an_error(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()

    def fail() -> None:
        with beside(tmp_path / "old" / "new" / "deep" / "out") as (here,):
            here.mkdir()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list((tmp_path / "old").iterdir()) == []


def test_of_two_that_are_moved_both_come_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, record, rename = tmp_path / "out", tmp_path / "record", Path.rename
    out.mkdir()

    def interrupted(self: Path, target: Path) -> Path:
        if target == record:
            raise KeyboardInterrupt
        return rename(self, target)

    def move() -> None:
        with beside(out, record) as (here, note):
            here.mkdir()
            (here / "part").touch()
            note.touch()

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        move()
    assert list(tmp_path.iterdir()) == [out]
    assert list(out.iterdir()) == []


def test_what_else_is_written_there_is_removed(tmp_path: Path) -> None:
    with beside(tmp_path / "out") as (here,):
        here.touch()
        (here.parent / "package").mkdir()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_trouble_with_the_disk_names_the_place(tmp_path: Path) -> None:
    def fill(error: OSError) -> None:
        with beside(tmp_path / "out"):
            raise error

    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(TrasluzError, match=r"out cannot be written \(No space left on device\); noth"):
        fill(full)
    with pytest.raises(OSError, match="of a library"):
        fill(OSError("trouble of a library"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", [".", "..", "/", "there/.."])
def test_a_place_has_a_name(place: str) -> None:
    with pytest.raises(TrasluzError, match="is no name of something new; give another --out"):
        check_free(Path(place))


def test_nothing_can_be_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TrasluzError, match=r"file is no directory, so there can be no .*out; give another"):
        check_free(tmp_path / "file" / "below" / "out")


@pytest.mark.parametrize("kind", ["file", "directory", "link", "link to an empty directory"])
def test_what_stands_there_stays(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, kind: str) -> None:
    out, empty = tmp_path / "out", tmp_path_factory.mktemp("empty")
    if kind == "directory":
        out.mkdir()
        (out / "own").touch()
    elif kind == "file":
        out.write_text("own")
    elif kind == "link":
        out.symlink_to(tmp_path / "nowhere")
    else:
        out.symlink_to(empty)
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
