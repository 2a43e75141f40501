"""Names of columns as titles, which Vega also puts into expressions."""

from __future__ import annotations

from typing import Final

from rushtyped.printable import printable

_OF_OBJECTS: Final = frozenset(
    {
        *("constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable"),
        *("toLocaleString", "toString", "valueOf", "__proto__"),
        *("__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__"),
    }
)
"""What every object of JavaScript has; Vega takes a title of this name for it."""


def as_title(name: str) -> str:
    """Return a title that shows any name on one line.

    Vega-Lite escapes quotes but no backslashes, which are doubled here.
    """
    text = printable(name).replace("\\", "\\\\")
    return f"{text} " if text in _OF_OBJECTS else text
