"""What a word of the bundled grammar is: its two languages, and which other words it goes with.

Knows no particular word, and no inflection. Each noun and adjective is there once, and equals only itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True, eq=False)
class Noun:
    """A noun: the dictionary form of both languages, its Spanish gender, and what kinds of thing it names.

    `number` is `both`, `one` (only singular, though counted), `mass` (not counted), `many` (only plural, and
    given so) or `name` (English gives it no article). `at` is the English preposition of being there ("at the
    market"; Spanish has `en` for all).
    `stressed_a` marks a feminine noun that takes `el` and `un` directly before it: el agua, las aguas.
    """

    english: str
    spanish: str
    gender: str
    kinds: str
    number: str = "both"
    at: str = ""
    stressed_a: bool = False

    def among(self, kinds: str) -> bool:
        """Whether it, or one of its kinds, is named in `kinds`, a list with spaces between."""
        return _is_among(self, kinds)


@dataclass(frozen=True, slots=True, eq=False)
class Adjective:
    """An adjective: what it is said of, whether with `ser` or `estar` as a predicate, and where it stands.

    `copula` is empty where it is only used beside its noun ("first"), `beside` False where it is only a
    predicate ("alone"). `before` marks those that Spanish puts before the noun; the others follow it.
    """

    english: str
    spanish: str
    kinds: str
    copula: str = "ser"
    beside: bool = True
    before: bool = False


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb with its objects, places and tenses; "look for" is inflected in its first word.

    `objects` are kinds of nouns or nouns, `places` likewise where it is done. `forms` are letters for the
    forms that make sense: p present, t past, f future, g progressive, m with "can", "want to", "have to" and
    "going to". A `state` has the Spanish imperfect for its past. `determiners` of its objects: `all`, `some`
    (no bare noun) or `definite`. `preposition` stands before the Spanish object, `reflexive` verbs have se.
    """

    english: str
    spanish: str
    objects: str = ""
    forms: str = "ptfgm"
    places: str = ""
    state: bool = False
    determiners: str = "all"
    preposition: str = ""
    reflexive: bool = False


@cache
def _is_among(noun: Noun, kinds: str) -> bool:
    named = kinds.split()
    return noun.english in named or any(kind in named for kind in noun.kinds.split())
