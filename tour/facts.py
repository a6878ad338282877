"""The numbers of the tour: how they are rounded, kept in one file, and found again by name.

Knows no chapter. A fact is what JSON can hold: a word, a number, or lists and groups of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

Facts = dict[str, Any]

DOCS = Path(__file__).parents[1] / "docs"
FOLDER = DOCS / "tour"
KEPT = FOLDER / "facts.json"

DIGITS = 6
"""So many significant digits are kept of a number."""


def plain(value: Any) -> Any:
    """Tensors as lists, and every number rounded to `DIGITS` significant digits."""
    if isinstance(value, Tensor):
        return plain(value.detach().tolist())
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(one) for one in value]
    return value


def find(facts: Facts, path: str) -> Any:
    """The fact at a dotted path, such as `width.dot.spread.5`; a number counts in a list, from 0."""
    found: Any = facts
    for part in path.split("."):
        try:
            found = found[int(part)] if isinstance(found, list) else found[part]
        except (KeyError, IndexError, ValueError, TypeError):
            raise KeyError(f"there is no fact {path!r}: {part!r} is not there") from None
    return found


def read_facts(path: Path = KEPT) -> Facts:
    """The facts that were kept; none where nothing was."""
    if not path.is_file():
        return {}
    facts: Facts = json.loads(path.read_text("utf-8"))
    return facts


def write_facts(facts: Facts, path: Path = KEPT) -> None:
    """Keep facts: a line for each group and for each list of numbers."""
    path.write_text(_spelt(facts) + "\n", encoding="utf-8", newline="\n")


def _spelt(value: Any, indent: str = "") -> str:
    """JSON whose diff can be read: groups are opened, lists stay on their line unless they hold groups."""
    deeper = indent + " "
    if isinstance(value, Mapping) and value:
        lines = [
            f"{deeper}{json.dumps(key, ensure_ascii=False)}: {_spelt(one, deeper)}"
            for key, one in value.items()
        ]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(one, Mapping | list) for one in value):
        return "[\n" + ",\n".join(deeper + _spelt(one, deeper) for one in value) + f"\n{indent}]"
    return json.dumps(value, ensure_ascii=False)
