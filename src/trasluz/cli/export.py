"""The command `trasluz export`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trasluz.cli.model import Model, open_model
from trasluz.errors import TrasluzError, unknown

if TYPE_CHECKING:
    from trasluz.export.agreement import Agreement

FORMATS = ("ctranslate2", "huggingface", "argos")


def export(
    model: Model,
    to: Annotated[str, typer.Option(help=f"For which program: {', '.join(FORMATS)}.", show_default=False)],
    out: Annotated[
        Path,
        typer.Option(help="The new directory; for argos the new file, .argosmodel.", show_default=False),
    ],
    quantization: Annotated[
        str | None,
        typer.Option(help="int8, int8_float32, int16, float16 ...: smaller and faster, a little less exact."),
    ] = None,
    sample: Annotated[
        Path | None,
        typer.Option(help="Text to try it on, a sentence a line; if not given, from the bundled corpus."),
    ] = None,
    source_language: Annotated[
        str | None, typer.Option(help="The code of the source language, where the model does not say it.")
    ] = None,
    target_language: Annotated[
        str | None, typer.Option(help="The code of the target language, where the model does not say it.")
    ] = None,
) -> None:
    """Write a model as other programs want it, after it was seen to write what the model writes.

    Both translate a sample; agreement.json in the new directory, or beside the new file, says how far they
    agree, and where they differ too much nothing is kept. The sample is taken from the bundled corpus for
    models that read English or Spanish, others need --sample.

    Example:  trasluz export models/eng-spa --to ctranslate2 --out exports/eng-spa --quantization int8
    """
    from trasluz.export.argos import check_place
    from trasluz.export.languages import with_languages
    from trasluz.export.place import check_free
    from trasluz.export.sample import read_sample
    from trasluz.models.hub import directory_of
    from trasluz.models.load import is_checkpoint

    if to not in FORMATS:
        raise unknown("format", to, FORMATS)
    if to == "huggingface" and quantization is not None:
        raise TrasluzError(
            f"--quantization is {quantization!r}, but weights go to Hugging Face in float32; leave it out"
        )
    check = check_place if to == "argos" else check_free
    check(out)
    texts = None if sample is None else read_sample(sample)
    directory = directory_of(model)
    asked = (source_language, target_language) if is_checkpoint(directory) else ()
    loaded = with_languages(open_model(directory, *asked), source=source_language, target=target_language)
    agreement = _exporter(to, quantization)(loaded, out, sample=texts, command=_command())
    typer.echo(agreement.describe(), err=True)
    typer.echo(f"the export is in {out}", err=True)


def _exporter(to: str, quantization: str | None) -> Callable[..., Agreement]:
    """The function that writes for a program."""
    if to == "huggingface":
        from trasluz.export.huggingface import to_huggingface

        return to_huggingface
    if to == "argos":
        from trasluz.export.argos import to_argos

        return partial(to_argos, quantization=quantization)
    from trasluz.export.ctranslate2 import to_ctranslate2

    return partial(to_ctranslate2, quantization=quantization)


def _command() -> str:
    """The words that were typed."""
    return shlex.join(["trasluz", *sys.argv[1:]])
