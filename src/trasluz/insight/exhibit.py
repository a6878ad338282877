"""Everything that can be seen of one translation, as plain data: what the page draws and the JSON holds.

Knows no model and no drawing. Letters: T target tokens, S source tokens, L layers, H heads.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from trasluz.insight.words import Words, join

KINDS = ("encoder", "decoder", "cross")


class Candidate(NamedTuple):
    """A token that could have been written, and the natural logarithm of its probability."""

    id: int
    token: str
    log_probability: float


@dataclass(frozen=True, slots=True)
class Step:
    """What the model believed before it wrote one token: the best candidates, best first.

    `entropy`, in nats, is that of the whole distribution.
    """

    top: tuple[Candidate, ...]
    entropy: float


class Link(NamedTuple):
    """A source token and a target token that belong together, by their indices."""

    source: int
    target: int
    weight: float


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One translation held against the light: its pieces, every weight, and every step.

    Row t of `decoder` and `cross` was computed from the token before `target[t]`, while predicting it; so
    column t of `decoder` is the token before `target[t]`, and the first is `start`. A recurrent model has
    only `cross`.

    A decoder-only model has only `decoder`, and a `prompt_length`: `target` is the whole sequence, of which
    so many tokens were given; row t was computed from `target[t]`, and column t is `target[t]`.

    `steps` are those of the tokens that the model wrote, one each, or none are known. `alignment` are links
    that somebody made out of the weights. `specials` are symbols of the model other than `start` and `end`,
    such as the names of languages. `verdict` says what became of a translation that the model chose, see
    `trasluz.decoding.verdict`; None where it was given, and of a language model. Weights that do not fit the
    tokens raise `ValueError`.
    """

    source: Sequence[str]
    target: Sequence[str]
    encoder: Tensor | None = None  # [L,H,S,S]
    decoder: Tensor | None = None  # [L,H,T,T]
    cross: Tensor | None = None  # [L,H,T,S]
    steps: Sequence[Step] = ()
    alignment: Sequence[Link] = ()
    prompt_length: int | None = None
    start: str = "<s>"
    end: str = "</s>"
    specials: Sequence[str] = ()
    languages: tuple[str, str] = ("", "")  # source and target, as in BCP 47; "" where it is not known
    model: str = ""
    verdict: str | None = None

    def __post_init__(self) -> None:
        S, T = len(self.source), len(self.target)
        sizes = {"encoder": (S, S), "decoder": (T, T), "cross": (T, S)}
        for kind, weights in self.weights():
            if weights.dim() != 4 or tuple(weights.shape[2:]) != sizes[kind]:
                wanted = ", ".join(map(str, sizes[kind]))
                raise ValueError(
                    f"{kind} weights are {list(weights.shape)}; these tokens need [L, H, {wanted}]"
                )
            if not weights.isfinite().all():
                raise ValueError(f"{kind} weights must be finite numbers")
        if next(self.weights(), None) is None:
            raise ValueError("there are no weights: give at least one of encoder, decoder and cross")
        written = T - (self.prompt_length or 0)
        if len(self.steps) not in (0, written):
            raise ValueError(
                f"there are {len(self.steps)} steps; {written} tokens were written, one step each"
            )
        if not all(0 <= link.source < S and 0 <= link.target < T for link in self.alignment):
            raise ValueError("a link of the alignment points outside of the tokens")

    def weights(self) -> Iterator[tuple[str, Tensor]]:
        """The kinds of attention that there are, with the weights [L,H,T,S] of each."""
        for kind in KINDS:
            weights: Tensor | None = getattr(self, kind)
            if weights is not None:
                yield kind, weights

    def words(self) -> tuple[Words, Words]:
        """The words of the source and of the target; what was given and what was written share none."""
        specials = {self.start, self.end, *self.specials}
        source = join(self.source, specials=specials)
        return source, join(self.target, specials=specials, part=self.prompt_length)


def to_json(exhibit: Exhibit) -> dict[str, Any]:
    """The exhibit as what `json.dumps` takes.

    The weights of a layer are one string: base64 of little-endian float16 in the order [H,T,S], so that a
    reader can decode the layers one by one. `heads` are figures of each head, see `measure`.
    """
    source, target = exhibit.words()
    return {
        "source_tokens": list(exhibit.source),
        "target_tokens": list(exhibit.target),
        "source_words": _words_to_json(source),
        "target_words": _words_to_json(target),
        "attention": {kind: _pack(weights) for kind, weights in exhibit.weights()},
        "heads": {
            kind: measure(weights, sink=_sink(exhibit, kind=kind)) for kind, weights in exhibit.weights()
        },
        "steps": [_step_to_json(step) for step in exhibit.steps],
        "alignment": [list(link) for link in exhibit.alignment],
        "prompt_length": exhibit.prompt_length,
        "start_token": exhibit.start,
        "end_token": exhibit.end,
        "special_tokens": list(exhibit.specials),
        "languages": list(exhibit.languages),
        "model": exhibit.model,
        "verdict": exhibit.verdict,
        "dtype": "float16",
    }


def from_json(data: Mapping[str, Any]) -> Exhibit:
    """The exhibit that `to_json` wrote; its weights are float32, rounded to float16."""
    return Exhibit(
        source=tuple(data["source_tokens"]),
        target=tuple(data["target_tokens"]),
        **{kind: _unpack(block) for kind, block in data["attention"].items()},
        steps=tuple(
            Step(tuple(Candidate(*one) for one in step["top"]), step["entropy"]) for step in data["steps"]
        ),
        alignment=tuple(Link(*link) for link in data["alignment"]),
        prompt_length=data["prompt_length"],
        start=data["start_token"],
        end=data["end_token"],
        specials=tuple(data["special_tokens"]),
        languages=(data["languages"][0], data["languages"][1]),
        model=data["model"],
        verdict=data["verdict"],
    )


def measure(weights: Tensor, *, sink: Sequence[int]) -> dict[str, list[list[float]]]:
    """Three figures [L,H] of each head of [L,H,T,S]: what its rows have in common.

    `entropy` is the mean of its rows, in nats; `largest` its largest weight; `sink` the mean share of the
    columns `sink`, where a head rests that has nothing to look for.
    """
    exact = weights.detach().to("cpu", torch.float32)
    figures = {
        "entropy": torch.special.entr(exact).sum(-1).mean(-1),
        "largest": exact.amax((-2, -1)),
        "sink": exact[..., list(sink)].sum(-1).mean(-1),
    }
    return {name: [[round(one, 4) for one in row] for row in of.tolist()] for name, of in figures.items()}


def _sink(exhibit: Exhibit, *, kind: str) -> list[int]:
    """The columns of the end symbol among the source, and of whatever comes first in a decoder."""
    if kind == "decoder":
        return [0]
    return [at for at, token in enumerate(exhibit.source) if token == exhibit.end]


def _pack(weights: Tensor) -> dict[str, Any]:
    numbers = weights.detach().to("cpu", torch.float32).numpy().astype("<f2")
    layers = [base64.b64encode(layer.tobytes()).decode("ascii") for layer in numbers]
    return {"shape": list(weights.shape), "layers": layers}


def _unpack(block: Mapping[str, Any]) -> Tensor:
    data = b"".join(base64.b64decode(layer) for layer in block["layers"])
    return torch.from_numpy(np.frombuffer(data, dtype="<f2").astype(np.float32).reshape(block["shape"]))


def _words_to_json(words: Words) -> dict[str, Any]:
    return {
        "of": list(words.of),
        "text": list(words.text),
        "spaced": list(words.spaced),
        "special": list(words.special),
    }


def _step_to_json(step: Step) -> dict[str, Any]:
    """JSON has no infinity, so a candidate that was forbidden is left out."""
    return {
        "top": [list(one) for one in step.top if math.isfinite(one.log_probability)],
        "entropy": step.entropy,
    }
