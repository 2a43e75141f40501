"""docs/reliability.md: each row names what repeats it, and each complaint is answered."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rushtyped.verification import Problem

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
N_COMPLAINTS = 15


def rows(heading: str) -> list[list[str]]:
    """Cells of the table below a heading, without its head."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


PROMISES = rows("What is promised, and what was tried")
COMPLAINTS = rows("What users of such tools complain of")


def commands(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def check_command(command: str) -> None:
    """Fail unless a command names a target of the Makefile or tests that there are."""
    program, *arguments = command.split()
    if program == "make":
        assert re.search(rf"^{re.escape(arguments[0])}:", MAKEFILE, re.MULTILINE), command
        return
    assert program == "pytest", command
    paths = [argument for argument in arguments if argument.startswith("tests/")]
    assert paths, command
    for path in paths:
        name, _, test = path.partition("::")
        assert (ROOT / name).exists(), command
        if test:
            source = (ROOT / name).read_text(encoding="utf-8")
            assert re.search(rf"^def {re.escape(test)}\(", source, re.MULTILINE), command


@pytest.mark.parametrize("row", PROMISES, ids=lambda row: str(row[1])[:40])
def test_each_row_says_how_often_with_what_result_and_how_to_repeat_it(row: list[str]) -> None:
    promise, fault, often, result, command = row
    assert promise
    assert fault
    assert re.search(r"\d", often)
    assert result
    assert commands(command)
    for each in commands(command):
        check_command(each)


def test_each_promise_of_the_readme_has_a_row() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## What it promises\n")[2].partition("\n## ")[0]
    promised = set(re.findall(r"^- \*\*(.+?)\.\*\*", section, re.MULTILINE))
    assert promised
    assert promised <= {row[0].strip("*") for row in PROMISES}


def test_each_complaint_is_answered_by_a_test() -> None:
    assert [row[0] for row in COMPLAINTS] == [str(i + 1) for i in range(N_COMPLAINTS)]
    for _, complaint, answer, shown in COMPLAINTS:
        assert complaint
        assert answer
        assert commands(shown)
        for each in commands(shown):
            check_command(f"pytest {each}")


def test_each_problem_that_verify_finds_is_described() -> None:
    described = {row[0].strip("`") for row in rows("Checking a network of your own")}
    assert described == {problem.value for problem in Problem}
