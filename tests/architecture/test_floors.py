"""The floors of the house: an import goes down, never up, and never round in a circle.

Reads the source as text; imports nothing of the package.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = "trasluz"
TOP = ("__init__", "__main__")  # above every floor: these may import anything

FLOORS: tuple[tuple[str, ...], ...] = (
    ("errors", "parse", "config"),
    ("attention", "layers", "text", "corpus"),
    ("models",),
    ("decoding",),
    ("evaluation", "insight", "export"),
    ("training",),
    ("serving", "cli"),
)
# Who may import whom on the same floor; every other pair of neighbours keeps apart.
NEIGHBOURS = {
    ("parse", "errors"),
    ("config", "parse"),
    ("layers", "attention"),
    ("corpus", "text"),
    ("insight", "evaluation"),
    ("export", "evaluation"),
    ("export", "insight"),
    ("cli", "serving"),
}
FLOOR_OF = {unit: floor for floor, units in enumerate(FLOORS) for unit in units}

OPTIONAL = {
    "ctranslate2",
    "huggingface_hub",
    "lxml",
    "matplotlib",
    "prometheus_client",
    "py3langid",
    "pyarrow",
    "starlette",
    "transformers",
    "uvicorn",
}


@dataclass(frozen=True, slots=True)
class Import:
    """One import: who, what, where, and whether it happens as soon as the file itself is imported."""

    importer: str
    imported: str
    place: str
    eager: bool


def source_tree() -> dict[str, str]:
    """Every Python file of the package, by its path below the package's folder."""
    folder = ROOT / "src" / PACKAGE
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*.py")}


def module_name(path: str) -> str:
    """The dotted name of a file: `layers/stack.py` is `trasluz.layers.stack`."""
    parts = [PACKAGE, *path.removesuffix(".py").split("/")]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def unit_of(module: str) -> str:
    """The file or folder directly below the package that a module belongs to."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def nodes(tree: ast.AST, *, eager: bool = True) -> Iterator[tuple[ast.AST, bool]]:
    """Every node, and whether it runs on import: not inside a function nor under TYPE_CHECKING."""
    for child in ast.iter_child_nodes(tree):
        later = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        types_only = isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING")
        runs = eager and not later and not types_only
        yield child, runs
        yield from nodes(child, eager=runs)


def imported_names(node: ast.AST, *, package: str, modules: set[str]) -> list[str]:
    """The dotted names that one node imports; `from a import b` is `a.b` where that is a module."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        base = ".".join([*above, *([node.module] if node.module else [])])
        inside = [f"{base}.{alias.name}" for alias in node.names]
        return sorted({name if name in modules else base for name in inside})
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
        return [
            arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
        ]
    return []


def imports(tree: Mapping[str, str]) -> list[Import]:
    """Every import of every file, those inside functions included, `__future__` excluded."""
    modules = {module_name(path) for path in tree}
    found = []
    for path, text in sorted(tree.items()):
        name = module_name(path)
        package = name if path.endswith("__init__.py") else name.rpartition(".")[0]
        for node, eager in nodes(ast.parse(text)):
            for imported in imported_names(node, package=package, modules=modules):
                if imported != "__future__":
                    place = f"{path}, line {getattr(node, 'lineno', 0)}"
                    found.append(Import(importer=name, imported=imported, place=place, eager=eager))
    return found


def may_import(importer: str, imported: str) -> bool:
    """Whether a unit may import another: itself, a floor below, or an allowed neighbour."""
    if importer in TOP:
        return imported != "__main__"
    if importer not in FLOOR_OF or imported not in FLOOR_OF:
        return False
    down = FLOOR_OF[imported] < FLOOR_OF[importer]
    return importer == imported or down or (importer, imported) in NEIGHBOURS


def upward_imports(tree: Mapping[str, str]) -> list[str]:
    """One line for each import that the floors forbid."""
    inner = [found for found in imports(tree) if found.imported.split(".")[0] == PACKAGE]
    return [
        f"{found.place}: {unit_of(found.importer)} may not import {found.imported}"
        for found in inner
        if not may_import(unit_of(found.importer), unit_of(found.imported))
    ]


def unplaced_units(tree: Mapping[str, str]) -> list[str]:
    """Files and folders directly below the package that have no floor."""
    units = {path.split("/")[0].removesuffix(".py") for path in tree}
    return sorted(units - FLOOR_OF.keys() - set(TOP))


def eager_optionals(tree: Mapping[str, str]) -> list[str]:
    """One line for each optional library that is imported outside a function."""
    return [
        f"{found.place}: {found.imported} belongs inside the function that needs it"
        for found in imports(tree)
        if found.eager and found.imported.split(".")[0] in OPTIONAL
    ]


def cycle(tree: Mapping[str, str]) -> list[str]:
    """The modules of one circle of imports, in order, or nothing where there is none."""
    edges: dict[str, set[str]] = {module_name(path): set() for path in tree}
    for found in imports(tree):
        if found.imported in edges:
            edges[found.importer].add(found.imported)
    done: set[str] = set()

    def follow(name: str, trail: list[str]) -> list[str]:
        if name in trail:
            return [*trail[trail.index(name) :], name]
        if name in done:
            return []
        rings = (follow(below, [*trail, name]) for below in sorted(edges[name]))
        ring = next((ring for ring in rings if ring), [])
        done.add(name)
        return ring

    return next((ring for name in sorted(edges) if (ring := follow(name, []))), [])


def test_every_import_of_the_package_goes_down() -> None:
    assert imports(source_tree())
    assert upward_imports(source_tree()) == []


def test_every_file_and_folder_of_the_package_has_a_floor() -> None:
    assert unplaced_units(source_tree()) == []


def test_no_imports_of_the_package_go_in_a_circle() -> None:
    assert cycle(source_tree()) == []


def test_optional_libraries_are_imported_inside_functions() -> None:
    assert eager_optionals(source_tree()) == []


def test_the_page_on_architecture_tells_the_same_floors() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d) \| (.+?) \|", page, flags=re.MULTILINE)
    assert {int(floor): tuple(re.findall(r"`(\w+)`", units)) for floor, units in rows} == dict(
        enumerate(FLOORS)
    )


def test_an_upward_import_is_found_even_inside_a_function() -> None:
    text = "def build():\n    from trasluz.models.build import build_model\n"
    assert upward_imports({"layers/stack.py": text}) == [
        "layers/stack.py, line 2: layers may not import trasluz.models.build"
    ]


def test_an_upward_import_is_found_however_it_is_written() -> None:
    ways = (
        "import trasluz.cli.main",
        "from trasluz import cli",
        "from trasluz.cli import main",
        "from ..cli.main import run",
        "from .. import cli",
        "import importlib\nimportlib.import_module('trasluz.cli.main')",
    )
    for way in ways:
        tree = {"text/tokenizer.py": way, "cli/__init__.py": "", "cli/main.py": ""}
        assert len(upward_imports(tree)) == 1, way


def test_the_public_names_are_above_every_floor() -> None:
    assert len(upward_imports({"cli/main.py": "from trasluz import load", "__init__.py": ""})) == 1
    assert upward_imports({"__init__.py": "from trasluz.cli.main import run", "cli/main.py": ""}) == []


def test_neighbours_on_a_floor_are_kept_apart_unless_the_table_joins_them() -> None:
    assert upward_imports({"layers/stack.py": "from trasluz.attention.mask import causal"}) == []
    assert len(upward_imports({"attention/mask.py": "from trasluz.layers.stack import Stack"})) == 1
    assert len(upward_imports({"text/markup.py": "import trasluz.layers"})) == 1


def test_a_unit_without_a_floor_is_found() -> None:
    assert unplaced_units({"magic/wand.py": "", "cli/main.py": "", "__main__.py": ""}) == ["magic"]


def test_a_circle_is_found_and_a_diamond_is_none() -> None:
    diamond = {
        "text/a.py": "from trasluz.text import b, c",
        "text/b.py": "import trasluz.text.d",
        "text/c.py": "from .d import x",
        "text/d.py": "import trasluz.errors",
    }
    assert cycle(diamond) == []
    ring = {**diamond, "text/d.py": "def late():\n    from trasluz.text.a import x\n"}
    assert cycle(ring) == ["trasluz.text.a", "trasluz.text.b", "trasluz.text.d", "trasluz.text.a"]


def test_an_optional_library_is_found_at_the_top_and_allowed_in_a_function_or_for_types() -> None:
    assert len(eager_optionals({"insight/plot.py": "import matplotlib.pyplot as plt"})) == 1
    assert (
        len(eager_optionals({"insight/plot.py": "try:\n    import lxml\nexcept ImportError:\n    pass\n"}))
        == 1
    )
    assert eager_optionals({"insight/plot.py": "def draw():\n    import matplotlib\n"}) == []
    assert eager_optionals({"insight/plot.py": "if TYPE_CHECKING:\n    import matplotlib\n"}) == []
