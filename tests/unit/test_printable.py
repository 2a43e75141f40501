"""Text of others is shown as it is, save for what would take effect."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushtyped.printable import excerpt, one_entry, printable, printable_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("na\u00efve \u65e5\u672c \U0001f600", "na\u00efve \u65e5\u672c \U0001f600"),
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x9b2J\x07\x00\x7f", r"\x9b2J\x07\x00\x7f"),
        ("\u202eback\u202c\u2066\u2069", r"\u202eback\u202c\u2066\u2069"),
        ("a\u200bb\u200dc\ufeffd\xade", r"a\u200bb\u200dc\ufeffd\xade"),
        ("a\u2028b\u2029c\x85d", r"a\u2028b\u2029c\x85d"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        (7, "7"),
    ],
)
def test_what_would_take_effect_is_escaped(text: object, shown: str) -> None:
    assert printable(text) == shown


def test_lines_and_tabs_may_stay() -> None:
    assert printable_lines("a\n\tb\r\n\x1b[0m") == "a\n\tb\\r\n\\x1b[0m"


def test_no_line_of_an_entry_passes_for_another_one() -> None:
    assert one_entry("first\n2026-01-01 | ERROR\x1b") == "first\n    | 2026-01-01 | ERROR\\x1b"


def test_long_text_is_cut_with_its_length() -> None:
    assert excerpt("a" * 200) == "a" * 200
    assert excerpt("a" * 201) == "a" * 200 + "... (201 characters)"
    assert excerpt("\n" * 9, 3) == r"\n\n\n... (9 characters)"


@given(st.text())
def test_what_is_shown_is_printable_and_shows_all(text: str) -> None:
    shown = printable(text)
    assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in shown)
    assert shown.replace("\\", "") or not text.replace("\\", "")
    assert printable(shown) == shown


def test_all_control_and_format_characters_are_escaped() -> None:
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            assert printable(char) == char.encode("unicode_escape").decode(), hex(code)
