"""Right uses of the public face pass mypy and pyright, strict; wrong ones are reported by both.

A line of a wrong use ends in a comment that names the rules of mypy and of pyright which it breaks.
The checkers must report these lines, by these rules, and no others. What only one of them reports
is kept apart, as gaps, so that it is noticed when one is closed.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

import rushtyped
from tests.typing.checkers import CHECKERS, Rules, rules_of, run_basedpyright, run_mypy

FOLDER = Path(__file__).parent
FILES = [
    str(path.relative_to(FOLDER))
    for folder in ("right", "wrong", "wrong/gaps")
    for path in sorted((FOLDER / folder).glob("*.py"))
]
RIGHT = [file for file in FILES if file.startswith("right")]
WRONG = [file for file in FILES if file.startswith("wrong") and "gaps" not in file]
MARK = re.compile(r"# error: (?P<mypy>[\w,-]+) \| (?P<basedpyright>[\w,-]+)$")
LEAST_WRONG_USES = 250

# A wrong use that no checker rejects, and one that they reject but that is not marked: the
# comparison below must complain about both.
SLIPS = """\
accepted: int = 1  # error: assignment | reportAssignmentType
unmarked: int = "one"
"""
# What only strict mode reports.
LOOSE = "def loose(x) -> None: ...\n"


class Checked(NamedTuple):
    """A user's project, and the rules by file and line that each checker reports in it."""

    project: Path
    rules: dict[str, Rules]


def marked_rules(path: Path, file: str, checker: str) -> Rules:
    marked: Rules = {}
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if "# error:" in line:
            match = MARK.search(line)
            assert match is not None, f"{file}:{number}: a mark is # error: <mypy> | <pyright>"
            marked[file, number] = set(match[checker].split(",")) - {"-"}
    return {place: rules for place, rules in marked.items() if rules}


def differences(checked: Checked, file: str, checker: str) -> list[str]:
    """Compare what a checker reports on a file with the marks in it."""
    expected = marked_rules(checked.project / file, file, checker)
    found = {place: rules for place, rules in checked.rules[checker].items() if place[0] == file}
    return [
        f"{name}:{line}: {checker} should report {sorted(expected.get((name, line), ()))}, "
        f"reports {sorted(found.get((name, line), ()))}"
        for name, line in sorted(expected.keys() | found.keys())
        if expected.get((name, line)) != found.get((name, line))
    ]


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Checked:
    project = tmp_path_factory.mktemp("project")
    for file in FILES:
        (project / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(FOLDER / file, project / file)
    (project / "wrong" / "slips.py").write_text(SLIPS)
    (project / "right" / "loose.py").write_text(LOOSE)
    basedpyright = run_basedpyright(project, strict=["right"])
    return Checked(
        project, {"mypy": rules_of(run_mypy(project)), "basedpyright": rules_of(basedpyright)}
    )


pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("file", FILES)
def test_a_checker_reports_the_marked_lines_and_no_others(
    checked: Checked, file: str, checker: str
) -> None:
    assert differences(checked, file, checker) == []


@pytest.mark.parametrize(
    ("checker", "rule"), [("mypy", "assignment"), ("basedpyright", "reportAssignmentType")]
)
def test_a_wrong_use_that_is_accepted_and_an_unmarked_one_are_complained_about(
    checked: Checked, checker: str, rule: str
) -> None:
    assert differences(checked, "wrong/slips.py", checker) == [
        f"wrong/slips.py:1: {checker} should report ['{rule}'], reports []",
        f"wrong/slips.py:2: {checker} should report [], reports ['{rule}']",
    ]


def test_right_uses_are_checked_strictly(checked: Checked) -> None:
    place = ("right/loose.py", 1)
    assert checked.rules["mypy"][place] == {"no-untyped-def"}
    assert "reportMissingParameterType" in checked.rules["basedpyright"][place]


def test_every_public_name_has_a_right_use() -> None:
    used = set(re.findall(r"\w+", "".join((FOLDER / file).read_text() for file in RIGHT)))
    assert set(rushtyped.__all__) - used - {"__version__"} == set()


@pytest.mark.parametrize("file", RIGHT)
def test_a_right_use_needs_no_ignore(file: str) -> None:
    source = (FOLDER / file).read_text()
    assert not re.search(r"type: ignore|pyright:|# error:|\bcast\(|\bAny\b", source)


@pytest.mark.parametrize("file", WRONG)
def test_a_file_of_wrong_uses_marks_some(file: str) -> None:
    assert marked_rules(FOLDER / file, file, "mypy")


def test_there_are_many_distinct_wrong_uses() -> None:
    uses = {
        line.partition("# error:")[0].strip()
        for file in WRONG
        for line in (FOLDER / file).read_text().splitlines()
        if MARK.search(line)
    }
    assert len(uses) >= LEAST_WRONG_USES
