"""The command `trasluz align`: a line of links for each pair, read off the head that is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from trasluz.corpus.read import read_pairs
from trasluz.decoding.translator import load
from trasluz.insight.align import align, choose
from trasluz.insight.pharaoh import error_rate, read_gold, to_pharaoh

Command = Callable[..., CompletedProcess[str]]
Refusal = Callable[..., str]

LINES = [
    "the cat sees a house\tel gato ve una casa",
    "my sister paints two apples\tmi hermana pinta dos manzanas",
]
GOLD = ["0-0 1-1 2-2 3?3 4-4", "0-0 1-1 2-2 3-3 4-4"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"{line}\n" for line in LINES))
    return path


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    path = tmp_path / "gold.txt"
    path.write_text("".join(f"{line}\n" for line in GOLD))
    return path


def test_a_line_for_each_pair_and_the_choice_on_standard_error(
    trasluz: Command, trained: Path, file: Path
) -> None:
    done = trasluz("align", trained, file)
    assert done.returncode == 0, done.stderr
    translator, pairs = load(trained), read_pairs([file])
    choice = choose(translator, pairs)
    assert done.stderr == f"{choice.describe()}\n"
    assert done.stdout.splitlines() == [to_pharaoh(links) for links in align(translator, pairs, choice)]
    assert all(len(line.split()) == 5 for line in done.stdout.splitlines())


def test_with_gold_the_error_rate_is_told(trasluz: Command, trained: Path, file: Path, gold: Path) -> None:
    done = trasluz("align", trained, file, "--gold", gold)
    translator, pairs = load(trained), read_pairs([file])
    golden = read_gold(gold, pairs)
    choice = choose(translator, pairs, gold=golden)
    found = list(align(translator, pairs, choice))
    rate = error_rate(found, golden)
    assert done.stderr.splitlines() == [choice.describe(), f"AER {rate:.4f}"]
    told = json.loads(trasluz("align", trained, file, "--gold", gold, "--json").stdout)
    assert told["aer"] == pytest.approx(rate) == pytest.approx(told["choice"]["figure"])
    assert told["choice"]["measure"] == "AER"
    assert [{tuple(link) for link in links} for links in told["alignments"]] == [set(one) for one in found]


def test_a_layer_a_head_and_rows_can_be_given(trasluz: Command, trained: Path, file: Path) -> None:
    done = trasluz("align", trained, file, "--layer", 1, "--head", 2, "--rows", "reading")
    assert done.stderr.startswith("layer 1, head 2, rows reading: Dice ")


def test_source_and_target_may_be_two_files(trasluz: Command, trained: Path, file: Path) -> None:
    sides = [file.with_suffix(ending) for ending in (".en", ".es")]
    for side, path in enumerate(sides):
        path.write_text("".join(f"{line.split(chr(9))[side]}\n" for line in LINES))
    assert trasluz("align", trained, *sides).stdout == trasluz("align", trained, file).stdout


def test_what_cannot_be_aligned_is_refused(
    refusal: Refusal, trained: Path, file: Path, gold: Path, tmp_path: Path
) -> None:
    gaps, short, wrong = (tmp_path / name for name in ("gaps.tsv", "short.txt", "wrong.txt"))
    gaps.write_text(f"{LINES[0]}\n\nthe dog\t \n{LINES[1]}\n")
    short.write_text("0-0\n")
    wrong.write_text("0-0\n0-5\n")
    assert refusal("align", trained, gaps).startswith(
        f"{gaps} has 4 lines, but only 2 of them are pairs: the others are blank on one side; leave them out"
    )
    assert refusal("align", trained, file, "--gold", short).startswith(
        f"{short} has 1 lines of alignment, but there are 2 pairs"
    )
    assert refusal("align", trained, file, "--gold", wrong).startswith(
        f"{wrong}, line 2: the link 0-5 names target word 5, but the target has 5 words, numbered 0 to 4"
    )
    wrong.write_text("0-0\n0_5\n")
    assert refusal("align", trained, file, "--gold", wrong).startswith(f"{wrong}, line 2: '0_5' is no link")
    assert refusal("align", trained, file, "--layer", 2).startswith("there is no layer 2: the attention to")
    assert refusal("align", trained, file, "--head", 4).startswith("there is no head 4: the attention to the")
    assert refusal("align", trained, file, "--rows", "both").startswith(
        "the rows 'both' are asked for; allow"
    )
    assert refusal("align", trained, tmp_path / "nowhere").startswith(f"{tmp_path / 'nowhere'}: no such file")
    assert refusal("align", tmp_path / "nowhere", file).startswith(
        f"{tmp_path / 'nowhere'}: there is no such"
    )
