"""The command `trasluz translate`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trasluz.cli.model import Model, SourceLanguage, TargetLanguage, open_any
from trasluz.errors import TrasluzError

if TYPE_CHECKING:
    from trasluz.decoding.generator import Generator
    from trasluz.decoding.translator import Translation, Translator

LINES_AT_ONCE = 2000
BAD_VERDICT = 3


def translate(
    model: Model,
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Text to translate, a line at a time; without files, standard input."),
    ] = None,
    text: Annotated[str | None, typer.Option("--text", "-t", help="Translate this text.")] = None,
    beam: Annotated[
        int | None, typer.Option(help="Hypotheses kept in the search; 1 is greedy; 5, if not given.")
    ] = None,
    n_best: Annotated[int, typer.Option(help="Translations to print for each line.")] = 1,
    length_penalty: Annotated[
        float | None, typer.Option(help="Above 1 favours longer translations; 1, if not given.")
    ] = None,
    prompt: Annotated[
        str | None,
        typer.Option(help="For a language model: what it reads, {text} being the text, \\n a line break."),
    ] = None,
    stop: Annotated[
        list[str] | None,
        typer.Option(help="For a language model: end before this; else at a line break."),
    ] = None,
    source_language: SourceLanguage = None,
    target_language: TargetLanguage = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Translate text, one line in, one line out.

    A line that could not be translated well is named on standard error, and the exit code is then 3.

    Example:  trasluz translate models/eng-spa --text "She is reading a book."
    """

    if text is not None and files:
        raise TrasluzError(
            f"--text is given and so is {' and '.join(map(str, files))}; give the one or the other"
        )
    translate_all = _way(
        open_any(model, source_language, target_language)[0],
        prompt=prompt,
        stop=stop,
        n_best=n_best,
        search={"beam": beam, "length_penalty": length_penalty},
    )
    lines = [text] if text is not None else _lines(files or [])
    at_once = 1 if text is None and not files and sys.stdin.isatty() else LINES_AT_ONCE
    bad = number = 0
    for chunk in _chunks(lines, at_once):
        for result in translate_all(chunk):
            number += 1
            bad += _tell(result, number=number, n_best=n_best, as_json=as_json)
    if bad:
        raise typer.Exit(BAD_VERDICT)


def _way(
    model: Translator | Generator,
    *,
    prompt: str | None,
    stop: Sequence[str] | None,
    n_best: int,
    search: Mapping[str, Any],
) -> Callable[[list[str]], list[Translation]]:
    """How texts are translated: by a translator, or by a language model with a prompt.

    Raises `TrasluzError` for a prompt without a language model, the other way round, and for a `search` that
    a language model does not make.
    """
    from trasluz.decoding.prompted import SLOT, Prompted
    from trasluz.decoding.translator import Translator

    given = {name: value for name, value in search.items() if value is not None}
    if isinstance(model, Translator):
        if prompt is not None or stop:
            raise TrasluzError("--prompt and --stop are for language models; leave them out for a translator")
        translator = model
        return lambda texts: translator.translate(texts, n_best=n_best, **given)
    if prompt is None:
        raise TrasluzError(
            "this is a language model, which goes on from a prompt; give one with a place for the text, "
            f"such as --prompt 'English: {SLOT}\\nSpanish:'"
        )
    if n_best != 1:
        raise TrasluzError("a language model writes one translation of each text; leave --n-best out")
    if given:
        option = next(iter(given)).replace("_", "-")
        raise TrasluzError(f"a language model writes the likeliest token each time; leave --{option} out")
    stops = [with_line_breaks(one) for one in stop or ("\n",)]
    return Prompted(model, with_line_breaks(prompt), stop=stops).translate


def with_line_breaks(text: str) -> str:
    """A text of the command line, where \\n is a line break."""
    return text.replace("\\n", "\n")


def _tell(result: Translation, *, number: int, n_best: int, as_json: bool) -> bool:
    """Print a translation; True where its verdict is bad."""
    if as_json:
        typer.echo(json.dumps(asdict(result), ensure_ascii=False))
    elif n_best == 1:
        typer.echo(result.text)
    else:
        for alternative in result.alternatives:
            typer.echo(f"{number}\t{alternative.score:.4f}\t{alternative.text}")
    if result.verdict == "complete":
        return False
    typer.echo(f"line {number}: {result.verdict}", err=True)
    return True


def _lines(files: Iterable[Path]) -> Iterator[str]:
    """The lines of the files one after another, or of standard input."""
    from trasluz.corpus.read import read_lines

    for path in files:
        yield from read_lines(path)
    if not files:
        yield from _standard_input()


def _standard_input() -> Iterator[str]:
    from trasluz.corpus.read import decode_lines

    if sys.stdin.isatty():
        typer.echo("type a line to translate; Ctrl-D ends", err=True)
    yield from decode_lines(sys.stdin.buffer, where="standard input")


def _chunks(lines: Iterable[str], size: int) -> Iterator[list[str]]:
    iterator = iter(lines)
    while chunk := list(islice(iterator, size)):
        yield chunk
