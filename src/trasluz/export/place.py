"""Where an export comes to stand: it is written beside its place, and moved there when it is good.

Knows no kind of export.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trasluz.errors import TrasluzError


def check_free(*places: Path) -> None:
    """Raise `TrasluzError` where something stands already; an empty directory does not count."""
    for place in places:
        taken = any(place.iterdir()) if place.is_dir() else place.exists() or place.is_symlink()
        if taken:
            raise TrasluzError(f"{place} is there already, and nothing is written over; give another --out")


@contextmanager
def beside(*places: Path) -> Iterator[tuple[Path, ...]]:
    """A free path for each of the places, which share a directory; what is written there is moved in place.

    After an error all of it is removed, and the places are as they were. Raises `TrasluzError` as
    `check_free` does.
    """
    check_free(*places)
    parent = places[0].parent
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{places[0].name}.", dir=parent) as folder:
        written = tuple(Path(folder) / place.name for place in places)
        yield written
        check_free(*places)  # it may have taken hours
        for here, place in zip(written, places, strict=True):
            if place.is_dir():
                place.rmdir()
            shutil.move(here, place)
