"""What commands have in common: a model, and its languages where it has several."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from trasluz.config import Manifest
    from trasluz.decoding.generator import Generator
    from trasluz.decoding.translator import Translator
    from trasluz.models.loaded import LoadedModel

Model = Annotated[
    Path,
    typer.Argument(
        help="A model directory: Trasluz's own, or a checkpoint (T5, mBART, Marian, Pegasus, M2M100 and "
        "NLLB, GPT-2, Llama).",
        show_default=False,
    ),
]
SourceLanguage = Annotated[
    str | None, typer.Option(help="The language of the text, in the words of a model of several.")
]
TargetLanguage = Annotated[
    str | None, typer.Option(help="The language to translate into, in the words of a model of several.")
]


def open_model(
    model: Path, source_language: str | None = None, target_language: str | None = None
) -> LoadedModel:
    """The model in a directory; what a user should know of it is said on standard error."""
    from trasluz.models.families.family import Languages
    from trasluz.models.load import load_model

    loaded = load_model(model, languages=Languages(source_language, target_language))
    for note in loaded.notes:
        typer.echo(note, err=True)
    return loaded


def open_translator(
    model: Path, source_language: str | None = None, target_language: str | None = None
) -> Translator:
    """The translator in a directory."""
    from trasluz.decoding.translator import check_translates, translator_of

    loaded = open_model(model, source_language, target_language)
    check_translates(loaded.manifest, model)
    return translator_of(loaded)


def open_any(
    model: Path, source_language: str | None = None, target_language: str | None = None
) -> tuple[Translator | Generator, Manifest]:
    """The translator or the language model in a directory, whichever it is, and what is known of it."""
    from trasluz.decoding.generator import generator_of
    from trasluz.decoding.translator import translator_of

    loaded = open_model(model, source_language, target_language)
    if loaded.manifest.task == "language-model":
        return generator_of(loaded), loaded.manifest
    return translator_of(loaded), loaded.manifest
