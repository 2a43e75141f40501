"""Dates, times and durations as whole numbers, exactly, and back."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive values are counted as if they were UTC
_EPOCH_UTC = _EPOCH.replace(tzinfo=UTC)
_EPOCH_DAY = _EPOCH.toordinal()
_MICROSECOND = timedelta(microseconds=1)
FIRST_MICROSECOND = (datetime.min.replace(tzinfo=UTC) - _EPOCH_UTC) // _MICROSECOND
LAST_MICROSECOND = (datetime.max.replace(tzinfo=UTC) - _EPOCH_UTC) // _MICROSECOND
FIRST_DAY, LAST_DAY = (day.toordinal() - _EPOCH_DAY for day in (date.min, date.max))
DAY = timedelta(days=1) // _MICROSECOND
_LONGEST = 2**63


def naive_to_micros(value: datetime) -> int:
    """Count the microseconds from 1970 to a time without a zone."""
    return (value - _EPOCH) // _MICROSECOND


def aware_to_micros(value: datetime) -> int:
    """Count the microseconds from 1970 to a time with a zone; it must lie in years 1 to 9999."""
    count = (value - _EPOCH_UTC) // _MICROSECOND
    if not FIRST_MICROSECOND <= count <= LAST_MICROSECOND:
        raise ValueError("it lies outside of the years 1 to 9999 in UTC")
    return count


def micros_to_naive(count: object) -> datetime:
    """Return the time without a zone that lies so many microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=_whole(count))


def micros_to_aware(count: object) -> datetime:
    """Return the time in UTC that lies so many microseconds after 1970."""
    return _EPOCH_UTC + timedelta(microseconds=_whole(count))


def date_to_days(value: date) -> int:
    """Count the days from 1970 to a date."""
    return value.toordinal() - _EPOCH_DAY


def days_to_date(count: object) -> date:
    """Return the date that lies so many days after 1970."""
    return date.fromordinal(_whole(count) + _EPOCH_DAY)


def time_to_micros(value: time) -> int:
    """Count the microseconds since midnight; refuse a time zone."""
    if value.tzinfo is not None:
        raise ValueError("a time of day must not have a time zone")
    seconds = (value.hour * 60 + value.minute) * 60 + value.second
    return seconds * 1_000_000 + value.microsecond


def micros_to_time(count: object) -> time:
    """Return the time of day that lies so many microseconds after midnight."""
    micros = _whole(count)
    if not 0 <= micros < DAY:
        raise ValueError("it is not a time of day")
    return micros_to_naive(micros).time()


def duration_to_micros(value: timedelta) -> int:
    """Count the microseconds of a duration, at most 292,000 years."""
    count = value // _MICROSECOND
    if not -_LONGEST <= count < _LONGEST:
        raise ValueError("it is longer than 64 bits of microseconds")
    return count


def micros_to_duration(count: object) -> timedelta:
    """Return the duration of so many microseconds."""
    return timedelta(microseconds=_whole(count))


def _whole(count: object) -> int:
    if type(count) is not int:
        raise ValueError("it is not a whole number")
    return count
