"""Each symbol that the package exports has a type that is written down, and a docstring."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import rushtyped
from tests.typing.checkers import verify_types

PACKAGE = Path(rushtyped.__file__).parent
COVERED = ("rushtyped", "rushtyped.network", "rushtyped.testing")
# Two symbols that are not complete, and the only ones that may be found.
SLIPS = ("rushtyped.slip.Slip.attribute", "rushtyped.slip.undocumented")
SLIP = '''\
"""A module with a slip."""


class Slip:
    """A class whose attribute has no declared type."""

    def __init__(self) -> None:
        self.attribute = list(range(3))


def undocumented(argument):
    return argument
'''

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What is found of a copy of the package, to which a slip was added."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(PACKAGE, folder / "rushtyped", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "rushtyped" / "slip.py").write_text(SLIP)
    return verify_types("rushtyped", folder)


def test_every_symbol_has_a_known_type(found: dict[str, Any]) -> None:
    exported = [symbol for symbol in found["symbols"] if symbol["isExported"]]
    incomplete = {
        symbol["name"]: [each["message"] for each in symbol["diagnostics"]]
        for symbol in exported
        if not symbol["isTypeKnown"] or symbol["isTypeAmbiguous"]
    }
    assert len(exported) > 1000
    assert set(SLIPS) <= set(incomplete)
    assert {name: why for name, why in incomplete.items() if "slip" not in name} == {}


def test_every_class_and_function_has_a_docstring(found: dict[str, Any]) -> None:
    assert found["missingClassDocStringCount"] == 0
    assert found["missingFunctionDocStringCount"] == 1


@pytest.mark.parametrize("module", COVERED)
def test_a_module_is_covered(found: dict[str, Any], module: str) -> None:
    assert module in {each["name"] for each in found["modules"]}
