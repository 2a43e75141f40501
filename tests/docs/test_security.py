"""SECURITY.md: each claim names tests that exist, and the page says what was asked of it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


def names_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_each_named_test_exists(path: str, name: str) -> None:
    assert name.startswith("test_")
    assert name in names_in(path)


def test_each_path_of_a_test_is_written_in_full() -> None:
    assert len(NAMED) == PAGE.count("tests/") >= 25


def test_each_claim_has_its_note_and_each_note_a_test() -> None:
    table, _, notes = PAGE.partition("\n\n1. ")
    claimed = set(map(int, re.findall(r"\[(\d+)\]", table)))
    written = {
        int(number): text
        for number, text in re.findall(r"^(\d+)\. (.*)$", f"1. {notes}", re.MULTILINE)
    }
    assert claimed == set(written)
    assert all("`tests/" in text for text in written.values())


@pytest.mark.parametrize(
    "word",
    [
        "RUSHTYPED_SECRET",
        "rediss://",
        "deny service",
        "privately",
        "same machine",
        "write to Redis",
    ],
)
def test_the_page_speaks_of_each_danger(word: str) -> None:
    assert word in PAGE


def test_the_page_is_found_and_shipped() -> None:
    assert "[SECURITY.md](SECURITY.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert '"SECURITY.md"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
