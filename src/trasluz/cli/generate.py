"""The command `trasluz generate`."""

from __future__ import annotations

import json
from collections.abc import Generator as Stream
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trasluz.cli.model import Model, open_model
from trasluz.cli.translate import with_line_breaks

if TYPE_CHECKING:
    from trasluz.decoding.generator import Ending


def generate(
    model: Model,
    prompt: Annotated[str, typer.Argument(help="What the text begins with.")] = "",
    most: Annotated[int, typer.Option("--max-tokens", help="The most tokens to write.")] = 200,
    temperature: Annotated[float, typer.Option(help="Below 1 is more careful; 0 is greedy.")] = 1.0,
    top_k: Annotated[int, typer.Option(help="Draw from so many tokens only; 0 is all.")] = 0,
    top_p: Annotated[float, typer.Option(help="Draw from the likeliest with this probability.")] = 1.0,
    min_p: Annotated[float, typer.Option(help="Least probability, as a share of the likeliest.")] = 0.0,
    repetition_penalty: Annotated[float, typer.Option(help="Above 1 makes repetition less likely.")] = 1.0,
    stop: Annotated[
        list[str] | None,
        typer.Option(help="End before this text, \\n being a line break; may be repeated."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Equal seeds give equal texts.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write on from a prompt with a language model; the text appears as it is written.

    Example:  trasluz generate models/stories "Once upon a time" --temperature 0.8 --top-p 0.95
    """
    from trasluz.decoding.generator import check_generates, generator_of
    from trasluz.decoding.sample import Sampling

    sampling = Sampling(
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        min_p=min_p,
        repetition_penalty=repetition_penalty,
    )
    loaded = open_model(model)
    check_generates(loaded.manifest, model)
    generator = generator_of(loaded)
    options: dict[str, Any] = {"sampling": sampling, "most": most, "seed": seed}
    options["stop"] = [with_line_breaks(one) for one in stop or ()]
    if as_json:
        written = generator.generate(prompt, **options)
        typer.echo(json.dumps(asdict(written), ensure_ascii=False))
        ending = written.ending
    else:
        ending = _show(prompt, generator.stream(prompt, **options))
    room = generator.room(prompt)
    if ending == "length" and room is not None and room < most:
        typer.echo(f"the model holds no more: it wrote {room} tokens of {most}", err=True)


def _show(prompt: str, stream: Stream[str, None, Ending]) -> Ending:
    """Print a prompt, and what is written behind it as it comes; why that ended."""
    typer.echo(prompt, nl=False)
    while True:
        try:
            typer.echo(next(stream), nl=False)
        except StopIteration as ended:
            typer.echo()
            ending: Ending = ended.value
            return ending
