"""The tour tells the truth: its numbers are current, its page is made of them, its captions say what is so.

What needs no training is computed again. What a trained model gave is not: there the tests ask whether the
numbers that are shown fit one another, as scores, percentages and contexts must.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tour.__main__ import PICTURES, exact
from tour.facts import Facts, find, plain, read_facts, write_facts
from tour.page import BLOCK, HEADER, PAGE, TEMPLATE, printed, render, study
from tour.tables import TABLES, markdown, number
from trasluz.attention.position import Sinusoidal

ROOT = Path(__file__).parents[2]
PICTURE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<path>[^)]+)\)")
LINK = re.compile(r"(?<!!)\[[^\]]+\]\((?!https:)(?P<path>[^)#]*)(?:#(?P<anchor>[^)]+))?\)")

ROUNDING = 1e-4
"""Facts are kept with six digits; sums of a hundred of them are this close."""


@pytest.fixture(scope="module")
def facts() -> Facts:
    """The facts that were kept."""
    return read_facts()


@pytest.fixture(scope="module")
def page() -> str:
    """The page as it is read."""
    return PAGE.read_text("utf-8")


def close(kept: Any, again: Any) -> bool:
    """Whether two facts are the same, numbers up to what machines differ by."""
    if isinstance(kept, dict) and isinstance(again, dict):
        return kept.keys() == again.keys() and all(close(kept[key], again[key]) for key in kept)
    if isinstance(kept, list) and isinstance(again, list):
        return len(kept) == len(again) and all(map(close, kept, again))
    if isinstance(kept, float) or isinstance(again, float):
        return math.isclose(kept, again, rel_tol=5e-3, abs_tol=1e-4)
    return bool(kept == again)


def different(kept: Any, again: Any, path: str = "") -> list[str]:
    """The paths of the facts that are not the same."""
    if isinstance(kept, dict) and isinstance(again, dict) and kept.keys() == again.keys():
        return [one for key in kept for one in different(kept[key], again[key], f"{path}.{key}")]
    return [] if close(kept, again) else [path]


def tensor(facts: Facts, path: str) -> Tensor:
    """The numbers at a path."""
    return torch.tensor(find(facts, path), dtype=torch.float64)


def test_what_needs_no_training_is_computed_again(facts: Facts) -> None:
    again = plain(exact())
    assert different({name: facts[name] for name in again}, again) == []


def test_the_page_is_the_template_with_the_facts_in_it(facts: Facts, page: str) -> None:
    assert page == render(TEMPLATE.read_text("utf-8"), facts)
    assert page.startswith(HEADER)
    assert "{{" not in page


def test_every_picture_is_on_the_page_and_says_what_it_is(page: str) -> None:
    shown = {match["path"]: match["alt"] for match in PICTURE.finditer(page)}
    own = {f"tour/{name}.svg" for name in PICTURES}
    assert own <= shown.keys()
    assert shown.keys() - own == {"tour/lengths.png", "tour/lengths-starter.png"}
    assert all((TEMPLATE.parent.parent / path).is_file() for path in shown)
    assert all(len(alt) > 15 for alt in shown.values())


def test_every_picture_has_a_caption_below_it(page: str) -> None:
    without_study = [match for match in PICTURE.finditer(page) if match["path"].endswith(".svg")]
    behind = [page[match.end() :].lstrip("\n") for match in without_study]
    bare = [
        match["path"]
        for match, text in zip(without_study, behind, strict=True)
        if not re.match(r"\*What to see: [^*]+\*\n", text)
    ]
    assert bare == []


def test_every_link_leads_somewhere(page: str) -> None:
    heads = re.findall(r"^#+ (.+)$", page, flags=re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
    links = list(LINK.finditer(page))
    assert len(links) > 40
    assert [link[0] for link in links if link["path"] and not (PAGE.parent / link["path"]).exists()] == []
    assert [link[0] for link in links if not link["path"] and link["anchor"] not in anchors] == []


def test_every_section_ends_with_its_code_and_names_only_what_is_there(page: str) -> None:
    sections = re.split(r"^## ", page, flags=re.MULTILINE)[1:]
    numbered = [section for section in sections if re.match(r"\d+\. ", section)]
    assert len(numbered) == 15
    assert [one.splitlines()[0] for one in numbered[:-1] if "\nCode: [" not in one] == []
    for path, name in re.findall(r"\[[\w/.]+\]\(\.\./([\w/.]+)\) \(`(\w+)`", page):
        assert re.search(rf"^(class|def) {name}\b", (ROOT / path).read_text("utf-8"), flags=re.MULTILINE), (
            path
        )


def test_a_slot_that_leads_nowhere_is_an_error(facts: Facts) -> None:
    with pytest.raises(KeyError, match=r"no fact 'width\.depth'"):
        render("{{width.depth}}", facts)
    with pytest.raises(KeyError, match=r"no fact 'width\.widths\.99'"):
        render("{{width.widths.99}}", facts)


def test_the_study_is_shown_where_it_is_there_and_nowhere_else(tmp_path: Path) -> None:
    assert study(tmp_path) == ""
    (tmp_path / "study.md").write_text("| score | BLEU |\n| --- | ---: |\n", encoding="utf-8")
    assert study(tmp_path) == "| score | BLEU |\n| --- | ---: |"


def test_numbers_have_a_real_minus_and_no_minus_before_zero() -> None:
    assert number(-1.236) == "−1.24"
    assert number(-0.001) == "0.00"
    assert number(-0.0001, ".1%") == "0.0%"
    assert number(12345, ",") == "12,345"


def test_a_table_is_one_that_github_reads() -> None:
    assert markdown(("a", "b"), [["1", "2"]], align="lr") == "| a | b |\n| --- | ---: |\n| 1 | 2 |"


def test_every_table_is_on_the_page_and_has_equal_rows(facts: Facts, page: str) -> None:
    for name, table in TABLES.items():
        text = table(facts)
        assert text in page, name
        cells = {len(re.split(r"(?<!\\)\|", line)) for line in text.splitlines()}
        assert len(cells) == 1, name


def test_facts_are_kept_and_read_back(tmp_path: Path) -> None:
    kept = {"word": "niña", "numbers": [1, 2.5], "rows": [[1.0], [-2.0]], "inner": {"none": []}}
    write_facts(kept, tmp_path / "facts.json")
    assert read_facts(tmp_path / "facts.json") == kept
    assert read_facts(tmp_path / "nothing.json") == {}
    assert plain({"pi": torch.tensor([math.pi]).double()}) == {"pi": [3.14159]}


def test_a_block_of_python_prints_what_it_prints() -> None:
    assert printed("print('one')\nprint('two')\n") == "one\ntwo"
    assert len(BLOCK.findall(TEMPLATE.read_text("utf-8"))) == 2


# What the captions say.


def test_one_vector_feels_the_ends_and_attention_feels_all(facts: Facts) -> None:
    none, attention = tensor(facts, "one_vector.none"), tensor(facts, "one_vector.attention")
    middle = len(none) // 2
    assert min(none[0], none[-1]) > 4 * none[middle]
    assert attention.max() < 2 * attention.min()
    assert attention[middle] > 2 * none[middle]
    assert none.sum().item() == pytest.approx(1, abs=61 * ROUNDING) == attention.sum().item()


def test_the_cosine_sees_no_length_and_the_dot_product_does(facts: Facts) -> None:
    own = facts["similarity"]
    assert own["cosine"][0] == own["cosine"][1] == pytest.approx(1.0)
    assert own["cosine"][3] == own["dot"][3] == 0.0
    assert own["dot"][0] < own["dot"][2] < own["dot"][1]
    for kind in ("dot", "cosine"):
        weights = tensor(facts, f"similarity.{kind}").softmax(-1)
        torch.testing.assert_close(
            tensor(facts, f"similarity.{kind}_weights"), weights, atol=ROUNDING, rtol=0
        )


def test_a_bare_cosine_reaches_what_its_formula_says(facts: Facts) -> None:
    for count, bare in zip(facts["similarity"]["crowds"], facts["similarity"]["bare"], strict=True):
        assert bare == pytest.approx(math.e / (math.e + (count - 1) / math.e), abs=ROUNDING)


def test_the_spread_of_a_dot_product_is_the_root_of_the_width(facts: Facts) -> None:
    roots = tensor(facts, "width.widths").sqrt()
    torch.testing.assert_close(tensor(facts, "width.dot.spread"), roots, rtol=0.06, atol=0.0)
    torch.testing.assert_close(
        tensor(facts, "width.scaled-dot.spread"), torch.ones(len(roots)).double(), rtol=0.06, atol=0.0
    )


def test_width_sharpens_softmax_and_starves_gradients_unless_scores_are_scaled(facts: Facts) -> None:
    own = facts["width"]
    assert own["dot"]["largest"] == sorted(own["dot"]["largest"])
    assert own["dot"]["largest"][-1] > 0.9
    assert own["dot"]["starved"][-1] > 0.5
    assert max(own["scaled-dot"]["starved"]) < 0.01
    assert max(own["scaled-dot"]["largest"]) < 2 * min(own["scaled-dot"]["largest"])
    assert own["dot"]["passes"][-1] < 0.01 * own["scaled-dot"]["passes"][-1]


def test_codes_and_turned_vectors_know_the_distance_alone(facts: Facts) -> None:
    own = facts["places"]
    assert own["sinusoidal_unevenness"] == 0.0
    assert own["rotary_unevenness"] < 0.01
    assert own["sinusoidal"][0] == pytest.approx(own["width"] / 2)
    frequencies = 10000.0 ** (-torch.arange(0, own["width"], 2).double() / own["width"])
    distances = torch.arange(len(own["sinusoidal"])).double()
    formula = (distances[:, None] * frequencies).cos().sum(1)
    torch.testing.assert_close(tensor(facts, "places.sinusoidal"), formula, atol=1e-3, rtol=0)


def test_without_the_residual_all_tokens_become_one(facts: Facts) -> None:
    own = facts["block"]
    until = own["blocks_to_alike"]
    assert until["none"] < until["post"]
    assert until["pre"] is None
    assert own["at_the_end"]["none"] > 0.999
    for kind, blocks in until.items():
        assert abs(own[kind][0]) < 0.1
        assert all(one <= own["alike"] for one in own[kind][:blocks])


def test_learnt_positions_are_alike_near_by_and_unknown_where_nothing_was_seen(facts: Facts) -> None:
    own, cosines = facts["positions"], tensor(facts, "positions.learned_cosines")
    usual, seen = own["positions_usual"], own["positions_seen"]
    near = float(cosines[:usual, :usual].diagonal(1).mean())
    assert near == pytest.approx(own["near"], abs=0.01)  # the matrix is kept with two decimals
    assert own["near"] > own["apart"] + 0.1
    assert own["near"] > own["unseen"] + 0.1
    assert cosines[:seen, seen:].abs().mean() < 0.15


def test_training_brings_words_together(facts: Facts) -> None:
    own = facts["words"]
    assert len(own["asked"]) >= 3
    for before, after in zip(own["before"], own["after"], strict=True):
        assert [one[1] for one in after] == sorted((one[1] for one in after), reverse=True)
        assert after[0][1] > before[0][1]
    near = {kind: after for kind, (_, after) in own["near"].items()}
    assert max(near, key=lambda kind: near[kind]) == "one group, one language"
    assert near["one group, one language"] > 2 * near["one group, two languages"]
    assert all(abs(before) < 0.1 for before, _ in own["near"].values())


def test_the_lesson_teaches(facts: Facts) -> None:
    own = facts["lesson"]
    assert own["look_loss"][-1] < own["look_loss"][0]
    assert own["look_bleu"][-1] > 3 * own["look_bleu"][0]
    assert own["look_steps"][-1] == own["steps"]


# The sentence that is followed.


def test_scores_percentages_and_context_of_the_head_fit_one_another(facts: Facts) -> None:
    own = facts["walk"]["head"]
    query, keys, values = (tensor(facts, f"walk.head.{name}") for name in ("query", "keys", "values"))
    scores, weights = tensor(facts, "walk.head.scores"), tensor(facts, "walk.head.weights")
    assert len(query) == own["width"]
    torch.testing.assert_close(tensor(facts, "walk.head.dots"), keys @ query, atol=1e-3, rtol=ROUNDING)
    torch.testing.assert_close(scores, keys @ query / math.sqrt(own["width"]), atol=1e-3, rtol=ROUNDING)
    torch.testing.assert_close(weights, scores.softmax(-1), atol=ROUNDING, rtol=0)
    assert float(weights.sum()) == pytest.approx(1.0, abs=ROUNDING)
    torch.testing.assert_close(
        tensor(facts, "walk.head.context"), weights @ values, atol=ROUNDING, rtol=ROUNDING
    )
    assert facts["walk"]["source"][int(weights.argmax())] == own["most"]
    assert facts["walk"]["target"][own["step"] - 1] == own["written"]


def test_the_head_is_one_of_those_in_the_picture_and_the_least_decided(facts: Facts) -> None:
    own, cross = facts["walk"]["head"], tensor(facts, "walk.cross")
    shown = cross[-1, own["head"] - 1, own["step"] - 1]
    torch.testing.assert_close(shown, tensor(facts, "walk.head.weights"), atol=ROUNDING, rtol=0)
    largest, most = cross[-1, :, :-1].max(-1)
    on_text = largest[most < cross.shape[-1] - 1]
    nearest = (on_text - own["undecided"]).abs().min()
    assert abs(float(shown.max()) - own["undecided"]) == pytest.approx(float(nearest), abs=ROUNDING)


def test_every_row_of_every_head_sums_to_one(facts: Facts) -> None:
    sums = tensor(facts, "walk.cross").sum(-1)
    torch.testing.assert_close(sums, torch.ones_like(sums), atol=ROUNDING, rtol=0)
    assert tensor(facts, "walk.cross").shape[-2:] == (
        len(facts["walk"]["target"]),
        len(facts["walk"]["source"]),
    )


def test_the_vector_that_goes_in_is_the_scaled_row_and_the_code(facts: Facts) -> None:
    own = facts["walk"]["embedding"]
    row, scaled, code, whole = (
        tensor(facts, f"walk.embedding.{name}") for name in ("row", "scaled", "code", "sum")
    )
    assert own["scale"] == pytest.approx(math.sqrt(own["width"]), rel=ROUNDING)
    torch.testing.assert_close(row * own["scale"], scaled, atol=ROUNDING, rtol=ROUNDING)
    torch.testing.assert_close(scaled + code, whole, atol=ROUNDING, rtol=ROUNDING)
    table = Sinusoidal(own["width"]).table(torch.tensor(own["place"]))[: len(code)]
    torch.testing.assert_close(code, table.double(), atol=ROUNDING, rtol=0)
    assert facts["walk"]["source_ids"][own["place"]] == own["id"]


def test_the_percentages_of_each_step_are_those_of_its_logits(facts: Facts) -> None:
    walk = facts["walk"]
    assert [step["written"] for step in walk["steps"]] == walk["target"]
    assert [step["given"] for step in walk["steps"]] == [walk["start"], *walk["target"][:-1]]
    for step in walk["steps"]:
        logits, chances = torch.tensor(step["logits"]), torch.tensor(step["probabilities"])
        torch.testing.assert_close(chances.log() - chances[0].log(), logits - logits[0], atol=1e-2, rtol=1e-3)
        assert float(chances.sum()) <= 1.0 + ROUNDING
        assert step["probabilities"] == sorted(step["probabilities"], reverse=True)


def test_the_beam_keeps_the_best_and_the_best_is_the_translation(facts: Facts) -> None:
    walk, beam = facts["walk"], facts["walk"]["beam"]
    assert len(beam["rounds"]) == len(walk["target"])
    for running in beam["rounds"]:
        logprobs = [one["logprob"] for one in running]
        assert len(running) == beam["size"]
        assert logprobs == sorted(logprobs, reverse=True)
    for one in beam["ended"]:
        assert one["score"] == pytest.approx(one["logprob"] / one["length"], abs=ROUNDING)
    scores = [one["score"] for one in beam["ended"]]
    assert scores == sorted(scores, reverse=True)
    assert beam["ended"][0]["text"] == walk["translation"]
    greedy = sum(math.log(step["probabilities"][0]) for step in walk["steps"])
    written = [step["candidates"][0] for step in walk["steps"]] == walk["target"]
    assert not written or beam["ended"][0]["logprob"] == pytest.approx(greedy, abs=1e-2)


def test_the_pieces_spell_the_sentence(facts: Facts) -> None:
    walk = facts["walk"]
    assert "".join(walk["source"][:-1]).replace("▁", " ").strip() == walk["sentence"]
    assert "".join(walk["target"][:-1]).replace("▁", " ").strip() == walk["translation"]
    assert walk["characters"] == len(walk["sentence"])
