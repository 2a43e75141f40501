"""Text of others takes no effect: not in a terminal, not in a log, not as another entry of it."""

from __future__ import annotations

import functools
import io
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import pytest

from rushtyped import Condition, CorruptDataError, Network, WorkerStartError
from rushtyped.cli import main
from rushtyped.errors import RushTypedError
from rushtyped.progress import ProgressLine
from tests.faults.damage import READERS, Damaged, listening, read_all
from tests.faults.hostile import CONTROL, check_text
from tests.models import ParamNetwork, Params, ParamWorker, Scores, points
from tests.servers.behind import client_behind
from tests.waiting import wait_until

FORGED = "2026-01-01 00:00:00.000 | CRITICAL"


def check_log(text: str) -> None:
    """Fail where a log has what takes effect, or an entry that nobody made."""
    check_text(text)
    assert not [line for line in text.splitlines() if line.startswith(FORGED)], text


@pytest.fixture
def network(redis_url: str, network_id: str) -> ParamNetwork:
    return Network[Params, Scores](network_id, redis=redis_url)


def raise_control(worker: ParamWorker, *, in_task: bool) -> None:
    if in_task:
        worker.running_task(points(1)[0])
    print(CONTROL)
    raise ValueError(CONTROL)


def refuse_to_load() -> object:
    raise ValueError(CONTROL)


class Unloadable:
    """Fails where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return refuse_to_load, ()


def idle(worker: ParamWorker, *, part: object) -> None:
    raise NotImplementedError


def log_record(**changes: object) -> bytes:
    record = {
        "timestamp": 1,
        "level": CONTROL,
        "number": 30,
        "logger": CONTROL,
        "caller": f"{CONTROL}:{'9' * 5000}",
        "message": CONTROL,
        "exception": f"Traceback:\n{CONTROL}\n",
    }
    packed: bytes = msgpack.packb({**record, **changes})
    return packed


def test_printed_logs_hold_no_entry_that_nobody_made(network: ParamNetwork) -> None:
    client = client_behind(network)
    prefix = f"rush:{{{network.network_id}}}:"
    client.rpush(f"{prefix}worker:{CONTROL}:log", log_record())
    client.rpush(f"{prefix}worker:w:log", log_record(), log_record(exception=None, level="INFO"))
    client.hset(f"{prefix}logs", mapping={CONTROL: 1, "w": 2})
    with listening() as said:
        network.print_log()
    assert len(said) == 3
    for entry in said:
        check_log(entry)
    assert r"fine\n2026-01-01 00:00:00.000 | CRITICAL | forged:main:1" in said[1]
    assert "\n    | Traceback:\n    | fine\n    | 2026-01-01" in said[1]
    frame = network.read_log()
    assert frame["message"].to_list() == [CONTROL] * 3
    assert frame["worker_id"].to_list() == [CONTROL, "w", "w"]


def test_frames_hold_text_as_it_is_stored(network: ParamNetwork) -> None:
    condition = Condition(type=CONTROL, message=CONTROL, traceback=CONTROL)
    (key,) = network.push_failed_tasks(points(1), conditions=[condition])
    network.push_tasks(points(1), xss_extra=[{CONTROL: CONTROL}])
    assert network.fetch_failed_tasks()["condition"].to_list() == [condition.model_dump()]
    assert network.fetch_queued_tasks()[CONTROL].to_list() == [CONTROL]
    assert network.read_tasks([key])[0].condition == condition


def test_damaged_text_is_named_without_taking_effect(redis_url: str, network_id: str) -> None:
    damaged = Damaged(redis_url, network_id)
    hostile = CONTROL.encode()
    for name in damaged.names():
        key = damaged.keys.prefix + name
        if name.startswith("task:"):
            extra = msgpack.packb({CONTROL: CONTROL})
            fields = {"xs_extra": extra, "ys_extra": extra, "worker_id": hostile, "state": hostile}
            damaged.client.hset(key, mapping=fields)
        elif name.startswith("worker:") and name.count(":") == 1:
            damaged.client.hset(
                key, mapping={"hostname": hostile, "reason": hostile, "pid": hostile}
            )
    for name in ("workers", "running_workers", "all", "queue"):
        kind = damaged.client.type(damaged.keys.prefix + name)
        add = damaged.client.sadd if kind == b"set" else damaged.client.rpush
        add(damaged.keys.prefix + name, hostile)
    with listening() as said:
        for text in read_all(damaged.opened()).values():
            check_log(text)
    for entry in said:
        check_log(entry)
    assert said


@pytest.mark.parametrize("in_task", [True, False])
def test_logs_of_workers_hold_no_entry_that_nobody_made(
    network: ParamNetwork, tmp_path: Path, in_task: bool
) -> None:
    loop = functools.partial(raise_control, in_task=in_task)
    (worker_id,) = network.start_local_workers(loop, n_workers=1, message_log=tmp_path)
    wait_until(lambda: network.n_terminated_workers == 1, description="the loop has failed")
    messages = (tmp_path / f"message_{worker_id}.log").read_text(encoding="utf-8")
    check_log(messages)
    assert "\n    | ValueError: fine\n    | 2026-01-01 00:00:00.000 | CRITICAL" in messages
    (reason,) = network.worker_info["reason"]
    assert reason == f"ValueError: {CONTROL}"
    with listening() as said:
        network.print_log()
        network.detect_lost_workers()
    for entry in said:
        check_log(entry)


def test_errors_of_workers_that_cannot_start_take_no_effect(network: ParamNetwork) -> None:
    loop = functools.partial(idle, part=Unloadable())
    network.start_local_workers(loop, n_workers=1)
    with pytest.raises(WorkerStartError) as caught:
        network.wait_for_workers(1, timeout=30.0)
    check_text(str(caught.value))
    assert r"\x1b[2J" in str(caught.value)
    assert not [line for line in str(caught.value).splitlines() if line.startswith(FORGED)]


def fail_with(error: Exception) -> Callable[[object], int]:
    def run(_: object) -> int:
        raise error

    return run


@pytest.mark.parametrize("error", [RushTypedError, CorruptDataError])
def test_errors_of_commands_take_no_effect(
    error: type[RushTypedError], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("rushtyped.cli.worker._run_worker", fail_with(error(CONTROL)))
    assert main(["worker"]) == 1
    said = capsys.readouterr().err
    check_text(said)
    assert said.startswith("rushtyped: fine\n")


@pytest.mark.parametrize("option", ["--network-id", "--worker-id", "--loop", "--log-levels"])
def test_hostile_options_take_no_effect_in_a_terminal(option: str, redis_url: str) -> None:
    ours, theirs = pty.openpty()
    options = {"--network-id": "a", "--loop": "a" * 64, option: CONTROL.replace("\x00", "")}
    arguments = [part for pair in options.items() for part in pair]
    done = subprocess.run(
        [sys.executable, "-m", "rushtyped", "worker", *arguments],
        env={**os.environ, "REDIS_URL": redis_url, "RUSHTYPED_SECRET": "x" * 20},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        check=False,
        timeout=60,
    )
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert done.returncode in (1, 2)
    assert "\x1b" not in shown
    check_text(shown.replace("\r\n", "\n"))


def test_progress_takes_no_effect(redis_url: str, network_id: str) -> None:
    damaged = Damaged(redis_url, network_id)
    damaged.client.hset(damaged.keys.meta, "max_tasks", CONTROL)
    read_all(damaged.network, {name: READERS[name] for name in ("wait_until_done", "repr")})
    damaged.client.hset(damaged.keys.meta, "max_tasks", "7")
    stream = io.StringIO()
    ProgressLine(network_id, stream).show(damaged.network._store.progress(), last=True)
    assert stream.getvalue().startswith(f"{network_id}: 2/7 finished, ")
    check_text(stream.getvalue())
