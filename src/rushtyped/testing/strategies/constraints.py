"""What the constraints of a column leave of its values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor, inf, lcm
from typing import Any, NamedTuple

import annotated_types
from hypothesis.errors import InvalidArgument
from hypothesis.strategies import SearchStrategy

from rushtyped.dtypes import ColumnType
from rushtyped.errors import InvalidArgumentError

_NAMES = (
    *("ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length", "pattern"),
    *("max_digits", "decimal_places", "allow_inf_nan", "ascii_only", "uuid_version"),
    "allowed_schemes",
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: its field, the config of its model, and how deep it is nested."""

    field: str
    config: Mapping[str, Any]
    depth: int = 0

    def inside(self) -> Place:
        """Return the place of what a container here holds."""
        return replace(self, depth=self.depth + 1)


class Limits(NamedTuple):
    """The tightest bounds of a column; None where there is none."""

    low: Any
    high: Any
    low_open: bool
    high_open: bool

    @property
    def none(self) -> bool:
        """Whether nothing bounds the values."""
        return self.low is None and self.high is None


class Sizes(NamedTuple):
    """How many items or characters a value may have."""

    low: int
    high: int | None


def given(column: ColumnType, name: str) -> list[Any]:
    """List what the constraints of a column give for one name, as in "ge"."""
    values = (getattr(constraint, name, None) for constraint in column.metadata)
    return [value for value in values if value is not None]


def checks(column: ColumnType) -> list[object]:
    """List the constraints that pydantic checks without the code of users."""
    kinds = (annotated_types.BaseMetadata, annotated_types.GroupedMetadata)
    return [
        item
        for item in column.metadata
        if isinstance(item, kinds) and not isinstance(item, annotated_types.Predicate)
    ]


def limits(column: ColumnType) -> Limits:
    """Return the tightest bounds of a column."""
    lows = [(value, name == "gt") for name in ("ge", "gt") for value in given(column, name)]
    highs = [(value, name == "le") for name in ("le", "lt") for value in given(column, name)]
    low, low_open = max(lows, default=(None, False))
    high, high_closed = min(highs, default=(None, True))
    return Limits(low, high, low_open, not high_closed)


def sizes(column: ColumnType, *more: Sizes) -> Sizes:
    """Return the tightest lengths that a column and others allow."""
    lows = [*given(column, "min_length"), *(size.low for size in more)]
    highs = [size.high for size in more if size.high is not None]
    return Sizes(max(lows, default=0), min([*given(column, "max_length"), *highs], default=None))


def step(column: ColumnType, finest: Fraction) -> Fraction:
    """Return the distance of the multiples that a column allows, on a grid of `finest`."""
    distance = finest
    for factor in given(column, "multiple_of"):
        other = exact(factor)
        denominator = lcm(distance.denominator, other.denominator)
        distance = Fraction(lcm(int(distance * denominator), int(other * denominator)), denominator)
    return distance


def steps(bounds: Limits, distance: Fraction) -> tuple[int | None, int | None]:
    """Return the first and the last multiple of a distance within bounds."""
    low = high = None
    if bounds.low is not None and bounds.low != -inf:
        low = ceil(exact(bounds.low) / distance)
        low += bounds.low_open and low * distance == exact(bounds.low)
    if bounds.high is not None and bounds.high != inf:
        high = floor(exact(bounds.high) / distance)
        high -= bounds.high_open and high * distance == exact(bounds.high)
    return low, high


def exact(value: Any) -> Fraction:
    """Return a number as it is written: 0.1 is a tenth."""
    return Fraction(str(value)) if isinstance(value, float) else Fraction(value)


def described(column: ColumnType) -> str:
    """Name the constraints of a column, as in "ge=5, le=3"."""
    return ", ".join(f"{name}={value!r}" for name in _NAMES for value in given(column, name))


def impossible(column: ColumnType, place: Place, reason: object = "") -> InvalidArgumentError:
    """Make the error for constraints that no value meets, or that cannot be drawn from."""
    why = f": {reason}" if str(reason) else ""
    return InvalidArgumentError(
        f"{place.field}: no {column} is known to meet its constraints ({described(column)}){why}; "
        "correct them, or give a strategy for the field by its name"
    )


def checked(strategy: SearchStrategy[Any], column: ColumnType, place: Place) -> SearchStrategy[Any]:
    """Return a strategy that Hypothesis accepts; raise InvalidArgumentError for any other."""
    try:
        strategy.validate()
    except InvalidArgument as error:
        raise impossible(column, place, error) from error
    return strategy
