"""The page that shows an exhibit: one HTML file that needs no network and nothing beside it.

Knows no model. What the page looks like and does is in `template/`; this file puts the parts together.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

from trasluz.errors import TrasluzError
from trasluz.insight.exhibit import Exhibit, to_json

LONGEST = 512
"""The most tokens of a side that a page shows."""
MOST_WEIGHTS = 40_000_000
"""The most weights that a page holds: a file of about 107 MB."""

SCRIPTS = ("picture.js", "drawing.js", "page.js", "hands.js")


def save_page(exhibit: Exhibit, path: Path) -> None:
    """Write the page as one UTF-8 file; what is too much for a page raises `TrasluzError`."""
    path.write_text(page_html(exhibit), encoding="utf-8", newline="\n")


def page_html(exhibit: Exhibit) -> str:
    """The page as one string, with every weight in it.

    Only the script and the style that this package brings may run: the page names them by their hashes.
    """
    _check_size(exhibit)
    style = _part("page.css")
    script = "\n".join(_part(name) for name in SCRIPTS)
    data = to_json(exhibit)
    slots = {
        "policy": f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        "base-uri 'none'; form-action 'none'",
        "style": style,
        "script": script,
        "weights": "\n".join(_lift_weights(data)),
        "data": _inside_html(data),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda slot: slots[slot[1]], _part("page.html"))


def _check_size(exhibit: Exhibit) -> None:
    for side, tokens in (("source", exhibit.source), ("target", exhibit.target)):
        if len(tokens) > LONGEST:
            what = side if exhibit.prompt_length is None else "text"
            raise TrasluzError(
                f"the {what} has {len(tokens)} tokens, and a page of attention shows at most {LONGEST} a "
                "side; give one part of the text at a time, such as a sentence"
            )
    count = sum(weights.numel() for _, weights in exhibit.weights())
    if count > MOST_WEIGHTS:
        raise TrasluzError(
            f"this attention has {count} weights, and a page holds at most {MOST_WEIGHTS}; "
            "give a shorter text or fewer layers"
        )


def _lift_weights(data: dict[str, Any]) -> list[str]:
    """Take the weights out of `data`, those of each layer into an element that is read when it is opened."""
    elements = []
    for kind, block in data["attention"].items():
        for layer, text in enumerate(block.pop("layers")):
            elements.append(f'<script type="text/plain" id="{kind}-{layer}">{text}</script>')
    return elements


def _inside_html(data: Any) -> str:
    """JSON that no text can break out of; without `<` there is no tag and no comment."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _part(name: str) -> str:
    return (resources.files("trasluz.insight") / "template" / name).read_text("utf-8")


def _hash(text: str) -> str:
    """How a content security policy names an inline part."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"
