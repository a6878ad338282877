"""The README tells the truth: its `trasluz` commands and its Python are run, on few pairs and for few steps.

What `make` does is not run, only looked for, and figures are not measured again.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from trasluz.corpus.starter import starter_split

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
TIME, STEPS = re.compile(r"--time [\dsmhd]+"), "--steps 3"  # what the README gives, what there is time for


def blocks(language: str) -> list[str]:
    """What stands in the fences of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def commands(name: str) -> list[str]:
    """The lines of the shell blocks that call a command."""
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith(f"{name} ")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the README speaks of."""
    folder = tmp_path_factory.mktemp("readme")
    training, test, _ = starter_split(300, held_out=11)
    for name, pairs in (("pairs.tsv", training), ("test.tsv", test)):
        (folder / name).write_text("".join(f"{p.source}\t{p.target}\n" for p in pairs), encoding="utf-8")
    for name, texts in (("letter.txt", test), ("stories.txt", training)):
        (folder / name).write_text("".join(f"{p.source}\n" for p in texts), encoding="utf-8")
    return folder


def trasluz(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run one command line of the README in a folder, redirection included."""
    words = shlex.split(TIME.sub(STEPS, line))
    out = words[words.index(">") + 1] if ">" in words else None
    words = words[1 : words.index(">")] if out else words[1:]
    run = [sys.executable, "-m", "trasluz", *words]
    done = subprocess.run(run, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False)
    if out:
        (folder / out).write_text(done.stdout, encoding="utf-8")
    return done


def test_every_command_and_every_block_of_python_runs(folder: Path) -> None:
    lines = commands("trasluz")
    assert len(lines) >= 5
    for line in lines:
        done = trasluz(line, folder)
        # 3: done, but a model of three steps writes much that has a bad verdict
        assert done.returncode in (0, 3), f"{line}: {done.stderr}"
        assert "Traceback" not in done.stderr
    for block in blocks("python"):
        done = subprocess.run(
            [sys.executable, "-c", block], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert len((folder / "brief.txt").read_text("utf-8").splitlines()) == 11


def test_every_target_of_make_in_the_readme_is_there() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE)
    wanted = [line.split()[1] for line in commands("make")]
    assert wanted
    assert set(wanted) <= set(targets)


def test_every_link_leads_to_a_file() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
