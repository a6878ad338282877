"""Each family on the one stack is the reference's model: logits, steps, searches, loss and gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional
from transformers import LogitsProcessor, LogitsProcessorList

from tests.models.families.references import CASES, STRETCHES, Twins, V, stretched, twins
from trasluz.decoding.beam import beam
from trasluz.decoding.greedy import greedy
from trasluz.models.families.names import to_theirs

B, S, T, CAP, END = 5, 11, 7, 19, 17


def assert_close(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, atol=1e-4, rtol=0.0)


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def both(request: pytest.FixtureRequest, tmp_path: Any) -> Twins:
    return twins(request.param, tmp_path)


def texts(both: Twins, *, width: int) -> tuple[Tensor, Tensor]:
    """Random ids [B,width] with padding at the right, real where the second [B,width] is True."""
    torch.manual_seed(3)
    lengths = torch.tensor([width, 3, width - 2, 1, width - 4])
    filled = torch.arange(width) < lengths[:, None]
    ids = torch.randint(7, V - 2, (B, width)).where(filled, padding(both))
    return ids, filled


def padding(both: Twins) -> int:
    """What pads; where there is no symbol for it, any token that nothing else is made of."""
    return both.ours.pad_id if both.ours.pad_id >= 0 else 6


def their_logits(both: Twins, source: Tensor, filled: Tensor, given: Tensor) -> Tensor:
    """[B,T,V]; a decoder-only model reads `given` alone."""
    read = {"input_ids": source, "attention_mask": filled.long(), "decoder_input_ids": given}
    logits: Tensor = both.reference(**(read if both.has_source else {"input_ids": given})).logits
    return logits


def our_logits(both: Twins, source: Tensor, given: Tensor) -> Tensor:
    logits: Tensor = both.ours.output(both.ours(source if both.has_source else source[:, :0], given))
    return logits


def test_logits_are_the_references_with_padding(both: Twins) -> None:
    (source, filled), (given, real) = texts(both, width=S), texts(both, width=T)
    theirs = their_logits(both, source, filled, given)
    assert theirs.std() > 0.1, "weights too small to tell parts apart"
    assert_close(our_logits(both, source, given)[real], theirs[real])


@pytest.mark.parametrize("name", STRETCHES)
def test_every_way_to_stretch_positions_is_the_references(name: str, tmp_path: Any) -> None:
    one = twins(stretched(name), tmp_path)
    given = torch.randint(7, V, (2, 53), generator=torch.Generator().manual_seed(3))
    assert_close(our_logits(one, given, given), one.reference(given).logits)


def test_step_by_step_it_is_the_same(both: Twins) -> None:
    (source, filled), (given, real) = texts(both, width=S), texts(both, width=T)
    theirs = their_logits(both, source, filled, given)
    state = both.ours.start(source if both.has_source else source[:, :0])[1]
    for at in range(T):
        logits = both.ours.step(given[:, at], state)
        assert_close(logits[real[:, at]], theirs[real[:, at], at])


@dataclass(frozen=True)
class Mood:
    """What is made of logits, so that a random model writes more than one token over and over.

    What they have in common is taken away, the rest is made stronger, and each position likes other tokens.
    From some position on nothing but the end symbol, `END`, is left; padding is never written.
    """

    common: Tensor  # [V]
    strength: float
    pad_id: int

    def __call__(self, logits: Tensor, position: int) -> Tensor:
        """Logits [B,V] of the token at a position."""
        if position >= CAP:
            return torch.full_like(logits, -torch.inf).index_fill_(1, torch.tensor([END]), 0.0)
        liking = 2 * torch.randn(V, generator=torch.Generator().manual_seed(position))
        liking[self.pad_id] = -torch.inf
        return self.strength * (logits - self.common) + liking


class Moody(LogitsProcessor):  # type: ignore[misc]
    """The mood for the reference, whose prompts have so many tokens."""

    def __init__(self, mood: Mood, *, prompt: int) -> None:
        self.mood, self.prompt = mood, prompt

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Log-probabilities [B,V] of what follows [B,T]."""
        return self.mood(scores, input_ids.shape[1] - self.prompt).log_softmax(-1)


class MoodyModel:
    """The mood for a model of ours; a language model goes on from its source, with no separator."""

    def __init__(self, model: Any, mood: Mood, *, has_source: bool) -> None:
        self.model, self.mood, self.has_source, self.steps = model, mood, has_source, 0
        self.vocabulary, self.pad_id, self.end_id = model.vocabulary, model.pad_id, END
        self.forbidden_ids: tuple[int, ...] = ()  # as for the reference, which forbids nothing unasked

    def start(self, source: Tensor) -> tuple[Tensor, Any]:
        """The last token before what is written [B], and the state before it."""
        self.steps = 0
        if self.has_source:
            started: tuple[Tensor, Any] = self.model.start(source)
            return started
        return source[:, -1], self.model.read(source[:, :-1])

    def step(self, tokens: Tensor, state: Any) -> Tensor:
        """Logits [B,V] of what follows `tokens` [B]."""
        logits: Tensor = self.model.step(tokens, state)
        self.steps += 1
        return self.mood(logits, self.steps - 1)


@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
@pytest.mark.parametrize("size", [1, 4])
@torch.inference_mode()
def test_searches_find_what_generate_finds(both: Twins, size: int, length_penalty: float) -> None:
    source = texts(both, width=S)[0]
    prompt = 1
    options: dict[str, Any] = {"decoder_start_token_id": both.ours.start_id}
    options["attention_mask"] = (source != padding(both)).long()
    if not both.has_source:  # a prompt without padding
        source = source[:1].expand(B, -1).clone()
        source[:, -1] = torch.arange(11, 11 + B)
        prompt, options = S, {"attention_mask": torch.ones_like(source)}
    logits = our_logits(both, source, source)
    mood = Mood(logits.mean((0, 1)), strength=3 / float(logits.std((0, 1)).mean()), pad_id=padding(both))
    if size > 1:
        options |= {"length_penalty": length_penalty, "early_stopping": "never"}
    found = both.reference.generate(
        source,
        num_beams=size,
        max_new_tokens=CAP + 1,
        do_sample=False,
        eos_token_id=END,
        pad_token_id=padding(both),
        forced_eos_token_id=None,
        logits_processor=LogitsProcessorList([Moody(mood, prompt=prompt)]),
        **options,
    )
    rows = [row[prompt:].tolist() for row in found]
    model, caps = (
        MoodyModel(both.ours, mood, has_source=both.has_source),
        torch.full((B,), CAP + 1),
    )
    if size == 1:
        mine = greedy(model, source, caps=caps)
    else:
        mine = [own[0] for own in beam(model, source, size=size, length_penalty=length_penalty, caps=caps)]
    assert [one.ids for one in mine] == [tuple(row[: row.index(END)]) for row in rows]
    assert len({one.ids for one in mine}) > 2
    assert max(len(one.ids) for one in mine) > 2


def test_loss_and_gradients_are_the_references(both: Twins) -> None:
    (source, filled), (given, real) = texts(both, width=S), texts(both, width=T)
    wanted = torch.randint(7, V - 2, (B, T), generator=torch.Generator().manual_seed(5))
    losses = [
        functional.cross_entropy(logits[real], wanted[real])
        for logits in (our_logits(both, source, given), their_logits(both, source, filled, given))
    ]
    assert_close(losses[0], losses[1])
    for loss in losses:
        torch.autograd.backward(loss)
    ours = dict(both.ours.named_parameters())
    theirs = dict(both.reference.named_parameters())
    compared = 0
    for entry in both.table.entries:
        if entry.theirs not in theirs:
            assert entry.theirs == "final_logits_bias"  # the reference does not train it
            continue
        wanted_grad = theirs[entry.theirs].grad
        gradients = [ours[name].grad for name in entry.ours]
        assert wanted_grad is not None
        together = entry.shaping.together([grad for grad in gradients if grad is not None])
        assert_close(together, wanted_grad)
        compared += 1
    sines = {name for name in theirs if "embed_positions" in name} - {
        one.theirs for one in both.table.entries
    }
    assert compared == len(theirs.keys() - sines)


def test_it_goes_back_as_it_came(both: Twins) -> None:
    (source, filled), (given, real) = texts(both, width=S), texts(both, width=T)
    before = their_logits(both, source, filled, given)
    save_file(
        to_theirs(both.ours, both.table), both.directory / "model.safetensors", metadata={"format": "pt"}
    )
    again = type(both.reference).from_pretrained(both.directory).eval()
    after = their_logits(
        Twins(again, both.ours, both.family, both.table, both.directory), source, filled, given
    )
    torch.testing.assert_close(after[real], before[real], rtol=0.0, atol=0.0)
