"""Levels of loggers, and records as they are stored; without a server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import loguru
import msgpack
import pytest
from loguru import logger

from rushtyped.errors import InvalidArgumentError, InvalidTypeError
from rushtyped.logs import DEFAULT_LOG_LEVELS, check_log_levels
from rushtyped.logs.records import pack_record
from rushtyped.wire import LogRecord

Stored = list[LogRecord]


@pytest.fixture(scope="module")
def notice() -> str:
    """A level that loguru is told of."""
    return logger.level("Notice", no=27).name


@pytest.fixture
def stored() -> Iterator[Stored]:
    """What would be stored of the records that the test logs."""
    records: Stored = []

    def keep(message: loguru.Message) -> None:
        packed = msgpack.unpackb(pack_record(message.record))
        records.append(LogRecord.model_validate(packed, strict=True))

    handler = logger.add(keep, level=0, format="", catch=False)
    yield records
    logger.remove(handler)


def test_levels_are_named_in_any_case_or_by_number(notice: str) -> None:
    levels = {"": "info", "my.module": "DEBUG", "deep": 0, "own": notice, "x": 35, "y": "Error"}
    assert check_log_levels(levels) == {
        "": 20,
        "my.module": 10,
        "deep": 0,
        "own": 27,
        "x": 35,
        "y": 40,
    }


def test_no_levels_pass() -> None:
    assert check_log_levels(None) is None
    assert check_log_levels({}) == {}
    assert DEFAULT_LOG_LEVELS == {"": "WARNING"}


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ("DEBUG", "but is 'DEBUG' (str): write {\"\": 'DEBUG'} for all loggers"),
        (10, 'but is 10 (int): write {"": 10} for all loggers'),
        (["DEBUG"], "but is ['DEBUG'] (list): write {\"\": 'INFO'} for all loggers"),
        ({None: "DEBUG"}, 'but has None (NoneType): write "my.module", or "" for all others'),
        ({"a": True}, "log_levels['a'] must be the name of a level or a number but is True (bool)"),
        ({"a": 1.5}, "log_levels['a'] must be the name of a level or a number but is 1.5 (float)"),
        ({"a": None}, "must be the name of a level or a number but is None (NoneType)"),
    ],
)
def test_levels_of_a_wrong_type_are_refused(levels: object, message: str) -> None:
    with pytest.raises(InvalidTypeError, match=re.escape(message)):
        check_log_levels(levels)


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ({"a": "LOUD"}, "log_levels['a'] must be a level but is 'LOUD': use TRACE, DEBUG, INFO"),
        ({"": ""}, "log_levels[''] must be a level but is ''"),
        ({"a": -1}, "log_levels['a'] must be at least 0 but is -1"),
    ],
)
def test_levels_that_do_not_exist_are_refused(levels: object, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=re.escape(message)):
        check_log_levels(levels)


def test_a_record_says_who_logged_what_when(stored: Stored) -> None:
    before = datetime.now(UTC)
    logger.info("x is {}", 1)
    after = datetime.now(UTC)
    [record] = stored
    line = test_a_record_says_who_logged_what_when.__code__.co_firstlineno + 2
    assert record.model_dump(exclude={"timestamp"}) == {
        "level": "INFO",
        "number": 20,
        "logger": __name__,
        "caller": f"test_a_record_says_who_logged_what_when:{line}",
        "message": "x is 1",
        "exception": None,
    }
    assert before.timestamp() - 1e-5 <= record.timestamp / 1e6 <= after.timestamp() + 1e-5


def test_an_exception_is_a_traceback_without_values(stored: Stored) -> None:
    password = "open sesame"
    try:
        [].pop(len(password))
    except IndexError:
        logger.exception("failed")
    text = stored[0].exception
    assert text is not None
    assert text.startswith("Traceback (most recent call last):\n")
    assert text.endswith("IndexError: pop from empty list\n")
    assert "[].pop(len(password))" in text
    assert "open" not in text


def test_exception_without_an_exception_is_none(stored: Stored) -> None:
    logger.opt(exception=(None, None, None)).error("failed")
    assert stored[0].exception is None


def test_what_is_bound_to_a_record_is_not_stored(stored: Stored) -> None:
    logger.bind(secret=object()).info("bound")
    assert stored[0].message == "bound"


def set_in_record(**fields: object) -> Callable[[Any], None]:
    return lambda record: record.update(fields)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ü \N{SNOWMAN} \0 {x}", "ü \N{SNOWMAN} \0 {x}"),
        ("\udc80", "\\udc80"),
        ("a" * 1_000_000, "a" * 1_000_000),
        ("a" * 1_000_001, "a" * 1_000_000 + "... (cut: it has 1000001 characters)"),
        ("ü" * 500_001, "ü" * 500_000 + "... (cut: it has 500001 characters)"),
        ("a" + "ü" * 500_000, "a" + "ü" * 499_999 + "... (cut: it has 500001 characters)"),
    ],
    ids=["unicode", "surrogate", "large", "too large", "too large in bytes", "cut in a character"],
)
def test_a_message_of_any_content_is_stored(stored: Stored, text: str, expected: str) -> None:
    logger.info(text)
    assert stored[0].message == expected


def test_a_huge_traceback_is_cut_too(stored: Stored) -> None:
    logger.opt(exception=ValueError("v" * 2_000_000)).error("failed")
    text = stored[0].exception
    assert text is not None
    assert text.startswith("ValueError: vvv")
    assert text.endswith("v... (cut: it has 2000013 characters)")


def test_an_unknown_module_and_a_huge_severity_are_stored(stored: Stored) -> None:
    logger.patch(set_in_record(name=None)).log(2**80, "x")
    [record] = stored
    assert (record.logger, record.level, record.number) == ("", f"Level {2**80}", 2**63 - 1)


def test_a_time_before_1970_is_stored_as_1970(stored: Stored) -> None:
    logger.patch(set_in_record(time=datetime(1960, 1, 1, tzinfo=UTC))).info("old")
    assert (stored[0].timestamp, stored[0].message) == (0, "old")


def test_what_cannot_be_packed_is_told_instead(stored: Stored) -> None:
    logger.patch(set_in_record(time="noon")).info("x")
    [record] = stored
    assert (record.level, record.number) == ("ERROR", 40)
    assert record.message.startswith("A log record cannot be stored: TypeError(")
