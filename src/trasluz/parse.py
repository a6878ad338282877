"""From plain values to settings, with one clear sentence for what is wrong in them.

An unknown key names the nearest known one; a value out of range says what is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from trasluz.errors import TrasluzError, nearest_first, unknown

AnySettings = TypeVar("AnySettings", bound=BaseModel)


class Settings(BaseModel):
    """The base of every group of settings: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def parse(kind: type[AnySettings], settings: Mapping[str, Any], *, where: str) -> AnySettings:
    """`settings` checked and made into a `kind`; `where` names the file or command they came from.

    Raises `TrasluzError` that names the first wrong key, and for an unknown key the nearest known ones.
    """
    try:
        return kind.model_validate(settings)
    except ValidationError as error:
        raise TrasluzError(f"{where}: {_sentence(kind, error)}") from None


def known_keys(kind: type[BaseModel], *, chosen: Container[object] = ()) -> list[str]:
    """Every key of `kind` and of the settings inside it, as dotted paths, in the order of their definition.

    Where settings of several kinds may stand, those of the `chosen` kinds count, or all if none is chosen.
    """
    keys: dict[str, None] = {}
    for name, field in kind.model_fields.items():
        keys[name] = None
        options = _settings_in(field.annotation)
        for inner in [one for one in options if _kind_of(one) in chosen] or options:
            keys.update(dict.fromkeys(f"{name}.{key}" for key in known_keys(inner, chosen=chosen)))
    return list(keys)


def _kind_of(settings: type[BaseModel]) -> object:
    """The kind by which a group of settings is told from others in its place, where it has one."""
    return settings.model_fields["kind"].default if "kind" in settings.model_fields else None


def _settings_in(annotation: Any) -> list[type[BaseModel]]:
    """The groups of settings that a field of this type may hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for option in get_args(annotation) for found in _settings_in(option)]


GROUP_EXPECTED = {"union_tag_not_found", "model_attributes_type", "model_type"}
"""How pydantic calls it that something stands where a group of settings should."""

PLAINLY = {
    **dict.fromkeys(("int_type", "int_parsing", "int_parsing_size", "int_from_float"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    **dict.fromkeys(("tuple_type", "list_type"), "a list"),
    "string_type": "a text",
    "finite_number": "a finite number",
}
"""What should stand there, in plain words, by what pydantic calls it that something else does."""


def _sentence(kind: type[BaseModel], error: ValidationError) -> str:
    """One clear sentence for the first of the errors."""
    problem = error.errors(include_url=False)[0]
    keys = known_keys(kind, chosen=problem["loc"])
    path = _dotted(problem["loc"], keys)
    message = problem["msg"].removeprefix("Value error, ").replace("Input should be", "it should be")
    if problem["type"] in PLAINLY:
        message = f"it should be {PLAINLY[problem['type']]}"
    if problem["type"] == "extra_forbidden":
        return f"unknown key {path!r}; known, nearest first: {', '.join(nearest_first(path, keys)[:5])}"
    if problem["type"] in GROUP_EXPECTED and not isinstance(problem["input"], Mapping):
        return f"{path} is {problem['input']!r}, but it should be a group of settings"
    if problem["type"] == "union_tag_not_found":
        return f"the key '{path}.kind' is missing; add it, since it has no default"
    if problem["type"] == "missing":
        return f"the key {path!r} is missing; add it, since it has no default"
    if problem["type"] == "value_error":
        return message
    allowed = problem.get("ctx", {})
    if "expected" in allowed or "expected_tags" in allowed:
        return str(_unknown_choice(path, problem["input"], allowed))
    return f"{path} is {problem['input']!r}, but {message}"


def _unknown_choice(path: str, given: Any, allowed: Mapping[str, Any]) -> TrasluzError:
    """The error for a word that is none of the choices pydantic lists."""
    if "expected_tags" in allowed:
        return unknown(
            f"{path}.kind", str(allowed["tag"]), re.findall(r"'([^']+)'", allowed["expected_tags"])
        )
    return unknown(path, str(given), re.findall(r"'([^']+)'", allowed["expected"]))


def _dotted(location: tuple[int | str, ...], keys: Sequence[str]) -> str:
    """A path of keys, without the names of kinds that pydantic puts in between."""
    path = ""
    for depth, part in enumerate(location, start=1):
        longer = f"{path}.{part}" if path else str(part)
        if depth == len(location) or longer in keys:
            path = longer
    return path
