"""The texts on which an export has to agree with its original."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from trasluz.corpus.read import read_lines
from trasluz.corpus.starter import starter_pairs
from trasluz.errors import TrasluzError
from trasluz.export.languages import plain_code
from trasluz.models.loaded import LoadedModel
from trasluz.text.sentences import split_text, trim

USUAL = 300
"""How many sentences are taken from the bundled corpus."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Texts, and where they are from."""

    texts: Sequence[str]
    origin: str

    def parts(self, fits: Callable[[str], bool]) -> list[str]:
        """The texts without white space around them, cut where they do not fit; blank ones are left out."""
        return [core for text in self.texts for core in _cores(text, fits) if core]


def read_sample(path: Path) -> Sample:
    """The lines of a text file.

    Raises `TrasluzError` for a file that cannot be read, and for one with nothing but blank lines.
    """
    texts = [text for line in read_lines(path) if (text := line.strip())]
    if not texts:
        raise TrasluzError(f"{path}: all lines are blank; give a --sample with text in the source language")
    return Sample(texts, str(path))


def usual_sample(loaded: LoadedModel) -> Sample:
    """Sentences of the bundled corpus, for a model that reads English or Spanish.

    Raises `TrasluzError` for another language, and where it is not known.
    """
    language = loaded.manifest.source_language
    code = plain_code(language or "")
    if code not in ("en", "es"):
        known, instead = f"this model reads {language!r}", ""
        if language is None:
            known = "it is not known which language this model reads"
            instead = "" if loaded.origin else ", or --source-language if it is one of them"
        raise TrasluzError(
            f"an export is tried out before it is handed over, but {known}, and Trasluz comes with text in "
            f"English (en) and Spanish (es); give --sample with some hundred sentences, a line each{instead}"
        )
    pairs = starter_pairs(USUAL)
    texts = [pair.source if code == "en" else pair.target for pair in pairs]
    return Sample(texts, f"{len(texts)} sentences of the corpus that comes with Trasluz ({code})")


def _cores(text: str, fits: Callable[[str], bool]) -> Iterator[str]:
    core = trim(text)[1]
    parts = [core] if fits(core) and len(core.splitlines()) <= 1 else split_text(core, fits)
    return (trim(part)[1] for part in parts)
