"""The tree drawn in docs/architecture.md is the tree of the package: nothing missing, nothing left over.

Every Python file stands there with its half-line. The `__init__.py` of a folder does not: the folder's line
speaks for it.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
PACKAGE = ROOT / "src" / "trasluz"
LINE = re.compile(r"(?P<indent> *)(?P<name>[\w.]+/?)(?: +(?P<note>\S.*))?")


def drawn_tree(page: str) -> dict[str, str]:
    """Each path of the drawing below `src/trasluz/` and its note; a folder ends in a slash."""
    drawing = re.search(r"^```text\nsrc/trasluz/\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    assert drawing, "no drawing that starts with src/trasluz/"
    found: dict[str, str] = {}
    folders: list[str] = []
    for line in drawing[1].splitlines():
        entry = LINE.fullmatch(line)
        assert entry, f"not a line of a tree: {line!r}"
        depth = len(entry["indent"]) // 2 - 1
        assert entry["indent"] == "  " * (depth + 1), f"indented by half a step: {line!r}"
        assert 0 <= depth <= len(folders), f"indented too deep: {line!r}"
        path = "".join([*folders[:depth], entry["name"]])
        assert path not in found, f"drawn twice: {path}"
        folders = [*folders[:depth], *([entry["name"]] if path.endswith("/") else [])]
        found[path] = entry["note"] or ""
    return found


def files_of(package: Path) -> set[str]:
    """Every Python file below a folder, but for the `__init__.py` of its folders."""
    paths = {path.relative_to(package).as_posix() for path in package.rglob("*.py")}
    return {path for path in paths if not path.endswith("/__init__.py")}


def missing(drawn: dict[str, str], package: Path) -> list[str]:
    """The files that the drawing forgets."""
    return sorted(files_of(package) - drawn.keys())


def left_over(drawn: dict[str, str], package: Path) -> list[str]:
    """What the drawing shows and the package does not have."""
    return sorted(
        path
        for path in drawn
        if not ((package / path).is_dir() if path.endswith("/") else (package / path).is_file())
    )


def test_every_file_is_in_the_drawing() -> None:
    assert missing(drawn_tree(PAGE.read_text("utf-8")), PACKAGE) == []


def test_the_drawing_shows_nothing_that_is_not_there() -> None:
    assert left_over(drawn_tree(PAGE.read_text("utf-8")), PACKAGE) == []


def test_everything_drawn_has_its_half_line() -> None:
    silent = [path for path, note in drawn_tree(PAGE.read_text("utf-8")).items() if not note]
    assert silent == []


def test_a_forgotten_file_a_gone_file_and_a_missing_note_are_found(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    for name in ("errors.py", "text/__init__.py", "text/markup.py", "text/split.py"):
        (tmp_path / name).touch()
    page = "# The tree\n\n```text\nsrc/trasluz/\n  errors.py  what went wrong\n  text/\n    split.py  cuts\n"
    drawn = drawn_tree(page + "    gone.py  was here\n  gone/  was here too\n```\n")
    assert drawn["text/split.py"] == "cuts"
    assert missing(drawn, tmp_path) == ["text/markup.py"]
    assert left_over(drawn, tmp_path) == ["gone/", "text/gone.py"]
    assert [path for path, note in drawn.items() if not note] == ["text/"]
