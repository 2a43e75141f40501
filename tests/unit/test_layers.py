"""The package's modules import one way, at their top, and stay small."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
PACKAGE = "rushtyped"
# From top to bottom: a module imports only from layers above its own. A package stands for all
# modules in it, which may import each other.
LAYERS = (
    *("errors", "printable", "arguments", "keys", "pipes", "models", "dtypes", "schema"),
    *("stored_schema", "generics", "specialisation"),
    *("codec", "frames", "keeper", "private_directory", "embedded", "connect"),
    *("lua", "access", "server_errors", "channel", "wire"),
    *("pace",),
    *("index_store", "store", "expiry_store"),
    *("journal", "restoration"),
    *("worker_store", "log_store", "lease_store", "selection", "cache", "task", "packer"),
    *("forecast", "notebook", "progress_bar", "progress"),
    *("membership", "hashes", "waiter", "reader", "log_reader", "verification", "logs", "plan"),
    *("view", "tasks"),
    *("large_objects", "loops", "heartbeat", "worker", "launch"),
    *("loop_types", "network", "study", "networks"),
    *("__init__", "plots", "demo", "testing", "pytest_plugin", "dashboard", "cli", "__main__"),
)
# Polars, what imports it, and optional extras are kept out of a worker's start-up.
LATE = (
    *("polars", "rushtyped.frames", "rushtyped.cache", "rushtyped.reader", "rushtyped.log_reader"),
    *(
        "rushtyped.verification",
        "rushtyped.study",
        "rushtyped.testing",
        "rushtyped.demo",
        "pydantic_settings",
    ),
    *("rushtyped.launch.watched", "rushtyped.progress_bar", "rushtyped.cli.app"),
    *("rushtyped.dashboard", "rushtyped.plots", "sklearn", "numpy"),
)
TYPES_ONLY = (*LATE[:8], "pydantic._internal", "rushtyped.launch.watched")
MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 40


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module, and where the import stands."""

    name: str
    line: int
    in_function: bool
    for_types: bool


def imports_of(node: ast.AST, function: bool = False, types: bool = False) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Import(names):
                for alias in names:
                    yield Import(alias.name, child.lineno, function, types)
            case ast.ImportFrom(module, names):
                for alias in names:
                    yield Import(f"{module}.{alias.name}", child.lineno, function, types)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                yield from imports_of(child, True, types)
            case ast.If(test) if "TYPE_CHECKING" in ast.unparse(test):
                yield from imports_of(child, function, True)
            case _:
                yield from imports_of(child, function, types)


def within(name: str, modules: tuple[str, ...]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def layer(module: str) -> int:
    """Place "rushtyped.launch.local" at "launch", and "rushtyped" itself at "__init__"."""
    noun = [*module.split("."), "__init__"][1]
    if noun not in LAYERS:
        pytest.fail(f"{module} has no layer: add {noun!r} to LAYERS at its place")
    return LAYERS.index(noun)


def module_names(sources: dict[str, str]) -> set[str]:
    return set(sources) | {PACKAGE}


def target(name: str, modules: set[str]) -> str:
    """Name the module of the package that an imported name is, or is found in."""
    while name not in modules and name != PACKAGE:
        name = name.rpartition(".")[0]
    return name


def wrong_imports(sources: dict[str, str]) -> list[str]:
    """Say what is wrong with the imports of modules, given as name -> source."""
    found = []
    for module, source in sources.items():
        own = layer(module)
        for each in imports_of(ast.parse(source)):
            where = f"{module}:{each.line} imports {each.name}"
            if each.in_function and not within(each.name, LATE):
                found.append(f"{where} inside a function")
            if each.for_types and not within(each.name, TYPES_ONLY):
                found.append(f"{where} under TYPE_CHECKING")
            if not within(each.name, (PACKAGE,)):
                continue
            imported = target(each.name, module_names(sources))
            sibling = imported.split(".")[1:2] == module.split(".")[1:2]
            if layer(imported) >= own and not sibling and LAYERS[own] != "__main__":
                found.append(f"{where} from a layer below its own")
    return found


def cycle(sources: dict[str, str]) -> list[str]:
    graph = {
        module: {
            target(each.name, module_names(sources))
            for each in imports_of(ast.parse(source))
            if within(each.name, (PACKAGE,))
        }
        for module, source in sources.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def too_long(sources: dict[str, str]) -> list[str]:
    """Name files and functions that are too long; a docstring and a signature do not count."""
    found = [name for name, source in sources.items() if source.count("\n") > MOST_LINES]
    for module, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            first = node.body[1 if ast.get_docstring(node) and node.body[1:] else 0]
            if (node.end_lineno or 0) - first.lineno >= MOST_LINES_OF_A_FUNCTION:
                found.append(f"{module}:{node.lineno} {node.name}")
    return found


@pytest.fixture(scope="module")
def package() -> dict[str, str]:
    sources = {}
    for path in sorted((SOURCE / PACKAGE).rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        sources[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text()
    return sources


def test_the_package_imports_only_from_layers_above(package: dict[str, str]) -> None:
    assert "\n".join(wrong_imports(package)) == ""


def test_the_package_has_no_import_cycle(package: dict[str, str]) -> None:
    assert cycle(package) == []


def test_files_and_functions_are_short(package: dict[str, str]) -> None:
    assert "\n".join(too_long(package)) == ""


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("keys", "from rushtyped.store import Store", "from a layer below its own"),
        ("keys", "import rushtyped.store", "from a layer below its own"),
        ("keys", "from rushtyped import store", "from a layer below its own"),
        ("keys", "import rushtyped", "from a layer below its own"),
        ("keys", "try:\n    import rushtyped.store\nfinally: ...", "from a layer below its own"),
        ("tasks", "def f():\n    from rushtyped.keys import g", "inside a function"),
        ("tasks", "class A:\n    def f(self):\n        import json", "inside a function"),
        ("tasks", "if TYPE_CHECKING:\n    from rushtyped.keys import g", "under TYPE_CHECKING"),
        ("tasks", "if typing.TYPE_CHECKING:\n    import redis", "under TYPE_CHECKING"),
    ],
)
def test_a_wrong_import_is_found(module: str, source: str, complaint: str) -> None:
    others = dict.fromkeys((f"{PACKAGE}.{name}" for name in ("keys", "store")), "")
    [found] = wrong_imports({**others, f"{PACKAGE}.{module}": source})
    assert found.startswith(f"rushtyped.{module}:")
    assert found.endswith(complaint)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("tasks", "from rushtyped.keys import g"),
        ("tasks", "def f():\n    import polars as pl"),
        ("tasks", "def f():\n    from rushtyped.frames import decode"),
        ("tasks", "if TYPE_CHECKING:\n    import polars as pl"),
        ("launch.local", "from rushtyped.launch.local import start"),
        ("__main__", "from rushtyped import Network\nfrom rushtyped.cli import main"),
    ],
)
def test_a_right_import_passes(module: str, source: str) -> None:
    others = dict.fromkeys((f"{PACKAGE}.{name}" for name in ("keys", "frames", "cli")), "")
    assert wrong_imports({**others, f"{PACKAGE}.{module}": source}) == []


def test_a_module_without_a_layer_is_named() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"rushtyped\.utils has no layer: add 'utils'"):
        wrong_imports({"rushtyped.utils": ""})


def test_a_cycle_within_a_package_is_found() -> None:
    sources = {
        "rushtyped.launch": "from rushtyped.launch.local import start",
        "rushtyped.launch.local": "from rushtyped.launch.handle import Handle",
        "rushtyped.launch.handle": "def f():\n    from rushtyped.launch import start",
    }
    assert set(cycle(sources)) == set(sources)
    assert cycle({**sources, "rushtyped.launch.handle": "import json"}) == []


def test_a_long_file_and_a_long_function_are_found() -> None:
    function = "def f():\n    '''Do.'''\n" + "    f()\n" * 40
    assert too_long({"rushtyped.keys": function}) == []
    assert too_long({"rushtyped.keys": function + "    f()\n"}) == ["rushtyped.keys:1 f"]
    assert too_long({"rushtyped.keys": "f()\n" * 400}) == []
    assert too_long({"rushtyped.keys": "f()\n" * 401}) == ["rushtyped.keys"]
