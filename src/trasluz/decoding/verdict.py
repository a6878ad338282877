"""What a translation looks like from outside: complete, or a sign that text was lost, repeated or left alone.

Knows no model: source text, translated text and two counts are enough. The rules are cheap and cautious;
they say "look at this one", not "this is wrong".
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from enum import StrEnum

LOOP_WORDS = 4
"""The longest unit, in words, whose repetition counts as a loop."""
LOOP_LETTERS = 8
"""The same inside of a word, in letters: for scripts without spaces, and for words that never end."""
LOOP_REPEATS = 4
"""From so many times in a row on, a unit is repeated suspiciously ..."""
LOOP_STRETCH = 16
"""... and inside of a word only if all its repetitions together have so many letters ("hahahaha" has 8)."""
LOOP_FACTOR = 2
"""A source that repeats itself allows its translation so many times its own repetitions."""
UNTRANSLATED_WORDS = 4
"""A source with fewer words may well be the same in both languages ("taxi", "Hotel Central")."""
LENGTH_RATIO = 4
"""One text may be so many times as long as the other, in characters or in tokens ..."""
SPARE_CHARACTERS, SPARE_TOKENS = 20, 5
"""... and so much longer on top, as short texts vary more."""

WORD = re.compile(r"\w+")
LETTERS = re.compile(r"[^\W\d_]+")
PLAIN_WORD = re.compile(r"[^\w/\\@#$=<>&|-]*([^\W\d_]+(?:['’-][^\W\d_]+)*)[^\w/\\@#$=<>&|-]*")


class Verdict(StrEnum):
    """What became of a text, from good to bad."""

    complete = "complete"
    suspicious_length = "suspicious-length"
    untranslated = "untranslated"
    looping = "looping"
    truncated = "truncated"


def judge(source_text: str, text: str, *, finished: bool, source_tokens: int, target_tokens: int) -> Verdict:
    """The verdict on `text` as a translation of `source_text`; the worst of those that apply.

    - truncated: the search reached the longest allowed length (`finished` is False);
    - looping: see `is_looping`;
    - untranslated: see `is_untranslated`;
    - suspicious-length: see `is_suspicious_length`; tokens are counted without end symbols;
    - complete: none of these.
    """
    if not finished:
        return Verdict.truncated
    if is_looping(source_text, text):
        return Verdict.looping
    if is_untranslated(source_text, text):
        return Verdict.untranslated
    if is_suspicious_length(source_text, text, source_tokens=source_tokens, target_tokens=target_tokens):
        return Verdict.suspicious_length
    return Verdict.complete


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of several verdicts; complete where there is none."""
    return max(verdicts, key=list(Verdict).index, default=Verdict.complete)


def is_looping(source_text: str, text: str) -> bool:
    """A unit is repeated in direct succession, 4 times or more, and over twice as often as any in the source.

    A unit is 1 to 4 words (letter case and punctuation aside), or 1 to 8 letters inside of a word if the
    repetitions have at least 16 letters together.
    """
    repeats = most_repeats(text)
    return repeats >= LOOP_REPEATS and repeats > LOOP_FACTOR * most_repeats(source_text)


def most_repeats(text: str) -> int:
    """How often the most repeated unit of words or letters stands in direct succession: 1 where none does."""
    folded = text.casefold()
    inside = [
        repeats_in(word, longest=LOOP_LETTERS, stretch=LOOP_STRETCH) for word in LETTERS.findall(folded)
    ]
    return max(repeats_in(WORD.findall(folded), longest=LOOP_WORDS), *inside, 1)


def repeats_in(items: Sequence[Hashable], *, longest: int, stretch: int = 0) -> int:
    """How often a unit of 1 to `longest` items stands in direct succession, over `stretch` items or more.

    >>> repeats_in("x ab ab ab y".split(), longest=4)
    3
    """
    most = 1
    for unit in range(1, longest + 1):
        same = 0  # how many items up to here equal the one a unit before
        for at in range(unit, len(items)):
            same = same + 1 if items[at] == items[at - unit] else 0
            repeats = same // unit + 1
            if repeats * unit >= stretch:
                most = max(most, repeats)
    return most


def is_untranslated(source_text: str, text: str) -> bool:
    """The source came back as it was (letter case and spaces aside), although it has words to translate.

    That is 4 words of letters or more, at least half of them not capitalised: names and titles may stay,
    and so may numbers, addresses and code, which are no words here. Scripts without spaces have too few
    words for this rule.
    """
    if source_text.casefold().split() != text.casefold().split():
        return False
    found = (PLAIN_WORD.fullmatch(item) for item in source_text.split())
    words = [match[1] for match in found if match]
    capitalised = sum(word[0].isupper() and not word[1:].isupper() for word in words)
    return len(words) >= UNTRANSLATED_WORDS and 2 * capitalised <= len(words)


def is_suspicious_length(source_text: str, text: str, *, source_tokens: int, target_tokens: int) -> bool:
    """One text is far longer than the other: over 4 times and 20 characters, and over 4 times and 5 tokens.

    Both counts must say so, since a character of Chinese holds as much as a word of Spanish. An empty
    translation of a text that is not blank is always suspicious.
    """
    if source_text.strip() and not text.strip():
        return True
    few, many = sorted([len(source_text.strip()), len(text.strip())])
    few_tokens, many_tokens = sorted([source_tokens, target_tokens])
    return (
        many > LENGTH_RATIO * few + SPARE_CHARACTERS
        and many_tokens > LENGTH_RATIO * few_tokens + SPARE_TOKENS
    )
