"""Where an export comes to stand: it is written beside its place, and moved there when it is good.

Knows no kind of export.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from trasluz.errors import TrasluzError


def check_free(*places: Path) -> None:
    """Raise `TrasluzError` where something stands already; an empty directory does not count."""
    for place in places:
        if place.name in ("", ".."):
            raise TrasluzError(f"{place} is no name of something new; give another --out")
        taken = place.is_symlink() or (any(place.iterdir()) if place.is_dir() else place.exists())
        if taken:
            raise TrasluzError(f"{place} is there already, and nothing is written over; give another --out")
        blocking = next((above for above in place.parents if above.exists() and not above.is_dir()), None)
        if blocking is not None:
            raise TrasluzError(f"{blocking} is no directory, so there can be no {place}; give another --out")


@contextmanager
def beside(*places: Path) -> Iterator[tuple[Path, ...]]:
    """A free path for each of the places, which share a directory; what is written there is moved in place.

    Whatever else is written beside those paths is removed. After an error all of it is, and the places are as
    they were. Raises `TrasluzError` as `check_free` does, and where there is no room or no right to write.
    """
    check_free(*places)
    parent = places[0].parent
    try:
        with (
            _existing(parent),
            tempfile.TemporaryDirectory(prefix=f".{places[0].name}.", dir=parent) as folder,
        ):
            written = tuple(Path(folder) / place.name for place in places)
            yield written
            check_free(*places)  # it may have taken hours
            _move(written, places)
    except OSError as error:
        if error.errno is None:  # some library's own trouble
            raise
        raise TrasluzError(
            f"{places[0]} cannot be written ({error.strerror or error}); nothing of it was kept"
        ) from None


@contextmanager
def _existing(directory: Path) -> Iterator[None]:
    """A directory, which is made if it is not there; after an error what was made is removed."""
    made = [above for above in (directory, *directory.parents) if not above.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for one in made:
            with suppress(OSError):  # somebody else may have put something there
                one.rmdir()
        raise


def _move(written: Sequence[Path], places: Sequence[Path]) -> None:
    """Move all of it in place, or nothing."""
    empty = [place for place in places if place.is_dir()]
    try:
        for here, place in zip(written, places, strict=True):
            if place in empty:
                place.rmdir()
            here.rename(place)
    except BaseException:
        for here, place in zip(written, places, strict=True):
            if not here.exists():
                place.rename(here)
        for place in empty:
            place.mkdir(exist_ok=True)
        raise
