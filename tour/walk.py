"""One sentence followed through a trained model: characters, pieces, vectors, weights, translation.

Every number is taken from the model as it works; what is computed again here is checked against it. Letters:
T target pieces, S source pieces, D model, H heads, K head width.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn

from tour.facts import Facts
from tour.search import follow
from trasluz.attention.mask import positions
from trasluz.attention.multihead import MultiHead
from trasluz.attention.position import Sinusoidal
from trasluz.decoding.rules import Rules
from trasluz.decoding.translator import Translator
from trasluz.insight.record import listening
from trasluz.layers.stack import CrossAttention
from trasluz.models.transformer import Transformer

SENTENCE = "The girl does not read the old letters."
COMBINATION = ("girl", "read", "letter")
"""What the bundled corpus calls its combination: subject, verb, object."""
SHOWN = 6
"""So many numbers of a long vector are shown."""
CANDIDATES, BEAM = 4, 3
UNDECIDED = 0.6
"""A head whose largest share is about this shows more of the arithmetic than one that has decided."""
CLOSE = 1e-4
"""How far what is computed again may be from what the model used."""


def facts(translator: Translator) -> Facts:
    """All that happens between the sentence and its translation."""
    model, tokenizer = cast(Transformer, translator.model), translator.tokenizer
    source_ids = [*tokenizer.encode(SENTENCE), tokenizer.end_id]
    best = translator.search([source_ids[:-1]], beam=BEAM)[0][0]
    assert best.finished
    target_ids = [*best.ids, tokenizer.end_id]
    source, target = torch.tensor([source_ids]), torch.tensor([target_ids])
    pieces, written = tokenizer.pieces(source_ids), tokenizer.pieces(target_ids)
    with torch.inference_mode():
        cross = weights(model, source, target)
        own = head(model, source, target, cross=cross[-1])
        given = tokenizer.pieces(model.teacher_forced(target)[0].tolist())
        return {
            "sentence": SENTENCE,
            "characters": len(SENTENCE),
            "translation": translator.translate(SENTENCE, beam=BEAM).text,
            "source_ids": source_ids,
            "source": pieces,
            "target_ids": target_ids,
            "target": written,
            "start": tokenizer.pieces([tokenizer.start_id])[0],
            "embedding": embedding(model, source, pieces=pieces),
            "cross": cross,
            "head": {
                **own,
                "given": given[own["step"] - 1],
                "written": written[own["step"] - 1],
                "most": pieces[own["most"]],
            },
            "steps": steps(model, source, target, translator=translator),
            "beam": follow(translator, source, size=BEAM, steps=len(target_ids)),
        }


def weights(model: Transformer, source: Tensor, target: Tensor) -> Tensor:
    """What each head of each layer of the decoder looked at in the source, [L,H,T,S]."""
    with listening(model.attentions().cross) as cross:
        model(source, model.teacher_forced(target))
    return torch.cat(cross)


def embedding(model: Transformer, source: Tensor, *, pieces: list[str]) -> Facts:
    """How the first piece that is a whole content word becomes a vector: its row, the scale, the position."""
    place = 1
    part, at = model.source_embedding, positions(source)
    row = part.table.weight[source[0, place]]
    position = part.position
    assert isinstance(position, Sinusoidal)
    code = position.table(at)[0, place]
    whole = part(source, at)[0, place]
    _same(row * part.scale + code, whole)
    return {
        "place": place,
        "piece": pieces[place],
        "id": int(source[0, place]),
        "width": len(row),
        "scale": part.scale,
        "row": row[:SHOWN],
        "scaled": (row * part.scale)[:SHOWN],
        "code": code[:SHOWN],
        "sum": whole[:SHOWN],
    }


def head(model: Transformer, source: Tensor, target: Tensor, *, cross: Tensor) -> Facts:
    """One head of the last layer at one step: the one whose largest share is nearest to `UNDECIDED`."""
    crossing = model.decoder.blocks[-1].cross_attention
    assert isinstance(crossing, CrossAttention)
    multihead = crossing.multihead
    largest, most = cross[:, :-1].max(-1)  # [H,T-1]: without the step that writes the end symbol
    distance = (largest - UNDECIDED).abs().masked_fill(most == cross.shape[-1] - 1, 1.0)
    number, step = (int(one) for one in torch.unravel_index(distance.argmin(), distance.shape))
    parts = {"query": multihead.query, "key": multihead.key, "value": multihead.value}
    with overhearing(parts) as heard:
        model(source, model.teacher_forced(target))
    query = _head_of(heard["query"], multihead, number)[step]  # [K]
    keys, values = (_head_of(heard[name], multihead, number) for name in ("key", "value"))  # [S,K]
    dots = keys @ query
    scores = dots / multihead.head_width**0.5
    percent = scores.softmax(-1)
    _same(percent, cross[number, step])
    return {
        "undecided": UNDECIDED,
        "head": number + 1,
        "heads": multihead.heads,
        "width": multihead.head_width,
        "step": step + 1,
        "most": int(percent.argmax()),
        "query": query,
        "keys": keys,
        "values": values,
        "dots": dots,
        "scores": scores,
        "weights": percent,
        "context": percent @ values,
    }


def steps(model: Transformer, source: Tensor, target: Tensor, *, translator: Translator) -> list[Facts]:
    """The best candidates of each step, while the translation is written."""
    rules = Rules.of(model, source, length_penalty=1.0, caps=None)
    given = model.teacher_forced(target)
    logits: Tensor = model.output(model(source, given))[0]  # [T,V]
    logprobs = rules.log_probabilities(logits)
    found = []
    for step, (own, own_logits) in enumerate(zip(logprobs, logits, strict=True)):
        best = own.topk(CANDIDATES)
        found.append(
            {
                "given": translator.tokenizer.pieces([int(given[0, step])])[0],
                "candidates": translator.tokenizer.pieces(best.indices.tolist()),
                "logits": own_logits[best.indices],
                "probabilities": best.values.exp(),
                "written": translator.tokenizer.pieces([int(target[0, step])])[0],
            }
        )
    return found


@contextmanager
def overhearing(parts: Mapping[str, nn.Module]) -> Iterator[dict[str, Tensor]]:
    """While this lasts, keep what each of the named parts last gave."""
    heard: dict[str, Tensor] = {}

    def keeper(name: str) -> Any:
        return lambda _module, _inputs, output: heard.__setitem__(name, output.detach())

    handles = [part.register_forward_hook(keeper(name)) for name, part in parts.items()]
    try:
        yield heard
    finally:
        for handle in handles:
            handle.remove()


def _head_of(projected: Tensor, multihead: MultiHead, number: int) -> Tensor:
    """The numbers of one head; [1,T,HK] -> [T,K]."""
    heads = projected[0].view(len(projected[0]), -1, multihead.head_width)  # [T,H,K]
    return heads[:, number]


def _same(again: Tensor, used: Tensor) -> None:
    """Make sure that what is shown is what the model used."""
    torch.testing.assert_close(again, used, atol=CLOSE, rtol=CLOSE)
