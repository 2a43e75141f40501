"""The page about type checkers: right code runs, and wrong code is reported in the words shown."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.docs.test_readme import run_script
from tests.typing.checkers import CHECKERS, Reports, run_basedpyright, run_mypy

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "typing.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPOKEN = re.compile(r"^(mypy|pyright): +(.*(?:\n .*)*)", re.MULTILINE)


class Mistake(NamedTuple):
    """A wrong use, and what each checker is said to report on it."""

    code: str
    said: dict[str, list[str]]


def said(text: str) -> dict[str, list[str]]:
    """Read a block of messages; a line that is indented goes on with the one before."""
    found: dict[str, list[str]] = {"mypy": [], "basedpyright": []}
    for checker, message in SPOKEN.findall(text):
        found["mypy" if checker == "mypy" else "basedpyright"].append(squeezed(message))
    return found


def squeezed(text: str) -> str:
    return " ".join(text.split())


BLOCKS = FENCE.findall(PAGE)
MODULE, *EXAMPLES, PRELUDE = [text for kind, text in BLOCKS if kind == "python"]
MISTAKES = [
    Mistake(code, said(messages))
    for (kind, code), (_, messages) in pairwise(BLOCKS)
    if kind == "py"
]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reports]:
    """What both checkers report on the page's code, each piece in a file of its own."""
    project = tmp_path_factory.mktemp("page")
    (project / "study.py").write_text(MODULE)
    for folder, sources in (
        ("right", [*EXAMPLES, PRELUDE]),
        ("wrong", [f"{PRELUDE}\n\n{mistake.code}" for mistake in MISTAKES]),
    ):
        (project / folder).mkdir()
        for number, source in enumerate(sources):
            (project / folder / f"{folder}_{number}.py").write_text(source)
    strict = ["study.py", *(f"right/right_{number}.py" for number in range(len(EXAMPLES)))]
    return {"mypy": run_mypy(project), "basedpyright": run_basedpyright(project, strict)}


def reported(reports: Reports, file: str) -> list[str]:
    return [
        squeezed(str(report))
        for report in sorted(reports, key=lambda report: report.line)
        if report.path == file
    ]


def fits(shown: str, message: str) -> bool:
    """Say whether a message is the one shown, where … stands for anything."""
    return re.fullmatch(".*".join(map(re.escape, shown.split("…"))), message) is not None


@pytest.mark.timeout(300)
@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("number", range(len(MISTAKES)))
def test_a_mistake_is_reported_in_the_words_of_the_page(
    reports: dict[str, Reports], checker: str, number: int
) -> None:
    shown = MISTAKES[number].said[checker]
    found = reported(reports[checker], f"wrong/wrong_{number}.py")
    assert found
    assert len(shown) == len(found), found
    for each, message in zip(shown, found, strict=True):
        assert fits(each, message), message


@pytest.mark.timeout(300)
@pytest.mark.parametrize("checker", CHECKERS)
def test_right_code_is_accepted(reports: dict[str, Reports], checker: str) -> None:
    assert [report for report in reports[checker] if not report.path.startswith("wrong")] == []


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_runs(tmp_path: Path, server_directory: Path, example: str) -> None:
    (tmp_path / "study.py").write_text(MODULE)
    run_script(example, tmp_path, server_directory)


def test_each_block_is_code_that_is_tested_or_what_is_said_of_it() -> None:
    kinds = [kind for kind, _ in BLOCKS]
    assert kinds.count("python") == len(EXAMPLES) + 2
    assert kinds.count("py") == kinds.count("text") == len(MISTAKES)
    assert set(kinds) == {"python", "py", "text"}
    assert PAGE.count("```") == 2 * len(BLOCKS)


def test_ten_mistakes_are_shown() -> None:
    _, mistakes = PAGE.split("## The ten commonest mistakes")
    assert mistakes.count("\n### ") == 10


def test_what_is_left_out_of_a_message_may_be_anything_and_nothing_else_may_differ() -> None:
    assert fits('has "A"; … "C"', 'has "A"; expected "B", got "C"')
    assert not fits('has "A"; expected "C"', 'has "A"; expected "B"')
    assert not fits('has "A"', 'has "A"; expected "B"')
    assert said("mypy:     a\n          b\nmypy:     c\npyright:  d (e)\n") == {
        "mypy": ["a b", "c"],
        "basedpyright": ["d (e)"],
    }
