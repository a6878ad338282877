"""Positions as numbers: those that the encodings really use, by formulas; and as pictures."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from trasluz.attention.position import Learned, Position, Relative, Rotary, Sinusoidal
from trasluz.attention.rotary import frequencies
from trasluz.errors import TrasluzError
from trasluz.insight.positions import encoding_of, save_positions

D, K, H, N = 14, 10, 3, 7


def test_sinusoidal_positions_are_sines_and_cosines() -> None:
    encoding = encoding_of(Sinusoidal(D), length=N)
    assert encoding.numbers.shape == (N, D)
    for place in range(N):
        for pair in range(D // 2):
            angle = place / 10000 ** (2 * pair / D)
            assert float(encoding.numbers[place, pair]) == pytest.approx(math.sin(angle), abs=1e-5)
            assert float(encoding.numbers[place, D // 2 + pair]) == pytest.approx(math.cos(angle), abs=1e-5)
    assert encoding.extent == (-0.5, D - 0.5, N - 0.5, -0.5)


def test_learned_positions_are_their_table_as_far_as_it_goes() -> None:
    learned = Learned(D, length=5)
    assert torch.equal(encoding_of(learned, length=3).numbers, learned.embedding.weight[:3].detach())
    assert encoding_of(learned, length=N).numbers.shape == (5, D)


def test_rotary_positions_are_the_cosine_by_which_a_pair_is_turned() -> None:
    rotary = Rotary(frequencies(K))
    numbers = encoding_of(rotary, length=N).numbers
    ones = torch.cat([torch.ones(1, 1, N, K // 2), torch.zeros(1, 1, N, K // 2)], -1)
    turned = rotary.rotate(ones, torch.arange(N)[None])[0, 0, :, : K // 2]
    torch.testing.assert_close(numbers, turned)


@pytest.mark.parametrize("both_ways", [False, True])
def test_relative_positions_are_the_bias_at_each_distance(both_ways: bool) -> None:
    relative = Relative(H, buckets=8, longest=11, both_ways=both_ways)
    encoding = encoding_of(relative, length=N)
    assert encoding.numbers.shape == (H, 2 * N - 1)
    places = torch.arange(N)[None]
    bias = relative.bias(places, places)
    assert bias is not None
    for query in range(N):
        for key in range(N):
            expected = bias[0, :, query, key].detach()
            torch.testing.assert_close(encoding.numbers[:, key - query + N - 1], expected)
    assert encoding.extent == (0.5 - N, N - 0.5, H + 0.5, 0.5)


@pytest.mark.parametrize(
    "position",
    [Sinusoidal(D), Learned(D, length=5), Rotary(frequencies(K)), Relative(H, both_ways=True)],
    ids=lambda one: type(one).__name__,
)
def test_each_has_a_picture(position: Position, tmp_path: Path) -> None:
    save_positions(position, tmp_path / "positions.png", length=N)
    assert (tmp_path / "positions.png").read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrasluzError, match="no position encoding to draw: its tokens carry no position"):
        save_positions(Position(), tmp_path / "positions.png")
    with pytest.raises(TrasluzError, match="1 positions are asked for; ask for 2 or more"):
        encoding_of(Sinusoidal(D), length=1)
    with pytest.raises(TrasluzError, match="unknown kind of picture"):
        save_positions(Sinusoidal(D), tmp_path / "positions.gif")
