"""English inflection: plurals, articles, verb forms.

Knows the irregular forms of the grammar's own words, and the rules for the regular ones.
"""

from __future__ import annotations

from functools import cache

PLURALS = {
    "man": "men",
    "woman": "women",
    "mouse": "mice",
    "knife": "knives",
    "tomato": "tomatoes",
    "potato": "potatoes",
}
PASTS = {
    "break": "broke",
    "bring": "brought",
    "buy": "bought",
    "come": "came",
    "do": "did",
    "draw": "drew",
    "drink": "drank",
    "eat": "ate",
    "fall": "fell",
    "find": "found",
    "forget": "forgot",
    "get": "got",
    "give": "gave",
    "go": "went",
    "have": "had",
    "hear": "heard",
    "know": "knew",
    "leave": "left",
    "lose": "lost",
    "make": "made",
    "pay": "paid",
    "read": "read",
    "run": "ran",
    "see": "saw",
    "sell": "sold",
    "send": "sent",
    "sing": "sang",
    "sleep": "slept",
    "speak": "spoke",
    "swim": "swam",
    "take": "took",
    "tell": "told",
    "understand": "understood",
    "wake": "woke",
    "wear": "wore",
    "write": "wrote",
}
DOUBLED = {"run", "swim", "get", "forget"}
"""Verbs that double their last consonant before -ing."""
BE = {"present": ("am", "are", "is", "are", "are"), "past": ("was", "were", "was", "were", "were")}
"""I, you, he or she, we, they."""
VOWEL_LETTER_CONSONANT_SOUND = ("uni", "use", "eu", "one")


def plural(noun: str) -> str:
    """The plural of a noun.

    >>> plural("city")
    'cities'
    """
    if noun in PLURALS:
        return PLURALS[noun]
    if noun.endswith(("s", "x", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


def a(words: str) -> str:
    """The words with "a" or "an" before them."""
    vowel = words[0] in "aeiou" and not words.startswith(VOWEL_LETTER_CONSONANT_SOUND)
    return f"{'an' if vowel else 'a'} {words}"


def possessive(owner: str) -> str:
    """One owner with 's: "the princess's", "Luis's"."""
    return owner + "'s"


@cache
def third(verb: str) -> str:
    """The form for he and she in the present; the first word of several is inflected."""
    first, *rest = verb.split(" ", 1)
    irregular = {"have": "has", "do": "does", "go": "goes"}
    if first in irregular:
        form = irregular[first]
    elif first.endswith(("s", "x", "ch", "sh")):
        form = first + "es"
    elif first.endswith("y") and first[-2] not in "aeiou":
        form = first[:-1] + "ies"
    else:
        form = first + "s"
    return " ".join([form, *rest])


@cache
def past(verb: str) -> str:
    """The past form; the first word of several is inflected."""
    first, *rest = verb.split(" ", 1)
    if first in PASTS:
        form = PASTS[first]
    elif first.endswith("e"):
        form = first + "d"
    elif first.endswith("y") and first[-2] not in "aeiou":
        form = first[:-1] + "ied"
    else:
        form = first + "ed"
    return " ".join([form, *rest])


@cache
def ing(verb: str) -> str:
    """The -ing form; the first word of several is inflected."""
    first, *rest = verb.split(" ", 1)
    if first in DOUBLED:
        form = first + first[-1] + "ing"
    elif first.endswith("e") and not first.endswith("ee"):
        form = first[:-1] + "ing"
    else:
        form = first + "ing"
    return " ".join([form, *rest])
