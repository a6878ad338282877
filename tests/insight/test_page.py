"""The page as a file: everything is in it, nothing breaks out of it, and what is too much is refused."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from trasluz.errors import TrasluzError
from trasluz.insight import page
from trasluz.insight.exhibit import Exhibit, from_json
from trasluz.insight.page import page_html, save_page

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--",
    "<script>",
    "{{script}}",
    "\u2028\ud800",
    "\\u003c&lt;",
]


def data_of(text: str) -> dict[str, Any]:
    """The JSON in a page, with the weights put back in their places."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, flags=re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    for kind, block in data["attention"].items():
        block["layers"] = re.findall(rf'<script type="text/plain" id="{kind}-\d+">(.*?)</script>', text)
    return data


def test_the_weights_are_in_the_page(exhibit: Exhibit, tmp_path: Path) -> None:
    save_page(exhibit, tmp_path / "page.html")
    back = from_json(data_of((tmp_path / "page.html").read_text("utf-8")))
    for (_, before), (_, after) in zip(exhibit.weights(), back.weights(), strict=True):
        torch.testing.assert_close(after, before, atol=1e-3, rtol=0)
    assert back.target == exhibit.target


def test_no_text_breaks_out_of_the_page(exhibit: Exhibit) -> None:
    hostile = replace(exhibit, source=(*HOSTILE, "</s>"), model=HOSTILE[0], end=HOSTILE[0], specials=HOSTILE)
    text = page_html(hostile)
    assert text.count("<script") == page_html(exhibit).count("<script")
    assert data_of(text)["source_tokens"] == [*HOSTILE, "</s>"]
    assert data_of(text)["model"] == HOSTILE[0]


def test_only_the_style_and_the_script_of_the_package_may_run(exhibit: Exhibit) -> None:
    text = page_html(exhibit)
    found = re.search(r'http-equiv="Content-Security-Policy" content="(.*?)"', text)
    assert found
    policy = dict(rule.split(" ", 1) for rule in html.unescape(found[1]).split("; "))
    for name, tag in (("script-src", "script"), ("style-src", "style")):
        part = re.findall(rf"<{tag}>(.*?)</{tag}>", text, flags=re.DOTALL)
        assert len(part) == 1
        digest = base64.b64encode(hashlib.sha256(part[0].encode()).digest()).decode()
        assert policy[name] == f"'sha256-{digest}'"
    assert policy["default-src"] == "'none'"


def test_the_page_names_no_other_file(exhibit: Exhibit) -> None:
    text = page_html(exhibit)
    assert re.findall(r"https?:|\bsrc=|\bhref=|@import|url\(|\bimport\b", text) == []


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_text_too_long_is_refused_with_the_limit(side: str) -> None:
    long, short = ["▁a"] * (page.LONGEST + 1), ["▁b"] * 2
    source, target = (long, short) if side == "source" else (short, long)
    exhibit = Exhibit(source=source, target=target, cross=torch.zeros(1, 1, len(target), len(source)))
    with pytest.raises(TrasluzError) as error:
        page_html(exhibit)
    assert str(error.value) == (
        f"the {side} has 513 tokens, and a page of attention shows at most 512 a side; "
        "give one part of the text at a time, such as a sentence"
    )
    source, target = source[: page.LONGEST], target[: page.LONGEST]
    page_html(Exhibit(source=source, target=target, cross=torch.zeros(1, 1, len(target), len(source))))


def test_too_many_weights_are_refused_with_the_limit() -> None:
    tokens = ["▁a"] * 500
    one = torch.zeros(1, 1, 1, 1)  # shown 161 times over, so that the test takes no memory
    exhibit = Exhibit(source=(), target=tokens, decoder=one.expand(23, 7, 500, 500), prompt_length=3)
    with pytest.raises(TrasluzError) as error:
        page_html(exhibit)
    assert str(error.value) == (
        "this attention has 40250000 weights, and a page holds at most 40000000; "
        "give a shorter text or fewer layers"
    )
