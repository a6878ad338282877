from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from trasluz.decoding.greedy import greedy
from trasluz.errors import TrasluzError
from trasluz.layers.state import Decodable

Make = Callable[..., Decodable[Any]]


def one_by_one(model: Decodable[Any], source: Tensor, *, cap: int) -> tuple[list[int], float, bool]:
    """The same search without a batch: ids, summed log-probability, whether it ended."""
    tokens, state = model.start(source)
    ids: list[int] = []
    total = 0.0
    for _ in range(cap):
        logits = model.step(tokens, state)[0].tolist()
        allowed = [token for token in range(model.vocabulary) if token not in model.forbidden_ids]
        best = max(allowed, key=lambda token: logits[token])
        total += logits[best] - math.log(sum(math.exp(logits[token]) for token in allowed))
        if best == model.end_id:
            return ids, total, True
        ids.append(best)
        tokens = torch.tensor([best])
    return ids, total, False


@pytest.mark.parametrize("seed", range(5))
def test_each_step_takes_the_likeliest_token_in_a_batch_as_alone(
    made_up: Make, sources: Tensor, seed: int
) -> None:
    model = made_up(words=5, seed=seed, end_logit=-1.0)
    found = greedy(model, sources)
    for source, hypothesis in zip(sources, found, strict=True):
        alone = source[source != model.pad_id][None]
        ids, total, finished = one_by_one(model, alone, cap=2 * alone.shape[1] + 20)
        assert (list(hypothesis.ids), hypothesis.finished) == (ids, finished)
        assert hypothesis.logprob == pytest.approx(total, rel=1e-5)
        assert hypothesis.score == pytest.approx(total / (len(ids) + finished), rel=1e-5)
        assert greedy(model, alone) == [hypothesis]


def test_a_model_that_never_ends_is_stopped_at_the_cap_and_says_so(
    endless: Decodable[Any], sources: Tensor
) -> None:
    found = greedy(endless, sources)
    assert [len(hypothesis.ids) for hypothesis in found] == [34, 24, 28, 22, 30]
    assert not any(hypothesis.finished for hypothesis in found)


def test_each_sentence_has_a_cap_of_its_own(endless: Decodable[Any], sources: Tensor) -> None:
    found = greedy(endless, sources, caps=torch.tensor([2, 11, 1, 5, 3]))
    assert [len(hypothesis.ids) for hypothesis in found] == [2, 11, 1, 5, 3]


def test_forbidden_tokens_change_nothing_however_likely(made_up: Make, sources: Tensor) -> None:
    plain, tempting = (made_up(words=5, seed=3, forbidden_logit=logit) for logit in (0.0, 50.0))
    found = greedy(tempting, sources)
    assert not {token for hypothesis in found for token in hypothesis.ids} & {0, 1, 2, 3}
    assert [hypothesis.ids for hypothesis in found] == [
        hypothesis.ids for hypothesis in greedy(plain, sources)
    ]


def test_sentences_that_ended_leave_the_batch(endless: Decodable[Any], sources: Tensor) -> None:
    greedy(endless, sources, caps=torch.tensor([2, 11, 2, 5, 2]))
    fed = endless.rows_fed  # type: ignore[attr-defined]
    assert fed == [5] * 2 + [2] * 3 + [1] * 6


def test_output_that_is_no_number_is_an_error(broken: Decodable[Any], sources: Tensor) -> None:
    with pytest.raises(TrasluzError, match=r"not a number \(NaN\)"):
        greedy(broken, sources)
