"""What a model looked at, as an object: it shows itself in a notebook, and saves itself.

Knows no parts of models. `attend` is public as `trasluz.attend`: the floors do not let a translator know of
insight, and one function serves translators and language models alike.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from pathlib import Path

from trasluz.decoding.generator import Generator
from trasluz.decoding.sample import Sampling
from trasluz.decoding.translator import Translator
from trasluz.errors import TrasluzError, unknown
from trasluz.insight.exhibit import Exhibit, to_json
from trasluz.insight.matrix import matrix_of
from trasluz.insight.page import page_html, save_page
from trasluz.insight.plot import PICTURES, save_picture
from trasluz.insight.record import record, record_text

ENDINGS = (".html", ".json", *PICTURES)
FRAME = (
    '<iframe srcdoc="{page}" sandbox="allow-scripts" width="100%" height="760" style="border: 0" '
    'title="Attention, held against the light"></iframe>'
)


@dataclass(frozen=True, slots=True, repr=False)
class Attention:
    """Every weight of one translation or text, in `exhibit`; a notebook shows it as a page."""

    exhibit: Exhibit

    def save(
        self,
        path: Path | str,
        *,
        kind: str | None = None,
        layer: int | None = None,
        head: int | None = None,
    ) -> None:
        """Write a page (.html), the data behind it (.json), or a picture of one matrix (.png, .svg, .pdf).

        `kind`, `layer` and `head` say which matrix, see `matrix_of`; a page and the data have all of them.
        Raises `TrasluzError` for another ending, for a choice that there is not or that chooses nothing, and
        for more than a page can hold.
        """
        path = Path(path)
        ending = path.suffix.lower()
        if ending not in ENDINGS:
            raise unknown("ending of a file of attention", path.suffix, ENDINGS)
        if ending in PICTURES:
            matrix = matrix_of(self.exhibit, kind=kind, layer=layer, head=head)
            save_picture(matrix.weights, path, rows=matrix.rows, columns=matrix.columns, title=matrix.title)
            return
        if (kind, layer, head) != (None, None, None):
            raise TrasluzError(
                f"kind, layer and head choose what a picture shows, but {path.name} has all of them; "
                f"leave them out, or save as {' or '.join(PICTURES)}"
            )
        if ending == ".html":
            save_page(self.exhibit, path)
        else:
            path.write_text(json.dumps(to_json(self.exhibit), ensure_ascii=False) + "\n", encoding="utf-8")

    def __repr__(self) -> str:
        kinds = ", ".join(
            f"{kind} {weights.shape[0]} x {weights.shape[1]}" for kind, weights in self.exhibit.weights()
        )
        sides = f"{len(self.exhibit.source)} source and {len(self.exhibit.target)} target tokens"
        return f"<Attention of {sides}; layers x heads: {kinds}>"

    def _repr_html_(self) -> str:
        """The page in a frame of its own, which is how notebooks show it."""
        try:
            page = page_html(self.exhibit)
        except TrasluzError as error:
            return f"<p>{escape(str(error))}</p>"
        return FRAME.format(page=escape(page, quote=True))


def attend(
    model: Translator | Generator,
    text: str,
    *,
    target: str | None = None,
    beam: int = 5,
    most: int = 50,
    sampling: Sampling | None = None,
    seed: int = 0,
) -> Attention:
    """What a model looks at, in every head of every layer.

    A translator translates `text`, with a beam of `beam`, or is led to `target` where one is given. A
    language model writes up to `most` tokens behind `text`, greedily unless `sampling` and `seed` say
    otherwise, or with `most` of 0 only reads it. Raises `TrasluzError` for a text that has no single
    pass to be seen in, for a model without attention, and for a target that is given to a language model.
    """
    if isinstance(model, Translator):
        return Attention(record(model, text, target=target, beam=beam))
    if target is not None:
        raise TrasluzError(
            "a target is given, but a language model has none: it goes on from the text; leave the target "
            "out, or give the whole text and let no token be written"
        )
    return Attention(record_text(model, text, most=most, sampling=sampling, seed=seed))
