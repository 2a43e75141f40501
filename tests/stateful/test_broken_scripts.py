"""The machine finds a fault in a script, with the settings that users get."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from hypothesis import Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from rushtyped import lua
from rushtyped.testing import NetworkMachine
from tests.models import Params, Scores, Start, Timing


class Fault(NamedTuple):
    """A text of a script, what stands there instead, and how the machine tells of it."""

    path: str
    right: str
    wrong: str
    complaint: str


FAULTS = {
    "a finished task can be finished anew": Fault(
        "finish_tasks.lua",
        "owned[2] == worker_id and state == 'running'",
        "owned[2] == worker_id",
        r"found (True|\[.*\]), but the model says",
    ),
    "tasks start beyond the budget": Fault(
        "push_running_tasks.lua",
        "if n > left - redis.call('ZCARD', running) then",
        "if false then",
        "found 'GO', but the model says 'FULL'",
    ),
    "a worker fails the tasks of others": Fault(
        "fail_tasks.lua",
        "(owner == '' or owner == worker_id)",
        "true",
        "the failed tasks: found",
    ),
    "a worker still lists what it has finished": Fault(
        "finish_tasks.lua",
        "redis.call('SREM', worker_tasks, key)",
        "",
        "as its own but runs",
    ),
    "a failed task is still being popped": Fault(
        "fail_tasks.lua",
        "redis.call('LREM', prefix .. 'worker:' .. worker_id .. ':pending', 1, key)",
        "",
        r"is failed but is listed as \['queued', 'failed'\]",
    ),
    "tasks of a lost worker queue up at the end": Fault(
        "settle_worker.lua",
        "for i = #queued, 1, -1 do redis.call('LPUSH', queue, queued[i]) end",
        "for i = 1, #queued do redis.call('RPUSH', queue, queued[i]) end",
        "(the queue that is stored|the popped task): found",
    ),
    "retried tasks are queued at the front": Fault(
        "retry_tasks.lua",
        "append('RPUSH', queue, fresh)",
        "append('LPUSH', queue, fresh)",
        "(the queue that is stored|the popped task): found",
    ),
    "a repeated pop takes another task": Fault(
        "claim_task.lua",
        "if last[1] and request <= tonumber(last[1]) then",
        "if false then",
        "claim_task was answered .* and its repeat",
    ),
    "a repeated failure is refused": Fault(
        "fail_tasks.lua",
        "task[3] == token",
        "task[3] == ''",
        "fail_tasks was answered .* and its repeat",
    ),
}


class StudyMachine(NetworkMachine[Params, Scores, Start, Timing]):
    """Any network would do."""


# As users get them, but for the shrinking; the seed is fixed, since chance may miss a fault once.
SETTINGS = settings(StudyMachine.TestCase.settings, phases=[Phase.generate], database=None)
run = seed(0)(StudyMachine)


@pytest.fixture(autouse=True)
def on_server(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NetworkMachine, "redis", redis_url)


@pytest.fixture
def fault(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fault]:
    """Have a script loaded with a fault."""
    fault: Fault = FAULTS[request.param]
    read = lua._read

    def read_wrongly(path: str) -> str:
        text = read(path)
        if path == fault.path:
            if text.count(fault.right) != 1:  # no AssertionError, which is waited for
                raise RuntimeError(f"{path} has not what the fault is to replace")
            text = text.replace(fault.right, fault.wrong)
        return text

    monkeypatch.setattr(lua, "_read", read_wrongly)
    lua.load_script.cache_clear()
    yield fault
    lua.load_script.cache_clear()


@pytest.mark.parametrize("fault", FAULTS, indirect=True)
def test_a_fault_is_found(fault: Fault) -> None:
    with pytest.raises(AssertionError, match=fault.complaint):
        run_state_machine_as_test(run, settings=SETTINGS)


@pytest.mark.slow
def test_no_fault_is_found_where_there_is_none() -> None:
    run_state_machine_as_test(run, settings=SETTINGS)
