"""A language model as a translator: a prompt around each text, and what it writes behind it.

Knows no files and no particular model.
"""

from __future__ import annotations

from collections.abc import Sequence

from trasluz.decoding.generator import Ending, Generator
from trasluz.decoding.sample import Sampling
from trasluz.decoding.translator import Translation
from trasluz.decoding.verdict import Verdict, judge, worst
from trasluz.errors import TrasluzError
from trasluz.text.sentences import trim

SLOT = "{text}"


class Prompted:
    """Translates texts by a language model that was told how, such as `English: {text}\\nSpanish:`.

    What is written, greedily, up to `most` tokens and before any of the strings `stop`, is the translation.
    Raises `TrasluzError` for a prompt without a place for the text.
    """

    def __init__(
        self, generator: Generator, prompt: str, *, stop: Sequence[str] = ("\n",), most: int = 200
    ) -> None:
        if SLOT not in prompt:
            raise TrasluzError(f"the prompt {prompt!r} has no place for the text; write {SLOT} there")
        self.generator, self.prompt, self.stop, self.most = generator, prompt, tuple(stop), most

    def translate(self, texts: Sequence[str]) -> list[Translation]:
        """Each text in its order, a line at a time; a blank one stays as it is.

        So does a line that is too long for the model, and says so by its verdict. There is no score: see
        `Generator.score`.
        """
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> Translation:
        lines = [self._line(line) for line in text.split("\n")]
        return Translation(
            text, "\n".join(found for found, _ in lines), None, worst(verdict for _, verdict in lines)
        )

    def _line(self, line: str) -> tuple[str, Verdict]:
        before, core, behind = trim(line)
        if not core:
            return line, Verdict.complete
        greedy = Sampling(temperature=0)
        try:
            written = self.generator.generate(
                self.prompt.replace(SLOT, core), sampling=greedy, most=self.most, stop=self.stop
            )
        except TrasluzError:  # the others must not be lost for the sake of one
            return line, Verdict.untranslated
        found = " ".join(written.text.split())
        tokenizer = self.generator.tokenizer
        verdict = judge(
            core,
            found,
            finished=written.ending is not Ending.length,
            source_tokens=len(tokenizer.encode(core)),
            target_tokens=len(tokenizer.encode(found)),
        )
        return f"{before}{found}{behind}", verdict
