"""Right uses of the public face pass mypy and basedpyright; wrong ones are reported by both.

A line of a wrong use ends in a comment that names the rules of mypy and of pyright which it breaks.
The checkers must report these lines, by these rules, and no others.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import pytest

import rushtyped

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent
RIGHT = sorted((FOLDER / "right").glob("*.py"))
WRONG = sorted((FOLDER / "wrong").glob("*.py"))
CHECKERS = ("mypy", "basedpyright")
MARK = re.compile(r"# error: (?P<mypy>[\w,-]+) \| (?P<basedpyright>[\w,]+)$")

# A wrong use that no checker rejects, and one that they reject but that is not marked: the
# comparison below must complain about both.
SLIPS = """\
accepted: int = 1  # error: assignment | reportAssignmentType
unmarked: int = "one"
"""

Reports = dict[tuple[str, int], set[str]]


class Checked(NamedTuple):
    """What both checkers report: checker -> (path, line) -> rules; and a file of slips."""

    reports: dict[str, Reports]
    slips: Path


def expected_reports(path: Path, checker: str) -> Reports:
    marked: Reports = {}
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if "# error:" in line:
            match = MARK.search(line)
            assert match is not None, f"{path}:{number}: a mark is # error: <mypy> | <pyright>"
            marked[str(path), number] = set(match[checker].split(","))
    return marked


def differences(path: Path, checker: str, reports: Reports) -> list[str]:
    """Compare what a checker reports on a file with the marks in it."""
    expected = expected_reports(path, checker)
    found = {place: rules for place, rules in reports.items() if place[0] == str(path)}
    return [
        f"{path.name}:{line}: {checker} should report {sorted(expected.get((name, line), ()))}, "
        f"reports {sorted(found.get((name, line), ()))}"
        for name, line in sorted(expected.keys() | found.keys())
        if expected.get((name, line)) != found.get((name, line))
    ]


def run(*arguments: str) -> str:
    """Return what a checker prints; status 1 means findings, more a breakdown."""
    result = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode in {0, 1}, result.stdout + result.stderr
    return result.stdout


def run_mypy(files: list[str], folder: Path) -> Reports:
    reports: Reports = defaultdict(set)
    cache = str(folder / "mypy_cache")
    for line in run("mypy", "--output", "json", "--cache-dir", cache, *files).splitlines():
        report = json.loads(line)
        if report["severity"] == "error":
            reports[str(ROOT / report["file"]), report["line"]].add(report["code"])
    return reports


def run_basedpyright(files: list[str], folder: Path) -> Reports:
    settings = {
        "include": files,
        "typeCheckingMode": "standard",
        "pythonVersion": "3.11",
        "extraPaths": [str(ROOT), str(ROOT / "src")],
    }
    config = folder / "pyrightconfig.json"
    config.write_text(json.dumps(settings))
    output = run(
        *("basedpyright", "--outputjson", "--pythonpath", sys.executable, "--project", str(config))
    )
    reports: Reports = defaultdict(set)
    for report in json.loads(output)["generalDiagnostics"]:
        if report["severity"] in {"error", "warning"}:
            line = report["range"]["start"]["line"] + 1
            reports[os.path.normpath(report["file"]), line].add(report.get("rule", "syntax"))
    return reports


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Checked:
    folder = tmp_path_factory.mktemp("typing").resolve()
    slips = folder / "slips.py"
    slips.write_text(SLIPS)
    files = [str(path) for path in (*RIGHT, *WRONG, slips)]
    return Checked(
        {"mypy": run_mypy(files, folder), "basedpyright": run_basedpyright(files, folder)}, slips
    )


pytestmark = [pytest.mark.xdist_group("typing"), pytest.mark.timeout(300)]


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize(
    "path", [*RIGHT, *WRONG], ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_a_checker_reports_the_marked_lines_and_no_others(
    checked: Checked, path: Path, checker: str
) -> None:
    assert differences(path, checker, checked.reports[checker]) == []


@pytest.mark.parametrize(
    ("checker", "rule"), [("mypy", "assignment"), ("basedpyright", "reportAssignmentType")]
)
def test_a_wrong_use_that_is_accepted_and_an_unmarked_one_are_complained_about(
    checked: Checked, checker: str, rule: str
) -> None:
    assert differences(checked.slips, checker, checked.reports[checker]) == [
        f"slips.py:1: {checker} should report ['{rule}'], reports []",
        f"slips.py:2: {checker} should report [], reports ['{rule}']",
    ]


def test_every_public_name_has_a_right_use() -> None:
    used = set(re.findall(r"\w+", "".join(path.read_text() for path in RIGHT)))
    assert set(rushtyped.__all__) - used - {"__version__"} == set()


@pytest.mark.parametrize("path", RIGHT, ids=lambda path: path.stem)
def test_a_right_use_needs_no_ignore(path: Path) -> None:
    assert not re.search(r"type: ignore|pyright:|# error:|\bcast\(|\bAny\b", path.read_text())


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_a_file_of_wrong_uses_marks_some(path: Path) -> None:
    assert expected_reports(path, "mypy")
