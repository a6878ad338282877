"""The tables of the tour, as Markdown, each made of the facts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from tour.facts import Facts

HIDDEN = 3
"""So many numbers of a key and of a value stand in the table of a head."""


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]], *, align: str) -> str:
    """A table of GitHub's; `align` has a letter for each column, l or r."""
    marks = {"l": "---", "r": "---:"}
    lines = [heads, [marks[one] for one in align], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float, spec: str = ".2f") -> str:
    """A number as it is written in the tour: a real minus, and no minus before a zero."""
    text = format(value, spec)
    if not text.strip("-0.,%"):
        text = text.lstrip("-")
    return text.replace("-", "−") if text.startswith("-") else text


def piece(text: str) -> str:
    """A piece as code, safe in a table."""
    return f"`{text.replace('|', chr(92) + '|').replace('`', chr(39))}`"


def _some(values: Sequence[float], count: int) -> str:
    """The first numbers of a vector."""
    dots = ", ..." if count < len(values) else ""
    return ", ".join(number(value) for value in values[:count]) + dots


def cosine(facts: Facts) -> str:
    """The vectors of the example, their scores and percentages."""
    own = facts["similarity"]
    columns = ("names", "keys", "lengths", "dot", "dot_weights", "cosine", "cosine_weights")
    rows = [
        [
            f"{'ABCDE'[at]}: {name}",
            f"({key[0]:g}, {key[1]:g})".replace("-", "−"),
            number(length),
            number(dot),
            number(percent, ".1%"),
            number(angle),
            number(bare, ".1%"),
        ]
        for at, (name, key, length, dot, percent, angle, bare) in enumerate(
            zip(*(own[column] for column in columns), strict=True)
        )
    ]
    heads = ("key", "vector", "length", "dot product", "softmax", "cosine", "softmax")
    return markdown(heads, rows, align="llrrrrr")


def reach(facts: Facts) -> str:
    """The largest weight that a cosine can give."""
    own = facts["similarity"]
    rows = [
        [str(count), number(bare, ".1%"), number(tempered, ".1%")]
        for count, bare, tempered in zip(own["crowds"], own["bare"], own["tempered"], strict=True)
    ]
    return markdown(("keys", "bare cosine", f"cosine × {own['temperature']:g}"), rows, align="rrr")


def width(facts: Facts) -> str:
    """What width does, scaled or not."""
    own = facts["width"]
    rows = [
        [str(size), number(math.sqrt(size), ".1f")]
        + [number(own[kind]["spread"][at], ".2f") for kind in ("dot", "scaled-dot")]
        + [number(own[kind]["largest"][at], ".0%") for kind in ("dot", "scaled-dot")]
        + [_small(own[kind]["passes"][at]) for kind in ("dot", "scaled-dot")]
        for at, size in enumerate(own["widths"])
        if at % 2
    ]
    heads = (
        "width",
        "its root",
        "spread, dot",
        "scaled",
        "largest weight, dot",
        "scaled",
        "gradient that passes, dot",
        "scaled",
    )
    return markdown(heads, rows, align="rrrrrrrr")


def _small(share: float) -> str:
    """A share with four decimals, or that it is less than they can show."""
    return "< 0.0001" if share < 0.0001 else number(share, ".4f")


def groups(facts: Facts) -> str:
    """What grouped heads cost."""
    own = facts["sight"]
    rows = [
        [str(own["heads"]), str(one["kv_heads"]), f"{one['learns']:,}", f"{one['kept']:,}"]
        for one in own["groups"]
    ]
    heads = ("query heads", "key/value heads", "numbers learnt", "numbers kept for each token")
    return markdown(heads, rows, align="rrrr")


def families(facts: Facts) -> str:
    """What each family chooses."""
    rows = [[name, *own.values()] for name, own in facts["sight"]["families"].items()]
    heads = ("family", "stacks", "norm", "position", "score", "feed-forward", "biases", "output")
    return markdown(heads, rows, align="llllllll")


def neighbours(facts: Facts) -> str:
    """The nearest words before training and after."""
    own = facts["words"]

    def listed(found: Sequence[tuple[str, float]]) -> str:
        return ", ".join(f"{word} {number(cosine)}" for word, cosine in found)

    rows = [
        [word, listed(before), listed(after)]
        for word, before, after in zip(own["asked"], own["before"], own["after"], strict=True)
    ]
    return markdown(("word", "nearest before training", "nearest after"), rows, align="lll")


def near(facts: Facts) -> str:
    """How near words are to one another, before training and after."""
    rows = [[kind, *map(number, both)] for kind, both in facts["words"]["near"].items()]
    return markdown(("two words of", "before training", "after"), rows, align="lrr")


def pieces(facts: Facts) -> str:
    """The pieces of the sentence and their ids."""
    own = facts["walk"]
    rows = [
        ["piece", *map(piece, own["source"])],
        ["id", *map(str, own["source_ids"])],
    ]
    places = [str(at) for at in range(len(own["source"]))]
    return markdown(("position", *places), rows, align="l" + "r" * len(places))


def vector(facts: Facts) -> str:
    """How one piece becomes the vector that goes into the encoder."""
    own = facts["walk"]["embedding"]
    rows = [
        [f"row {own['id']} of the table", *map(number, own["row"])],
        [f"times {number(own['scale'])}", *map(number, own["scaled"])],
        [f"the code of position {own['place']}", *map(number, own["code"])],
        ["their sum", *map(number, own["sum"])],
    ]
    shown = len(own["row"])
    return markdown(("", *(f"number {at}" for at in range(shown))), rows, align="l" + "r" * shown)


def head(facts: Facts) -> str:
    """Keys, scores, percentages and values of one head at one step."""
    own = facts["walk"]["head"]
    columns = ("keys", "dots", "scores", "weights", "values")
    rows = [
        [
            piece(name),
            _some(key, HIDDEN),
            number(dot),
            number(score),
            number(weight, ".1%"),
            _some(value, HIDDEN),
        ]
        for name, key, dot, score, weight, value in zip(
            facts["walk"]["source"], *(own[column] for column in columns), strict=True
        )
    ]
    heads = ("source piece", "its key", "q·k", f"÷ √{own['width']}", "softmax", "its value")
    return markdown(heads, rows, align="llrrrl")


def steps(facts: Facts) -> str:
    """The best candidates of each step."""
    found = facts["walk"]["steps"]

    def told(step: Facts, at: int) -> str:
        name, chance, logit = (step[key][at] for key in ("candidates", "probabilities", "logits"))
        return f"{piece(name)} {number(chance, '.1%')} ({number(logit, '.1f')})"

    rows = [
        [str(at), piece(step["given"]), *(told(step, rank) for rank in range(len(step["candidates"])))]
        for at, step in enumerate(found, start=1)
    ]
    ranks = ("first", "second", "third", "fourth")[: len(found[0]["candidates"])]
    return markdown(("step", "given", *ranks), rows, align="rl" + "l" * len(ranks))


def beam(facts: Facts) -> str:
    """What the beam holds behind each step."""
    own = facts["walk"]["beam"]
    rows = [
        [str(at), *(f"{one['text']} ({number(one['logprob'])})" for one in running)]
        for at, running in enumerate(own["rounds"], start=1)
    ]
    ranks = ("first", "second", "third", "fourth", "fifth")[: own["size"]]
    return markdown(("step", *ranks), rows, align="r" + "l" * len(ranks))


def ended(facts: Facts) -> str:
    """The hypotheses that ended, best first."""
    rows = [
        [one["text"], str(one["length"]), number(one["logprob"]), number(one["score"], ".3f")]
        for one in facts["walk"]["beam"]["ended"]
    ]
    heads = ("ended hypothesis", "tokens", "log-probability", "divided by tokens")
    return markdown(heads, rows, align="lrrr")


TABLES: dict[str, Callable[[Facts], str]] = {
    "cosine": cosine,
    "reach": reach,
    "width": width,
    "groups": groups,
    "families": families,
    "neighbours": neighbours,
    "pieces": pieces,
    "vector": vector,
    "head": head,
    "steps": steps,
    "beam": beam,
    "ended": ended,
    "near": near,
}
