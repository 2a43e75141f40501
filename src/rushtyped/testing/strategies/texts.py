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


def texts(column: ColumnType, place: Place) -> SearchStrategy[str]:
    """Draw text that UTF-8 can encode, of the lengths and the pattern that a column allows."""
    config = place.config
    bounds = sizes(column, Sizes(config.get("str_min_length", 0), config.get("str_max_length")))
    characters = st.characters(codec="ascii" if True in given(column, "ascii_only") else "utf-8")
    patterns = given(column, "pattern")
    if column.annotation is EmailStr:
        values = st.emails()
    elif patterns:
        values = _matches(patterns[0], characters, column, place)
    else:
        values = st.text(characters, min_size=bounds.low, max_size=bounds.high)
    changed = any(config.get(name) for name in _CHANGES) or given(column, "strip_whitespace")
    if patterns or changed or column.annotation is EmailStr:
        return values.filter(partial(_is_accepted, _adapter(column, config)))
    return values


def _matches(
    pattern: str | re.Pattern[str],
    characters: SearchStrategy[str],
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
    return st.from_regex(compiled, alphabet=characters)


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
