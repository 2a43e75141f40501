"""What holds, or is said not to hold in a sentence, whatever a test runner makes of `assert`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

_LONGEST = 400


def ensure(holds: object, otherwise: str) -> None:
    """Fail with a sentence unless something holds."""
    if not holds:
        raise AssertionError(otherwise)


def agree(what: str, found: object, expected: object) -> None:
    """Fail with a sentence unless what was found is what the model says."""
    if not same(found, expected):
        if isinstance(found, list) and isinstance(expected, list) and len(repr(found)) > _LONGEST:
            pairs = enumerate(zip(found, expected, strict=False))
            place = next(
                (i for i, pair in pairs if not same(*pair)), min(len(found), len(expected))
            )
            what = f"{what}, from place {place} on"
            found, expected = found[place:], expected[place:]
        raise AssertionError(
            f"{what}: found {_short(found)}, but the model says {_short(expected)}"
        )


def same(one: Any, other: Any) -> bool:
    """Say whether two values are equal, down to nan, which equals itself, and the sign of zero."""
    if one is other:
        return True
    if isinstance(one, float) and isinstance(other, float):
        both_nan = math.isnan(one) and math.isnan(other)
        return both_nan or (one == other and math.copysign(1, one) == math.copysign(1, other))
    if isinstance(one, BaseModel) and isinstance(other, BaseModel):
        return same(fields_of(one), fields_of(other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, type(one)):
        return len(one) == len(other) and all(map(same, one, other))
    arrays = hasattr(one, "dtype") and hasattr(other, "dtype")
    return _same_arrays(one, other) if arrays else bool(one == other)


def _same_arrays(one: Any, other: Any) -> bool:
    return bool(one.dtype == other.dtype) and same(one.tolist(), other.tolist())


def fields_of(instance: BaseModel) -> dict[str, Any]:
    """List what an instance holds by name, free-form values too."""
    declared = {name: getattr(instance, name) for name in type(instance).model_fields}
    return declared | (instance.__pydantic_extra__ or {})


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."
