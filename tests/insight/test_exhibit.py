"""What can be seen of a translation goes into JSON and comes back."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from trasluz.insight.exhibit import Candidate, Exhibit, Link, Step, from_json, measure, to_json

if TYPE_CHECKING:
    from tests.insight.conftest import Drawn


def test_the_contract_has_its_names_and_shapes(exhibit: Exhibit, drawn: Drawn) -> None:
    data = to_json(exhibit)
    assert {
        "source_tokens",
        "target_tokens",
        "attention",
        "steps",
        "alignment",
        "model",
        "dtype",
    } <= data.keys()
    S, T = len(exhibit.source), len(exhibit.target)
    shapes = {kind: block["shape"] for kind, block in data["attention"].items()}
    lead = [drawn.L, drawn.H]
    assert shapes == {"encoder": [*lead, S, S], "decoder": [*lead, T, T], "cross": [*lead, T, S]}
    assert all(len(block["layers"]) == drawn.L for block in data["attention"].values())
    assert data["dtype"] == "float16"
    assert len(data["steps"]) == T


def test_a_layer_can_be_decoded_alone(exhibit: Exhibit) -> None:
    assert exhibit.cross is not None
    block = to_json(exhibit)["attention"]["cross"]
    numbers = np.frombuffer(base64.b64decode(block["layers"][1]), dtype="<f2").reshape(block["shape"][1:])
    np.testing.assert_allclose(numbers, exhibit.cross[1].numpy(), atol=1e-3)
    np.testing.assert_allclose(numbers.astype(np.float64).sum(-1), 1, atol=2e-3)


def test_through_text_and_back_it_is_the_same(exhibit: Exhibit) -> None:
    back = from_json(json.loads(json.dumps(to_json(exhibit), allow_nan=False)))
    for (kind, before), (same_kind, after) in zip(exhibit.weights(), back.weights(), strict=True):
        assert kind == same_kind
        torch.testing.assert_close(after, before, atol=1e-3, rtol=0)
    assert back.cross is not None
    rounded = replace(exhibit, encoder=None, decoder=None, cross=back.cross)
    assert replace(back, encoder=None, decoder=None) == rounded
    assert to_json(back)["attention"] == to_json(exhibit)["attention"]  # what is rounded once stays as it is


def test_the_words_of_both_sides_are_told(exhibit: Exhibit) -> None:
    data = to_json(exhibit)
    assert data["target_words"]["text"] == ["La", "niña", "no", "lee", "cartas", ".", "</s>"]
    assert data["target_words"]["of"] == [0, 1, 1, 1, 1, 2, 3, 4, 4, 5, 6]
    assert data["source_words"]["special"] == [False] * 5 + [True]


def test_the_figures_of_a_head_are_those_worked_by_hand() -> None:
    sharp, flat = torch.tensor([[0.0, 1.0], [1.0, 0.0]]), torch.full((2, 2), 0.5)
    figures = measure(torch.stack([sharp, flat])[None], sink=[1])
    assert figures["entropy"] == [[0.0, pytest.approx(math.log(2), abs=1e-4)]]
    assert figures["largest"] == [[1.0, 0.5]]
    assert figures["sink"] == [[0.5, 0.5]]
    assert measure(flat[None, None], sink=[])["sink"] == [[0.0]]


def test_a_head_rests_on_the_end_of_the_source_and_on_the_first_of_the_target(exhibit: Exhibit) -> None:
    heads = to_json(exhibit)["heads"]
    assert exhibit.encoder is not None
    assert exhibit.decoder is not None
    np.testing.assert_allclose(heads["encoder"]["sink"], exhibit.encoder[..., -1].mean(-1), atol=1e-4)
    np.testing.assert_allclose(heads["decoder"]["sink"], exhibit.decoder[..., 0].mean(-1), atol=1e-4)


def test_a_candidate_without_a_chance_is_left_out() -> None:
    step = Step((Candidate(5, "▁a", -0.5), Candidate(6, "▁b", -math.inf)), 0.25)
    exhibit = Exhibit(source=["▁x"], target=["▁a"], cross=torch.ones(1, 1, 1, 1), steps=[step])
    assert to_json(exhibit)["steps"] == [{"top": [[5, "▁a", -0.5]], "entropy": 0.25}]


def test_weights_of_low_precision_are_taken_too() -> None:
    exhibit = Exhibit(source=["▁x"], target=["▁a"], cross=torch.ones(1, 1, 1, 1, dtype=torch.bfloat16))
    assert from_json(to_json(exhibit)).cross == torch.ones(1, 1, 1, 1)


STEP = Step((), 0.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Exhibit(source=["a"], target=["b"]), "there are no weights"),
        (
            lambda: Exhibit(source=["a", "b"], target=["c"], cross=torch.ones(1, 1, 2, 1)),
            "cross weights are [1, 1, 2, 1]; these tokens need [L, H, 1, 2]",
        ),
        (
            lambda: Exhibit(source=["a"], target=["b"], cross=torch.full((1, 1, 1, 1), math.nan)),
            "cross weights must be finite numbers",
        ),
        (
            lambda: Exhibit(
                source=(),
                target=["a", "b"],
                decoder=torch.ones(1, 1, 2, 2),
                prompt_length=1,
                steps=[STEP] * 2,
            ),
            "there are 2 steps; 1 tokens were written",
        ),
        (
            lambda: Exhibit(
                source=["a"], target=["b"], cross=torch.ones(1, 1, 1, 1), alignment=[Link(1, 0, 0.5)]
            ),
            "a link of the alignment points outside",
        ),
    ],
)
def test_what_does_not_fit_is_refused(make: Callable[[], Exhibit], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


def test_what_was_given_and_what_was_written_share_no_word() -> None:
    weights = torch.ones(1, 1, 4, 4).tril()
    weights = weights / weights.sum(-1, keepdim=True)
    read = Exhibit((), ("<s>", "▁read", "ing", "."), decoder=weights, prompt_length=2)
    assert read.words()[1].text == ("<s>", "read", "ing", ".")
    assert replace(read, prompt_length=3).words()[1].text == ("<s>", "reading", ".")
