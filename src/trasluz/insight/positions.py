"""How each position encoding tells one place from another, as numbers and as a picture.

Knows the four encodings, but no model. Letters: N positions, D model, K head width, H heads.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from trasluz.attention.position import Learned, Position, Relative, Rotary, Sinusoidal
from trasluz.errors import TrasluzError
from trasluz.insight.plot import save_grid


@dataclass(frozen=True, slots=True)
class Encoding:
    """What a position does, as a grid of numbers [rows, columns], and what its axes count.

    `extent` are the ends of the axes: left, right, bottom, top.
    """

    numbers: Tensor
    across: str
    up: str
    title: str
    extent: tuple[float, float, float, float]


@torch.inference_mode()
def encoding_of(position: Position, *, length: int = 64) -> Encoding:
    """The numbers by which a position marks the places below `length`, N.

    | position | numbers |
    |---|---|
    | sinusoidal, learned | what is added to the embeddings [N,D] |
    | rotary | the cosine of the angle that each pair of a head's numbers is turned by [N,K/2] |
    | relative | what each head adds to the scores of keys from N-1 before to N-1 behind [H,2N-1] |

    Raises `TrasluzError` for a position that says nothing, and for a length below 2.
    """
    if length < 2:
        raise TrasluzError(f"{length} positions are asked for; ask for 2 or more")
    at = torch.arange(length)
    if isinstance(position, Sinusoidal):
        table = position.table(at.to(position.frequencies.device))
        return _over_places(table, across="dimension of the vector", title="sinusoidal positions")
    if isinstance(position, Learned):
        table = position.embedding.weight[:length]
        return _over_places(table, across="dimension of the vector", title="learned positions")
    if isinstance(position, Rotary):
        angles = at[:, None].to(position.frequencies) * position.frequencies  # [N,K/2]
        return _over_places(
            angles.cos(), across="pair of a head's numbers", title="rotary positions: cosine of the angle"
        )
    if isinstance(position, Relative):
        where = position.embedding.weight.device
        here, keys = torch.zeros(1, 1, device=where), torch.arange(1 - length, length, device=where)[None]
        bias = position.bias(here.long(), keys)  # [1,H,1,2N-1]
        assert bias is not None
        numbers = bias[0, :, 0]
        heads = numbers.shape[0]
        return Encoding(
            numbers.float().cpu(),
            across="distance: place of the key minus place of the query",
            up="head",
            title="relative positions: what is added to the scores",
            extent=(0.5 - length, length - 0.5, heads + 0.5, 0.5),
        )
    raise TrasluzError("this model has no position encoding to draw: its tokens carry no position")


def save_positions(position: Position, path: Path, *, length: int = 64) -> None:
    """Draw what `encoding_of` gives; the ending of `path` is the format, one of `PICTURES` of plot."""
    found = encoding_of(position, length=length)
    save_grid(found.numbers, path, across=found.across, up=found.up, title=found.title, extent=found.extent)


def _over_places(numbers: Tensor, *, across: str, title: str) -> Encoding:
    """Numbers [N,columns], a row for each place."""
    rows, columns = numbers.shape
    return Encoding(
        numbers.detach().float().cpu(),
        across=across,
        up="position",
        title=title,
        extent=(-0.5, columns - 0.5, rows - 0.5, -0.5),
    )
