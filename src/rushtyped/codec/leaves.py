"""What single values and their containers become on the wire, and back.

Each function is called by pydantic, which reports a ValueError with the place where it happened.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any

import msgpack


def instance_text(python: type, value: object) -> str:
    """Turn an instance of a class into its text; refuse anything else."""
    if not isinstance(value, python):
        raise ValueError(f"it should be an instance of {python.__name__}")  # noqa: TRY004
    return str(value)


def parse(python: Callable[[str], Any], text: object) -> Any:
    """Make a value of its text."""
    if not isinstance(text, str):
        raise ValueError("it should be text")  # noqa: TRY004
    return python(text)


def enum_value(member: Enum) -> str:
    """Return the plain string of a member."""
    return str.__str__(member.value)


def enum_member(members: Mapping[str, Enum], value: object) -> Enum:
    """Return the member of a value."""
    member = members.get(value) if isinstance(value, str) else None
    if member is None:
        raise ValueError(f"it should be one of {', '.join(map(repr, members))}")
    return member


def decimal_to_text(precision: int, scale: int, value: Decimal) -> str:
    """Turn a decimal into text when it fits its column exactly."""
    if not fits(value, precision, scale):
        raise ValueError(
            f"it should have at most {precision - scale} digits before and {scale} after the point"
        )
    return str(value)


def fits(value: Decimal, precision: int, scale: int) -> bool:
    """Say whether a decimal column holds a value exactly."""
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        return False  # nan or inf
    text = "".join(map(str, digits)).lstrip("0")
    significant = text.rstrip("0")
    exponent += len(text) - len(significant)
    return not significant or (
        exponent >= -scale and len(significant) + exponent <= precision - scale
    )


def text_to_decimal(text: object) -> Decimal:
    """Read a decimal."""
    try:
        value: Decimal = parse(Decimal, text)
    except InvalidOperation as error:
        raise ValueError("it is not a decimal number") from error
    return value


def set_to_list(python: type, value: object) -> list[Any]:
    """List the items of a set; pydantic checks them one by one."""
    if not isinstance(value, python):
        raise ValueError(f"it should be a {python.__name__}")  # noqa: TRY004
    return list(value)  # type: ignore[call-overload, no-any-return]  # a set or frozenset


def ordered(items: Iterable[Any]) -> list[Any]:
    """Sort the items of a set, or their bytes where they have no order of their own."""
    listed = list(items)
    try:
        return sorted(listed)
    except TypeError:
        return sorted(listed, key=msgpack.packb)


def list_to(python: Callable[[list[Any]], Any], items: object) -> Any:
    """Make a tuple or a set of a stored array."""
    if not isinstance(items, list):
        raise ValueError("it should be an array")  # noqa: TRY004
    return python(items)


def array_to_list(dtype: Any, value: Any) -> list[Any]:
    """List the items of a numpy array of one dimension, when the dtype holds them exactly."""
    numpy = sys.modules["numpy"]
    if not isinstance(value, numpy.ndarray):
        raise ValueError("it should be a numpy array")  # noqa: TRY004
    if value.ndim != 1:
        raise ValueError(f"it should have 1 dimension, not {value.ndim}")
    if value.dtype != dtype:
        value = _converted(value, dtype)
    items: list[Any] = value.tolist()
    return items


def _converted(value: Any, dtype: Any) -> Any:
    numpy = sys.modules["numpy"]
    kinds = "iuf" if dtype.kind == "f" else "iu" if dtype.kind in "iu" else "b"
    if value.dtype.kind in kinds:
        with numpy.errstate(all="ignore"):
            converted = value.astype(dtype)
            same = converted.astype(value.dtype) == value
        if bool((same | (value != value)).all()):  # noqa: PLR0124 - nan is kept
            return converted
    raise ValueError(f"it should have the dtype {dtype}, not {value.dtype}")


def list_to_array(dtype: Any, items: list[Any]) -> Any:
    """Make a numpy array of a stored array."""
    try:
        return sys.modules["numpy"].array(items, dtype=dtype)
    except OverflowError as error:
        raise ValueError(f"it holds values beyond {dtype}") from error
