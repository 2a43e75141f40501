"""The long tail of lost commands: every byte, two faults in a row, a server that stays away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis

from rushtyped.lua import load_script, script_names
from tests.faults.call import Call
from tests.faults.calls_of_managers import CALLS as OF_MANAGERS
from tests.faults.calls_of_tasks import CALLS as OF_TASKS
from tests.faults.calls_of_workers import CALLS as OF_WORKERS
from tests.faults.matrix import (
    complaints,
    complaints_without_server,
    cuts_of,
    is_tried_once,
    run_cleanly,
    with_cuts,
)
from tests.faults.proxy import Passed
from tests.faults.proxy_faults import At, CutReply, CutRequest, Fault, Refuse
from tests.faults.scene import Scene, Stage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CALLS = {**OF_TASKS, **OF_MANAGERS, **OF_WORKERS}
WRITES = [name for name, call in CALLS.items() if not call.reads]
SMALL = 400
"""Bytes of a request that is cut at each of them."""
SWEPT = ("Tasks.push_tasks", "Task.finish", "Task.fail", "Worker.pop_task", "Worker.running_task")


def check(stage: Stage, call: Call, faults: list[tuple[int, tuple[Fault, ...]]]) -> None:
    found = list(complaints(stage, call, run_cleanly(stage, call), faults))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", SWEPT)
def test_a_command_may_be_cut_at_every_byte(stage: Stage, name: str) -> None:
    commands = run_cleanly(stage, CALLS[name]).commands
    requests = [
        (n, (CutRequest(At(n), byte),))
        for n, command in enumerate(commands)
        for byte in range(min(SMALL, command.request))
    ]
    replies = [
        (n, (CutReply(At(n), byte),))
        for n, command in enumerate(commands)
        for byte in range(min(SMALL, command.reply))
    ]
    check(stage, CALLS[name], [*requests, *replies])


@pytest.mark.parametrize("name", [name for name, call in CALLS.items() if not call.warns])
def test_a_command_and_its_repeat_may_both_be_lost(stage: Stage, name: str) -> None:
    call = CALLS[name]
    commands = run_cleanly(stage, call).commands
    faults: list[tuple[int, tuple[Fault, ...]]] = [
        (n, (first, second))
        for n, command in enumerate(commands)
        if not is_tried_once(call, commands, n)
        for first in (CutRequest(At(n)), CutReply(At(n)))
        for second in _of_the_repeat(command.name, _before(commands, n) + 1)
    ]
    check(stage, call, faults)


def _before(commands: list[Passed], n: int) -> int:
    return sum(command.name == commands[n].name for command in commands[:n])


def _of_the_repeat(name: str, n: int) -> Iterator[Fault]:
    yield CutRequest(At(n, name))
    yield CutReply(At(n, name))


@pytest.mark.parametrize("name", [name for name, call in CALLS.items() if call.commands])
def test_the_commands_that_quick_tests_spare_may_be_lost(stage: Stage, name: str) -> None:
    call = replace(CALLS[name], commands=())
    check(stage, call, with_cuts(call, run_cleanly(stage, call)))


@pytest.mark.parametrize("reaches_server", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", CALLS)
def test_a_server_may_stay_away_from_any_command_on(
    stage: Stage, name: str, reaches_server: bool
) -> None:
    call = CALLS[name]
    run = run_cleanly(stage, call)
    found = [
        f"from command {n}, {command.name}: {each}"
        for n, command in enumerate(run.commands)
        for each in complaints_without_server(stage, call, run, Refuse(60.0, At(n), reaches_server))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", WRITES)
def test_a_server_may_have_forgotten_its_scripts(stage: Stage, name: str) -> None:
    call = CALLS[name]

    def forget(scene: Scene) -> None:
        call.prepare(scene)
        stage.client.script_flush()

    try:
        without = replace(call, prepare=forget)
        run = run_cleanly(stage, without)
        faults = [
            (n, (cut,))
            for n, command in enumerate(run.commands)
            if command.name in ("SCRIPT LOAD", *script_names())
            for cut in cuts_of(n, command)
        ]
        found = list(complaints(stage, without, run, faults))
        assert not found, "\n".join(found)
    finally:
        _load_all(stage.client)


def _load_all(client: redis.Redis) -> None:
    for name in script_names():
        client.script_load(load_script(name).source)
