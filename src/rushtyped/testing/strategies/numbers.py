"""Integers, floats and decimals."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import partial
from math import floor
from typing import Annotated, Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from pydantic import TypeAdapter, ValidationError

from rushtyped.dtypes import ColumnType, Kind
from rushtyped.testing.strategies.constraints import (
    Limits,
    Place,
    checks,
    exact,
    given,
    impossible,
    limits,
    step,
    steps,
)

_BITS = {
    Kind.INT64: (-(2**63), 2**63 - 1),
    Kind.INT32: (-(2**31), 2**31 - 1),
    Kind.INT16: (-(2**15), 2**15 - 1),
    Kind.INT8: (-(2**7), 2**7 - 1),
    Kind.UINT32: (0, 2**32 - 1),
    Kind.UINT16: (0, 2**16 - 1),
    Kind.UINT8: (0, 2**8 - 1),
}
_ANNOTATED: Any = Annotated  # put together at run time
_WIDEST = 2**53
"""How many steps from zero a multiple may be: beyond, floats have no units digit."""
_MOST_QUOTIENT = 10**27
"""What `Decimal.__mod__` can still divide in Python's default context of 28 digits."""


def integers(column: ColumnType, place: Place) -> SearchStrategy[int]:
    """Draw integers of a column's bits."""
    bounds, distance = limits(column), step(column, Fraction(1))
    low, high = steps(bounds, distance)
    size = int(distance)
    least, greatest = _BITS[column.kind]
    values = _multiples(column, place, (low, high), (-(-least // size), greatest // size))
    return values if size == 1 else values.map(lambda count: count * size)


def floats(column: ColumnType, place: Place) -> SearchStrategy[float]:
    """Draw floats; nan and infinities where nothing excludes them, and no nan within bounds."""
    bounds = limits(column)
    if given(column, "multiple_of"):
        return _float_multiples(column, place, bounds)
    finite = False in (*given(column, "allow_inf_nan"), *_configured(column, place))
    return st.floats(
        None if bounds.low is None else float(bounds.low),
        None if bounds.high is None else float(bounds.high),
        exclude_min=bounds.low_open,
        exclude_max=bounds.high_open,
        allow_nan=bounds.none and not finite,
        allow_infinity=False if finite else None,
        width=32 if column.kind is Kind.FLOAT32 else 64,
    )


def _configured(column: ColumnType, place: Place) -> list[bool | None]:
    """Return what the model's config says of nan and infinities, unless the field says more."""
    return [] if given(column, "allow_inf_nan") else [place.config.get("allow_inf_nan")]


def _float_multiples(column: ColumnType, place: Place, bounds: Limits) -> SearchStrategy[float]:
    distance = step(column, exact(given(column, "multiple_of")[0]))
    low, high = steps(bounds, distance)
    nearest = next((abs(bound) for bound in (low, high) if bound is not None), 0)
    widest = max(_WIDEST, 2 * nearest)
    counts = _multiples(column, place, (low, high), (-widest, widest))
    whole: TypeAdapter[float] = TypeAdapter(_ANNOTATED[(float, *checks(column))])
    return counts.map(lambda count: float(count * distance)).filter(partial(_passes, whole))


def _passes(adapter: TypeAdapter[float], value: float) -> bool:
    """Say whether pydantic takes a rounded multiple for one."""
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True


def decimals(column: ColumnType, place: Place) -> SearchStrategy[Decimal]:
    """Draw decimals with all decimal places that a column keeps, with a few, and with none."""
    digits = min([*given(column, "max_digits"), column.precision])
    finest = min(column.scale, digits)
    coarsest = 0 if column.precision > column.scale else finest  # 0 has a digit before the point
    scales = sorted({coarsest, max(coarsest, min(2, finest)), finest})
    each = [_decimals(column, scale, digits) for scale in scales]
    possible = [values for values in each if values is not None]
    if not possible:
        raise impossible(column, place)
    return st.one_of(possible)


def _decimals(column: ColumnType, scale: int, digits: int) -> SearchStrategy[Decimal] | None:
    """Draw decimals of so many decimal places; None where the constraints leave none."""
    distance = step(column, Fraction(1, 10**scale))
    whole = min(digits - scale, column.precision - column.scale)
    largest = Fraction(10**whole) - Fraction(1, 10**scale)
    quotients = [_MOST_QUOTIENT * exact(factor) for factor in given(column, "multiple_of")]
    extent = min([largest, *quotients])
    first, last = steps(limits(column), distance)
    outer = floor(extent / distance)
    low = -outer if first is None else max(first, -outer)
    high = outer if last is None else min(last, outer)
    if low > high:
        return None
    units = int(distance * 10**scale)
    return st.integers(low, high).map(lambda count: Decimal(f"{count * units}E-{scale}"))


def _multiples(
    column: ColumnType,
    place: Place,
    bounds: tuple[int | None, int | None],
    extent: tuple[int, int],
) -> SearchStrategy[int]:
    """Draw integers within bounds and within an extent."""
    low = extent[0] if bounds[0] is None else max(bounds[0], extent[0])
    high = extent[1] if bounds[1] is None else min(bounds[1], extent[1])
    if low > high:
        raise impossible(column, place)
    return st.integers(low, high)
