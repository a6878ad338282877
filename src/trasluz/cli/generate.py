"""The command `trasluz generate`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from trasluz.cli.model import open_model


def generate(
    model: Annotated[Path, typer.Argument(help="Directory of a language model.", show_default=False)],
    prompt: Annotated[str, typer.Argument(help="What the text begins with.")] = "",
    most: Annotated[int, typer.Option("--max-tokens", help="The most tokens to write.")] = 200,
    temperature: Annotated[float, typer.Option(help="Below 1 is more careful; 0 is greedy.")] = 1.0,
    top_k: Annotated[int, typer.Option(help="Draw from so many tokens only; 0 is all.")] = 0,
    top_p: Annotated[float, typer.Option(help="Draw from the likeliest with this probability.")] = 1.0,
    min_p: Annotated[float, typer.Option(help="Least probability, as a share of the likeliest.")] = 0.0,
    repetition_penalty: Annotated[float, typer.Option(help="Above 1 makes repetition less likely.")] = 1.0,
    stop: Annotated[list[str] | None, typer.Option(help="End before this text; may be repeated.")] = None,
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
    if as_json:
        written = generator.generate(prompt, sampling=sampling, most=most, stop=stop or (), seed=seed)
        typer.echo(json.dumps(asdict(written), ensure_ascii=False))
        return
    stream = generator.stream(prompt, sampling=sampling, most=most, stop=stop or (), seed=seed)
    typer.echo(prompt, nl=False)
    for part in stream:
        typer.echo(part, nl=False)
    typer.echo()
