"""What a training run is asked to do: frozen settings, saved in the run's directory as they were resolved.

Knows no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from trasluz.config import AdapterConfig, Count, ModelConfig, Positive, Rate, StackConfig, Task
from trasluz.parse import Settings

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class TokenizerSettings(Settings):
    """How the pieces are learnt; `sampling` is the share of sentences cut in another way in every epoch."""

    vocabulary: Count = 8000
    kind: Literal["unigram", "bpe"] = "unigram"
    normalization: Literal["none", "nfkc"] = "none"
    sampling: Share = 0.0

    @model_validator(mode="after")
    def _sampling_has_ways(self) -> Self:
        if self.sampling > 0 and self.kind == "bpe":
            raise ValueError(
                "tokenizer.sampling needs the kind 'unigram', since 'bpe' cuts a word in one way only"
            )
        return self


class BatchSettings(Settings):
    """`tokens` are the cells of the longer side of a batch; `accumulate` batches make one step."""

    tokens: Count = 1024
    accumulate: Count = 1
    longest: Count = 256


class OptimizerSettings(Settings):
    """AdamW (Loshchilov and Hutter 2019), its peak rate and the shape of the rate over the run."""

    rate: Positive = 1e-3
    warmup: Annotated[int, Field(ge=0)] = 300
    schedule: Literal["inverse-sqrt", "cosine", "constant"] = "cosine"
    beta1: Rate = 0.9
    beta2: Rate = 0.98
    epsilon: Positive = 1e-9
    weight_decay: Annotated[float, Field(ge=0.0)] = 0.0
    clip: Positive = 1.0


class ValidationSettings(Settings):
    """How often a run looks at itself, on how much, and when it gives up.

    `every` steps, or ten times over the budget where it is None; `patience` validations without a better
    `metric` end the run, 0 never does.
    """

    every: Count | None = None
    pairs: Count = 500
    metric: Literal["bleu", "chrf", "loss"] = "bleu"
    patience: Annotated[int, Field(ge=0)] = 0


class BudgetSettings(Settings):
    """Where a run ends: after `steps`, after `seconds`, at whichever comes first; None is no limit."""

    steps: Count | None = None
    seconds: Positive | None = None


class BaseSettings(Settings):
    """The model that a run goes on from, by its place and its weights.

    Parts of it may stay as they are; with an `adapter` all of it does, and a small change is learnt instead.
    """

    directory: str
    weights: str
    freeze: tuple[Literal["embeddings", "encoder", "decoder"], ...] = ()
    adapter: AdapterConfig | None = None


class RunSettings(Settings):
    """All of a run, resolved: what `settings.json` of a run's directory holds."""

    preset: str
    task: Task = "translation"
    model: ModelConfig
    tokenizer: TokenizerSettings = TokenizerSettings()
    batch: BatchSettings = BatchSettings()
    optimizer: OptimizerSettings = OptimizerSettings()
    validation: ValidationSettings = ValidationSettings()
    budget: BudgetSettings = BudgetSettings()
    smoothing: Rate = 0.1
    average: Annotated[int, Field(ge=0)] = 5
    keep: Count = 5
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    source_language: str | None = None
    target_language: str | None = None
    base: BaseSettings | None = None

    @model_validator(mode="after")
    def _task_has_its_model(self) -> Self:
        if self.task == "language-model" and self.model.kind != "decoder-only":
            raise ValueError(
                f"a language model is decoder-only, but the model is of the kind {self.model.kind!r}; "
                "give --arch decoder-only, or leave it out"
            )
        if self.task == "language-model" and self.validation.metric != "loss":
            raise ValueError(
                f"a language model is compared by its loss, but validation.metric is "
                f"{self.validation.metric!r}; leave it at 'loss'"
            )
        return self

    @model_validator(mode="after")
    def _learnt_positions_reach(self) -> Self:
        sides, longest = _sides(self.task, self.model), self.batch.longest
        needed = sides * longest + sides - 1
        for name, length in _positions(self.model).items():
            if length >= needed:
                continue
            if self.base is not None:
                raise ValueError(
                    f"batch.longest is {longest}, but the model to go on from holds {length} positions; give "
                    f"{longest_held(self.task, self.model)} or less, or leave it out"
                )
            raise ValueError(
                f"model.{name}.position.length is {length}, but up to {longest} pieces a side "
                f"(batch.longest) need {needed} positions; raise the one or lower the other"
            )
        return self


def longest_held(task: Task, model: ModelConfig) -> int | None:
    """The most pieces a side that a model has positions for; None where they are not counted."""
    sides, lengths = _sides(task, model), _positions(model).values()
    return (min(lengths) - sides + 1) // sides if lengths else None


def _sides(task: Task, model: ModelConfig) -> int:
    """How many sides of a pair stand in one sequence, with a symbol between them."""
    return 2 if model.kind == "decoder-only" and task == "translation" else 1


def _positions(model: ModelConfig) -> dict[str, int]:
    """How many positions each stack has, of those that count them."""
    stacks = {name: getattr(model, name, None) for name in ("encoder", "decoder")}
    return {
        name: stack.length
        for name, stack in stacks.items()
        if isinstance(stack, StackConfig) and stack.length is not None
    }


def merge(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`settings` with `changes` laid over them, group by group; a choice of another `kind` starts afresh."""
    merged = dict(settings)
    for key, value in changes.items():
        old = merged.get(key)
        if (
            isinstance(old, Mapping)
            and isinstance(value, Mapping)
            and value.get("kind", old.get("kind")) == old.get("kind", value.get("kind"))
        ):
            merged[key] = merge(old, value)
        else:
            merged[key] = value
    return merged


def value_at(settings: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, or None where there is none."""
    value: Any = settings
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def differences(there: Mapping[str, Any], here: Mapping[str, Any], *, path: str = "") -> list[str]:
    """Where two settings differ, as "key is this there and that here"."""
    found = []
    for key in dict.fromkeys([*there, *here]):
        old, new = there.get(key), here.get(key)
        name = f"{path}{key}"
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += differences(old, new, path=f"{name}.")
        elif old != new:
            found.append(f"{name} is {old!r} there and {new!r} here")
    return found
