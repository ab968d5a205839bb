"""Who may import whom: the rooms stay apart, and no circle of imports ever begins.

Imports are read from the source with `ast`, so that an import inside a function counts for the rooms too; for
circles only those count that run when a module is imported.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import castwright

PACKAGE = Path(castwright.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# what a room may import of ours, beside itself
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "": set(),
    "personas": {"errors"},
    "filters": {"errors"},
    "generators": {"errors", "personas"},
    "pipelines": {"", "errors", "personas", "filters", "generators"},
    "cli": {"", "errors", "personas", "filters", "generators", "pipelines", "cli_journal"},
    "cli_journal": {"generators"},
    "__main__": {"errors", "cli"},
}


def name_of(path: Path, package: Path = PACKAGE) -> str:
    """Return the dotted name of a module file."""
    parts = ["castwright", *path.relative_to(package).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(source: str, module: str, *, is_package: bool, top_level: bool) -> Iterator[str]:
    """Yield the modules of ours that a source imports: dotted names, of `from a import b` both a and a.b.

    `top_level` leaves out what is inside functions and under `if TYPE_CHECKING`.
    """
    for node in _nodes(ast.parse(source), top_level):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                up = module.split(".")
                up = up[: len(up) - node.level + is_package]
                base = ".".join([*up, base] if base else up)
            found = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        yield from (name for name in found if name == "castwright" or name.startswith("castwright."))


def _nodes(tree: ast.AST, top_level: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if top_level and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if top_level and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _nodes(node, top_level)


def room(module: str) -> str:
    """Return the room, or the module at the top, that a dotted name belongs to; "" for the package itself."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in ALLOWED else ""


def violations(module: str, source: str, *, is_package: bool = False) -> list[str]:
    """Return the imports of a module that its room is not allowed."""
    here = room(module)
    return [
        f"{module} imports {name}"
        for name in imports_of(source, module, is_package=is_package, top_level=False)
        # `from castwright.errors import X` gives castwright.errors and castwright.errors.X: both are the room
        if room(name) != here and room(name) not in ALLOWED[here]
    ]


def find_circle(graph: dict[str, set[str]]) -> list[str]:
    """Return the modules of one circle in the order in which they import each other, or []."""
    done: set[str] = set()

    def walk(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return []
        for target in sorted(graph[module]):
            circle = walk(target, [*path, module])
            if circle:
                return circle
        done.add(module)
        return []

    for module in sorted(graph):
        circle = walk(module, [])
        if circle:
            return circle
    return []


def import_graph(sources: dict[str, tuple[str, bool]]) -> dict[str, set[str]]:
    """Return module -> modules it imports when it is imported; `sources` are (text, is it a package)."""
    graph: dict[str, set[str]] = {}
    for module, (source, is_package) in sources.items():
        found = set(imports_of(source, module, is_package=is_package, top_level=True)) & set(sources)
        # a module that names its own package asks for nothing but a module in it, which is named too
        graph[module] = found - {module}
    return graph


def test_the_test_sees_the_whole_package() -> None:
    """Every room is there, and every module has a room."""
    assert {room(name_of(path)) for path in MODULES} == set(ALLOWED)
    assert len(MODULES) > 80


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_only_rooms_below_its_own(path: Path) -> None:
    """Personas and filters know nothing of the others; generators know personas; pipelines know all three."""
    source = path.read_text(encoding="utf-8")
    assert violations(name_of(path), source, is_package=path.name == "__init__.py") == []


def test_no_module_imports_itself_in_a_circle() -> None:
    """Imports that run when a module is imported form no circle."""
    sources = {name_of(path): (path.read_text(encoding="utf-8"), path.name == "__init__.py") for path in MODULES}
    graph = import_graph(sources)
    assert sum(map(len, graph.values())) > 200
    # a room's __init__ imports its modules, and they name the room in every import: that is no circle
    without_rooms = {module: targets - rooms_of(sources) for module, targets in graph.items()}
    assert find_circle(without_rooms) == []


def rooms_of(sources: dict[str, tuple[str, bool]]) -> set[str]:
    """Return the packages among the modules."""
    return {module for module, (_, is_package) in sources.items() if is_package}


def test_no_module_takes_a_name_from_a_room_that_is_not_loaded_yet() -> None:
    """Inside a package, names come from its modules and never from its own `__init__`, which may be half done."""
    packages = {name_of(path) for path in MODULES if path.name == "__init__.py"}
    modules = {name_of(path) for path in MODULES}
    found = []
    for path in MODULES:
        module = name_of(path)
        for node in _nodes(ast.parse(path.read_text(encoding="utf-8")), top_level=True):
            if isinstance(node, ast.ImportFrom) and node.module in packages and module.startswith(f"{node.module}."):
                names = [alias.name for alias in node.names if f"{node.module}.{alias.name}" not in modules]
                # the package itself has only its version, which is set before anything is imported
                found += [f"{module}: {name}" for name in names if (node.module, name) != ("castwright", "__version__")]
    assert found == []


FORBIDDEN = {
    "a filter that knows generators": ("castwright.filters.new", "from castwright.generators.step import ModelStep"),
    "a filter that knows personas": ("castwright.filters.new", "import castwright.personas.card"),
    "a persona that knows filters in a function": (
        "castwright.personas.new",
        "def f():\n    from castwright.filters import length",
    ),
    "a generator that knows pipelines": ("castwright.generators.models.new", "import castwright.pipelines as p"),
    "a generator that knows filters, by a relative name": ("castwright.generators.new", "from ..filters import run"),
    "a filter that knows a room through the package": ("castwright.filters.new", "from castwright import generators"),
    "a pipeline that knows the command line": ("castwright.pipelines.new", "from castwright.cli import app"),
    "errors that know anything": ("castwright.errors", "from castwright.personas.card import PersonaCard"),
}


@pytest.mark.parametrize(("module", "source"), FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_a_forbidden_import_would_be_caught(module: str, source: str) -> None:
    """The check itself works: a module that breaks a rule is named."""
    assert violations(module, source)


def test_a_circle_would_be_caught() -> None:
    """Three modules that import each other round are a circle; inside a function they are none."""
    sources = {
        "castwright.filters.a": ("from castwright.filters.b import x", False),
        "castwright.filters.b": ("class C:\n    from castwright.filters import c", False),
        "castwright.filters.c": ("try:\n    from . import a\nexcept ImportError:\n    a = None", False),
    }
    assert find_circle(import_graph(sources)) == [
        "castwright.filters.a",
        "castwright.filters.b",
        "castwright.filters.c",
        "castwright.filters.a",
    ]
    sources["castwright.filters.c"] = ("def late():\n    import castwright.filters.a", False)
    assert find_circle(import_graph(sources)) == []
