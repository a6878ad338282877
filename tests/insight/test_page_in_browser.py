"""The page in a browser without a network: its numbers are right, and hand and key reach everything."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from trasluz.insight.exhibit import Candidate, Exhibit, Link, Step
from trasluz.insight.page import save_page

if TYPE_CHECKING:
    from tests.insight.conftest import Drawn, Tab

Array = NDArray[np.float64]

SOURCE_WORDS = ["The", "girl", "reads", "letters", ".", "</s>"]
TARGET_WORDS = ["La", "niña", "no", "lee", "cartas", ".", "</s>"]
SOURCE_OF = [0, 1, 2, 3, 3, 4, 5]
TARGET_OF = [0, 1, 1, 1, 1, 2, 3, 4, 4, 5, 6]
READ_OF = [0, *[word + 1 for word in TARGET_OF[:-1]]]  # the start symbol, then all words but the last
CLOSE = 0.0011  # float16, and a percentage with one decimal


@pytest.fixture
def opened(tab: Tab, exhibit: Exhibit, tmp_path: Path) -> Tab:
    """The page of the whole exhibit."""
    return show(tab, exhibit, tmp_path)


def show(tab: Tab, exhibit: Exhibit, folder: Path) -> Tab:
    """Open the page of an exhibit, as a table too."""
    save_page(exhibit, folder / "page.html")
    tab.open(folder / "page.html")
    tab.click("#table-switch")
    return tab


def table(tab: Tab) -> Array:
    """The weights that the page shows."""
    tab.settle()
    numbers = [float(cell.removesuffix("%")) / 100 for cell in tab.texts("tbody td")]
    return np.array(numbers).reshape(len(tab.texts("tbody tr")), -1)


def by_words(weights: Tensor, rows: list[int], columns: list[int]) -> Array:
    """What the page should show: for each pair of words the mean over rows of the sum over columns."""
    in_row = np.eye(max(rows) + 1)[rows].T
    in_column = np.eye(max(columns) + 1)[columns]
    mean = in_row / in_row.sum(1, keepdims=True)
    joined: Array = mean @ weights.double().numpy() @ in_column
    return joined


def weights_of(exhibit: Exhibit, kind: str) -> Tensor:
    """The weights of a kind, which this exhibit has."""
    return dict(exhibit.weights())[kind]


def unit(side: str, at: int) -> str:
    """How to find a word of a sentence."""
    return f"#{side} .unit[data-at='{at}']"


def row_labels(tab: Tab) -> list[str]:
    """What the rows of the table are called."""
    return tab.texts("tbody th[scope=row]")


def test_it_opens_without_a_complaint_and_asks_for_nothing_else(opened: Tab) -> None:
    opened.click("#copy")
    assert opened.complaints() == []
    assert [request.rpartition("/")[2] for request in opened.requests()] == ["page.html"]


def test_it_starts_with_the_mean_of_the_heads_of_the_last_layer(opened: Tab, exhibit: Exhibit) -> None:
    assert opened.texts("#picture-title") == ["Cross-attention: layer 3, mean of its heads"]
    mean = weights_of(exhibit, "cross")[-1].mean(0)
    np.testing.assert_allclose(table(opened), by_words(mean, TARGET_OF, SOURCE_OF), atol=CLOSE)
    assert opened.texts("thead th[scope=col]") == SOURCE_WORDS
    assert row_labels(opened) == TARGET_WORDS


def test_every_choice_of_layer_and_head_shows_its_own_numbers(opened: Tab, exhibit: Exhibit) -> None:
    weights = weights_of(exhibit, "cross")
    for layer in range(3):
        opened.choose("#layer", str(layer))
        for head in range(2):
            opened.choose("#head", str(head))
            expected = by_words(weights[layer, head], TARGET_OF, SOURCE_OF)
            np.testing.assert_allclose(table(opened), expected, atol=CLOSE)
            assert opened.texts("#picture-title") == [f"Cross-attention: layer {layer + 1}, head {head + 1}"]
    opened.choose("#layer", "mean")
    np.testing.assert_allclose(
        table(opened), by_words(weights.mean((0, 1)), TARGET_OF, SOURCE_OF), atol=CLOSE
    )
    assert opened.js("document.querySelector('#head').disabled")


@pytest.mark.parametrize("kind", ["cross", "encoder", "decoder"])
def test_pieces_show_the_weights_as_they_are(kind: str, opened: Tab, exhibit: Exhibit) -> None:
    opened.click(f"[value={kind}]")
    opened.click("[value=pieces]")
    opened.choose("#head", "1")
    np.testing.assert_allclose(table(opened), weights_of(exhibit, kind)[-1, 1], atol=CLOSE)
    assert row_labels(opened) == list(exhibit.source if kind == "encoder" else exhibit.target)


def test_reading_names_a_row_after_the_word_it_was_computed_from(opened: Tab, exhibit: Exhibit) -> None:
    opened.click("[value=reading]")
    assert row_labels(opened) == ["<s>", *TARGET_WORDS[:-1]]
    assert opened.texts("#rows .unit") == ["<s>", *TARGET_WORDS[:-1]]
    mean = weights_of(exhibit, "cross")[-1].mean(0)
    np.testing.assert_allclose(table(opened), by_words(mean, READ_OF, SOURCE_OF), atol=CLOSE)


def test_a_column_of_the_decoder_is_what_was_read_whatever_its_rows_are_called(
    opened: Tab, exhibit: Exhibit
) -> None:
    opened.click("[value=decoder]")
    assert opened.texts("thead th[scope=col]") == ["<s>", *TARGET_WORDS[:-1]]
    assert row_labels(opened) == TARGET_WORDS
    mean = weights_of(exhibit, "decoder")[-1].mean(0)
    np.testing.assert_allclose(table(opened), by_words(mean, TARGET_OF, READ_OF), atol=CLOSE)
    opened.click("[value=reading]")
    assert row_labels(opened) == opened.texts("thead th[scope=col]")
    np.testing.assert_allclose(table(opened), by_words(mean, READ_OF, READ_OF), atol=CLOSE)


def test_symbols_can_be_left_out(opened: Tab) -> None:
    opened.click("#specials")
    assert row_labels(opened) == TARGET_WORDS[:-1]
    assert opened.texts("#columns .unit") == SOURCE_WORDS[:-1]


def test_pointing_at_a_word_lights_what_it_looked_at_most(opened: Tab, exhibit: Exhibit) -> None:
    expected = by_words(weights_of(exhibit, "cross")[-1].mean(0), TARGET_OF, SOURCE_OF)
    for row in range(len(TARGET_WORDS)):
        opened.hover(unit("rows", row))
        assert opened.texts("#columns .largest") == [SOURCE_WORDS[expected[row].argmax()]]
        assert opened.texts("#rows .lit") == [TARGET_WORDS[row]]
        shades = opened.js(
            "Array.from(document.querySelectorAll('#columns .unit'), (e) => e.style.backgroundColor)"
        )
        best = [SOURCE_WORDS[column] for column in (-expected[row]).argsort()[:4]]
        assert opened.texts("#readout bdi") == [TARGET_WORDS[row], *best]
        lightness = [sum(map(int, re.findall(r"\d+", shade))) for shade in shades]
        assert lightness[expected[row].argmax()] == min(lightness)
    opened.hover("h2")
    assert opened.texts(".lit, .largest") == []


def test_pointing_at_a_source_word_lights_who_looked_at_it_most(opened: Tab, exhibit: Exhibit) -> None:
    expected = by_words(weights_of(exhibit, "cross")[-1].mean(0), TARGET_OF, SOURCE_OF)
    for column in range(len(SOURCE_WORDS)):
        opened.hover(unit("columns", column))
        assert opened.texts("#rows .largest") == [TARGET_WORDS[expected[:, column].argmax()]]
        assert opened.texts("#readout")[0].startswith(f"{SOURCE_WORDS[column]} is looked at by ")


def test_a_click_pins_and_escape_lets_go(opened: Tab) -> None:
    opened.click(unit("rows", 1))
    opened.hover("h2")
    assert opened.texts("#rows .pinned") == ["niña"]
    opened.choose("#layer", "0")
    assert opened.texts("#rows .pinned") == ["niña"]
    opened.press("Escape")
    assert opened.texts(".pinned, .lit") == []


def test_the_candidates_of_each_piece_are_told_with_their_probabilities(opened: Tab) -> None:
    opened.hover(unit("rows", 4))
    assert opened.texts("#candidates li") == ["▁cart77.9%", "▁otro13.5%", "as77.9%", "▁otro13.5%"]
    assert opened.texts("#candidates .note") == [
        "▁cart: rank 1, entropy 0.50 nats",
        "as: rank 1, entropy 0.50 nats",
    ]


def tab_to(tab: Tab, condition: str) -> None:
    """Press the tab key until the focus is where it should be."""
    for _ in range(40):
        tab.press("Tab")
        if tab.js(f"document.activeElement.matches({json.dumps(condition)})"):
            style = tab.js("getComputedStyle(document.activeElement).outlineStyle")
            assert style != "none", "the focus cannot be seen"
            return
    raise AssertionError(f"the tab key does not lead to {condition}")


def test_the_matrix_is_walked_with_keys_alone(opened: Tab, exhibit: Exhibit) -> None:
    expected = by_words(weights_of(exhibit, "cross")[-1].mean(0), TARGET_OF, SOURCE_OF)

    def told(row: int, column: int) -> str:
        return f"{TARGET_WORDS[row]} looks at {SOURCE_WORDS[column]} with {100 * expected[row, column]:.1f}%"

    tab_to(opened, "#matrix")
    walk = [
        ("ArrowRight", 0, 0),
        ("ArrowRight", 0, 1),
        ("ArrowDown", 1, 1),
        ("ArrowDown", 2, 1),
        ("End", 2, 5),
    ]
    walk += [("ArrowRight", 2, 5), ("ArrowUp", 1, 5), ("ArrowLeft", 1, 4), ("Home", 1, 0)]
    for key, row, column in walk:
        opened.press(key)
        said = opened.texts("#readout")[0]
        assert said.rpartition(" ")[0] == told(row, column).rpartition(" ")[0]
        assert float(said.rpartition(" ")[2][:-1]) / 100 == pytest.approx(expected[row, column], abs=CLOSE)
    opened.press("End", modifiers=2)
    assert opened.texts("#readout")[0].startswith("</s> looks at </s>")
    opened.press("Enter", "Tab")
    assert opened.texts("#rows .pinned, #columns .pinned") == ["</s>", "</s>"]


def test_keys_do_nothing_where_all_that_there_was_is_hidden(tab: Tab, drawn: Drawn, tmp_path: Path) -> None:
    nothing = Exhibit(source=["▁a", "</s>"], target=["</s>"], cross=drawn.weights(1, 2))
    show(tab, nothing, tmp_path)
    tab.click("#specials")
    tab.js("document.querySelector('#matrix').focus()")
    tab.press("ArrowDown", "ArrowRight", "End")
    assert tab.texts("#rows .unit") == []


def test_words_and_heads_are_walked_with_keys_alone(opened: Tab, exhibit: Exhibit) -> None:
    tab_to(opened, "#rows .unit")
    opened.press("ArrowRight", "ArrowRight", "ArrowLeft", "Enter")
    assert opened.texts("#rows .pinned") == ["niña"]
    tab_to(opened, ".head")
    opened.press("ArrowRight", "ArrowRight", "Enter")
    assert opened.texts("#picture-title") == ["Cross-attention: layer 2, head 1"]
    np.testing.assert_allclose(
        table(opened), by_words(weights_of(exhibit, "cross")[1, 0], TARGET_OF, SOURCE_OF), atol=CLOSE
    )
    opened.press("End", " ")
    assert opened.texts("#picture-title") == ["Cross-attention: layer 3, head 2"]
    assert opened.js("document.querySelectorAll('.head[tabindex=\"0\"]').length") == 1


def test_heads_are_sorted_by_their_figures(opened: Tab, exhibit: Exhibit) -> None:
    weights = weights_of(exhibit, "cross")
    figures = {
        "entropy up": torch.special.entr(weights).sum(-1).mean(-1),
        "largest down": -weights.amax((-1, -2)),
        "sink down": -weights[..., -1].mean(-1),
        "layer up": torch.arange(6.0).view(3, 2),
    }
    for order, figure in figures.items():
        opened.choose("#sort", order)
        expected = [f"Layer {at // 2 + 1} · head {at % 2 + 1}" for at in figure.flatten().argsort().tolist()]
        assert opened.texts(".head .name") == expected


def test_thumbnails_are_drawn_when_they_are_seen(opened: Tab) -> None:
    middle = "(c) => c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data[3]"
    opaque = f"Array.from(document.querySelectorAll('.head canvas'), {middle})"
    assert set(opened.js(opaque)) == {0}
    opened.hover(".head")
    opened.size(1280, 3000)
    opened.settle()
    assert set(opened.js(opaque)) == {255}


def test_links_are_what_is_large_and_go_out_in_pharaoh_format(opened: Tab, exhibit: Exhibit) -> None:
    expected = by_words(weights_of(exhibit, "cross")[-1].mean(0), TARGET_OF, SOURCE_OF)[
        :-1, :-1
    ]  # symbols are no words
    for threshold in (10, 25, 40):
        opened.js(f"document.querySelector('#threshold').value = {threshold}")
        opened.js("document.querySelector('#threshold').dispatchEvent(new Event('input'))")
        found = np.argwhere(expected >= threshold / 100)
        pairs = sorted({(min(s, 3), min(t, 4)) for t, s in found.tolist()})  # the full stops touch a word
        assert opened.js("document.querySelector('#pharaoh').value") == " ".join(f"{s}-{t}" for s, t in pairs)


def test_a_given_alignment_is_told_in_words_or_pieces(tab: Tab, exhibit: Exhibit, tmp_path: Path) -> None:
    links = [Link(3, 8, 0.9), Link(1, 2, 0.9), Link(1, 4, 0.5), Link(6, 10, 0.9), Link(0, 0, 0.1)]
    show(tab, replace(exhibit, alignment=links), tmp_path)
    value = "document.querySelector('#pharaoh').value"
    assert tab.js(value) == "1-1 3-4"
    tab.click("[value=pieces]")
    assert tab.js(value) == "1-1 3-4"
    tab.click("[value=weights]")
    assert tab.js(value) != "1-1 3-4"


def test_a_decoder_alone_is_one_text_with_a_divider(tab: Tab, drawn: Drawn, tmp_path: Path) -> None:
    text = ["<s>", "▁The", "▁girl", "▁La", "▁niña"]
    steps = [Step((Candidate(5, "▁La", -0.25),), 0.5), Step((Candidate(6, "▁chica", -0.25),), 0.75)]
    weights = drawn.weights(5, 5, causal=True)
    show(tab, Exhibit(source=(), target=text, decoder=weights, steps=steps, prompt_length=3), tmp_path)
    words = ["<s>", "The", "girl", "La", "niña"]
    assert tab.texts("thead th[scope=col]") == words
    assert row_labels(tab) == [*words[1:], "…"]
    np.testing.assert_allclose(table(tab), weights[-1].mean(0), atol=CLOSE)
    assert tab.js("document.querySelectorAll('.cut').length") == 2
    assert not tab.js("document.querySelector('#divider-row').hidden")
    tab.hover(unit("rows", 3))  # the row that predicted niña
    assert tab.texts("#candidates .note") == ["▁niña: not among the best 1, entropy 0.75 nats"]
    tab.hover(unit("rows", 1))
    assert tab.texts("#candidates") == ["This was given, not written."]
    tab.click("[value=reading]")
    assert row_labels(tab) == words
    assert tab.complaints() == []


def test_one_recurrent_head_is_enough_for_a_page(tab: Tab, tmp_path: Path) -> None:
    weights = torch.tensor([[0.25, 0.75]]).view(1, 1, 1, 2)
    show(tab, Exhibit(source=["▁a", "</s>"], target=["▁b"], cross=weights), tmp_path)
    np.testing.assert_allclose(table(tab), [[0.25, 0.75]])
    assert tab.js("document.querySelector('#kinds').hidden")
    assert tab.complaints() == []


def test_text_from_outside_stays_text(tab: Tab, tmp_path: Path) -> None:
    source = [
        "▁</script><script>document.title='broken'</script>",
        "▁<img src=x onerror=document.title='broken'>",
    ]
    step = Step((Candidate(1, source[1], -0.5),), 0.5)
    exhibit = Exhibit(
        source=source, target=source[:1], cross=torch.full((1, 1, 1, 2), 0.5), steps=[step], model=source[1]
    )
    show(tab, exhibit, tmp_path)
    tab.hover(unit("rows", 0))
    assert "".join(tab.texts("#columns .unit")) == "".join(source).replace("▁", "")
    assert tab.js("document.images.length") == 0
    assert tab.js("document.title") == f"{source[1]}: attention"
    assert tab.complaints() == []


def test_a_text_from_right_to_left_runs_so_and_its_symbols_do_not(tab: Tab, tmp_path: Path) -> None:
    exhibit = Exhibit(
        source=["▁لا", "▁تقرأ", "</s>"], target=["▁不", "读"], cross=torch.full((1, 1, 2, 3), 1 / 3)
    )
    show(tab, exhibit, tmp_path)
    lefts = tab.js(
        "Array.from(document.querySelectorAll('#columns .unit'), (e) => e.getBoundingClientRect().left)"
    )
    assert lefts == sorted(lefts, reverse=True)
    assert tab.js("getComputedStyle(document.querySelector('#columns .special')).direction") == "ltr"
    assert tab.texts("#rows")[0] == "不读"
    tab_to(tab, "#columns .unit")
    tab.press("ArrowLeft")
    assert tab.texts("#columns .lit") == ["تقرأ"]
