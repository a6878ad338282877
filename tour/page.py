"""The page itself: the template with every number, table and output put in its place.

A slot is `{{path:format}}`, where the path leads to a fact and the format is Python's; `{{table.NAME}}`, made
of facts; `{{output.N}}`, what block number N of Python in the template prints; `{{study}}`, what was measured
elsewhere, where it lies in the folder.
"""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from tour.facts import DOCS, FOLDER, Facts, find
from tour.tables import TABLES, number

TEMPLATE, PAGE = FOLDER / "template.md", DOCS / "tour.md"
SLOT = re.compile(r"\{\{([\w.\-]+)(?::([^{}]+))?\}\}")
BLOCK = re.compile(r"^```python\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
NOTE = re.compile(r"\A<!--.*?-->\n", flags=re.DOTALL)
HEADER = "<!-- Made by `make tour`: change docs/tour/template.md or tour/, not this page. -->\n"


def render(template: str, facts: Facts, *, folder: Path = FOLDER) -> str:
    """The page; `folder` is where the study may lie.

    Raises `KeyError` for a slot that leads nowhere.
    """
    outputs = [printed(block) for block in BLOCK.findall(template)]

    def filled(slot: re.Match[str]) -> str:
        path, spec = slot[1], slot[2] or ""
        kind, _, name = path.partition(".")
        if path == "study":
            return study(folder)
        if kind == "output":
            return outputs[int(name)]
        return TABLES[name](facts) if kind == "table" else told(find(facts, path), spec)

    page = SLOT.sub(filled, NOTE.sub("", template))
    return HEADER + re.sub(r"\n{3,}", "\n\n", page)


def told(value: Any, spec: str) -> str:
    """A fact in the text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value, spec) if isinstance(value, int | float) else format(value, spec)


def printed(block: str) -> str:
    """What a block of Python prints."""
    with redirect_stdout(io.StringIO()) as out:
        exec(compile(block, "a block of the tour", "exec"), {"__name__": "tour_block"})
    return out.getvalue().rstrip()


def study(folder: Path) -> str:
    """What the studies found, if it is there."""
    found = folder / "study.md"
    return found.read_text("utf-8").strip() if found.is_file() else ""
