"""The chapter of the embedding: which pieces have come to lie side by side, and a map of some of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor
from torch.nn import functional

from tour import look
from tour.facts import Facts
from tour.lesson import FOLLOWED, SEED, Lesson, configuration
from trasluz.models.build import build_model
from trasluz.models.transformer import Transformer
from trasluz.text.sentencepieces import SPACE_MARK
from trasluz.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GROUPS = {
    "people": ("girl boy woman man", "niña niño mujer hombre"),
    "things": ("letter book house table", "carta libro casa mesa"),
    "qualities": ("old new big small", "viejo nuevo grande pequeño"),
    "times": ("today tomorrow yesterday now", "hoy mañana ayer ahora"),
    "doing": ("read write eat see", "leer escribir comer ver"),
}
"""Words to put on the map, English and Spanish; those that are no single piece are left out."""
MARKERS = ("o", "s")
ASKED = ("girl", "old", "book", "yesterday", "niña", "casa")
NEAREST = 4
SHORTEST = 3
"""A neighbour is a whole word of so many letters at least."""
KINDS = {
    (True, True): "one group, one language",
    (True, False): "one group, two languages",
    (False, True): "two groups, one language",
    (False, False): "two groups, two languages",
}


def facts(lesson: Lesson) -> Facts:
    """Neighbours before and after training, how near the groups are, and places on a map."""
    translator = lesson.translator()
    trained = cast(Transformer, translator.model).source_embedding.table.weight.detach()
    torch.manual_seed(SEED)
    fresh = build_model(configuration(lesson.folder / FOLLOWED)).source_embedding.table.weight.detach()
    whole = whole_words(translator.tokenizer)
    asked = [word for word in ASKED if word in whole]
    placed = [
        [word, group, language]
        for group, sides in GROUPS.items()
        for language, words in enumerate(sides)
        for word in words.split()
        if word in whole
    ]
    rows = [whole[str(word)] for word, _, _ in placed]
    return {
        "asked": asked,
        "before": [neighbours(fresh, whole, word) for word in asked],
        "after": [neighbours(trained, whole, word) for word in asked],
        "placed": placed,
        "placed_count": len(placed),
        "near": {
            name: [nearness(table[rows], placed)[kind] for table in (fresh, trained)]
            for kind, name in KINDS.items()
        },
        "map": project(trained[rows]),
    }


def nearness(vectors: Tensor, placed: Sequence[Sequence[object]]) -> dict[tuple[bool, bool], float]:
    """The mean cosine of two of the words, by whether they are of one group and of one language."""
    unit = functional.normalize(vectors, dim=-1)
    cosines = unit @ unit.T
    found: dict[tuple[bool, bool], list[float]] = {kind: [] for kind in KINDS}
    for first, (_, group, language) in enumerate(placed):
        for second, (_, other_group, other_language) in enumerate(placed[:first]):
            found[group == other_group, language == other_language].append(float(cosines[first, second]))
    return {kind: sum(own) / len(own) for kind, own in found.items()}


def whole_words(tokenizer: Tokenizer) -> dict[str, int]:
    """The pieces that are a word of some letters by themselves, and their ids."""
    pieces = enumerate(tokenizer.pieces(range(len(tokenizer))))
    words = ((piece.removeprefix(SPACE_MARK), at) for at, piece in pieces if piece.startswith(SPACE_MARK))
    return {word: at for word, at in words if word.isalpha() and len(word) >= SHORTEST}


def neighbours(table: Tensor, whole: dict[str, int], word: str) -> list[list[str | float]]:
    """The nearest other words and their cosines, the nearest first."""
    unit = functional.normalize(table, dim=-1)
    cosines = unit[list(whole.values())] @ unit[whole[word]]
    names = list(whole)
    order = [at for at in cosines.argsort(descending=True).tolist() if names[at] != word]
    return [[names[at], float(cosines[at])] for at in order[:NEAREST]]


def project(vectors: Tensor) -> Tensor:
    """The two directions along which unit vectors differ most (principal components); [N,D] -> [N,2]."""
    unit = functional.normalize(vectors, dim=-1)
    centred = (unit - unit.mean(0)).double()
    left, size, right = torch.linalg.svd(centred, full_matrices=False)
    largest = right[:2].gather(1, right[:2].abs().argmax(1, keepdim=True))  # [2,1]
    # a direction has no sign of its own: its largest number is made positive
    projected: Tensor = left[:, :2] * size[:2] * largest.sign()[:, 0]
    return projected


def draw_map(facts: Facts) -> Figure:
    """The map: a colour for each group, a marker for each language."""
    own = facts["words"]
    figure, (axes,) = look.panels(1, width=8.6, height=5.4)
    colour_of = dict(zip(GROUPS, look.COLOURS, strict=False))
    for (word, group, language), (x, y) in zip(own["placed"], own["map"], strict=True):
        axes.plot(x, y, MARKERS[language], color=colour_of[group], markersize=4.5)
        axes.annotate(
            word, (x, y), xytext=(5, 3), textcoords="offset points", color=colour_of[group], fontsize=9
        )
    for group, colour in colour_of.items():
        axes.plot([], [], color=colour, linewidth=5, label=group)
    for marker, language in zip(MARKERS, ("English", "Spanish"), strict=True):
        axes.plot([], [], marker, color=look.FAINT, label=language)
    axes.set(xticks=[], yticks=[], xlabel="first direction", ylabel="second direction")
    axes.margins(x=0.1)
    axes.legend(loc="best")
    return figure
