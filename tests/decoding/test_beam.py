from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from trasluz.decoding.beam import beam
from trasluz.decoding.greedy import greedy
from trasluz.decoding.rules import Hypothesis
from trasluz.errors import TrasluzError
from trasluz.layers.state import Decodable

Make = Callable[..., Decodable[Any]]
SEEDS = range(5)
PENALTIES = [0.0, 0.6, 1.0, 2.0]
SOURCE = torch.tensor([[5, 4, 2]])


def following(model: Decodable[Any], source: Tensor, prefix: tuple[int, ...]) -> dict[int, float]:
    """The log-probability of each allowed token after a prefix, from the first token on."""
    tokens, state = model.start(source)
    logits = model.step(tokens, state)[0].tolist()
    for token in prefix:
        logits = model.step(torch.tensor([token]), state)[0].tolist()
    allowed = [token for token in range(model.vocabulary) if token not in model.forbidden_ids]
    total = math.log(sum(math.exp(logits[token]) for token in allowed))
    return {token: logits[token] - total for token in allowed}


def every_hypothesis(model: Decodable[Any], source: Tensor, *, cap: int) -> dict[tuple[int, ...], float]:
    """The summed log-probability of every hypothesis that ends within the cap, by trying them all."""
    found: dict[tuple[int, ...], float] = {}

    def extend(prefix: tuple[int, ...], total: float) -> None:
        for token, logprob in following(model, source, prefix).items():
            if token == model.end_id:
                found[prefix] = total + logprob
            elif len(prefix) + 1 < cap:
                extend((*prefix, token), total + logprob)

    extend((), 0.0)
    return found


def slow_beam(
    model: Decodable[Any], source: Tensor, *, size: int, length_penalty: float, cap: int
) -> list[tuple[float, tuple[int, ...]]]:
    """Beam search in plain words, always up to the cap: all that finished with their scores, best first."""
    running: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    finished: list[tuple[float, tuple[int, ...]]] = []
    for length in range(1, cap + 1):
        candidates = sorted(
            (
                (total + logprob, (*prefix, token))
                for total, prefix in running
                for token, logprob in following(model, source, prefix).items()
            ),
            reverse=True,
        )
        ended = [(total, ids) for total, ids in candidates[:size] if ids[-1] == model.end_id]
        finished += [(total / length**length_penalty, ids[:-1]) for total, ids in ended]
        running = [(total, ids) for total, ids in candidates if ids[-1] != model.end_id][:size]
    return sorted(finished, reverse=True)


def same(found: list[Hypothesis], expected: list[tuple[float, tuple[int, ...]]]) -> bool:
    """Whether hypotheses have the expected ids and scores in the expected order."""
    assert [hypothesis.ids for hypothesis in found] == [ids for _, ids in expected]
    assert [hypothesis.score for hypothesis in found] == pytest.approx(
        [score for score, _ in expected], rel=1e-4
    )
    return all(hypothesis.finished for hypothesis in found)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("length_penalty", PENALTIES)
def test_a_beam_of_one_is_greedy(made_up: Make, sources: Tensor, seed: int, length_penalty: float) -> None:
    model = made_up(words=5, seed=seed)
    found = beam(model, sources, size=1, length_penalty=length_penalty)
    expected = greedy(model, sources, length_penalty=length_penalty)
    for (one,), other in zip(found, expected, strict=True):
        assert (one.ids, one.finished) == (other.ids, other.finished)
        assert one.score == pytest.approx(other.score, rel=1e-5)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("length_penalty", PENALTIES)
def test_a_beam_as_wide_as_the_space_finds_the_best_of_all_hypotheses_and_the_whole_ranking(
    made_up: Make, seed: int, length_penalty: float
) -> None:
    model = made_up(words=3, seed=seed)
    totals = every_hypothesis(model, SOURCE, cap=4)
    ranking = sorted(
        ((total / (len(ids) + 1) ** length_penalty, ids) for ids, total in totals.items()), reverse=True
    )
    assert len(ranking) == 1 + 3 + 9 + 27
    width = 27 * 4  # candidates of the last step
    for n_best in (1, 7, width):
        found = beam(
            model, SOURCE, size=width, n_best=n_best, length_penalty=length_penalty, caps=torch.tensor([4])
        )
        assert same(found[0], ranking[:n_best])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("length_penalty", PENALTIES)
def test_stopping_early_changes_nothing(made_up: Make, seed: int, length_penalty: float) -> None:
    model = made_up(words=7, seed=seed, end_logit=1.0)
    expected = slow_beam(model, SOURCE, size=3, length_penalty=length_penalty, cap=11)
    for n_best in (1, 2, 3):
        found = beam(
            model, SOURCE, size=3, n_best=n_best, length_penalty=length_penalty, caps=torch.tensor([11])
        )
        assert same(found[0], expected[:n_best])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_sentence_finds_the_same_alone_and_beside_others(made_up: Make, sources: Tensor, seed: int) -> None:
    model = made_up(words=5, seed=seed)
    together = beam(model, sources, size=3, n_best=2)
    for source, found in zip(sources, together, strict=True):
        assert beam(model, source[source != model.pad_id][None], size=3, n_best=2) == [found]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_best_come_first_and_all_differ(made_up: Make, sources: Tensor, seed: int) -> None:
    for found in beam(made_up(words=5, seed=seed), sources, size=5, n_best=5):
        assert len(found) == 5
        assert len({hypothesis.ids for hypothesis in found}) == 5
        scores = [hypothesis.score for hypothesis in found]
        assert scores == sorted(scores, reverse=True)


def test_forbidden_tokens_change_nothing_however_likely(made_up: Make, sources: Tensor) -> None:
    plain, tempting = (made_up(words=5, seed=3, forbidden_logit=logit) for logit in (0.0, 50.0))
    expected = [found[0].ids for found in beam(plain, sources)]
    assert [found[0].ids for found in beam(tempting, sources)] == expected
    assert not {token for ids in expected for token in ids} & {0, 1, 2, 3}


def test_a_model_that_never_ends_gives_truncated_hypotheses_of_the_longest_length(
    endless: Decodable[Any], sources: Tensor
) -> None:
    found = beam(endless, sources, size=3, n_best=2, caps=torch.tensor([2, 11, 1, 5, 3]))
    assert [[len(one.ids) for one in own] for own in found] == [[2, 2], [11, 11], [1, 1], [5, 5], [3, 3]]
    assert not any(one.finished for own in found for one in own)
    assert all(own[0].score > own[1].score for own in found)


def test_a_finished_hypothesis_is_preferred_to_truncated_ones_however_unlikely(made_up: Make) -> None:
    model = made_up(words=2, end_logit=-30.0)
    found = beam(model, SOURCE, size=12, n_best=12, caps=torch.tensor([3]))[0]
    assert sorted(len(one.ids) for one in found) == [0, 1, 1, 2, 2, 2, 2]
    assert all(one.finished for one in found)


def test_there_are_fewer_hypotheses_where_there_are_no_more(made_up: Make, sources: Tensor) -> None:
    model = made_up(words=0)
    found = beam(model, sources, size=3, n_best=3)
    assert found == [[Hypothesis((), 0.0, 0.0, finished=True)]] * 5
    assert model.rows_fed == [15]  # type: ignore[attr-defined]


def test_a_search_ends_long_before_the_cap_where_the_model_is_sure(made_up: Make) -> None:
    model = made_up(words=5, end_logit=20.0)
    beam(model, SOURCE, size=3, n_best=1, caps=torch.tensor([100]))
    assert len(model.rows_fed) == 1  # type: ignore[attr-defined]


def test_sentences_that_are_done_leave_the_batch(endless: Decodable[Any], sources: Tensor) -> None:
    beam(endless, sources, size=3, caps=torch.tensor([2, 5, 1, 4, 2]))
    fed = endless.rows_fed  # type: ignore[attr-defined]
    assert fed == [15, 12, 6, 6, 3]


def test_output_that_is_no_number_is_an_error(broken: Decodable[Any], sources: Tensor) -> None:
    with pytest.raises(TrasluzError, match=r"not a number \(NaN\)"):
        beam(broken, sources)


def test_a_beam_that_is_none_or_too_narrow_is_refused(endless: Decodable[Any]) -> None:
    with pytest.raises(TrasluzError, match="the beam is 0, but it must be 1"):
        beam(endless, SOURCE, size=0)
    for n_best in (0, 6):
        with pytest.raises(TrasluzError, match=f"^{n_best} hypotheses .* a beam of 5 gives 1 to 5"):
            beam(endless, SOURCE, size=5, n_best=n_best)
