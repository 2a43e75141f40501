"""Text and bytes."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from pydantic import EmailStr, Strict, TypeAdapter, ValidationError

from rushtyped.dtypes import ColumnType
from rushtyped.testing.strategies.constraints import (
    Place,
    Sizes,
    checks,
    given,
    impossible,
    sizes,
)

_CHANGES = ("str_strip_whitespace", "str_to_lower", "str_to_upper")
_CHECKS = ("str_min_length", "str_max_length", "regex_engine")
_ANNOTATED: Any = Annotated
_MOST_AROUND = 20
_KINDS: Mapping[object, Any] = {
    str.islower: ("Ll", "Nd"),
    str.isupper: ("Lu", "Nd"),
    str.isdigit: ("Nd",),
}
"""Categories of Unicode of which most text meets a predicate."""


def texts(column: ColumnType, place: Place) -> SearchStrategy[str]:
    """Draw text that UTF-8 can encode, of the lengths and the pattern that a column allows."""
    config = place.config
    kinds = [_KINDS[name] for name in given(column, "func") if name in _KINDS]
    shortest = max(1 if kinds else 0, config.get("str_min_length", 0))
    bounds = sizes(column, Sizes(shortest, config.get("str_max_length")))
    is_ascii = True in given(column, "ascii_only") or str.isascii in given(column, "func")
    characters = st.characters(
        codec="ascii" if is_ascii else "utf-8", categories=kinds[0] if kinds else None
    )
    patterns = given(column, "pattern")
    if column.annotation is EmailStr:
        values = st.emails()
    elif patterns:
        values = _matches(patterns[0], characters, bounds, column, place)
    else:
        values = st.text(characters, min_size=bounds.low, max_size=bounds.high)
    changed = any(config.get(name) for name in _CHANGES) or given(column, "strip_whitespace")
    if patterns or changed or column.annotation is EmailStr:
        return values.filter(partial(_is_accepted, _adapter(column, config)))
    return values


def _matches(
    pattern: str | re.Pattern[str],
    characters: SearchStrategy[str],
    bounds: Sizes,
    column: ColumnType,
    place: Place,
) -> SearchStrategy[str]:
    """Draw text that holds a match somewhere, as pydantic means a pattern."""
    if isinstance(pattern, str) and place.config.get("regex_engine") != "python-re":
        pattern = _as_python_says(pattern)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)  # of what only Rust has, as [[:alpha:]]
            compiled = re.compile(pattern)
    except (re.error, FutureWarning) as error:
        raise impossible(column, place, f"Python cannot read the pattern: {error}") from error
    if bounds.high is not None and bounds.high < bounds.low:
        raise impossible(column, place)
    if bounds == (0, None):
        return st.from_regex(compiled, alphabet=characters)
    matches = st.from_regex(compiled, alphabet=characters, fullmatch=True)
    return matches.flatmap(partial(_surrounded, compiled.pattern, characters, bounds))


def _surrounded(
    pattern: str, characters: SearchStrategy[str], bounds: Sizes, match: str
) -> SearchStrategy[str]:
    """Put as much text around a match as lengths leave room for, and anchors allow."""
    low, high = (max(0, bound - len(match)) for bound in (bounds.low, _longest(bounds)))
    starts, ends = pattern.startswith(("^", r"\A")), pattern.endswith(("$", r"\Z"))
    nothing = st.just("")
    if ends:
        before, after = st.text(characters, min_size=low, max_size=high), nothing
    else:
        before = st.text(characters, max_size=high // 2)
        after = st.text(characters, min_size=min(low, high - high // 2), max_size=high - high // 2)
    return st.builds("{}{}{}".format, nothing if starts else before, st.just(match), after)


def _longest(bounds: Sizes) -> int:
    return bounds.low + _MOST_AROUND if bounds.high is None else bounds.high


def _as_python_says(pattern: str) -> str:
    r"""Write the ends of a pattern for Rust, `$` and `\z`, as Python's `\Z`."""
    return re.sub(
        r"\\z|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\$",
        lambda part: r"\Z" if part[0] in ("$", r"\z") else part[0],
        pattern,
        flags=re.DOTALL,
    )


def _adapter(column: ColumnType, config: Mapping[str, Any]) -> TypeAdapter[str]:
    chosen: Any = {name: config[name] for name in (*_CHANGES, *_CHECKS) if name in config}
    annotation = EmailStr if column.annotation is EmailStr else str
    return TypeAdapter(_ANNOTATED[(annotation, Strict(), *checks(column))], config=chosen)


def _is_accepted(adapter: TypeAdapter[str], text: str) -> bool:
    try:
        adapter.validate_python(text)
    except ValidationError:
        return False
    return True


def binaries(column: ColumnType, place: Place) -> SearchStrategy[bytes]:  # noqa: ARG001
    """Draw bytes of the lengths that a column allows."""
    bounds = sizes(column)
    return st.binary(min_size=bounds.low, max_size=bounds.high)
