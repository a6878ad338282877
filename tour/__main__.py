"""The command `python -m tour`: the facts, the pictures and the page of docs/tour.md, or some of these.

python -m tour                   all of it, training two small models (some minutes)
python -m tour exact             the facts that need no training
python -m tour trained           the facts of the trained models; those in build/tour are used where they are
python -m tour pictures page     what is made of the facts
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tour import block, look, one_vector, places, sight, similarity, walk, width, windows, words
from tour.facts import DOCS, FOLDER, Facts, plain, read_facts, write_facts
from tour.lesson import Lesson
from tour.page import PAGE, TEMPLATE, render

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BUILD = DOCS.parent / "build" / "tour"

CHAPTERS: dict[str, Callable[[], Facts]] = {
    "one_vector": one_vector.facts,
    "similarity": similarity.facts,
    "width": width.facts,
    "places": places.facts,
    "sight": sight.facts,
    "block": block.facts,
}
"""The chapters whose facts need no training."""

PICTURES: dict[str, Callable[[Facts], Figure]] = {
    "one-vector": one_vector.draw,
    "cosine": similarity.draw_cosine,
    "scores": similarity.draw_scores,
    "width-spread": width.draw_spread,
    "width-softmax": width.draw_softmax,
    "width-gradient": width.draw_gradient,
    "embedding": words.draw_map,
    "position-squiggles": places.draw_squiggles,
    "position-distance": places.draw_distance,
    "position-rotary": places.draw_rotary,
    "position-learned": places.draw_learned,
    "position-relative": places.draw_relative,
    "masks": sight.draw_masks,
    "heads": windows.draw_cross,
    "residual": block.draw_residual,
    "block": block.draw_block,
    "families": sight.draw_families,
    "lesson": windows.draw_lesson,
    "head": windows.draw_head,
}


def exact() -> Facts:
    """The facts that need no training."""
    return {name: chapter() for name, chapter in CHAPTERS.items()}


def trained(folder: Path = BUILD) -> Facts:
    """The facts of the trained models, which are trained in `folder` unless they are there."""
    lesson = Lesson(folder)
    lesson.teach()
    return {
        "lesson": lesson.facts(),
        "positions": lesson.positions(),
        "words": words.facts(lesson),
        "walk": walk.facts(lesson.translator()),
    }


def draw(facts: Facts, folder: Path = FOLDER) -> None:
    """Draw every picture."""
    with look.styled():
        for name, picture in PICTURES.items():
            look.save(picture(facts), folder / f"{name}.svg")


def main() -> None:
    """Make what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tour", description="Make docs/tour.md.")
    stages = ("exact", "trained", "pictures", "page")
    parser.add_argument("stage", nargs="*", help=f"some of {', '.join(stages)}; without any, all of them")
    asked = parser.parse_args().stage or stages
    if unknown := sorted(set(asked) - set(stages)):
        parser.error(f"there is no stage {unknown[0]!r}; there are {', '.join(stages)}")
    facts = read_facts()
    if "exact" in asked:
        facts = {**facts, **plain(exact())}
    if "trained" in asked:
        facts = {**facts, **plain(trained())}
    write_facts(facts)
    if "pictures" in asked:
        draw(facts)
    if "page" in asked:
        PAGE.write_text(render(TEMPLATE.read_text("utf-8"), facts), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
