from __future__ import annotations

import pytest

from trasluz.decoding.verdict import Verdict, judge, most_repeats, repeats_in, worst


def verdict(source: str, text: str, *, finished: bool = True) -> Verdict:
    """The verdict where every token is a word."""
    return judge(
        source, text, finished=finished, source_tokens=len(source.split()), target_tokens=len(text.split())
    )


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("She is reading a book.", "Está leyendo un libro."),
        ("No, no, no!", "¡No, no, no!"),
        ("No, no, no, no, no, no!", "¡No, no, no, no, no, no!"),
        ("He laughed: hahaha.", "Se rió: jajaja."),
        ("Ten million", "10000000"),
        ("Row, row, row your boat", "Rema, rema, rema tu barca"),
        ("Hotel Central, Barcelona", "Hotel Central, Barcelona"),
        ("María José García Márquez", "María José García Márquez"),
        ("2024-05-01 10:00 12 13 14 15 16 17", "2024-05-01 10:00 12 13 14 15 16 17"),
        (
            "https://example.org/a/long/way mail@example.org",
            "https://example.org/a/long/way mail@example.org",
        ),
        ("rm -rf build/ && ./make_all.sh --fast x=1", "rm -rf build/ && ./make_all.sh --fast x=1"),
        ("taxi", "taxi"),
        ("...", "..."),
        ("Hi!", "¡Muy buenos días a usted!"),
        ("", ""),
        (
            "天気がいいから散歩しましょう",
            "The weather is nice, so let us go for a walk together now, shall we?",
        ),
    ],
)
def test_a_sound_translation_is_complete(source: str, text: str) -> None:
    assert verdict(source, text) is Verdict.complete


def test_what_is_not_finished_is_truncated_whatever_else_it_is() -> None:
    assert verdict("I like it.", "Me gusta", finished=False) is Verdict.truncated
    assert verdict("I like it.", "a a a a a a a a", finished=False) is Verdict.truncated


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("I like tea.", "el el el el té"),
        ("I like tea.", "Me gusta, me gusta. Me gusta: me gusta el té."),
        ("I like tea.", "a b c d a b c d a b c d a b c d"),
        ("No, no, no!", "no no no no no no no"),
        ("We danced.", "Bailamos tatatatatatatatatata"),
        ("我喜欢喝茶和咖啡", "的的的的的的的的的的的的的的的的"),
    ],
)
def test_direct_repetition_that_the_source_does_not_have_is_looping(source: str, text: str) -> None:
    assert verdict(source, text) is Verdict.looping


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("She is reading a book.", "She is reading a book."),
        ("She is reading a book.", "she is  reading a book."),
        ("PLEASE CLOSE THE DOOR", "PLEASE CLOSE THE DOOR"),
        ("Don't ask well-known people about it", "Don't ask well-known people about it"),
        ("Я читаю новую книгу", "Я читаю новую книгу"),
    ],
)
def test_a_sentence_that_came_back_unchanged_is_untranslated(source: str, text: str) -> None:
    assert verdict(source, text) is Verdict.untranslated


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("She is reading a book.", ""),
        ("?", ""),
        ("Hi!", "one two three four five six seven eight nine ten eleven"),
        ("one two three four five six seven eight nine ten eleven", "Hi!"),
    ],
)
def test_a_text_far_shorter_or_longer_than_the_other_has_a_suspicious_length(source: str, text: str) -> None:
    assert verdict(source, text) is Verdict.suspicious_length


def test_a_length_is_suspicious_only_beyond_the_ratio_and_the_allowance_in_both_counts() -> None:
    def of(characters: int, tokens: int) -> Verdict:
        text = "".join(chr(ord("a") + number % 23) for number in range(characters))
        return judge("abcde", text, finished=True, source_tokens=2, target_tokens=tokens)

    assert of(4 * 5 + 20 + 1, 4 * 2 + 5 + 1) is Verdict.suspicious_length
    assert of(4 * 5 + 20, 4 * 2 + 5 + 1) is Verdict.complete
    assert of(4 * 5 + 20 + 1, 4 * 2 + 5) is Verdict.complete


def test_repeats_are_counted_for_the_unit_that_repeats_most() -> None:
    assert repeats_in([], longest=4) == 1
    assert repeats_in("abcabcab", longest=4) == 2
    assert repeats_in("abcabcabc", longest=2) == 1
    assert repeats_in("xaaaay", longest=4) == 4
    assert repeats_in("aaaa", longest=4, stretch=5) == 1
    assert most_repeats("") == 1
    assert most_repeats("Ha ha, HA! ha") == 4


def test_the_worst_of_several_verdicts_is_the_last_in_their_order() -> None:
    assert worst([]) is Verdict.complete
    assert worst([Verdict.looping, Verdict.truncated, Verdict.complete]) is Verdict.truncated
    assert worst([Verdict.suspicious_length, Verdict.untranslated]) is Verdict.untranslated
