"""Tables of names: which tensor of a foreign checkpoint holds which parameters of ours, and in what shape.

Knows no family. A table is one-to-one and complete: whatever is left over on either side is an error that
lists it. Quirks of storage end here; no model hears of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from trasluz.errors import TrasluzError

Suffixes = Sequence[str]
WEIGHT: Suffixes = (".weight",)
BOTH: Suffixes = (".weight", ".bias")
FLOATS = {
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
    torch.float32: "float32",
    torch.float64: "float64",
}
"""The numbers that weights are; others, such as int8, mean something only with what made them."""


@dataclass(frozen=True, slots=True)
class Shaping:
    """How a tensor of theirs is taken apart into ours, and put together again from them."""

    apart: Callable[[Tensor], Sequence[Tensor]]
    together: Callable[[Sequence[Tensor]], Tensor]


AS_IT_IS = Shaping(lambda whole: [whole], lambda parts: parts[0])
TRANSPOSED = Shaping(lambda whole: [whole.mT], lambda parts: parts[0].mT)
ONE_ROW = Shaping(lambda whole: [whole.squeeze(0)], lambda parts: parts[0][None])
"""A vector that is stored as a matrix of one row."""
THIRDS = Shaping(
    lambda whole: whole.mT.chunk(3) if whole.dim() == 2 else whole.chunk(3),
    lambda parts: torch.cat(list(parts)).mT if parts[0].dim() == 2 else torch.cat(list(parts)),
)
"""Query, key and value side by side, matrices transposed."""


def behind_rows(count: int) -> Shaping:
    """A table whose first `count` rows are never looked up; they come back as zeros."""
    return Shaping(
        lambda whole: [whole[count:]],
        lambda parts: torch.cat([parts[0].new_zeros(count, parts[0].shape[1]), parts[0]]),
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """A tensor of theirs, and the parameters of ours that it holds."""

    theirs: str
    ours: tuple[str, ...]
    shaping: Shaping = AS_IT_IS


@dataclass(frozen=True, slots=True)
class Table:
    """All tensors of a checkpoint.

    `copies` are those that may be there though they repeat another: name, and the name of the other.
    `derived` are patterns of names of what is no parameter, such as a table of sines. `prefix` is what all
    names begin with ; a checkpoint of the bare model leaves it out.
    """

    entries: Sequence[Entry]
    copies: Mapping[str, str] = field(default_factory=dict)
    derived: Sequence[str] = ()
    prefix: str = ""

    def prefixed(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The tensors under the names that the table knows."""
        if not self.prefix or any(name.startswith(self.prefix) for name in tensors):
            return tensors
        return {f"{self.prefix}{name}": tensor for name, tensor in tensors.items()}


def expand(names: Mapping[str, str], suffixes: Suffixes = BOTH, *, count: int = 1) -> list[Entry]:
    """An entry for each line theirs -> ours, each suffix, and each of `count` layers where a name has {i}."""
    return [
        Entry(theirs.format(i=i) + suffix, (ours.format(i=i) + suffix,))
        for i in range(count)
        for theirs, ours in names.items()
        for suffix in suffixes
    ]


def check(tensors: Mapping[str, Tensor], table: Table, model: nn.Module, *, where: Path) -> None:
    """Raise `TrasluzError` that lists every tensor of a checkpoint that does not fit a model.

    It is missing, left over, of another shape, of numbers that are no weights, or not the copy that it
    should be. The model need not have weights yet.
    """
    parameters = dict(model.named_parameters())
    problems = [f"lacks {entry.theirs}" for entry in table.entries if entry.theirs not in tensors]
    known = {entry.theirs for entry in table.entries}
    derived = [re.compile(pattern) for pattern in table.derived]
    for name in tensors.keys() - known:
        other = table.copies.get(name)
        if other is None and not any(pattern.fullmatch(name) for pattern in derived):
            problems.append(f"has {name}, which no part of the model takes")
        elif other is not None and other in tensors and not torch.equal(tensors[name], tensors[other]):
            problems.append(f"has {name}, which should be a copy of {other} but differs from it")
    for entry in table.entries:
        if entry.theirs in tensors:
            problems += _misfits(entry, tensors[entry.theirs], parameters)
    if problems:
        raise TrasluzError(f"{where} does not fit its config.json: it {'; it '.join(sorted(problems))}")
    unfilled = parameters.keys() - {name for entry in table.entries for name in entry.ours}
    assert not unfilled, f"the table of names leaves out {sorted(unfilled)}"


def to_ours(tensors: Mapping[str, Tensor], table: Table, model: nn.Module, *, where: Path) -> None:
    """Copy the tensors of a checkpoint into a model.

    Raises `TrasluzError` as `check` does.
    """
    check(tensors, table, model, where=where)
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for entry in table.entries:
            for name, part in zip(entry.ours, entry.shaping.apart(tensors[entry.theirs]), strict=True):
                parameters[name].copy_(part)


def to_theirs(model: nn.Module, table: Table) -> dict[str, Tensor]:
    """The tensors of a checkpoint from a model: what `to_ours` read, without copies."""
    parameters = {name: own.detach().cpu() for name, own in model.named_parameters()}
    return {
        entry.theirs: entry.shaping.together([parameters[name] for name in entry.ours]).contiguous()
        for entry in table.entries
    }


def _misfits(entry: Entry, given: Tensor, parameters: Mapping[str, Tensor]) -> Iterator[str]:
    """What is wrong with a tensor: its shape, or the kind of its numbers."""
    own = [torch.empty_like(parameters[name], device="meta") for name in entry.ours]
    expected = list(entry.shaping.together(own).shape)
    if list(given.shape) != expected:
        yield f"has {entry.theirs} of shape {list(given.shape)} where {expected} is expected"
    if given.dtype not in FLOATS:
        kinds = ", ".join(FLOATS.values())
        yield f"has {entry.theirs} as {str(given.dtype).removeprefix('torch.')}, where Trasluz reads {kinds}"
