"""Dates, times and durations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from pydantic import FutureDate, PastDate

from rushtyped.dtypes import ColumnType, Kind
from rushtyped.testing.strategies.constraints import Limits, Place, impossible, limits

_MICROSECOND = timedelta(microseconds=1)
_LONGEST = timedelta(microseconds=2**63 - 1)
_SHORTEST = timedelta(microseconds=-(2**63))
_DAY = date(2000, 1, 1)
_OFFSETS = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_REGIONS = ("Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia")


def moments(column: ColumnType, place: Place) -> SearchStrategy[Any]:
    """Draw what a column of dates, times, datetimes or durations holds."""
    bounds = _not_today(limits(column), column.annotation)
    try:
        return _STRATEGIES[column.kind](bounds)
    except OverflowError as error:
        raise impossible(column, place, error) from error


def _not_today(bounds: Limits, annotation: object) -> Limits:
    """Keep to what is past or future, and stays so while tests run over midnight."""
    yesterday, overmorrow = date.today() - timedelta(1), date.today() + timedelta(2)  # noqa: DTZ011
    if annotation is PastDate and (bounds.high is None or bounds.high > yesterday):
        return bounds._replace(high=yesterday, high_open=False)
    if annotation is FutureDate and (bounds.low is None or bounds.low < overmorrow):
        return bounds._replace(low=overmorrow, low_open=False)
    return bounds


def _datetimes(bounds: Limits) -> SearchStrategy[datetime]:
    low, high = _closed(bounds, _MICROSECOND)
    return st.datetimes(low or datetime.min, high or datetime.max)  # noqa: DTZ901 - without a zone


def _instants(bounds: Limits) -> SearchStrategy[datetime]:
    """Draw instants that exist in UTC, as the clocks of several zones show them."""
    low, high = (_in_utc(bound) for bound in (bounds.low, bounds.high))
    return st.builds(_shown_in, _datetimes(bounds._replace(low=low, high=high)), _zones())


def _in_utc(bound: datetime | None) -> datetime | None:
    return None if bound is None else bound.astimezone(UTC).replace(tzinfo=None)


def _shown_in(moment: datetime, zone: tzinfo) -> datetime:
    instant = moment.replace(tzinfo=UTC)
    try:
        local = instant.astimezone(zone)
    except OverflowError:
        return instant
    # A clock that is turned back shows some times twice; they equal no time of another zone.
    twice = local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()
    return instant if twice else local


@cache
def _zones() -> SearchStrategy[tzinfo]:
    """Draw UTC, other offsets and, where the system knows them, regions with summer time."""
    try:
        regions = [ZoneInfo(name) for name in _REGIONS]
    except ZoneInfoNotFoundError:
        regions = []
    return st.one_of(st.just(UTC), _OFFSETS, *map(st.just, regions))


def _dates(bounds: Limits) -> SearchStrategy[date]:
    low, high = _closed(bounds, timedelta(days=1))
    return st.dates(low or date.min, high or date.max)


def _times(bounds: Limits) -> SearchStrategy[time]:
    """Draw times of day: as times of one day, which can be counted."""
    low, high = _closed(
        bounds._replace(low=_on_the_day(bounds.low), high=_on_the_day(bounds.high)), _MICROSECOND
    )
    if any(bound is not None and bound.date() != _DAY for bound in (low, high)):
        raise OverflowError("it is not a time of day")
    return st.times(low.time() if low else time.min, high.time() if high else time.max)


def _on_the_day(bound: time | None) -> datetime | None:
    return None if bound is None else datetime.combine(_DAY, bound)


def _durations(bounds: Limits) -> SearchStrategy[timedelta]:
    low, high = _closed(bounds, _MICROSECOND)
    return st.timedeltas(
        _SHORTEST if low is None else max(low, _SHORTEST),
        _LONGEST if high is None else min(high, _LONGEST),
    )


def _closed(bounds: Limits, resolution: timedelta) -> tuple[Any, Any]:
    """Move bounds that are excluded themselves by the smallest step."""
    low, high = bounds.low, bounds.high
    return (
        low + resolution if bounds.low_open and low is not None else low,
        high - resolution if bounds.high_open and high is not None else high,
    )


_STRATEGIES: dict[Kind, Callable[[Limits], SearchStrategy[Any]]] = {
    Kind.DATETIME: _datetimes,
    Kind.DATETIME_UTC: _instants,
    Kind.DATE: _dates,
    Kind.TIME: _times,
    Kind.DURATION: _durations,
}
