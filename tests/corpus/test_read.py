"""Files of pairs: what is read, and one sentence for each way in which a file can be wrong."""

from __future__ import annotations

import gzip
import os
import threading
from pathlib import Path

import pytest

from trasluz.corpus.read import Pair, decode_lines, read_lines, read_pairs
from trasluz.errors import TrasluzError

CAT, DOG = Pair("the cat", "el gato"), Pair("the dog", "el perro")


def file(folder: Path, name: str, content: str | bytes) -> Path:
    """A file with some content, zipped where its name says so."""
    data = content.encode() if isinstance(content, str) else content
    path = folder / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def refusal(*paths: Path, columns: tuple[int, int] = (1, 2)) -> str:
    with pytest.raises(TrasluzError) as refused:
        read_pairs(paths, columns=columns)
    return str(refused.value)


@pytest.mark.parametrize("name", ["pairs.tsv", "pairs.tsv.gz", "pairs", "pairs.txt"])
def test_a_tsv_has_a_pair_on_each_line(tmp_path: Path, name: str) -> None:
    path = file(tmp_path, name, "the cat\tel gato\n\nthe dog\tel perro\r\n")
    assert read_pairs([path]) == [CAT, DOG]


def test_quotes_in_a_tsv_are_only_characters(tmp_path: Path) -> None:
    path = file(tmp_path, "q.tsv", '"a\t"b\nc"\td\n')
    assert read_pairs([path]) == [Pair('"a', '"b'), Pair('c"', "d")]


def test_columns_are_chosen_and_others_may_be_there(tmp_path: Path) -> None:
    path = file(tmp_path, "wide.tsv", "7\tel gato\tx\tthe cat\n8\tel perro\ty\tthe dog\tmore\n")
    assert read_pairs([path], columns=(4, 2)) == [CAT, DOG]


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_two_files_are_read_line_by_line(tmp_path: Path, ending: str) -> None:
    source = file(tmp_path, f"x.en{ending}", "the cat\n\nthe dog\n")
    target = file(tmp_path, f"x.es{ending}", "el gato\nnada\nel perro")
    assert read_pairs([source, target]) == [CAT, DOG]


@pytest.mark.parametrize("odd", ["\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1c"])
def test_only_a_line_feed_ends_a_line(tmp_path: Path, odd: str) -> None:
    source = file(tmp_path, "x.en", f"the{odd}cat\nthe dog\n")
    target = file(tmp_path, "x.es", "el gato\nel perro\n")
    assert read_pairs([source, target]) == [Pair(f"the{odd}cat", "el gato"), DOG]
    assert list(read_lines(source)) == [f"the{odd}cat", "the dog"]


@pytest.mark.parametrize(
    "line",
    [
        '{"source": "the cat", "target": "el gato", "id": 7}',
        '{"tgt": "el gato", "src": "the cat"}',
        '{"translation": {"en": "the cat", "es": "el gato"}}',
    ],
)
def test_jsonl_comes_in_three_shapes(tmp_path: Path, line: str) -> None:
    assert read_pairs([file(tmp_path, "x.jsonl", line + "\n\n")]) == [CAT]
    assert read_pairs([file(tmp_path, "x.jsonl.gz", line)]) == [CAT]


def test_white_space_around_a_sentence_and_a_byte_order_mark_are_left_out(tmp_path: Path) -> None:
    path = file(tmp_path, "x.tsv", "\ufeff the cat \t\u00a0el gato \n")
    assert read_pairs([path]) == [CAT]


def test_pairs_with_a_blank_side_are_left_out(tmp_path: Path) -> None:
    path = file(tmp_path, "x.tsv", "the cat\tel gato\nalone\t \n\tsolo\nthe dog\tel perro\n")
    assert read_pairs([path]) == [CAT, DOG]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert (
        refusal(tmp_path / "no.tsv") == f"{tmp_path / 'no.tsv'}: no such file; give the path of a text file"
    )
    assert "a directory, not a file" in refusal(tmp_path)


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    for name in ("e.tsv", "e.jsonl", "e.tsv.gz"):
        path = file(tmp_path, name, "")
        assert refusal(path) == f"{path} is empty; give a file with a sentence pair, or a text, on each line"
    full, empty = file(tmp_path, "f", "a\n"), file(tmp_path, "g", "")
    assert refusal(full, empty).startswith(f"{empty} is empty")


def test_a_line_with_too_few_columns_is_named(tmp_path: Path) -> None:
    path = file(tmp_path, "x.tsv", "the cat\tel gato\nonly one\n")
    assert refusal(path).startswith(f"{path}, line 2: 1 column where at least 2 are needed")
    assert refusal(path, columns=(1, 3)).startswith(f"{path}, line 1: 2 columns where at least 3 are needed")


@pytest.mark.parametrize(("lines", "others"), [(2, 5), (5, 2), (3, 4)])
def test_two_files_of_different_length_are_counted(tmp_path: Path, lines: int, others: int) -> None:
    source, target = file(tmp_path, "x.en", "a\n" * lines), file(tmp_path, "x.es", "b\n" * others)
    assert refusal(source, target).startswith(f"{source} has {lines} lines and {target} has {others}; ")


def test_bytes_that_are_not_utf8_are_placed(tmp_path: Path) -> None:
    path = file(tmp_path, "x.tsv", b"the cat\tel gato\n" + "sí\tyes\n".encode("latin-1"))
    assert refusal(path).startswith(f"{path}, line 2: the byte 0xed at place 2 is not UTF-8")


@pytest.mark.parametrize(
    "line", ["[1, 2]", '{"source": "a"}', '{"src": 3, "tgt": "b"}', '{"translation": {}}']
)
def test_a_line_of_json_that_is_no_pair_is_named(tmp_path: Path, line: str) -> None:
    path = file(tmp_path, "x.jsonl", '{"src": "a", "tgt": "b"}\n' + line)
    assert refusal(path).startswith(f"{path}, line 2: no pair; a line is ")


def test_a_line_that_is_no_json_is_named(tmp_path: Path) -> None:
    path = file(tmp_path, "x.jsonl", "{broken\n")
    assert refusal(path).startswith(f"{path}, line 1: not valid JSON (")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            r'{"src": "a \ud83d b", "tgt": "c"}',
            r"\ud83d is half of a surrogate pair and no character; write ",
        ),
        (r'{"translation": {"en": "a", "es": "\ude00"}}', r"\ude00 is half of a surrogate pair and no "),
        ('{"src": "a", "tgt": "b", "id": ' + "7" * 5000 + "}", "a number has too many digits; leave it out"),
        ("[" * 100_000, "the JSON is nested too deeply; a line is a pair and no more"),
    ],
)
def test_json_that_no_text_can_be_made_of_is_named(tmp_path: Path, line: str, sentence: str) -> None:
    path = file(tmp_path, "x.jsonl", f'{{"src": "a", "tgt": "b"}}\n\n{line}\n')
    assert refusal(path).startswith(f"{path}, line 3: {sentence}")


def test_both_halves_of_a_surrogate_pair_are_a_character(tmp_path: Path) -> None:
    path = file(tmp_path, "x.jsonl", r'{"src": "a \ud83d\ude00", "tgt": "b"}')
    assert read_pairs([path]) == [Pair("a 😀", "b")]


@pytest.mark.parametrize("name", ["x.tsv", "x.jsonl"])
def test_where_every_line_must_be_a_pair_blank_ones_are_counted(tmp_path: Path, name: str) -> None:
    lines = {"x.tsv": "a\tb\n\nc\t \n", "x.jsonl": '{"src": "a", "tgt": "b"}\n\n{"src": "c", "tgt": " "}\n'}
    path = file(tmp_path, name, lines[name])
    assert read_pairs([path]) == [Pair("a", "b")]
    with pytest.raises(TrasluzError, match="has 3 lines, but only 1 of them are pairs: the others are blank"):
        read_pairs([path], every=True)
    whole = file(tmp_path, f"whole-{name}", lines[name].split("\n")[0])
    assert read_pairs([whole], every=True) == [Pair("a", "b")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("every", [False, True])
def test_a_pipe_is_read_like_a_file(tmp_path: Path, every: bool) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=("\ufeffthe cat\tel gato\r\n".encode(),))
    writer.start()
    pairs = read_pairs([pipe], every=every)
    writer.join()
    assert pairs == [CAT]


def test_lines_of_bytes_are_lines_of_text() -> None:
    lines = ["\ufeffthe cat\r\n".encode(), b"the \r dog\r\r\n", "\ufeffend".encode()]
    assert list(decode_lines(lines, where="x")) == ["the cat", "the \r dog\r", "\ufeffend"]
    with pytest.raises(
        TrasluzError, match=r"^x, line 2: the byte 0xf1 at place 3 is not UTF-8; convert it to"
    ):
        list(decode_lines([b"a\n", b"ni\xf1o\n"], where="x"))


def test_where_all_pairs_have_a_blank_side_none_is_left(tmp_path: Path) -> None:
    path = file(tmp_path, "x.tsv", "a\t\n\tb\n\n")
    assert refusal(path).startswith(f"{path}: no pair is left")


def test_none_or_three_files_are_no_pairs(tmp_path: Path) -> None:
    path = file(tmp_path, "x.tsv", "a\tb\n")
    assert refusal().startswith("0 files of pairs are given; ")
    assert refusal(path, path, path).startswith("3 files of pairs are given; ")


@pytest.mark.parametrize("damage", [b"no gzip", gzip.compress(b"a\tb\n" * 99)[:-9]])
def test_a_damaged_gzip_file_is_named(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "x.tsv.gz"
    path.write_bytes(damage)
    assert refusal(path).startswith(f"{path} is no whole gzip file (")
