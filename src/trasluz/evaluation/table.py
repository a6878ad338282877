"""A table of figures, as Markdown has it.

Knows neither models nor metrics: a cell is a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """Cells under headings; the first `texts` columns are words, the others figures."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: int = 1

    def to_markdown(self) -> str:
        """The table in lines of Markdown, figures to the right."""
        rule = ["---" if at < self.texts else "---:" for at in range(len(self.headings))]
        head, *body = [[cell.replace("|", "\\|") for cell in line] for line in (self.headings, *self.rows)]
        return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *body))
