"""How the page looks in a browser: its colours, its scheme, large pages and narrow windows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.insight.test_page_in_browser import CLOSE, show, table, unit
from trasluz.insight.exhibit import Exhibit

if TYPE_CHECKING:
    from tests.insight.conftest import Drawn, Tab


@pytest.fixture
def opened(tab: Tab, exhibit: Exhibit, tmp_path: Path) -> Tab:
    """The page of the whole exhibit."""
    return show(tab, exhibit, tmp_path)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_colours_run_one_way_in_lightness(scheme: str, opened: Tab) -> None:
    opened.scheme(scheme)
    values: Any = opened.js("colours()")
    linear = (np.array(values) / 255) ** 2.2
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722])
    steps = np.diff(luminance[::5])
    assert np.all(steps > 0) if scheme == "dark" else np.all(steps < 0)


def test_the_scheme_follows_the_system_until_it_is_chosen(opened: Tab) -> None:
    def is_dark() -> bool:
        parts = opened.js("getComputedStyle(document.body).backgroundColor.match(/\\d+/g)")
        return sum(map(int, parts)) < 200

    for scheme in ("dark", "light"):
        opened.scheme(scheme)
        assert is_dark() == (scheme == "dark")
    opened.click("#theme")
    assert is_dark()
    assert opened.texts("#theme") == ["Theme: dark"]
    opened.click("#theme")
    opened.scheme("dark")
    assert not is_dark()


def test_a_hundred_tokens_a_side_with_six_layers_of_eight_heads(
    tab: Tab, drawn: Drawn, tmp_path: Path
) -> None:
    tokens = [f"▁w{at}" for at in range(99)] + ["</s>"]
    large = replace(drawn, L=6, H=8)
    encoder, decoder, cross = (large.weights(100, 100) for _ in range(3))
    kinds = {"encoder": encoder, "cross": cross}
    show(tab, Exhibit(source=tokens, target=tokens, encoder=encoder, decoder=decoder, cross=cross), tmp_path)
    assert tab.js("decoded.size") < 6  # layers are decoded when they are opened
    for kind in ("encoder", "cross"):
        tab.click(f"[value={kind}]")
        for layer, head in ((1, 7), (4, 2)):
            tab.choose("#layer", str(layer))
            tab.choose("#head", str(head))
            np.testing.assert_allclose(table(tab), kinds[kind][layer, head], atol=CLOSE)
    tab.hover(unit("rows", 50))
    largest = int(cross[4, 2, 50].argmax())
    assert tab.texts("#columns .largest") == [tokens[largest].removeprefix("▁")]
    assert tab.texts(".head .name")[-1] == "Layer 6 · head 8"
    assert tab.complaints() == []


@pytest.mark.parametrize("width", [320, 390, 820, 1280])
def test_nothing_sticks_out_of_a_narrow_window(width: int, opened: Tab) -> None:
    opened.size(width, 800, touch=width < 500)
    opened.settle()
    assert opened.js("document.documentElement.scrollWidth") <= width
