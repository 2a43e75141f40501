"""Logs of workers, from the logger call to the frame and to the printed line."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import loguru
import msgpack
import polars as pl
import pytest
from loguru import logger
from polars.testing import assert_frame_equal

from rushtyped import Network
from rushtyped.errors import InvalidTypeError
from rushtyped.log_reader import LOG_SCHEMA, LogReader
from rushtyped.log_store import LogStore
from rushtyped.logs import LogLevels, LogPrinter, LogSink, capture_logs
from rushtyped.logs import sink as sink_module
from rushtyped.logs.records import pack_note
from tests.models import Params, Scores
from tests.network.logging_worker import log_store
from tests.servers.process import ServerProcess
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
Capture = Callable[..., AbstractContextManager[object]]


@pytest.fixture
def logs(redis_url: str, network_id: str) -> Iterator[LogStore]:
    """The logs of a fresh network."""
    logs = log_store(redis_url, network_id)
    yield logs
    logs.store.channel.close()


@pytest.fixture
def captured(logs: LogStore) -> Capture:
    """What captures the logs of this process as those of a worker w1, for a while."""

    def capture(levels: LogLevels | None = None, **options: int) -> AbstractContextManager[object]:
        return closing(capture_logs(LogSink(logs, "w1", **options), levels))

    return capture


def messages(logs: LogStore, worker_id: str = "w1") -> list[str]:
    [log] = logs.read([worker_id])
    return [logs.unpack(worker_id, data).message for data in log]


def push(logs: LogStore, worker_id: str, nth: int, **fields: object) -> None:
    """Store one record as the worker's so many-th."""
    record = {
        "timestamp": nth * 1_000_000,
        "level": "INFO",
        "number": 20,
        "logger": "my.module",
        "caller": f"f:{nth}",
        "message": f"{worker_id} {nth}",
        "exception": None,
    }
    logs.push(worker_id, nth, 1000, [msgpack.packb(record | fields)])


class Printed:
    """The records that reach the local logger, as a user would see them."""

    def __init__(self) -> None:
        self.records: list[loguru.Record] = []
        self.lines: list[str] = []

    def write(self, message: loguru.Message) -> None:
        if "worker_id" in message.record["extra"]:
            self.records.append(message.record)
            self.lines.append(str(message).rstrip("\n"))


@pytest.fixture
def printed() -> Iterator[Printed]:
    """The output of the printer."""
    output = Printed()
    form = "{extra[worker_id]} {level} {name}:{function}:{line} {message}"
    handler = logger.add(output, level=0, format=form, colorize=False)
    yield output
    logger.remove(handler)


def test_a_record_is_written_at_once(logs: LogStore, captured: Capture) -> None:
    with captured({"": "INFO"}):
        logger.info("one")
        assert messages(logs) == ["one"]
        logger.info("two")
        assert messages(logs) == ["one", "two"]
    assert logs.counts() == {"w1": 2}


def test_a_record_takes_one_round_trip(logs: LogStore, captured: Capture) -> None:
    with captured():
        logger.warning("one")
        before = logs.store.channel.n_round_trips
        logger.warning("two")
        assert logs.store.channel.n_round_trips == before + 1


def test_a_buffer_is_written_when_it_is_full(logs: LogStore, captured: Capture) -> None:
    with captured({"": "INFO"}, buffer_size=3):
        before = logs.store.channel.n_round_trips
        logger.info("one")
        logger.info("two")
        assert logs.store.channel.n_round_trips == before
        logger.info("three")
        assert messages(logs) == ["one", "two", "three"]
        logger.info("four")
        assert logs.counts() == {"w1": 3}
    assert messages(logs) == ["one", "two", "three", "four"]


def test_an_error_is_written_with_all_before_it(logs: LogStore, captured: Capture) -> None:
    with captured({"": "INFO"}, buffer_size=100):
        logger.info("one")
        logger.warning("two")
        assert messages(logs) == []
        logger.error("three")
        assert messages(logs) == ["one", "two", "three"]


def test_only_the_newest_records_are_kept(logs: LogStore, captured: Capture) -> None:
    with captured({"": "INFO"}, limit=2):
        for number in range(5):
            logger.info("{}", number)
    assert messages(logs) == ["3", "4"]
    assert logs.counts() == {"w1": 5}


def test_a_large_buffer_goes_in_pieces(
    logs: LogStore, captured: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink_module, "CHUNK", 10)
    monkeypatch.setattr(sink_module, "CHUNK_BYTES", 1500)
    with captured({"": "INFO"}, buffer_size=100):
        logger.info("known")  # so that the next flush is only of its records
        logger.error("now")
        before = logs.store.channel.n_round_trips
        for number in range(20):
            logger.info("{}", number)
        logger.info("a" * 2000)
        logger.info("b" * 2000)
    assert logs.store.channel.n_round_trips == before + 4
    assert messages(logs)[2:] == [*map(str, range(20)), "a" * 2000, "b" * 2000]


def test_each_module_has_its_own_level(logs: LogStore, captured: Capture) -> None:
    def log(name: str | None, *levels: str) -> None:
        def rename(record: Any) -> None:
            record["name"] = name

        for level in levels:
            logger.patch(rename).log(level, "{} {}", name, level)

    with captured({"": "WARNING", "my": "INFO", "my.module": "debug", "my.module.quiet": 40}):
        log("other", "INFO", "WARNING")
        log(None, "INFO", "WARNING")
        log("my", "DEBUG", "INFO")
        log("my.other", "DEBUG", "INFO")
        log("my.module", "TRACE", "DEBUG")
        log("my.module.sub", "TRACE", "DEBUG")
        log("my.modules", "DEBUG", "INFO")
        log("my.module.quiet", "WARNING", "ERROR")
    assert messages(logs) == [
        *("other WARNING", "None WARNING", "my INFO", "my.other INFO", "my.module DEBUG"),
        *("my.module.sub DEBUG", "my.modules INFO", "my.module.quiet ERROR"),
    ]


def test_loggers_that_no_level_is_given_for_are_heard_from_warning_on(
    logs: LogStore, captured: Capture
) -> None:
    with captured({"my.module": "DEBUG"}):
        logger.info("unheard")
        logger.warning("heard")
    assert messages(logs) == ["heard"]


def test_standard_records_have_their_own_logger_and_place(
    logs: LogStore, captured: Capture
) -> None:
    with captured({"": "INFO"}):
        logging.getLogger("some.library").info("%d of %d", 1, 2)
        logging.getLogger().log(25, "{braces}")
        try:
            raise ValueError("bad")
        except ValueError:
            logging.getLogger("some.library").exception("failed")
        logging.getLogger("some.library").error("none", exc_info=True)
    records = [logs.unpack("w1", data) for data in logs.read(["w1"])[0]]
    here = "test_standard_records_have_their_own_logger_and_place"
    first = test_standard_records_have_their_own_logger_and_place.__code__.co_firstlineno
    assert [(each.logger, each.caller, each.level, each.message) for each in records] == [
        ("some.library", f"{here}:{first + 4}", "INFO", "1 of 2"),
        ("root", f"{here}:{first + 5}", "Level 25", "{braces}"),
        ("some.library", f"{here}:{first + 9}", "ERROR", "failed"),
        ("some.library", f"{here}:{first + 10}", "ERROR", "none"),
    ]
    assert [each.number for each in records] == [20, 25, 40, 40]
    exceptions = [each.exception for each in records]
    assert exceptions[:2] == exceptions[3:] * 2 == [None, None]
    assert str(exceptions[2]).endswith("ValueError: bad\n")


def test_standard_loggers_let_through_what_is_asked_for(logs: LogStore, captured: Capture) -> None:
    root, chatty, quiet, own = map(logging.getLogger, ("", "chatty", "quiet", "own"))
    own.setLevel(logging.CRITICAL)
    before = [each.level for each in (root, chatty, quiet, own)]
    with captured({"": "INFO", "chatty": 0, "quiet": "ERROR", "own": "WARNING"}):
        for level in (1, 10, 20, 30, 40):
            for each in (root, chatty, quiet, own, logging.getLogger("chatty.below")):
                each.log(level, "%s %d", each.name, level)
    assert [each.level for each in (root, chatty, quiet, own)] == before
    assert messages(logs) == [
        *("chatty 1", "chatty.below 1", "chatty 10", "chatty.below 10"),
        *("root 20", "chatty 20", "chatty.below 20"),
        *("root 30", "chatty 30", "own 30", "chatty.below 30"),
        *("root 40", "chatty 40", "quiet 40", "own 40", "chatty.below 40"),
    ]


def test_loguru_that_is_handed_on_to_logging_makes_no_loop(
    logs: LogStore, captured: Capture, capfd: pytest.CaptureFixture[str]
) -> None:
    class Propagate(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            logging.getLogger(record.name).handle(record)

    handlers = (
        logger.add(Propagate(), level=0, format="{message}"),
        logger.add(lambda message: logging.getLogger("copy").warning(message), level=0),
    )
    with captured({"": "INFO"}):
        logger.info("by loguru")
        logging.getLogger("library").warning("by logging")
    for handler in handlers:
        logger.remove(handler)
    assert messages(logs) == ["by loguru", "by logging"]
    assert "Logging error" not in capfd.readouterr().err


def test_a_standard_record_that_cannot_be_formatted_stops_nothing(
    logs: LogStore, captured: Capture, capfd: pytest.CaptureFixture[str]
) -> None:
    def log_badly() -> None:
        logging.getLogger("some.library").warning("%d", "x")

    root = logging.getLogger()
    others = root.handlers[:]
    with captured():
        root.handlers = [each for each in root.handlers if each not in others]  # pytest's own raise
        log_badly()
        root.handlers += others
        logger.warning("still here")
    assert messages(logs) == ["still here"]
    assert "--- Logging error ---" in capfd.readouterr().err


def test_a_silenced_library_does_not_silence_standard_loggers(
    logs: LogStore, captured: Capture
) -> None:
    logger.disable("rushtyped")
    with captured():
        logging.getLogger("some.library").warning("heard")
    logger.enable("rushtyped")
    assert messages(logs) == ["heard"]


def test_nothing_is_captured_after_the_end(logs: LogStore, captured: Capture) -> None:
    handlers = logging.getLogger().handlers[:]
    with captured():
        assert len(logging.getLogger().handlers) == len(handlers) + 1
    logger.error("late")
    logging.getLogger().error("late")
    assert logs.counts() == {}
    assert logging.getLogger().handlers == handlers


def test_a_sink_goes_on_from_the_numbers_of_an_earlier_process(
    logs: LogStore, captured: Capture
) -> None:
    for text in ("one", "two"):
        with captured():
            logger.warning(text)
    assert messages(logs) == ["one", "two"]
    assert logs.counts() == {"w1": 2}


def test_a_sink_goes_on_where_another_process_has_used_its_numbers(
    logs: LogStore, captured: Capture
) -> None:
    with captured():
        logger.warning("one")
        logs.push("w1", 3, 1000, [pack_note(30, "WARNING", "other")] * 2)
        logger.warning("two")
        logger.warning("three")
    assert messages(logs) == ["one", "other", "other", "two", "three"]
    assert logs.counts() == {"w1": 5}


def test_threads_lose_nothing_and_keep_their_order(logs: LogStore, captured: Capture) -> None:
    def log(name: int) -> None:
        for number in range(50):
            if number % 2:
                logger.info("{} {}", name, number)
            else:
                logging.getLogger("standard").info("%d %d", name, number)

    with captured({"": "INFO"}, buffer_size=7):
        threads = [threading.Thread(target=log, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    written = messages(logs)
    assert len(written) == 400
    assert logs.counts() == {"w1": 400}
    for name in range(8):
        own = [text for text in written if text.startswith(f"{name} ")]
        assert own == [f"{name} {number}" for number in range(50)]


def test_records_wait_for_a_server_that_is_away(
    own_server: ServerProcess,
    network_id: str,
    warnings_seen: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logs = log_store(own_server.url, network_id)
    channel = logs.store.channel
    with closing(capture_logs(LogSink(logs, "w1"), {"": "INFO"})):
        logger.info("one")
        own_server.kill()
        attempts = count_pushes(logs, monkeypatch)
        for number in range(100):
            logger.info("away {}", number)
        logger.error("away, too")
        assert len(attempts) == 1
        own_server.start()
        wait_until(own_server.answers, description="the server is back")
        # none is sent before a second has passed
        log_until(lambda: logs.counts()["w1"] > 1)
    written = messages(logs)
    assert written[:102] == ["one", *(f"away {n}" for n in range(100)), "away, too"]
    assert set(written[102:]) == {"more"}
    assert logs.counts() == {"w1": len(written)}
    [warning] = [text for text in warnings_seen if "wait" in text]
    assert warning.startswith("Log records of worker w1 wait: unix:///")
    channel.close()


def log_until(predicate: Callable[[], bool]) -> None:
    """Log again and again, since only a further record makes a sink try again."""

    def attempt() -> bool:
        logger.info("more")
        return predicate()

    wait_until(attempt, description="enough was logged")


def count_pushes(logs: LogStore, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note when records are sent from now on."""
    times: list[float] = []
    original = logs.push

    def push(*arguments: Any) -> int:
        times.append(time.monotonic())
        return original(*arguments)

    monkeypatch.setattr(logs, "push", push)
    return times


def test_a_server_that_stays_away_is_asked_once_a_second_and_told_of_once(
    own_server: ServerProcess,
    network_id: str,
    warnings_seen: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sink_module, "RETRY_PAUSE", 0.1)
    logs = log_store(own_server.url, network_id)
    own_server.kill()
    attempts = count_pushes(logs, monkeypatch)
    with closing(capture_logs(LogSink(logs, "w1"), {"": "INFO"})):
        log_until(lambda: len(attempts) == 5)
        assert min(after - before for before, after in pairwise(attempts)) >= 0.1
        assert sum("wait" in text for text in warnings_seen) == 1


def test_after_a_failure_the_next_record_sends_a_buffer_that_is_not_full(
    own_server: ServerProcess, network_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink_module, "RETRY_PAUSE", 0.0)
    logs = log_store(own_server.url, network_id)
    with closing(capture_logs(LogSink(logs, "w1", buffer_size=100), {"": "INFO"})):
        own_server.kill()
        logger.error("one")
        own_server.start()
        wait_until(own_server.answers, description="the server is back")
        logger.info("two")
        assert messages(logs) == ["one", "two"]
    logs.store.channel.close()


def test_a_server_that_was_restarted_gets_the_rest_at_the_end(
    own_server: ServerProcess, network_id: str
) -> None:
    logs = log_store(own_server.url, network_id)
    with closing(capture_logs(LogSink(logs, "w1", buffer_size=100), {"": "INFO"})):
        logger.error("one")
        logger.info("two")
        own_server.kill()
        own_server.start()
        wait_until(own_server.answers, description="the server is back")
    assert messages(logs) == ["one", "two"]
    logs.store.channel.close()


def test_the_oldest_of_too_many_waiting_records_are_dropped_and_counted(
    own_server: ServerProcess, network_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink_module, "MOST_WAITING", 5)
    logs = log_store(own_server.url, network_id)
    with closing(capture_logs(LogSink(logs, "w1"), {"": "INFO"})):
        logger.info("one")
        own_server.kill()
        for number in range(10):
            logger.info("away {}", number)
        own_server.start()
        wait_until(own_server.answers, description="the server is back")
    assert messages(logs) == [
        *("one", "away 0", "4 log records were dropped: the server did not answer"),
        *(f"away {number}" for number in range(5, 10)),
    ]
    assert logs.counts() == {"w1": 8}
    logs.store.channel.close()


def test_records_that_are_lost_at_the_end_are_counted(
    own_server: ServerProcess, network_id: str, warnings_seen: list[str]
) -> None:
    logs = log_store(own_server.url, network_id)
    capture = capture_logs(LogSink(logs, "w1", buffer_size=10), {"": "INFO"})
    logger.info("one")
    own_server.kill()
    logger.info("two")
    capture.close()
    assert warnings_seen[-1] == "2 log records of worker w1 are lost"


def test_a_lost_reply_does_not_double_records(
    logs: LogStore, captured: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = logs.push
    monkeypatch.setattr(sink_module, "RETRY_PAUSE", 0.0)

    def lose_reply(*arguments: Any) -> int:
        monkeypatch.setattr(logs, "push", original)
        original(*arguments)
        raise ConnectionError

    with captured({"": "INFO"}):
        logger.info("one")
        monkeypatch.setattr(logs, "push", lose_reply)
        logger.info("two")
        logger.info("three")
    assert messages(logs) == ["one", "two", "three"]
    assert logs.counts() == {"w1": 3}


def test_what_is_logged_while_sending_does_not_come_back(
    logs: LogStore,
    captured: Capture,
    warnings_seen: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    original = logs.push

    def push_loudly(*arguments: Any) -> int:
        logger.error("loguru, while sending")
        logging.getLogger("redis").error("logging, while sending")
        return original(*arguments)

    monkeypatch.setattr(logs, "push", push_loudly)
    with captured():
        logger.warning("one")
    assert messages(logs) == ["one"]
    assert "loguru, while sending" in warnings_seen
    assert "Logging error" not in capfd.readouterr().err


def run_worker(
    url: str, network_id: str, buffer_size: int, ending: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "tests.network.logging_worker"),
            *(url, network_id, str(buffer_size), ending),
        ],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("ending", "code"), [("return", 0), ("raise", 1), ("exit", 3), ("fork", 0), ("remove", 0)]
)
def test_a_process_writes_its_buffer_however_it_ends(
    redis_url: str, network_id: str, logs: LogStore, ending: str, code: int
) -> None:
    process = run_worker(redis_url, network_id, 100, ending)
    assert process.returncode == code, process.stderr
    [(worker_id, n_written)] = logs.counts().items()
    forked = ["child False"] if ending == "fork" else []
    assert messages(logs, worker_id) == ["begin", "second", *forked]
    assert n_written == 2 + len(forked)
    assert "Logging error" not in process.stderr


def test_a_worker_that_logs_imports_nothing_heavy(redis_url: str, network_id: str) -> None:
    process = run_worker(redis_url, network_id, 0, "return")
    assert process.stdout.splitlines()[0] == ""


def test_a_buffer_is_written_before_the_server_is_left_at_exit(
    redis_url: str, network_id: str
) -> None:
    process = run_worker(redis_url, network_id, 100, "return")
    assert process.stdout.splitlines()[-1] == "left: 2"


def test_the_frame_has_all_records_in_order_of_time(logs: LogStore) -> None:
    push(logs, "w1", 1)
    push(logs, "w1", 3, exception="Traceback: bad\n", level="ERROR", number=40)
    push(logs, "w1", 4, timestamp=3_000_000)
    push(logs, "w2", 2)
    rows = [
        ("w1", "INFO", 1, "my.module", "f:1", "w1 1", None),
        ("w2", "INFO", 2, "my.module", "f:2", "w2 2", None),
        ("w1", "ERROR", 3, "my.module", "f:3", "w1 3", "Traceback: bad\n"),
        ("w1", "INFO", 3, "my.module", "f:4", "w1 4", None),
    ]
    expected = pl.DataFrame(
        [(*row[:2], datetime(1970, 1, 1, 0, 0, row[2], tzinfo=UTC), *row[3:]) for row in rows],
        schema=[
            *("worker_id", "level", "timestamp", "logger", "caller", "message", "exception"),
        ],
        orient="row",
    )
    frame = LogReader(logs).frame(None, time_difference=False)
    assert_frame_equal(frame, expected)


def test_the_time_difference_is_that_to_the_record_before_of_the_same_worker(
    logs: LogStore,
) -> None:
    for worker_id, number in (("w1", 1), ("w1", 3), ("w2", 2), ("w2", 7)):
        push(logs, worker_id, number)
    frame = LogReader(logs).frame(["w2", "w1"], time_difference=True)
    assert frame.columns[-1] == "time_difference"
    assert frame.schema["time_difference"] == pl.Duration("us")
    assert frame.select("worker_id", "time_difference").rows() == [
        ("w1", None),
        ("w2", None),
        ("w1", timedelta(seconds=2)),
        ("w2", timedelta(seconds=5)),
    ]


def test_the_frame_is_of_the_workers_asked_for(logs: LogStore) -> None:
    for worker_id in ("w1", "w2", "w3"):
        push(logs, worker_id, 1)
    frame = LogReader(logs).frame(["w3", "unknown", "w1", "w3"], time_difference=False)
    assert sorted(frame["worker_id"]) == ["w1", "w3"]
    with pytest.raises(InvalidTypeError, match=r"worker_ids=\[\.\.\.\]"):
        LogReader(logs).frame("w1", time_difference=False)


def test_an_empty_frame_has_the_same_columns(logs: LogStore) -> None:
    duration = {"time_difference": pl.Duration("us")}
    for ids in (None, [], ["unknown"]):
        frame = LogReader(logs).frame(ids, time_difference=False)
        assert (dict(frame.schema), frame.height) == (LOG_SCHEMA, 0)
        frame = LogReader(logs).frame(ids, time_difference=True)
        assert (dict(frame.schema), frame.height) == ({**LOG_SCHEMA, **duration}, 0)


def test_a_frame_takes_two_round_trips(logs: LogStore) -> None:
    for number in range(20):
        push(logs, f"w{number}", 1)
    before = logs.store.channel.n_round_trips
    assert LogReader(logs).frame(None, time_difference=True).height == 20
    assert logs.store.channel.n_round_trips == before + 2


def test_a_damaged_record_is_left_out_of_frame_and_print(
    logs: LogStore, warnings_seen: list[str]
) -> None:
    push(logs, "w1", 1, level="INFO")
    push(logs, "w1", 2, timestamp="noon")
    push(logs, "w1", 3, level="INFO")
    printer = LogPrinter(logs)
    frame = LogReader(logs).frame(None, time_difference=False)
    assert frame["message"].to_list() == ["w1 1", "w1 3"]
    assert (printer.print_new(), printer.print_new()) == (2, 0)
    assert len(warnings_seen) == 2
    for warning in warnings_seen:
        assert warning.startswith("1 records of a log are left out: 'rush:{")
        assert "worker:w1:log' holds a log record" in warning
        assert "LogRecord.timestamp" in warning


def test_a_printed_record_is_as_it_was_logged(logs: LogStore, printed: Printed) -> None:
    push(logs, "w1", 1, message="{x} <red>", caller="g.<locals>.<lambda>:12")
    push(logs, "w2", 2, level="ERROR", number=40, exception="Traceback: ...\nValueError: bad\n")
    push(logs, "w2", 3, level="Level 25", number=25, caller="")
    push(logs, "w2", 4, level="ODD", number=7)
    push(logs, "w2", 5, level="WARNING", number=33)
    assert LogPrinter(logs).print_new() == 5
    assert printed.lines == [
        "w1 INFO my.module:g.<locals>.<lambda>:12 {x} <red>",
        "w2 ERROR my.module:f:2 w2 2\n    | Traceback: ...\n    | ValueError: bad",
        "w2 Level 25 my.module::0 w2 3",
        "w2 ODD my.module:f:4 w2 4",
        "w2 WARNING my.module:f:5 w2 5",
    ]
    assert [record["level"].no for record in printed.records] == [20, 40, 25, 7, 33]
    assert [record["time"] for record in printed.records] == [
        datetime(1970, 1, 1, 0, 0, second, tzinfo=UTC) for second in range(1, 6)
    ]
    assert f"{printed.records[0]['time']:YYYY ss.SSS}" == "1970 01.000"


def test_only_what_is_new_is_printed(logs: LogStore, printed: Printed) -> None:
    printer = LogPrinter(logs)
    assert printer.print_new() == 0
    push(logs, "w1", 1)
    push(logs, "w2", 1, timestamp=0)
    assert printer.print_new() == 2
    assert printer.print_new() == 0
    push(logs, "w1", 2)
    assert printer.print_new() == 1
    texts = [record["message"] for record in printed.records]
    assert texts == ["w2 1", "w1 1", "w1 2"]


def test_printing_reads_only_what_is_new(logs: LogStore, printed: Printed) -> None:
    printer = LogPrinter(logs)
    push(logs, "w1", 1, message="a" * 1000)
    push(logs, "w2", 1)
    printer.print_new()
    channel = logs.store.channel
    before = channel.n_round_trips
    printer.print_new()
    assert channel.n_round_trips == before + 1
    push(logs, "w1", 2)
    before = channel.n_round_trips
    printer.print_new()
    assert channel.n_round_trips == before + 2
    sent = channel.call("INFO", "stats")
    assert printer.print_new() == 0
    again = channel.call("INFO", "stats")
    assert bytes_sent(again) - bytes_sent(sent) < 1000 + len(again)


def bytes_sent(info: bytes) -> int:
    [line] = [line for line in info.splitlines() if line.startswith(b"total_net_output_bytes:")]
    return int(line.partition(b":")[2])


def test_workers_are_printed_apart(logs: LogStore, printed: Printed) -> None:
    printer = LogPrinter(logs)
    push(logs, "w1", 1)
    push(logs, "w2", 1)
    assert printer.print_new(["w2", "unknown", "w2"]) == 1
    assert printer.print_new(["w2"]) == 0
    assert printer.print_new() == 1
    assert [record["message"] for record in printed.records] == ["w2 1", "w1 1"]


def test_what_was_trimmed_is_left_out(logs: LogStore, printed: Printed) -> None:
    printer = LogPrinter(logs)
    push(logs, "w1", 1)
    printer.print_new()
    logs.push("w1", 100, 1, [b""] * 98 + logs.read(["w1"])[0])
    assert printer.print_new() == 1
    assert printer.print_new() == 0


def test_what_comes_between_the_count_and_the_records_is_printed_once(
    logs: LogStore, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    printer = LogPrinter(logs)
    for number in (1, 2):
        push(logs, "w1", number)
    printer.print_new()
    push(logs, "w1", 3)
    original = logs.read_newest

    def read_late(numbers: Any) -> Any:
        monkeypatch.setattr(logs, "read_newest", original)
        for number in (4, 5):
            push(logs, "w1", number)
        return original(numbers)

    monkeypatch.setattr(logs, "read_newest", read_late)
    assert printer.print_new() == 3
    assert printer.print_new() == 0
    texts = [record["message"] for record in printed.records]
    assert texts == ["w1 1", "w1 2", "w1 3", "w1 4", "w1 5"]


def test_after_a_reset_printing_begins_anew(
    redis_url: str, network_id: str, logs: LogStore, printed: Printed
) -> None:
    printer = LogPrinter(logs)
    for number in (1, 2, 3):
        push(logs, "w1", number)
    printer.print_new()
    logs.store.reset("e2", workers=True)
    assert logs.counts() == {}
    assert printer.print_new() == 0
    for number in (1, 2):
        push(logs, "w1", number, message="new")
    assert printer.print_new() == 2
    assert printer.print_new() == 0


def test_a_worker_that_survives_a_reset_logs_on(logs: LogStore, captured: Capture) -> None:
    printer = LogPrinter(logs)
    with captured():
        logger.warning("one")
        logger.warning("two")
        printer.print_new()
        logs.store.reset("e2", workers=True)
        logger.warning("three")
        assert messages(logs) == ["three"]
        assert printer.print_new() == 1


def test_logs_stay_where_workers_do(redis_url: str, logs: LogStore) -> None:
    network = Network[Params, Scores](logs.store.keys.network_id, redis=redis_url)
    push(logs, "w1", 1)
    network.reset(workers=False)
    assert messages(logs) == ["w1 1"]
    network.reset()
    assert messages(logs) == []
