"""What a run learns from: every pair once, in batches that fit, with nothing left out unsaid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from trasluz.corpus.read import Pair
from trasluz.errors import TrasluzError
from trasluz.parse import parse
from trasluz.text.tokenizer import Tokenizer
from trasluz.training.material import (
    Material,
    fingerprint,
    learn_tokenizer,
    prepare,
    with_vocabulary,
)
from trasluz.training.settings import RunSettings, TokenizerSettings, merge

Prepare = Callable[..., Material]


@pytest.fixture(scope="module")
def tokenizer(pairs: list[Pair]) -> Tokenizer:
    return learn_tokenizer(pairs, TokenizerSettings(vocabulary=311))


@pytest.fixture
def prepared(pairs: list[Pair], tokenizer: Tokenizer, tiny: Callable[..., dict[str, Any]]) -> Prepare:
    """`prepare` with the settings that differ."""

    def make(
        training: Sequence[Pair] = tuple(pairs[:53]),
        validation: Sequence[Pair] = tuple(pairs[53:]),
        **settings: Any,
    ) -> Material:
        model = {"model": {"embedding": {"vocabulary": len(tokenizer)}}}
        changes = merge({"preset": "test", **model}, merge(tiny(**settings), model))
        return prepare(
            training, validation, tokenizer=tokenizer, settings=parse(RunSettings, changes, where="test")
        )

    return make


def texts(material: Material, *, epoch: int) -> list[tuple[str, str]]:
    """Every pair of an epoch as text, in the order in which it is learnt."""
    decode = material.tokenizer.decode
    found = []
    for index in range(len(material.batches.plan(epoch))):
        batch = material.batches.batch(epoch, index)
        rows = zip(batch.source.tolist(), batch.target.tolist(), strict=True)
        found += [(decode(source), decode(target)) for source, target in rows]
    return found


def ids(material: Material, *, epoch: int) -> list[Any]:
    return [material.batches.batch(epoch, index).source.tolist() for index in range(3)]


@pytest.mark.parametrize("sampling", [0.0, 1.0])
def test_every_pair_is_learnt_once_in_an_epoch(prepared: Prepare, pairs: list[Pair], sampling: float) -> None:
    material = prepared(tokenizer={"sampling": sampling})
    wanted = sorted((pair.source, pair.target) for pair in pairs[:53])
    first, second = texts(material, epoch=0), texts(material, epoch=1)
    assert sorted(first) == sorted(second) == wanted
    assert first != second
    assert (len(material.batches), material.left_out) == (53, 0)


def test_every_side_ends_with_the_end_symbol_and_nothing_is_said_twice(
    prepared: Prepare, tokenizer: Tokenizer
) -> None:
    material = prepared()
    for index in range(len(material.batches.plan(0))):
        batch = material.batches.batch(0, index)
        for side in (batch.source, batch.target):
            assert ((side == tokenizer.end_id).sum(1) == 1).all()
            assert (side != tokenizer.start_id).all()
        assert batch.target_tokens == int((batch.target != tokenizer.pad_id).sum())
        assert max(batch.source.numel(), batch.target.numel()) <= 211


def test_sampling_cuts_other_pieces_in_every_epoch_and_the_same_ones_again(prepared: Prepare) -> None:
    sampled, same = (prepared(tokenizer={"sampling": 1.0}) for _ in range(2))
    assert ids(sampled, epoch=2) == ids(same, epoch=2)
    assert ids(sampled, epoch=2) != ids(prepared(), epoch=2)


def test_another_seed_is_another_order(prepared: Prepare) -> None:
    assert texts(prepared(seed=3), epoch=0) != texts(prepared(seed=5), epoch=0)


def test_a_pair_with_one_long_side_is_left_out_and_counted(
    prepared: Prepare, pairs: list[Pair], tokenizer: Tokenizer
) -> None:
    long = " ".join(pair.source for pair in pairs[:7])
    pieces = len(tokenizer.encode(long)) + 1
    more = [*pairs[:3], Pair(long, "el gato"), Pair("the cat", long)]
    kept = prepared(more, batch={"longest": pieces})
    assert (len(kept.batches), kept.left_out) == (5, 0)
    cut = prepared(more, batch={"longest": pieces - 1})
    assert (len(cut.batches), cut.left_out) == (3, 2)
    assert sorted(texts(cut, epoch=0)) == sorted((pair.source, pair.target) for pair in pairs[:3])


def test_where_every_pair_is_too_long_it_is_said(prepared: Prepare) -> None:
    with pytest.raises(TrasluzError) as refused:
        prepared(batch={"longest": 2})
    assert str(refused.value) == ("all 53 pairs are longer than 2 pieces; raise batch.longest, or split them")


def test_a_models_range_is_a_length_that_ten_sources_have_or_the_longest_of_fewer(
    prepared: Prepare, tokenizer: Tokenizer
) -> None:
    def source(words: int) -> Pair:
        return Pair(" ".join(["cat"] * words), "el gato")

    material = prepared([source(29), *[source(19)] * 9, *[source(3)] * 17], batch={"tokens": 1009})
    assert material.longest_source == len(tokenizer.encode(source(19).source)) + 1
    few = prepared([source(29), source(5)], batch={"tokens": 1009})
    assert few.longest_source == len(tokenizer.encode(source(29).source)) + 1


def test_a_models_range_in_sentences_is_what_ten_sources_have(prepared: Prepare) -> None:
    one, two = Pair("the cat sees.", "el gato ve."), Pair("the cat. the dog? Yes!", "el gato.")
    assert prepared([one] * 11 + [two] * 9, batch={"tokens": 1009}).most_sentences == 1
    assert prepared([one] * 11 + [Pair("The cat. The dog?", "sí")] * 10).most_sentences == 2


@pytest.mark.parametrize(("count", "every"), [(500, 1), (60, 1), (59, 2), (30, 2), (7, 9)])
def test_validation_takes_sources_from_all_over_with_all_of_their_targets(
    pairs: list[Pair], tokenizer: Tokenizer, count: int, every: int
) -> None:
    model = {"embedding": {"vocabulary": len(tokenizer)}}
    settings = parse(
        RunSettings, {"preset": "test", "model": model, "validation": {"pairs": count}}, where="test"
    )
    material = prepare(pairs, pairs, tokenizer=tokenizer, settings=settings)
    assert material.validation == pairs[::every]
    assert len(material.held_out) == len(material.validation)


def test_a_validation_pair_beyond_the_positions_is_in_no_loss(prepared: Prepare, pairs: list[Pair]) -> None:
    learned = {"position": {"kind": "learned", "length": 31}}
    settings = {"model": {"encoder": learned, "decoder": learned}, "batch": {"longest": 30}}
    long = Pair(" ".join([pairs[0].source] * 5), pairs[0].target)
    material = prepared(validation=[*pairs[53:], long], **settings)
    held = [material.held_out.batch(0, index) for index in range(len(material.held_out.plan(0)))]
    assert sum(len(batch.source) for batch in held) == len(pairs[53:])
    assert max(batch.source.shape[1] for batch in held) <= 31
    assert material.validation[-1] == long
    with pytest.raises(TrasluzError, match="all validation pairs are longer than the 31 pieces a side"):
        prepared(validation=[long], **settings)


def test_a_source_that_is_validated_brings_every_target_it_has(prepared: Prepare, pairs: list[Pair]) -> None:
    twice = [pair for one in pairs[:5] for pair in (one, Pair(one.source, f"{one.target}!"))]
    assert prepared(validation=twice).validation == twice


def test_pairs_have_a_mark_of_their_own_and_so_has_their_order(pairs: list[Pair]) -> None:
    assert fingerprint(pairs) == fingerprint(list(pairs))
    others = [pairs[::-1], pairs[1:], [*pairs[1:], Pair(pairs[0].source, "otra cosa")], []]
    assert len({fingerprint(some) for some in [pairs, *others]}) == 5


def test_a_model_has_the_vocabulary_that_was_learnt(prepared: Prepare, tokenizer: Tokenizer) -> None:
    settings = parse(
        RunSettings, {"preset": "test", "model": {"embedding": {"vocabulary": 997, "tied": False}}}, where=""
    )
    config = with_vocabulary(settings.model, len(tokenizer))
    assert (config.embedding.vocabulary, config.embedding.tied) == (len(tokenizer), False)
    assert config == settings.model.model_copy(update={"embedding": config.embedding})


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_few_pairs_give_fewer_pieces_than_asked_for_and_no_error(pairs: list[Pair], kind: str) -> None:
    learnt = learn_tokenizer(pairs, TokenizerSettings.model_validate({"vocabulary": 5003, "kind": kind}))
    assert 260 < len(learnt) <= 5003
    for pair in pairs:
        assert learnt.decode(learnt.encode(pair.target)) == pair.target
