"""Positions: their formulas, and what they promise about distances."""

from __future__ import annotations

import math

import pytest
import torch

from trasluz.attention.position import Learned, Position, Relative, Rotary, Sinusoidal
from trasluz.attention.rotary import frequencies
from trasluz.errors import TrasluzError

B, T, S, D, H, K = 2, 5, 7, 22, 3, 26


def test_no_position_changes_nothing() -> None:
    position, x, at = Position(), torch.randn(B, T, D), torch.arange(T)[None]
    assert torch.equal(position.add(x, at), x)
    assert torch.equal(position.rotate(x, at), x)
    assert position.bias(at, at) is None


def test_sinusoids_are_the_formula_of_the_paper() -> None:
    at = torch.tensor([[0, 1, 3, 700]])
    interleaved = Sinusoidal(D, layout="interleaved").add(torch.zeros(1, 4, D), at)[0]
    halves = Sinusoidal(D).add(torch.zeros(1, 4, D), at)[0]
    for row, position in enumerate(at[0].tolist()):
        for i in range(D // 2):
            angle = position / 10000 ** (2 * i / D)
            for table, sine, cosine in ((interleaved, 2 * i, 2 * i + 1), (halves, i, D // 2 + i)):
                assert table[row, sine].item() == pytest.approx(math.sin(angle), abs=1e-4)
                assert table[row, cosine].item() == pytest.approx(math.cos(angle), abs=1e-4)


def test_learnt_positions_are_rows_of_a_table_that_ends() -> None:
    position = Learned(D, length=11)
    x, at = torch.randn(B, T, D), torch.tensor([[6, 7, 8, 9, 10]])
    torch.testing.assert_close(position.add(x, at), x + position.embedding.weight[6:])
    with pytest.raises(TrasluzError, match="position 11 is beyond the 11 learnt positions of this model"):
        position.add(x, at + 1)


def test_rotated_scores_depend_on_distance_alone() -> None:
    position = Rotary(frequencies(K))
    query, key = torch.randn(B, H, 1, K), torch.randn(B, H, 1, K)

    def score(query_at: int, key_at: int) -> torch.Tensor:
        turned = position.rotate(query, torch.tensor([[query_at]]))
        return turned @ position.rotate(key, torch.tensor([[key_at]])).transpose(-1, -2)

    torch.testing.assert_close(score(3, 11), score(103, 111), atol=1e-3, rtol=1e-3)
    assert not torch.allclose(score(3, 11), score(3, 12), atol=1e-2)


def test_rotation_turns_pairs_of_numbers_by_known_angles() -> None:
    # Width 4, base 100: pair (0, 2) turns by the position, pair (1, 3) by a tenth of it.
    turned = Rotary(frequencies(4, base=100.0)).rotate(
        torch.tensor([[[[1.0, 1.0, 0.0, 0.0]]]]), torch.tensor([[2]])
    )
    expected = [math.cos(2), math.cos(0.2), math.sin(2), math.sin(0.2)]
    torch.testing.assert_close(turned.flatten(), torch.tensor(expected))


def test_relative_buckets_worked_by_hand() -> None:
    # 8 buckets one way: 0..3 single; then widths grow to distance 16: 4-5, 6-7, 8-11, 12 and farther.
    back = Relative(H, buckets=8, longest=16, both_ways=False)
    distances = -torch.tensor([0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 16, 1000])
    assert back.bucket(distances).tolist() == [0, 1, 2, 3, 4, 4, 5, 5, 6, 6, 7, 7, 7]
    assert back.bucket(torch.tensor([1, 5])).tolist() == [0, 0], "what lies ahead is not told apart"
    # 8 buckets both ways: 4 each way, 0 and 1 single, 2..5 the third, farther the fourth.
    both = Relative(H, buckets=8, longest=16, both_ways=True)
    assert both.bucket(torch.tensor([0, -1, -2, -5, -6, -99])).tolist() == [0, 1, 2, 2, 3, 3]
    assert both.bucket(torch.tensor([1, 2, 5, 6, 99])).tolist() == [5, 6, 6, 7, 7]


def test_a_relative_bias_is_the_same_for_the_same_distance() -> None:
    position = Relative(H, both_ways=True)
    bias = position.bias(torch.tensor([[3, 4]]), torch.tensor([[8, 9, 10]]))
    assert bias.shape == (1, H, 2, 3)
    torch.testing.assert_close(bias[:, :, 0, 0], bias[:, :, 1, 1])
    assert not torch.equal(bias[:, :, 0, 0], bias[:, :, 0, 1])


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Sinusoidal(7), "sinusoidal positions need an even width, but the model's is 7"),
        (lambda: Rotary(frequencies(5)), "rotary positions need an even head width, but it is 5"),
    ],
)
def test_odd_widths_are_refused(make: type[Position], sentence: str) -> None:
    with pytest.raises(TrasluzError) as refused:
        make()
    assert str(refused.value) == sentence
