"""What the small JSON files beside a tokeniser say of it: which names are symbols, and what was added.

Knows no family, and no tokeniser.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trasluz.errors import TrasluzError
from trasluz.models.families.family import Files

ROLES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
LISTS = ("additional_special_tokens", "extra_special_tokens")
CONFIG, MAP, ADDED = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"


@dataclass(frozen=True, slots=True)
class Hints:
    """What tokenizer_config.json, special_tokens_map.json and added_tokens.json say.

    `config` is the first of them; `roles` are the names of symbols by what they are for; `listed` are further
    symbols, in their order; `added` are the ids of entries that stand beside the vocabulary, and `plain`
    those of them that are text.
    """

    where: Path
    config: Mapping[str, Any]
    roles: Mapping[str, str]
    listed: tuple[str, ...]
    added: Mapping[str, int]
    plain: frozenset[str]

    @classmethod
    def read(cls, files: Files) -> Hints:
        """From the files of a checkpoint; any of them may be missing.

        Raises `TrasluzError` where one is damaged.
        """
        config, other = files.settings(CONFIG), files.settings(MAP)
        roles = {role: name for said in (other, config) for role in ROLES if (name := _name(said.get(role)))}
        listed = [name for said in (config, other) for key in LISTS for name in _names(said.get(key))]
        decoder = dict(_decoder(config.get("added_tokens_decoder") or {}, where=files.directory / CONFIG))
        added = dict(_numbers(files.settings(ADDED), where=files.directory / ADDED))
        added |= {name: number for name, (number, _) in decoder.items()}
        special = {*roles.values(), *listed, *(name for name, (_, symbol) in decoder.items() if symbol)}
        return cls(
            where=files.directory,
            config=config,
            roles=roles,
            listed=tuple(dict.fromkeys(listed)),
            added=dict(sorted(added.items(), key=lambda one: one[1])),
            plain=frozenset(added) - special,
        )

    @property
    def symbols(self) -> frozenset[str]:
        """Every name that is no text."""
        return frozenset({*self.roles.values(), *self.listed, *(self.added.keys() - self.plain)})

    def flag(self, key: str) -> bool | None:
        """What tokenizer_config.json says to a question, if anything."""
        said = self.config.get(key)
        return said if isinstance(said, bool) else None

    def word(self, key: str) -> str | None:
        """A word in tokenizer_config.json, if it is there."""
        said = self.config.get(key)
        return said if isinstance(said, str) and said else None

    def count(self, key: str, default: int) -> int:
        """A number in tokenizer_config.json."""
        said = self.config.get(key, default)
        if isinstance(said, bool) or not isinstance(said, int) or said < 0:
            raise TrasluzError(f"{self.where / CONFIG}: {key} is {said!r}, but should be a whole number")
        return said


def vocabulary_in(files: Files, name: str) -> dict[str, int]:
    """The ids of pieces in a vocab.json.

    Raises `TrasluzError` where it is missing or damaged.
    """
    files.data(name)
    return dict(_numbers(files.settings(name), where=files.directory / name))


def _name(said: object) -> str | None:
    """The name of a token, which may be written with its settings."""
    name = said.get("content") if isinstance(said, Mapping) else said
    return name if isinstance(name, str) and name else None


def _names(said: object) -> list[str]:
    """The names of several tokens; some files give each a role as well."""
    several = list(said.values()) if isinstance(said, Mapping) else said
    return [name for one in several if (name := _name(one))] if isinstance(several, list) else []


def _decoder(said: Mapping[str, Any], *, where: Path) -> Iterator[tuple[str, tuple[int, bool]]]:
    """The entries of an added_tokens_decoder: name, id, and whether it is a symbol."""
    try:
        for number, one in said.items():
            yield one["content"], (int(number), bool(one.get("special")))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise TrasluzError(
            f"{where} is damaged: added_tokens_decoder should hold tokens by their ids"
        ) from None


def _numbers(said: Mapping[str, Any], *, where: Path) -> Iterator[tuple[str, int]]:
    """The entries of a file of names and ids."""
    for name, number in said.items():
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise TrasluzError(f"{where} is damaged: the id of {name!r} is {number!r}")
        yield name, number
