"""A model with what belongs to it, however it was stored.

Knows no files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trasluz.config import Manifest
from trasluz.models.model import Model
from trasluz.text.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class Origin:
    """The foreign checkpoint that a model came from: its configuration, and files beside it that stay as they
    were."""

    settings: Mapping[str, Any]
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model with what belongs to it, ready for use; `notes` are sentences that a user should see."""

    manifest: Manifest
    model: Model
    tokenizer: Tokenizer
    origin: Origin | None = None
    notes: tuple[str, ...] = ()
