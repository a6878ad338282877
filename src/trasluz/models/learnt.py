"""What a run learnt, beside a checkpoint that has no word for it: the languages, in trasluz.json.

The checkpoint itself stays as its own programs want it. Knows no weights.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from trasluz.models.directory import read_json, write_json
from trasluz.models.families.family import Languages
from trasluz.parse import Settings, parse

LEARNT = "trasluz.json"


class Learnt(Settings):
    """What trasluz.json says: the languages that a run was told to learn."""

    source_language: str | None = None
    target_language: str | None = None


def write_learnt(directory: Path, languages: Languages) -> None:
    """Remember the languages that a checkpoint learns; nothing is written where none were said."""
    if languages != Languages():
        named = {f"{side}_language": language for side, language in asdict(languages).items()}
        write_json(directory / LEARNT, named)


def read_learnt(directory: Path) -> Languages:
    """The languages that a checkpoint learnt here; none where nothing is known of it.

    Raises `TrasluzError` for a damaged file.
    """
    path = directory / LEARNT
    if not path.is_file():
        return Languages()
    found = parse(Learnt, read_json(path), where=str(path))
    return Languages(found.source_language, found.target_language)
