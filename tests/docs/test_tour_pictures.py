"""The pictures of the tour are current: drawn again from the facts, each is the one that lies there."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tour import look
from tour.__main__ import PICTURES
from tour.facts import FOLDER, Facts, read_facts

INSIDE = re.compile(r"data:image/png;base64,\s*([A-Za-z0-9+/=\s]+)")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
LARGEST = 100_000
NAMED = re.compile(r"(?:id=\"|#|url\(#)[A-Za-z_]*[0-9a-f]{10}")
"""Names that are made of what is drawn, down to the last digit."""


@pytest.fixture(scope="module")
def facts() -> Facts:
    """The facts that were kept."""
    return read_facts()


def images(svg: str) -> list[np.ndarray]:
    """The pixels of the images inside a picture."""
    found = (base64.b64decode(match[1]) for match in INSIDE.finditer(svg))
    return [np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int) for data in found]


def strokes(svg: str) -> tuple[list[str], list[float]]:
    """What is drawn, as everything but the numbers, and the numbers; images and made-up names left out."""
    bare = NAMED.sub("", INSIDE.sub("", svg))
    return NUMBER.split(bare), [float(one) for one in NUMBER.findall(bare)]


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_what_its_facts_give(name: str, facts: Facts, tmp_path: Path) -> None:
    kept = (FOLDER / f"{name}.svg").read_text("utf-8")
    with look.styled():
        look.save(PICTURES[name](facts), tmp_path / "again.svg")
    again = (tmp_path / "again.svg").read_text("utf-8")
    assert strokes(again)[0] == strokes(kept)[0]
    assert np.allclose(strokes(again)[1], strokes(kept)[1], atol=0.05, rtol=1e-3)
    for old, new in zip(images(kept), images(again), strict=True):
        assert old.shape == new.shape
        assert abs(old - new).max() <= 3


def test_pictures_are_small_and_nothing_else_lies_there() -> None:
    kept = {path.name: path.stat().st_size for path in FOLDER.glob("*.svg")}
    assert kept.keys() == {f"{name}.svg" for name in PICTURES}
    assert {name: size for name, size in kept.items() if size >= LARGEST} == {}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_has_no_date_and_a_card_of_its_own(name: str) -> None:
    text = (FOLDER / f"{name}.svg").read_text("utf-8")
    assert "<dc:date>" not in text
    assert look.CARD in text
