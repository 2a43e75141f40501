"""Checks of what callers pass, made when it is given."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from pydantic import BaseModel

from rushtyped.errors import InvalidArgumentError, InvalidTypeError, LengthMismatchError

T = TypeVar("T")

HEARTBEAT_PERIOD = 5.0
"""Seconds between two renewals of a lease."""
HEARTBEAT_PERIODS = 3
"""Periods that a lease lasts."""
_DAY = 86400.0

MOST_SECONDS = 1e9
"""Longest budget of time, some thirty years."""


def check_seconds(
    name: str, value: float | None, *, least: float = 0.0, most: float = math.inf
) -> float | None:
    """Return a number of seconds from `least` to `most`; None passes."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidTypeError(
            f"{name} must be a number of seconds but is {value!r} ({type(value).__name__})"
        )
    if math.isnan(value) or value < least:
        raise InvalidArgumentError(f"{name} must be at least {least:g} s but is {value!r}")
    if value > most:
        raise InvalidArgumentError(f"{name} must be at most {most:g} s but is {value!r}")
    return float(value)


def check_heartbeat(period: float | None, expire: float | None) -> tuple[float, float]:
    """Return seconds between two renewals of a lease, and those that it lasts without one.

    Unless given, that is every 5 seconds, and three such periods.
    """
    every = check_seconds("heartbeat_period", period, least=1.0, most=_DAY) or HEARTBEAT_PERIOD
    lasts = check_seconds("heartbeat_expire", expire, most=_DAY)
    if lasts is None:
        return every, HEARTBEAT_PERIODS * every
    if lasts < every:
        raise InvalidArgumentError(
            f"heartbeat_expire must be at least heartbeat_period ({every:g} s) but is {expire!r}"
        )
    return every, lasts


def check_count(name: str, value: int | None, *, least: int = 0) -> int | None:
    """Return a whole number that is at least `least`; None passes."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidTypeError(
            f"{name} must be a whole number but is {value!r} ({type(value).__name__})"
        )
    if value < least:
        raise InvalidArgumentError(f"{name} must be at least {least} but is {value!r}")
    return value


def as_list(name: str, values: Iterable[T]) -> list[T]:
    """Return a list of what is iterated; a single model, mapping or string is refused."""
    if type(values) is list:
        return values.copy()
    if isinstance(values, BaseModel | Mapping | str | bytes) or not isinstance(values, Iterable):
        raise InvalidTypeError(
            f"{name} must be a list but is a single {type(values).__name__}: "
            f"write {name}=[...] around it"
        )
    return list(values)


def check_names(name: str, values: Iterable[object]) -> tuple[str, ...]:
    """Return strings that are not empty, or raise InvalidTypeError."""
    given = as_list(name, values)
    names = tuple(value for value in given if isinstance(value, str) and value)
    if len(names) < len(given):
        wrong = next(value for value in given if value not in names)
        raise InvalidTypeError(f"{name} must hold names but holds {wrong!r}")
    return names


def spread(name: str, values: Sequence[T] | None, n: int, missing: T) -> list[T]:
    """Return n values: as many as given, one for all, or `missing` where none are given."""
    if values is None:
        return [missing] * n
    given = as_list(name, values)
    if len(given) == 1:
        return given * n
    if len(given) != n:
        raise LengthMismatchError(
            f"{name} has {len(given)} elements but there are {n} tasks: "
            f"pass {n} elements, or one that serves all"
        )
    return given


def check_options(name: str, values: Iterable[str], allowed: Sequence[str]) -> list[str]:
    """Return a list of names that are all among the allowed ones."""
    given = as_list(name, values)
    wrong = sorted(repr(value) for value in given if value not in allowed)
    if wrong:
        raise InvalidArgumentError(
            f"{name} holds {', '.join(wrong)}: each must be one of {', '.join(sorted(allowed))}"
        )
    return given
