"""The small files beside a tokeniser: whatever way they say a thing, it is heard; what is damaged is told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests import foreign
from trasluz.errors import TrasluzError
from trasluz.models.families.hints import ADDED, CONFIG, MAP, Hints, vocabulary_in


def hints(directory: Path, **said: Any) -> Hints:
    """What the files say; `config`, `map` and `added` are their contents."""
    names = {"config": CONFIG, "map": MAP, "added": ADDED}
    return Hints.read(foreign.write(directory, {names[one]: content for one, content in said.items()}))


def test_symbols_are_found_wherever_they_are_named(tmp_path: Path) -> None:
    found = hints(
        tmp_path,
        config={
            "eos_token": {"content": "</s>", "lstrip": False},
            "pad_token": None,
            "extra_special_tokens": {"image": "<image>"},
            "added_tokens_decoder": {
                "7": {"content": "<seven>", "special": True},
                "8": {"content": "word", "special": False},
            },
        },
        map={
            "unk_token": "<unk>",
            "eos_token": "<other>",
            "additional_special_tokens": ["en_XX", {"content": "b"}],
        },
        added={"<pad>": 5, "<unk>": 3},
    )
    assert found.roles == {"eos_token": "</s>", "unk_token": "<unk>"}
    assert found.listed == ("<image>", "en_XX", "b")
    assert found.added == {"<unk>": 3, "<pad>": 5, "<seven>": 7, "word": 8}
    assert found.plain == {"<pad>", "word"}
    assert found.symbols == {"</s>", "<unk>", "<image>", "en_XX", "b", "<seven>"}


def test_without_files_nothing_is_said(tmp_path: Path) -> None:
    found = hints(tmp_path)
    assert found == Hints(tmp_path, {}, {}, (), {}, frozenset())
    assert found.symbols == frozenset()
    assert (found.flag("add_bos_token"), found.word("source_lang"), found.count("extra_ids", 7)) == (
        None,
        None,
        7,
    )


def test_flags_words_and_counts_are_what_they_are_called(tmp_path: Path) -> None:
    found = hints(
        tmp_path, config={"yes": True, "no": False, "word": "a", "blank": "", "count": 3, "list": [1]}
    )
    assert [found.flag(key) for key in ("yes", "no", "word", "count")] == [True, False, None, None]
    assert [found.word(key) for key in ("word", "blank", "yes", "list")] == ["a", None, None, None]
    assert found.count("count", 7) == 3
    for key in ("yes", "word", "list"):
        with pytest.raises(TrasluzError, match=rf"{CONFIG}: {key} is .+, but should be a whole number$"):
            found.count(key, 7)


@pytest.mark.parametrize("decoder", [{"x": {"content": "a"}}, {"1": {}}, {"1": "a"}, ["a"]])
def test_a_damaged_list_of_added_tokens_is_told(decoder: Any, tmp_path: Path) -> None:
    with pytest.raises(
        TrasluzError, match=r"tokenizer_config\.json is damaged: added_tokens_decoder should hold"
    ):
        hints(tmp_path, config={"added_tokens_decoder": decoder})


@pytest.mark.parametrize("number", ["1", -1, None, True, 1.5])
def test_an_id_that_is_none_is_told(number: Any, tmp_path: Path) -> None:
    told = re.escape(f"is damaged: the id of 'a' is {number!r}")
    with pytest.raises(TrasluzError, match=rf"added_tokens\.json {told}$"):
        hints(tmp_path, added={"a": number})
    with pytest.raises(TrasluzError, match=rf"vocab\.json {told}$"):
        vocabulary_in(foreign.write(tmp_path, {"vocab.json": {"b": 0, "a": number}}), "vocab.json")


def test_a_vocabulary_that_is_missing_or_no_json_is_told(tmp_path: Path) -> None:
    with pytest.raises(TrasluzError, match=r": vocab\.json is missing; copy the whole checkpoint again$"):
        vocabulary_in(foreign.write(tmp_path, {}), "vocab.json")
    with pytest.raises(TrasluzError, match=r"vocab\.json is damaged: it is not valid JSON"):
        vocabulary_in(foreign.write(tmp_path, {"vocab.json": "{"}), "vocab.json")
    with pytest.raises(TrasluzError, match=r"vocab\.json is damaged: its JSON is nested too deeply$"):
        vocabulary_in(foreign.write(tmp_path, {"vocab.json": "[" * 100_000}), "vocab.json")
    with pytest.raises(TrasluzError, match=r"vocab\.json is damaged: a number in it has too many digits$"):
        vocabulary_in(foreign.write(tmp_path, {"vocab.json": "1" * 5000}), "vocab.json")
