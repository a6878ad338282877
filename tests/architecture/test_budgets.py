"""The budgets that keep every file readable: lines, branches, arguments, names and docstrings.

Lines of a function are those of its body below the docstring, blank lines and comments included. A branch is
an `if`, an `elif`, a conditional expression or a `case`; loops and boolean operators are none.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[2]

LINES_OF_FILE = 400
LINES_OF_FUNCTION = 60
LINES_OF_FORWARD = 30
BRANCHES_OF_FORWARD = 4
ARGUMENTS_OF_CONSTRUCTOR = 10
HEART = ("attention", "layers")  # where every `forward` has a budget of its own
INIT_OF_FOLDER = re.compile(r"src/trasluz/.+/__init__\.py")
EMPTY_NAMES = {"util", "utils", "helper", "helpers", "common", "misc"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def files(*folders: str) -> list[str]:
    """Every Python file below the given folders, as paths below the root of the repository."""
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def functions(text: str) -> Iterator[Function]:
    """Every function and method, nested ones included."""
    return (node for node in ast.walk(ast.parse(text)) if isinstance(node, Function))


def body_without_docstring(node: Function | ast.Module) -> list[ast.stmt]:
    """The statements below the docstring."""
    return node.body[1:] if ast.get_docstring(node) is not None else node.body


def lines_of(function: Function) -> int:
    """How many lines the body takes below its docstring."""
    body = body_without_docstring(function)
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def branches_of(function: Function) -> int:
    """How many times the body chooses between two ways."""
    return sum(isinstance(node, ast.If | ast.IfExp | ast.match_case) for node in ast.walk(function))


def arguments_of(function: Function) -> int:
    """How many arguments a method takes besides self."""
    spec = function.args
    named = len(spec.posonlyargs) + len(spec.args) + len(spec.kwonlyargs)
    return named - 1 + sum(extra is not None for extra in (spec.vararg, spec.kwarg))


def too_long(text: str) -> list[str]:
    """The budget of a file."""
    lines = len(text.splitlines())
    return [f"{lines} lines, the limit is {LINES_OF_FILE}"] if lines > LINES_OF_FILE else []


def over_budget(text: str, *, in_heart: bool) -> list[str]:
    """One line for each function that is too long, or branches or takes too much."""
    found = []
    for function in functions(text):
        is_forward = in_heart and function.name == "forward"
        counts = [(lines_of(function), LINES_OF_FORWARD if is_forward else LINES_OF_FUNCTION, "lines")]
        if is_forward:
            counts.append((branches_of(function), BRANCHES_OF_FORWARD, "branches"))
        if function.name == "__init__":
            counts.append((arguments_of(function), ARGUMENTS_OF_CONSTRUCTOR, "arguments"))
        found += [
            f"line {function.lineno}, {function.name}: {count} {what}, the limit is {limit}"
            for count, limit, what in counts
            if count > limit
        ]
    return found


def undocumented(text: str) -> list[str]:
    """The module, if it says nothing of itself, and its public functions and classes that do not."""
    module = ast.parse(text)
    if not module.body:
        return []
    public = [
        node
        for node in module.body
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_")
    ]
    silent = [f"line {node.lineno}, {node.name}" for node in public if not ast.get_docstring(node)]
    return silent if ast.get_docstring(module) else ["the module", *silent]


def empty_names(path: str) -> list[str]:
    """The parts of a path that name no thing."""
    return sorted(EMPTY_NAMES & set(PurePosixPath(path).with_suffix("").parts))


def does_more_than_reexport(text: str) -> list[str]:
    """What an `__init__.py` does beside re-exporting names."""
    body = body_without_docstring(ast.parse(text))
    others = [node for node in body if not isinstance(node, ast.ImportFrom)]
    return [f"line {node.lineno}" for node in others if not ast.unparse(node).startswith("__all__ = ")]


@pytest.mark.parametrize("path", files("src", "tests"))
def test_a_file_is_short_and_named_after_a_thing(path: str) -> None:
    assert too_long((ROOT / path).read_text("utf-8")) == []
    assert empty_names(path) == []


@pytest.mark.parametrize("path", files("src"))
def test_functions_keep_their_budgets(path: str) -> None:
    in_heart = PurePosixPath(path).parts[2] in HEART
    assert over_budget((ROOT / path).read_text("utf-8"), in_heart=in_heart) == []


@pytest.mark.parametrize("path", files("src"))
def test_a_module_and_its_public_names_say_what_they_are(path: str) -> None:
    assert undocumented((ROOT / path).read_text("utf-8")) == []


@pytest.mark.parametrize("path", [path for path in files("src") if INIT_OF_FOLDER.fullmatch(path)])
def test_the_init_of_a_folder_only_reexports(path: str) -> None:
    assert does_more_than_reexport((ROOT / path).read_text("utf-8")) == []


def forward(*lines: str) -> str:
    """A made-up module with one `forward` of the given lines."""
    return "def forward(x):\n    '''Say.'''\n" + "".join(f"    {line}\n" for line in lines)


def test_a_forward_in_the_heart_has_thirty_lines_and_elsewhere_sixty() -> None:
    assert over_budget(forward(*["x += 1"] * 30), in_heart=True) == []
    assert over_budget(forward(*["x += 1"] * 31), in_heart=True) == [
        "line 1, forward: 31 lines, the limit is 30"
    ]
    assert over_budget(forward(*["x += 1"] * 60), in_heart=False) == []
    assert over_budget(forward(*["x += 1"] * 61), in_heart=False) == [
        "line 1, forward: 61 lines, the limit is 60"
    ]


def test_ifs_elifs_conditional_expressions_and_cases_are_branches_and_loops_are_not() -> None:
    allowed = ["if x: pass", "elif x > 1: pass", "else: pass", "y = 1 if x else 2", "if y: pass"]
    loops = ["while x and y: pass", "for _ in x: pass"]
    assert over_budget(forward(*allowed, *loops), in_heart=True) == []
    too_many = [*allowed, "match x:", "    case 1: pass"]
    assert over_budget(forward(*too_many), in_heart=True) == ["line 1, forward: 5 branches, the limit is 4"]


def test_a_constructor_takes_ten_arguments_besides_self_and_no_eleventh() -> None:
    letters = "a, b, c, /, d, e, *, f, g, h"
    assert over_budget(f"class C:\n    def __init__(self, {letters}, i, j): ...", in_heart=False) == []
    crowded = f"class C:\n    def __init__(self, {letters}, i, j, **k): ...".replace("*,", "*rest,")
    assert over_budget(crowded, in_heart=False) == ["line 2, __init__: 12 arguments, the limit is 10"]


def test_a_file_of_four_hundred_lines_passes_and_one_more_does_not() -> None:
    assert too_long("x = 1\n" * 400) == []
    assert too_long("x = 1\n" * 401) == ["401 lines, the limit is 400"]


def test_what_says_nothing_of_itself_is_found() -> None:
    assert undocumented("") == []
    assert undocumented("'''Says.'''\ndef _hidden(): ...\n") == []
    assert undocumented("def f(): ...\nclass C: ...\n") == ["the module", "line 1, f", "line 2, C"]


def test_a_name_that_is_no_thing_is_found_in_files_and_folders() -> None:
    assert empty_names("src/trasluz/text/utils.py") == ["utils"]
    assert empty_names("src/trasluz/common/score.py") == ["common"]
    assert empty_names("src/trasluz/text/markup.py") == []


def test_an_init_that_works_is_found() -> None:
    assert does_more_than_reexport("'''Says.'''\nfrom a import b\n__all__ = ['b']\n") == []
    assert does_more_than_reexport("from a import b\nb()\n") == ["line 2"]
