"""Every attention weight of a translation or a text: decoded fast, then seen in one teacher-forced pass.

Knows no drawing. Letters: B rows, T target pieces, S source pieces, D model, L layers, H heads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from trasluz.attention.attend import Listenable
from trasluz.decoding.generator import Generator
from trasluz.decoding.sample import Sampling
from trasluz.decoding.translator import Translator
from trasluz.decoding.verdict import Verdict
from trasluz.errors import TrasluzError
from trasluz.insight.exhibit import Candidate, Exhibit, Step
from trasluz.models.decoder_only import DecoderOnly
from trasluz.models.model import Attentions, Model
from trasluz.text.sentences import sentences, trim
from trasluz.text.tokenizer import Tokenizer

CANDIDATES = 5
"""How many candidates of each step are kept."""
MOST_WEIGHTS = 1 << 28
"""The most weights that are kept at once: a gigabyte of them."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One pass seen from inside: what it gave, and the weights of each layer, first to last.

    Row t of `decoder` and `cross` was computed from token t of what the decoder was given, while predicting
    the next one.
    """

    hidden: Tensor  # [B,T,D]
    encoder: list[Tensor]  # [B,H,S,S] each
    decoder: list[Tensor]  # [B,H,T,T] each; of a decoder-only model [B,H,S+T,S+T]
    cross: list[Tensor]  # [B,H,T,S] each


@contextmanager
def listening(parts: Sequence[Listenable]) -> Iterator[list[Tensor]]:
    """While this lasts, gather the weights [B,H,T,S] of each of `parts`, in the order of their passes."""
    heard: list[Tensor] = []
    for part in parts:
        part.listener = lambda weights: heard.append(weights.detach().cpu())
    try:
        yield heard
    finally:
        for part in parts:
            part.listener = None


@torch.inference_mode()
def see(model: Model, source: Tensor, given: Tensor) -> Seen:
    """One pass over `source` [B,S] and what the decoder is given [B,T], both padded at the right.

    Raises `TrasluzError` for a model that has no attention, and for one whose output is no number.
    """
    assert not model.training, "call model.eval() first"
    parts = model.attentions()
    _check_room(parts, source=source, given=given)
    if not parts:
        raise TrasluzError(
            "this model has no attention, so there is nothing to see; train one with attention, "
            "such as --arch recurrent --score bilinear"
        )
    device = model.output.weight.device
    with (
        listening(parts.encoder) as encoder,
        listening(parts.decoder) as decoder,
        listening(parts.cross) as cross,
    ):
        hidden = model(source.to(device), given.to(device))
    if not hidden.isfinite().all():
        raise TrasluzError(
            "the model's output is not a number (NaN or infinite): its weights are damaged; "
            "try another checkpoint"
        )
    return Seen(hidden, encoder, decoder, cross)


def _check_room(parts: Attentions, *, source: Tensor, given: Tensor) -> None:
    """Raise `TrasluzError` where the weights of one pass would take more memory than is worth a look."""
    S, T = source.shape[1], given.shape[1]
    within = S + T if parts.decoder and not parts.cross else T
    sizes = ((parts.encoder, S * S), (parts.decoder, within * within), (parts.cross, T * S))
    count = len(source) * sum(part.heads * size for several, size in sizes for part in several)
    if count > MOST_WEIGHTS:
        raise TrasluzError(
            f"the text has {max(S, within)} pieces, for which this model has {count:,} weights, and at most "
            f"{MOST_WEIGHTS:,} are kept at once; give a shorter one"
        )


def record(translator: Translator, text: str, *, target: str | None = None, beam: int = 5) -> Exhibit:
    """What the model looks at when it translates `text`, or when it is led to `target` where one is given.

    A search with `beam` hypotheses chooses the target; the steps are those of the model by itself, symbols
    that may not be written left out. Raises `TrasluzError` for a text that is blank, of several lines, or
    longer than the model's range: it has no single pass to be seen in.
    """
    model, tokenizer = model_of(translator), translator.tokenizer
    source_ids = encode_source(translator, _one_line(text))
    verdict = None
    if target is None:
        _check_sentences(text, most=translator.most_sentences)
        target_ids, verdict = _decoded(translator, text, source_ids, beam=beam)
    else:
        target_ids = encode_target(translator, _one_line(target, "target"))
    if isinstance(model, DecoderOnly):
        exhibit = _sequence(model, tokenizer, given=[*source_ids, model.start_id], written=target_ids)
        return replace(exhibit, verdict=verdict)
    wanted = torch.tensor([target_ids])
    seen = see(model, torch.tensor([source_ids]), model.teacher_forced(wanted))
    start, end = tokenizer.pieces([model.start_id, model.end_id])
    return Exhibit(
        source=tuple(tokenizer.pieces(source_ids)),
        target=tuple(tokenizer.target.pieces(target_ids)),
        encoder=_layers(seen.encoder),
        decoder=_layers(seen.decoder),
        cross=_layers(seen.cross),
        steps=_steps(model, seen.hidden[0], tokenizer),
        start=start,
        end=end,
        verdict=verdict,
    )


def record_text(
    generator: Generator, text: str = "", *, most: int = 50, sampling: Sampling | None = None, seed: int = 0
) -> Exhibit:
    """What a language model looks at in `text` and in up to `most` tokens that it writes behind it.

    With `most` of 0 only the text is seen, and its own tokens count as those that were written, so that each
    has its candidates. Sampling is greedy unless another is given. Raises `TrasluzError` for a text that the
    model has no room for, or that is empty where nothing may be written.
    """
    model, tokenizer = generator.model, generator.tokenizer
    if most == 0:
        ids = tokenizer.encode(text)
        whole = tokenizer.frame.prompt(ids)
        given = whole[: len(whole) - len(ids)] or whole[:1]
        written = whole[len(given) :]
        _check_length("text", whole, generator.longest)
        if not written:
            raise TrasluzError("the text is empty, and no token may be written; give a text, or let some be")
    else:
        greedy = Sampling(temperature=0)
        given, written = generator.written(text, sampling=sampling or greedy, most=most, seed=seed)
    return _sequence(model, tokenizer, given=given, written=written)


def model_of(translator: Translator) -> Model:
    """The model of a translator, which must be one of Trasluz's own to be seen from inside."""
    assert isinstance(translator.model, Model), "only a `Model` can be seen from inside"
    return translator.model


def encode_source(translator: Translator, text: str) -> list[int]:
    """The ids of a source with its end symbol; one beyond the model's range raises `TrasluzError`."""
    tokenizer = translator.tokenizer
    ids = tokenizer.frame.source(tokenizer.encode(trim(text)[1]))
    _check_length("text", ids, translator.longest_source)
    return ids


def encode_target(translator: Translator, text: str) -> list[int]:
    """The ids of a target with its end symbol; one beyond the model's range raises `TrasluzError`."""
    tokenizer = translator.tokenizer
    ids = tokenizer.frame.target(tokenizer.target.encode(trim(text)[1]))
    _check_length("target", ids, translator.longest_target)
    return ids


def _check_length(what: str, ids: Sequence[int], longest: int | None) -> None:
    if longest is not None and len(ids) > longest:
        raise TrasluzError(
            f"the {what} has {len(ids)} pieces, symbols included, but the model sees at most {longest} at "
            "once; give a shorter one, such as one of its sentences"
        )


def _check_sentences(text: str, *, most: int | None) -> None:
    count = len(sentences(text.strip()))
    if most is not None and count > most:
        raise TrasluzError(
            f"the text has {count} sentences, but this model translates at most {most} in one pass; give "
            "fewer at a time, or the target as well"
        )


def _one_line(text: str, what: str = "text") -> str:
    """A text that is translated in one go; others are refused."""
    lines = len(trim(text)[1].splitlines())
    if lines == 0:
        raise TrasluzError(f"the {what} is blank, so there is nothing to look at; give a sentence")
    if lines > 1:
        raise TrasluzError(f"the {what} has {lines} lines, each translated on its own; give one of them")
    return text


def _decoded(
    translator: Translator, text: str, source_ids: Sequence[int], *, beam: int
) -> tuple[list[int], Verdict]:
    """The very pieces that decoding chose, since their text might be cut into others; and its verdict."""
    frame = translator.tokenizer.frame
    bare = source_ids[len(frame.before) : len(source_ids) - len(frame.after)]
    best = translator.search([bare], beam=beam)[0][0]
    verdict = translator.judge(trim(text)[1], best, source_tokens=len(bare))
    return frame.target(best.ids, finished=best.finished), verdict


def _sequence(model: DecoderOnly, tokenizer: Tokenizer, *, given: list[int], written: list[int]) -> Exhibit:
    """A decoder-only model over one sequence, of which some tokens were given and the others written.

    For such a model a source is no more than what stands before the start symbol.
    """
    ids = torch.tensor([[*given, *written]])
    seen = see(model, ids[:, :0], ids)
    start, end = tokenizer.pieces([model.start_id, model.end_id])
    return Exhibit(
        source=(),
        target=tuple(tokenizer.pieces([*given, *written])),
        decoder=_layers(seen.decoder),
        steps=_steps(model, seen.hidden[0, len(given) - 1 : -1], tokenizer),
        prompt_length=len(given),
        start=start,
        end=end,
    )


def _layers(heard: Sequence[Tensor]) -> Tensor | None:
    """What was heard of each layer, 1 x [H,T,S], as one [L,H,T,S]; None where there is no such attention."""
    return torch.cat(list(heard)) if heard else None


@torch.inference_mode()
def _steps(model: Model, hidden: Tensor, tokenizer: Tokenizer) -> tuple[Step, ...]:
    """The candidates of each step, from the decoder's vectors [T,D]."""
    logits = model.output(hidden).float()  # [T,V]
    logits[:, list(model.forbidden_ids)] = -torch.inf
    log_probabilities = logits.log_softmax(-1)
    entropies = torch.special.entr(log_probabilities.exp()).sum(-1)  # [T]
    best = log_probabilities.topk(min(CANDIDATES, model.vocabulary - len(model.forbidden_ids)))
    return tuple(
        Step(tuple(map(Candidate, ids, tokenizer.pieces(ids), own)), entropy)
        for ids, own, entropy in zip(
            best.indices.tolist(), best.values.tolist(), entropies.tolist(), strict=True
        )
    )
