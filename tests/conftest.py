"""What many tests share: made-up pairs, settings of a very small run, a small translator, a full disk."""

from __future__ import annotations

import errno
import io
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import nn

from trasluz.config import DecoderOnlyConfig, Manifest, RecurrentConfig, TransformerConfig
from trasluz.corpus.read import Pair
from trasluz.models.build import build_model
from trasluz.models.directory import FORMAT
from trasluz.models.loaded import LoadedModel
from trasluz.parse import parse
from trasluz.text.sentencepieces import SentencePieces
from trasluz.training.settings import merge

WHO = {
    "the cat": "el gato",
    "the dog": "el perro",
    "my sister": "mi hermana",
    "the old man": "el anciano",
    "our teacher": "nuestra maestra",
}
DOES = {"sees": "ve", "wants": "quiere", "paints": "pinta", "finds": "encuentra"}
WHAT = {"a house": "una casa", "the red boat": "el barco rojo", "two apples": "dos manzanas"}

STACK = {
    "layers": 1,
    "attention": {"heads": 3, "dropout": 0.1},
    "feedforward": {"hidden": 17, "dropout": 0.1},
    "dropout": 0.2,
}
TINY: dict[str, Any] = {
    "model": {"width": 12, "encoder": STACK, "decoder": STACK},
    "tokenizer": {"vocabulary": 311},
    "batch": {"tokens": 211},
    "optimizer": {"rate": 0.01, "warmup": 3},
    "validation": {"every": 4, "metric": "loss"},
    "budget": {"steps": 13},
    "average": 0,
}


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> Iterator[None]:
    """Ctrl-C interrupts, as on a terminal: a shell has it ignored by what it starts in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Small tensors gain nothing from threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def pairs() -> list[Pair]:
    """Sixty sentences and their translations, no two alike in either language."""
    return [
        Pair(f"{who} {does} {what}", f"{quien} {hace} {que}")
        for who, quien in WHO.items()
        for does, hace in DOES.items()
        for what, que in WHAT.items()
    ]


@pytest.fixture(scope="session")
def tiny() -> Callable[..., dict[str, Any]]:
    """Settings of a run that takes a moment, with whatever groups are given laid over them."""

    def settings(**groups: Any) -> dict[str, Any]:
        return merge(TINY, groups)

    return settings


@pytest.fixture(scope="session")
def small(pairs: list[Pair]) -> LoadedModel:
    """A translator that nobody trained: two layers, weights large enough for every part to matter."""
    tokenizer = SentencePieces.learn(
        [side for pair in pairs for side in (pair.source, pair.target)], vocabulary=311
    )
    stack = {**STACK, "layers": 2}
    settings = {"width": 12, "embedding": {"vocabulary": len(tokenizer)}, "encoder": stack, "decoder": stack}
    config = parse(TransformerConfig, settings, where="test")
    torch.manual_seed(7)
    model = build_model(config).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    manifest = Manifest(format=FORMAT, model=config, longest_source=29, source_language="en")
    return LoadedModel(manifest, model, tokenizer)


@pytest.fixture(scope="session")
def untrained(small: LoadedModel) -> Callable[..., LoadedModel]:
    """Makes a model of any architecture that nobody trained, like `small`; its heads may share keys."""

    def make(
        kind: str = "transformer", *, task: str = "translation", longest: int = 29, **parts: Any
    ) -> LoadedModel:
        stack: dict[str, Any] = {
            "layers": 2,
            "attention": {"heads": 6, "kv_heads": 3, "head_width": 4, **parts.get("attention", {})},
            "feedforward": {"hidden": 17},
            "position": parts.get("position", {"kind": "sinusoidal"}),
        }
        settings: dict[str, Any] = {"width": 14, "embedding": {"vocabulary": len(small.tokenizer)}}
        config: Any
        if kind == "transformer":
            config = parse(TransformerConfig, settings | {"encoder": stack, "decoder": stack}, where="test")
        elif kind == "decoder-only":
            config = parse(DecoderOnlyConfig, settings | {"decoder": stack}, where="test")
        else:
            decoder = {"attention": parts.get("attention", {})}
            config = parse(RecurrentConfig, settings | {"decoder": decoder}, where="test")
        torch.manual_seed(11)
        model = build_model(config).eval()
        for parameter in model.parameters():
            nn.init.normal_(parameter, std=0.3)
        manifest = Manifest.model_validate(
            {"format": FORMAT, "task": task, "model": config.model_dump(), "longest_source": longest}
        )
        return LoadedModel(manifest, model, small.tokenizer)

    return make


class FullDisk(io.FileIO):
    """A file of which half is written when the disk is full."""

    def write(self, data: Any, /) -> int:
        """Half of it, then the error that systems give."""
        super().write(bytes(data)[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def fill_the_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Path], bool]], None]:
    """From now on, no room is left for files whose path is chosen."""

    def fill(chosen: Callable[[Path], bool]) -> None:
        really_open = cast(Callable[..., Any], Path.open)

        def open_on_full_disk(path: Path, mode: str = "r", *more: Any, **named: Any) -> Any:
            if "w" in mode and chosen(path):
                return FullDisk(path, "w")
            return really_open(path, mode, *more, **named)

        monkeypatch.setattr(Path, "open", open_on_full_disk)

    return fill
