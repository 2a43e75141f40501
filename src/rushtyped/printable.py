"""Text of others as a terminal or a log may show it: all of it shows, nothing takes effect."""

from __future__ import annotations

import unicodedata

_MORE = "    | "


def printable(text: object) -> str:
    r"""Return text on one line, with each character that would not show as an escape like \x1b.

    Those are control characters, those that change the direction of text or take no room, ends
    of lines, and lone surrogates.
    """
    return _escaped(str(text), "")


def printable_lines(text: object) -> str:
    """Return text as `printable` does, but with its line breaks and tabs."""
    return _escaped(str(text), "\n\t")


def one_entry(text: object) -> str:
    """Return text as `printable_lines` does, with a bar before all lines but the first.

    So no line of it passes for another entry of the log that it is written to.
    """
    return printable_lines(text).replace("\n", f"\n{_MORE}")


def excerpt(text: object, most: int = 200) -> str:
    """Return the beginning of text as `printable` does, and how long it is if that is not all."""
    whole = str(text)
    shown = printable(whole[:most])
    return shown if len(whole) <= most else f"{shown}... ({len(whole)} characters)"


def _escaped(text: str, kept: str) -> str:
    if text.isprintable():
        return text
    return "".join(char if _shows(char) or char in kept else _escape(char) for char in text)


def _shows(char: str) -> bool:
    return char.isprintable() or unicodedata.category(char) == "Zs"


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
