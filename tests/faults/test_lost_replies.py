"""Commands that are lost while a call is made: on the way there, or their replies on the way back.

Then the call has the effect of once and gives what it would have given. The few commands that are
tried once only raise one named error, and the call can be made again.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rushtyped import Network, Task, Worker
from tests.faults.calls_of_managers import CALLS as OF_MANAGERS
from tests.faults.calls_of_tasks import CALLS as OF_TASKS
from tests.faults.calls_of_workers import CALLS as OF_WORKERS
from tests.faults.matrix import (
    Run,
    complaints,
    complaints_without_server,
    run_cleanly,
    with_cuts,
)
from tests.faults.proxy_faults import Refuse
from tests.faults.scene import Stage, new_scene

CALLS = {**OF_TASKS, **OF_MANAGERS, **OF_WORKERS}
SILENT = {
    *("NetworkView.network_id", "NetworkView.connector", "NetworkView.reconnect"),
    "Tasks.reset_cache",
    *("Worker.worker_id", "Worker.stop"),
    *("Task.key", "Task.xs", "Task.xs_extra", "Task.attempt"),
}
"""Members that send nothing."""
RUNS: dict[str, Run] = {}
ELSEWHERE = {"Network.start_local_workers"}
"""Members whose processes send commands of their own: see test_lost_starts.py."""


LEAST_CALLS = 90
LEAST_FAULTS = 1000
"""What the pages say of this matrix."""


@pytest.fixture
def run_of(stage: Stage) -> Callable[[str], Run]:
    """Make a call on which nothing goes wrong, once for all tests."""

    def run(name: str) -> Run:
        if name not in RUNS:
            RUNS[name] = run_cleanly(stage, CALLS[name])
        return RUNS[name]

    return run


@pytest.mark.parametrize("name", CALLS)
def test_a_call_has_the_effect_of_once(
    stage: Stage, run_of: Callable[[str], Run], name: str
) -> None:
    call, run = CALLS[name], run_of(name)
    faults = with_cuts(call, run)
    assert faults
    found = list(complaints(stage, call, run, faults))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", CALLS)
def test_a_server_that_stays_away_is_one_error_and_nothing_is_done(
    stage: Stage, run_of: Callable[[str], Run], name: str
) -> None:
    found = list(complaints_without_server(stage, CALLS[name], run_of(name), Refuse(60.0)))
    assert not found, "\n".join(found)


def test_the_matrix_has_so_many_faults(run_of: Callable[[str], Run]) -> None:
    n_faults = sum(len(with_cuts(call, run_of(name))) for name, call in CALLS.items())
    print(f"{n_faults} faults over {len(CALLS)} calls")
    assert len(CALLS) >= LEAST_CALLS
    assert n_faults >= LEAST_FAULTS


@pytest.mark.parametrize("kind", [Network, Worker, Task], ids=lambda kind: kind.__name__)
def test_every_public_member_is_in_the_matrix(kind: type) -> None:
    called = {name.partition(",")[0] for name in CALLS}
    assert defined_members(kind) - called - SILENT - ELSEWHERE == set()


def defined_members(kind: type) -> set[str]:
    """Name the public members of a class, with the class that defines each."""
    owners: dict[str, str] = {}
    for owner in kind.__mro__:
        for name in vars(owner):
            if not name.startswith("_") and owner.__module__.startswith("rushtyped"):
                owners.setdefault(name, f"{owner.__name__}.{name}")
    return set(owners.values())


@pytest.mark.parametrize("name", sorted(SILENT))
def test_a_silent_member_sends_nothing(stage: Stage, name: str) -> None:
    owner, _, member = name.partition(".")
    with new_scene(stage) as scene:
        stage.proxy.begin()
        given = getattr(
            {"Task": scene.task, "Worker": scene.worker}.get(owner, scene.network), member
        )
        if callable(given):
            given()
        assert stage.proxy.names == []
