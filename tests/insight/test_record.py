"""Recorded attention: distributions of the shapes that are promised, and steps that decoding would take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from trasluz.attention.multihead import MultiHead
from trasluz.decoding.generator import Generator
from trasluz.decoding.sample import Sampling
from trasluz.decoding.translator import Translator
from trasluz.errors import TrasluzError
from trasluz.insight.exhibit import Exhibit
from trasluz.insight.record import (
    CANDIDATES,
    encode_source,
    encode_target,
    listening,
    record,
    record_text,
    see,
)
from trasluz.models.loaded import LoadedModel
from trasluz.models.model import Model
from trasluz.text.tokenizer import Tokenizer

TEXT, TARGET = "the cat sees a house", "el gato ve dos manzanas"
LAYERS, HEADS = 2, 3
BAHDANAU = {"score": "mlp", "query": "previous"}

Make = Callable[..., LoadedModel]
MakeTranslator = Callable[[LoadedModel], Translator]


@pytest.fixture
def translator(small: LoadedModel, translator_of: MakeTranslator) -> Translator:
    return translator_of(small)


@pytest.fixture
def exhibit(translator: Translator) -> Exhibit:
    return record(translator, TEXT, target=TARGET)


def kinds(exhibit: Exhibit) -> dict[str, Tensor]:
    return dict(exhibit.weights())


def parts(small: LoadedModel) -> list[MultiHead]:
    return [module for module in small.model.modules() if isinstance(module, MultiHead)]


def sides(tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    """The ids of the text and of the target, end symbols included."""
    return [*tokenizer.encode(TEXT), tokenizer.end_id], [*tokenizer.encode(TARGET), tokenizer.end_id]


@pytest.mark.parametrize("kind", ["transformer", "recurrent", "decoder-only"])
def test_every_row_is_a_distribution(untrained: Make, translator_of: MakeTranslator, kind: str) -> None:
    exhibit = record(translator_of(untrained(kind)), TEXT, target=TARGET)
    there = {"transformer": {"encoder", "decoder", "cross"}, "recurrent": {"cross"}}
    assert set(kinds(exhibit)) == there.get(kind, {"decoder"})
    for weights in kinds(exhibit).values():
        torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]), atol=1e-5, rtol=0)
        assert (weights >= 0).all()


def test_shapes_are_those_of_the_pieces(exhibit: Exhibit, small: LoadedModel) -> None:
    source, target = map(small.tokenizer.pieces, sides(small.tokenizer))
    assert (list(exhibit.source), list(exhibit.target)) == (source, target)
    S, T = len(source), len(target)
    assert S != T
    assert {kind: weights.shape for kind, weights in kinds(exhibit).items()} == {
        "encoder": (LAYERS, HEADS, S, S),
        "decoder": (LAYERS, HEADS, T, T),
        "cross": (LAYERS, HEADS, T, S),
    }
    assert (exhibit.start, exhibit.end, exhibit.prompt_length) == ("<s>", "</s>", None)


def test_no_piece_of_the_target_looks_at_a_later_one(exhibit: Exhibit) -> None:
    decoder = kinds(exhibit)["decoder"]
    assert (decoder.triu(1) == 0).all()
    assert (decoder[:, :, 0, 0] == 1).all()


def test_heads_and_layers_differ(exhibit: Exhibit) -> None:
    heads = kinds(exhibit)["cross"].flatten(0, 1)
    for first in range(LAYERS * HEADS):
        for second in range(first):
            assert not torch.allclose(heads[first], heads[second], atol=1e-3)


def test_a_decoder_alone_is_one_triangle_over_source_start_symbol_and_target(
    untrained: Make, translator_of: MakeTranslator
) -> None:
    loaded = untrained("decoder-only")
    exhibit = record(translator_of(loaded), TEXT, target=TARGET)
    source, target = map(loaded.tokenizer.pieces, sides(loaded.tokenizer))
    assert list(exhibit.target) == [*source, "<s>", *target]
    assert (tuple(exhibit.source), exhibit.prompt_length) == ((), len(source) + 1)
    weights = kinds(exhibit)["decoder"]
    assert weights.shape == (2, 6, len(exhibit.target), len(exhibit.target))
    assert (weights.triu(1) == 0).all()
    assert (weights[..., 0, 0] == 1).all()


@pytest.mark.parametrize("kind", ["transformer", "recurrent", "decoder-only"])
@torch.inference_mode()
def test_the_candidates_of_a_step_are_those_that_decoding_would_weigh(
    untrained: Make, translator_of: MakeTranslator, kind: str
) -> None:
    loaded = untrained(kind)
    model, tokenizer = loaded.model, loaded.tokenizer
    exhibit = record(translator_of(loaded), TEXT, target=TARGET)
    source, target = sides(tokenizer)
    assert len(exhibit.steps) == len(target)
    tokens, state = model.start(torch.tensor([source]))
    for token, step in zip(target, exhibit.steps, strict=True):
        logits = model.step(tokens, state)[0]
        logits[list(model.forbidden_ids)] = -torch.inf
        expected = logits.log_softmax(0)
        ranked = expected.argsort(descending=True)[:CANDIDATES].tolist()
        assert [one.id for one in step.top] == ranked
        assert [one.token for one in step.top] == tokenizer.pieces(ranked)
        found = torch.tensor([one.log_probability for one in step.top])
        torch.testing.assert_close(found, expected[ranked], atol=1e-4, rtol=1e-4)
        allowed = expected[expected > -torch.inf]
        assert step.entropy == pytest.approx(float(-(allowed.exp() * allowed).sum()), abs=1e-4)
        tokens = torch.tensor([token])


@pytest.mark.parametrize("kind", ["transformer", "recurrent", "decoder-only"])
def test_without_a_target_the_one_that_was_decoded_is_seen_piece_by_piece(
    untrained: Make, translator_of: MakeTranslator, kind: str
) -> None:
    loaded = untrained(kind)
    translator, tokenizer = translator_of(loaded), loaded.tokenizer
    for text, beam in ((TEXT, 5), ("my sister finds two apples", 1), ("  our teacher  ", 3)):
        best = translator.search([tokenizer.encode(text.strip())], beam=beam)[0][0]
        decoded = [*best.ids, tokenizer.end_id] if best.finished else list(best.ids)
        exhibit = record(translator, text, beam=beam)
        written = exhibit.target[exhibit.prompt_length or 0 :]
        assert list(written) == tokenizer.pieces(decoded)


@pytest.mark.parametrize("kind", ["transformer", "recurrent", "decoder-only"])
def test_a_pair_in_a_padded_batch_is_seen_as_alone(untrained: Make, kind: str) -> None:
    model = untrained(kind).model
    source = torch.tensor([[5, 6, 7, 8, 2], [9, 10, 2, 0, 0]])
    given = torch.tensor([[1, 11, 12, 13], [1, 14, 0, 0]])
    both, alone = see(model, source, given), see(model, source[1:, :3], given[1:, :2])
    torch.testing.assert_close(both.hidden[1, :2], alone.hidden[0], atol=1e-5, rtol=1e-5)
    source_at, given_at = [0, 1, 2], [0, 1]
    text_at = [0, 1, 2, 5, 6] if kind == "decoder-only" else given_at  # padding stands behind the source
    for name, rows, columns in (
        ("encoder", source_at, source_at),
        ("decoder", text_at, text_at),
        ("cross", given_at, source_at),
    ):
        for padded, own in zip(getattr(both, name), getattr(alone, name), strict=True):
            seen = padded[1][:, rows]
            torch.testing.assert_close(seen[:, :, columns], own[0], atol=1e-5, rtol=1e-5)
            rest = [at for at in range(padded.shape[-1]) if at not in columns]
            assert (seen[:, :, rest] == 0).all()


def test_a_language_model_is_seen_over_prompt_and_continuation(generator: Generator) -> None:
    tokenizer = generator.tokenizer
    exhibit = record_text(generator, "the cat", most=7)
    given, written = generator.written("the cat", sampling=Sampling(temperature=0), most=7)
    assert list(exhibit.target) == tokenizer.pieces([*given, *written])
    assert (exhibit.prompt_length, len(exhibit.steps)) == (len(given), len(written))
    assert [step.top[0].token for step in exhibit.steps] == tokenizer.pieces(written)  # it is greedy
    others = {tuple(record_text(generator, most=7, sampling=Sampling(), seed=at).target) for at in range(4)}
    assert len(others) == 4


def test_a_given_text_is_seen_as_if_it_had_been_written(generator: Generator) -> None:
    exhibit = record_text(generator, "the cat sees", most=0)
    ids = generator.tokenizer.encode("the cat sees")
    assert list(exhibit.target) == ["<s>", *generator.tokenizer.pieces(ids)]
    assert (exhibit.prompt_length, len(exhibit.steps)) == (1, len(ids))


def test_what_generate_gives_is_spelt_by_the_tokens_that_are_seen(generator: Generator) -> None:
    for seed in range(3):
        given, written = generator.written("the cat", most=11, seed=seed)
        text = generator.generate("the cat", most=11, seed=seed).text
        assert generator.tokenizer.decode([*given, *written]) == f"the cat{text}"


def test_what_has_no_single_pass_is_refused(
    translator: Translator, untrained: Make, translator_of: MakeTranslator, generator: Generator
) -> None:
    with pytest.raises(TrasluzError, match=r"the text has \d+ pieces, .* sees at most 29 at once; give a sh"):
        record(translator, "the cat sees a house. " * 7)
    with pytest.raises(TrasluzError, match="the text is blank"):
        record(translator, " \n ")
    with pytest.raises(TrasluzError, match="the text has 2 lines, each translated on its own"):
        record(translator, "the cat\nthe dog")
    learned = untrained(position={"kind": "learned", "length": 31}, longest=31)
    with pytest.raises(TrasluzError, match=r"the target has \d+ pieces, .* sees at most 31 at once"):
        record(translator_of(learned), TEXT, target="el gato ve dos manzanas " * 5)
    short = Generator(generator.model, generator.tokenizer, longest=5)
    with pytest.raises(TrasluzError, match=r"the text has \d+ pieces, .* sees at most 5 at once"):
        record_text(short, "the cat sees the dog", most=0)
    with pytest.raises(TrasluzError, match=r"the prompt has \d+ tokens"):
        record_text(short, "the cat sees the dog")
    with pytest.raises(TrasluzError, match="the text is empty, and no token may be written"):
        record_text(generator, "", most=0)


def test_a_model_without_attention_has_nothing_to_see(untrained: Make, translator_of: MakeTranslator) -> None:
    blind = translator_of(untrained("recurrent", attention={"score": "none"}))
    with pytest.raises(TrasluzError, match="no attention, so there is nothing to see; train one with att"):
        record(blind, TEXT)


def test_a_broken_model_is_said_to_be_broken(untrained: Make, translator_of: MakeTranslator) -> None:
    loaded = untrained()
    with torch.no_grad():
        next(loaded.model.parameters()).fill_(torch.nan)
    with pytest.raises(TrasluzError, match="not a number"):
        record(translator_of(loaded), TEXT, target=TARGET)


def listeners(model: nn.Module) -> list[Any]:
    return [module.listener for module in model.modules() if hasattr(module, "listener")]


@pytest.mark.parametrize("attention", [{}, BAHDANAU, {"input_feeding": True}])
def test_a_recurrent_model_has_one_attention(
    untrained: Make, translator_of: MakeTranslator, attention: dict[str, Any]
) -> None:
    loaded = untrained("recurrent", attention=attention)
    exhibit = record(translator_of(loaded), TEXT, target=TARGET)
    assert kinds(exhibit)["cross"].shape == (1, 1, len(exhibit.target), len(exhibit.source))
    assert listeners(loaded.model) == [None]


def test_afterwards_nobody_listens(small: LoadedModel, exhibit: Exhibit) -> None:
    assert kinds(exhibit)["cross"].numel() > 0
    assert listeners(small.model) == [None] * len(parts(small))


def test_after_an_error_nobody_listens_either(small: LoadedModel) -> None:
    def fail() -> None:
        with listening(parts(small)) as heard:
            assert all(part.listener is not None for part in parts(small))
            small.model(torch.tensor([[5, 2]]), torch.tensor([[1]]))
            assert len(heard) == len(parts(small))
            raise RuntimeError("in the midst of it")

    with pytest.raises(RuntimeError, match="in the midst of it"):
        fail()
    assert listeners(small.model) == [None] * len(parts(small))


def test_to_be_seen_changes_nothing(translator: Translator) -> None:
    before = translator.translate(TEXT)
    record(translator, TEXT)
    assert translator.translate(TEXT) == before
    assert isinstance(translator.model, Model)


def test_sentences_that_are_translated_one_by_one_have_no_single_pass(small: LoadedModel) -> None:
    translator = Translator(small.model, small.tokenizer, longest_source=99, most_sentences=1)
    with pytest.raises(
        TrasluzError, match=r"^the text has 2 sentences, .* at most 1 in one pass; give fewer"
    ):
        record(translator, "The cat sees. The dog sees.")
    assert record(translator, "The cat. The dog.", target="el gato").cross is not None


def test_more_weights_than_are_kept_at_once_are_refused_before_the_pass(
    small: LoadedModel, translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    S, T = len(encode_source(translator, TEXT)), len(encode_target(translator, "el gato"))
    count = sum(
        part.heads * rows * columns
        for kind, rows, columns in (("encoder", S, S), ("decoder", T, T), ("cross", T, S))
        for part in getattr(small.model.attentions(), kind)
    )
    monkeypatch.setattr("trasluz.insight.record.MOST_WEIGHTS", count)
    assert record(translator, TEXT, target="el gato").cross is not None
    monkeypatch.setattr("trasluz.insight.record.MOST_WEIGHTS", count - 1)
    with pytest.raises(TrasluzError, match=rf"has {max(S, T)} pieces, .* has {count:,} weights, and at most"):
        record(translator, TEXT, target="el gato")
