"""What worker processes log is read and printed by their manager."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from loguru import logger

from rushtyped import InvalidTypeError
from tests.launch import loops
from tests.models import ParamNetwork, points, raise_in_task
from tests.waiting import wait_until


def run(network: ParamNetwork, loop: Callable[..., object], **options: Any) -> list[str]:
    """Run a loop on one worker to its end."""
    ids = network.start_local_workers(loop, n_workers=1, **options)
    network.wait_for_workers(worker_ids=ids, timeout=20.0)
    wait_until(lambda: network.n_running_workers == 0, description="the loop has ended")
    return ids


def test_records_of_loguru_and_the_standard_library_are_kept(network: ParamNetwork) -> None:
    [worker_id] = run(network, loops.log_something, log_levels={"": "INFO"})
    log = network.read_log()
    assert log["worker_id"].unique().to_list() == [worker_id]
    assert log.select("level", "logger", "message", "exception").rows() == [
        ("INFO", "tests.launch.loops", "loguru says 0", None),
        ("WARNING", "some.library", "the library says 0", None),
    ]
    assert log["caller"].str.contains(r"^log_something:\d+$").all()


def test_each_logger_has_its_own_level(network: ParamNetwork) -> None:
    levels = {"": "ERROR", "some": "DEBUG"}
    run(network, loops.log_something, log_levels=levels)
    assert network.read_log()["message"].to_list() == ["the library says 0", "nobody hears that"]


def test_warnings_are_kept_unless_told_otherwise(network: ParamNetwork) -> None:
    run(network, loops.log_something)
    assert network.read_log()["message"].to_list() == ["the library says 0"]


def test_the_error_that_ends_a_loop_is_kept_with_its_traceback(network: ParamNetwork) -> None:
    run(network, raise_in_task)
    [row] = network.read_log().iter_rows(named=True)
    assert row["level"] == "ERROR"
    assert row["exception"].rstrip().endswith("ValueError: no such point")
    assert "in raise_in_task\n" in row["exception"]


def test_held_back_records_are_sent_by_an_error_and_lost_by_a_kill(network: ParamNetwork) -> None:
    network.start_local_workers(
        loops.log_and_wait, n_workers=1, log_levels={"": "INFO"}, log_buffer_size=100
    )
    network.wait_for_workers(1, timeout=20.0)
    assert network.read_log().is_empty()
    network.push_tasks(points(1))
    wait_until(lambda: network.read_log().height == 2, description="the error sends both")
    assert network.read_log()["message"].to_list() == ["held back", "sent at once"]
    os.kill(network.worker_info["pid"].item(), signal.SIGKILL)
    wait_until(network.detect_lost_workers, description="it is found")
    assert network.read_log().height == 2


def test_held_back_records_are_sent_at_the_end(network: ParamNetwork) -> None:
    run(network, loops.log_something, log_levels={"": "INFO"}, log_buffer_size=100)
    wait_until(lambda: network.read_log().height == 2, description="both are there")


def test_a_log_is_trimmed(network: ParamNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSHTYPED_LOG_LIMIT", "3")
    run(network, partial(loops.log_something, n=5), log_levels={"": "INFO"})
    messages = ["the library says 3", "loguru says 4", "the library says 4"]
    assert network.read_log()["message"].to_list() == messages


def test_time_differences_are_per_worker(network: ParamNetwork) -> None:
    ids = [
        *run(network, loops.log_something, log_levels={"": "INFO"}),
        *run(network, loops.log_something, log_levels={"": "INFO"}),
    ]
    log = network.read_log(time_difference=True)
    assert log.schema["time_difference"] == pl.Duration("us")
    for worker_id in ids:
        first, second = log.filter(worker_id=worker_id)["time_difference"]
        assert first is None
        assert second >= timedelta(0)
    assert network.read_log(worker_ids=ids[:1]).height == 2
    assert network.read_log(worker_ids=["nobody"]).schema == network.read_log().schema


def test_only_what_is_new_is_printed_by_the_local_logger(network: ParamNetwork) -> None:
    printed: list[tuple[str, str, str]] = []

    def note(message: Any) -> None:
        record = message.record
        printed.append((record["level"].name, record["name"], record["message"]))

    run(network, loops.log_something, log_levels={"": "INFO"})
    sink = logger.add(note, level="INFO")
    try:
        network.print_log()
        expected = [
            ("INFO", "tests.launch.loops", "loguru says 0"),
            ("WARNING", "some.library", "the library says 0"),
        ]
        assert printed == expected
        network.print_log()
        assert printed == expected
        run(network, loops.log_something, log_levels={"": "WARNING"})
        network.print_log()
        assert printed[2:] == [expected[1]]
    finally:
        logger.remove(sink)


def test_levels_that_make_no_sense_start_no_worker(network: ParamNetwork) -> None:
    with pytest.raises(InvalidTypeError, match=r"log_levels must map .* but is 'INFO'"):
        network.start_local_workers(loops.log_something, log_levels="INFO")  # type: ignore[arg-type]  # wrong on purpose
    assert network._crew.local.ever_started == set()


SCRIPT = """
from loguru import logger
from rushtyped import Network, Worker, Xs, Ys

class Params(Xs):
    x: float

class Scores(Ys):
    y: float

bound = logger.bind(part="search")

def loop(worker: Worker[Params, Scores]) -> None:
    logger.warning("plain")
    bound.warning("bound")

with Network[Params, Scores]() as network:
    network.start_local_workers(loop, n_workers=1)
    network.wait_until_done(timeout=30.0)
    print(network.read_log()["message"].to_list())
"""


def test_loguru_in_a_loop_that_travels_whole_writes_to_the_workers_log(
    redis_url: str, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "REDIS_URL": redis_url},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "['plain', 'bound']"
