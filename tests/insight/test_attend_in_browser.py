"""A page of every architecture opens in a browser, without a network, without a complaint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from trasluz.decoding.generator import Generator
from trasluz.decoding.translator import Translator
from trasluz.insight.attention import Attention, attend
from trasluz.models.loaded import LoadedModel

if TYPE_CHECKING:
    from tests.insight.conftest import Tab

KINDS = {"transformer": {"encoder", "decoder", "cross"}, "recurrent": {"cross"}, "decoder-only": {"decoder"}}


def walk_through(tab: Tab, attention: Attention, path: Path) -> None:
    """Open the page, and everything on it that can be chosen."""
    attention.save(path)
    tab.open(path)
    tab.click("#table-switch")
    for kind, weights in attention.exhibit.weights():
        if not tab.js("document.querySelector('#kinds').hidden"):
            tab.click(f"[value={kind}]")
        for layer in range(weights.shape[0]):
            tab.choose("#layer", str(layer))
            tab.choose("#head", str(weights.shape[1] - 1))
            tab.settle()
            assert tab.texts("tbody td")
    for value in ("reading", "pieces"):
        if tab.js(f"document.querySelector('[value={value}]').getClientRects().length > 0"):
            tab.click(f"[value={value}]")
    tab.hover("#rows .unit")
    assert tab.complaints() == []
    assert tab.requests() == [path.as_uri()]


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_of_a_translation_opens(
    tab: Tab,
    untrained: Callable[..., LoadedModel],
    translator_of: Callable[[LoadedModel], Translator],
    tmp_path: Path,
    kind: str,
) -> None:
    translator = translator_of(untrained(kind))
    attention = attend(translator, "the cat sees a house", target="el gato ve una casa")
    assert {name for name, _ in attention.exhibit.weights()} == KINDS[kind]
    walk_through(tab, attention, tmp_path / "page.html")


def test_the_page_of_a_translation_that_was_decoded_opens(
    tab: Tab, small: LoadedModel, translator_of: Callable[[LoadedModel], Translator], tmp_path: Path
) -> None:
    walk_through(tab, attend(translator_of(small), "the cat sees"), tmp_path / "page.html")


@pytest.mark.parametrize("most", [0, 7])
def test_the_page_of_a_language_model_opens(
    tab: Tab, generator: Generator, tmp_path: Path, most: int
) -> None:
    walk_through(tab, attend(generator, "the cat sees", most=most), tmp_path / "page.html")


def test_a_notebook_s_frame_opens_without_a_complaint(tab: Tab, generator: Generator, tmp_path: Path) -> None:
    shown = attend(generator, "the cat", most=3)._repr_html_()
    path = tmp_path / "notebook.html"
    path.write_text(f"<!DOCTYPE html><meta charset=utf-8><title>Notebook</title>{shown}", encoding="utf-8")
    tab.open(path)
    assert tab.js("document.querySelector('iframe').getBoundingClientRect().height") == 760
    assert tab.complaints() == []
