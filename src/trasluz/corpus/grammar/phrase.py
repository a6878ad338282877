"""Noun phrases in both languages at once: determiner, adjective, noun, and what must agree.

Knows no verbs, and leaves every choice to its caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from trasluz.corpus.grammar import english, spanish
from trasluz.corpus.grammar.word import Adjective, Noun

IT, THEY = 2, 4
"""The persons of nouns, as in `spanish`: third, singular and plural."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase or pronoun. `spanish` is empty for pronouns that Spanish leaves out.

    `head` is the English word that combinations are made of. `gender` is empty where English does not tell it
    (I, you, we). `human` phrases, no pronouns, have the personal a as objects. `bare` ones have no
    determiner in Spanish.
    """

    english: str
    spanish: str
    person: int
    gender: str
    head: str
    human: bool = False
    bare: bool = False

    @property
    def many(self) -> bool:
        """Whether it is plural."""
        return self.person > IT

    @property
    def pronoun(self) -> str:
        """The English subject pronoun for it, when it is a person."""
        return ("I", "you", "she" if self.gender == "f" else "he", "we", "they")[self.person]

    @property
    def object_pronoun(self) -> str:
        """The English object pronoun for it, when it is a thing."""
        return "them" if self.many else "it"

    @property
    def clitic(self) -> str:
        """The Spanish object pronoun for it: lo, la, los, las."""
        return ("la" if self.gender == "f" else "lo") + ("s" if self.many else "")


I, YOU, HE, SHE, WE, THEY_ALL = (  # noqa: E741 (I is the word)
    Phrase("I", "", 0, "", "I"),
    Phrase("you", "", 1, "", "you"),
    Phrase("he", "él", 2, "m", "he"),
    Phrase("she", "ella", 2, "f", "she"),
    Phrase("we", "", 3, "", "we"),
    Phrase("they", "ellos", 4, "m", "they"),
)
PRONOUNS = (I, YOU, HE, SHE, WE, THEY_ALL)
"""As subjects that stand alone. "You" is tú; "they" is ellos, since English does not tell more."""

OBJECT_PRONOUNS = (
    ("me", "me", (0, 3)),
    ("you", "te", (1,)),
    ("him", "lo", ()),
    ("her", "la", ()),
    ("us", "nos", (0, 3)),
    ("them", "los", ()),
)
"""Of people: English, Spanish, and the persons that they do not go with as subjects."""

ARTICLES = {"m": ("el", "los"), "f": ("la", "las")}
NUMBERS = {
    "two": "dos",
    "three": "tres",
    "four": "cuatro",
    "five": "cinco",
    "six": "seis",
    "seven": "siete",
    "eight": "ocho",
    "nine": "nueve",
    "ten": "diez",
    "eleven": "once",
    "twelve": "doce",
    "fifteen": "quince",
    "twenty": "veinte",
    "twenty-one": "veintiún",
    "thirty": "treinta",
    "thirty-one": "treinta y un",
    "forty": "cuarenta",
    "sixty": "sesenta",
    "seventy": "setenta",
    "eighty": "ochenta",
}
"""Before a masculine noun: un, veintiún."""
OWNED = {"my": "mi", "your": "tu", "his": "su", "her": "su", "our": "nuestro", "their": "su"}
POINTED_AT = {
    "this": {"m": "este", "f": "esta"},
    "these": {"m": "estos", "f": "estas"},
    "that": {"m": "ese", "f": "esa"},
    "those": {"m": "esos", "f": "esas"},
}
SOME = {"some": {"m": "unos", "f": "unas"}, "many": {"m": "muchos", "f": "muchas"}}


def determiner_of(english_word: str, *, gender: str, many: bool, stressed_a: bool = False) -> str:
    """The Spanish for "the", "a", a possessive, a demonstrative, a number, or nothing for nothing.

    `stressed_a`: the feminine noun that follows at once begins with a stressed a.
    """
    if english_word == "the":
        return "el" if stressed_a and not many else ARTICLES[gender][many]
    if english_word == "a":
        return "una" if gender == "f" and not stressed_a else "un"
    if english_word in OWNED:
        return spanish.agree(OWNED[english_word], gender=gender, many=many)
    if english_word in POINTED_AT:
        return POINTED_AT[english_word][gender]
    if english_word in SOME:
        return SOME[english_word][gender]
    return NUMBERS[english_word] if english_word else ""


@cache
def noun_phrase(
    noun: Noun,
    *,
    determiner: str = "the",
    many: bool = False,
    adjective: Adjective | None = None,
    owner: Phrase | None = None,
) -> Phrase:
    """The noun with its determiner: an English one, "" for none, or "generic": an article in Spanish only.

    With `owner` it is the owner's: "Ana's book", el libro de Ana.
    """
    many = many or noun.number == "many"
    gender = noun.gender
    english_noun = english.plural(noun.english) if many and noun.number != "many" else noun.english
    words = f"{adjective.english} {english_noun}" if adjective else english_noun
    spanish_noun = spanish.plural(noun.spanish) if many and noun.number != "many" else noun.spanish
    before = after = ""
    if adjective and adjective.before:
        before = spanish.agree_before(adjective.spanish, gender=gender, many=many)
    elif adjective:
        after = spanish.agree(adjective.spanish, gender=gender, many=many)
    article = "the" if owner or determiner == "generic" else determiner
    stressed_a = noun.stressed_a and not before
    first = determiner_of(article, gender=gender, many=many, stressed_a=stressed_a)
    if owner:
        words = f"{english.possessive(owner.english)} {words}"
    elif determiner == "a":
        words = english.a(words)
    elif determiner not in ("", "generic"):
        words = f"{determiner} {words}"
    of_owner = f"de {owner.spanish}" if owner else ""
    in_spanish = " ".join(part for part in (first, before, spanish_noun, after, of_owner) if part)
    human = noun.among("person kin")
    return Phrase(words, in_spanish, THEY if many else IT, gender, noun.english, human, bare=not first)


def named(name: str, *, gender: str) -> Phrase:
    """A person by name."""
    return Phrase(name, name, IT, gender, name, human=True)
