"""Attention as an object: it shows itself, saves itself in every form, and says what it cannot do."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import trasluz
from trasluz.decoding.generator import Generator
from trasluz.decoding.translator import Translator
from trasluz.errors import TrasluzError
from trasluz.insight.attention import Attention, attend
from trasluz.insight.exhibit import Exhibit, to_json
from trasluz.insight.page import LONGEST, page_html
from trasluz.insight.record import record, record_text
from trasluz.models.loaded import LoadedModel

TEXT, TARGET = "the cat sees a house", "el gato ve dos manzanas"


@pytest.fixture
def translator(small: LoadedModel, translator_of: Callable[[LoadedModel], Translator]) -> Translator:
    return translator_of(small)


def test_the_public_name_serves_translators_and_language_models(
    translator: Translator, generator: Generator
) -> None:
    assert (trasluz.attend, trasluz.Attention) == (attend, Attention)
    for target in (None, TARGET):
        expected = record(translator, TEXT, target=target, beam=3)
        assert to_json(attend(translator, TEXT, target=target, beam=3).exhibit) == to_json(expected)
    for most in (0, 5):
        expected = record_text(generator, TEXT, most=most)
        assert to_json(attend(generator, TEXT, most=most).exhibit) == to_json(expected)


def test_a_language_model_has_no_target(generator: Generator) -> None:
    with pytest.raises(TrasluzError, match="a target is given, but a language model has none"):
        attend(generator, TEXT, target=TARGET)


def test_a_notebook_shows_the_page_in_a_frame(exhibit: Exhibit) -> None:
    shown = Attention(exhibit)._repr_html_()
    frame = re.fullmatch(r'<iframe srcdoc="([^"]*)"[^<>]*></iframe>', shown)
    assert frame
    assert html.unescape(frame[1]) == page_html(exhibit)
    assert 'sandbox="allow-scripts"' in shown


def test_what_is_too_much_for_a_page_is_a_sentence_in_a_notebook(exhibit: Exhibit) -> None:
    tokens = ["▁<b>"] * (LONGEST + 1)
    large = Exhibit(source=tokens, target=["▁a"], cross=torch.full((1, 1, 1, LONGEST + 1), 0.5))
    shown = Attention(large)._repr_html_()
    assert shown.startswith(f"<p>the source has {LONGEST + 1} tokens, and a page of attention shows at most")
    assert "iframe" not in shown


def test_it_says_in_a_line_what_it_is(exhibit: Exhibit) -> None:
    assert repr(Attention(exhibit)) == (
        "<Attention of 7 source and 11 target tokens; "
        "layers x heads: encoder 3 x 2, decoder 3 x 2, cross 3 x 2>"
    )


def test_it_saves_itself_as_page_data_and_picture(exhibit: Exhibit, tmp_path: Path) -> None:
    attention = Attention(exhibit)
    attention.save(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text("utf-8") == page_html(exhibit)
    attention.save(str(tmp_path / "data.JSON"))
    assert json.loads((tmp_path / "data.JSON").read_text("utf-8")) == to_json(exhibit)
    for ending, begins in ((".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")):
        attention.save(tmp_path / f"picture{ending}", kind="decoder", layer=2, head=1)
        assert (tmp_path / f"picture{ending}").read_bytes().startswith(begins)


def test_a_picture_has_the_words_of_the_choice(exhibit: Exhibit, tmp_path: Path) -> None:
    import matplotlib as mpl

    with mpl.rc_context({"svg.fonttype": "none"}):  # letters as text, not as outlines
        Attention(exhibit).save(tmp_path / "picture.svg", kind="encoder", layer=2)
    drawn = (tmp_path / "picture.svg").read_text("utf-8")
    for text in ("The", "girl", "letters", "encoder self-attention, layer 2, mean of its heads"):
        assert text in drawn
    assert "niña" not in drawn


def test_what_cannot_be_saved_is_refused(exhibit: Exhibit, tmp_path: Path) -> None:
    attention = Attention(exhibit)
    with pytest.raises(TrasluzError, match=r"unknown ending of a file of attention '\.htm'; .* \.html"):
        attention.save(tmp_path / "page.htm")
    for name in ("page.html", "data.json"):
        with pytest.raises(TrasluzError, match=f"kind, layer and head choose .* but {name} has all of them"):
            attention.save(tmp_path / name, head=1)
    with pytest.raises(TrasluzError, match="no layer 7"):
        attention.save(tmp_path / "picture.png", layer=7)
    words = [f"▁w{at}" for at in range(129)]
    long = replace(exhibit, source=words, encoder=None, cross=None, decoder=exhibit.decoder)
    wide = Exhibit(source=words, target=["▁a"], cross=torch.full((1, 1, 1, 129), 0.5))
    attention_of_long = Attention(long)
    attention_of_long.save(tmp_path / "picture.png")  # only the target is drawn
    (tmp_path / "picture.png").unlink()
    with pytest.raises(TrasluzError, match="1 rows and 129 columns, and a picture shows at most 128 of each"):
        Attention(wide).save(tmp_path / "picture.png")
    assert list(tmp_path.iterdir()) == []
