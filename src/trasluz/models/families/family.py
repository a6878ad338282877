"""What a family of foreign checkpoints is: its configuration in our words, table of names, and tokeniser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trasluz.config import ModelConfig, Task
from trasluz.errors import TrasluzError
from trasluz.models.directory import read_json
from trasluz.models.families.names import Table
from trasluz.models.families.reading import Reading
from trasluz.text.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class Files:
    """The small files of a checkpoint's directory."""

    directory: Path

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return (self.directory / name).is_file()

    def data(self, name: str) -> bytes:
        """All that is in a file.

        Raises `TrasluzError` where it is missing.
        """
        if not self.has(name):
            raise TrasluzError(f"{self.directory}: {name} is missing; copy the whole checkpoint again")
        return (self.directory / name).read_bytes()

    def settings(self, name: str) -> dict[str, Any]:
        """The object in a JSON file, empty where there is no such file.

        Raises `TrasluzError` where it is damaged.
        """
        return read_json(self.directory / name) if self.has(name) else {}


@dataclass(frozen=True, slots=True)
class Languages:
    """The languages that are asked for, in the words of the checkpoint; None is not said."""

    source: str | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """One of the families that run on the one stack; `model_type` is its name in config.json.

    `config_from_hf` raises `TrasluzError` for what the stack has not; `table` is for a configuration that it
    gave, `tokenizer` for the same and for some languages. `most_sentences` is the range of a model that
    learnt from so many sentences at a time.
    """

    model_type: str
    task: Task
    config_from_hf: Callable[[Reading], ModelConfig]
    table: Callable[[Any], Table]
    tokenizer: Callable[[Files, Any, Languages], Tokenizer]
    most_sentences: int | None = None
