"""Connections that are slow, refused, or half open: calls take longer, and nothing else differs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rushtyped import Network, ServerUnreachableError
from rushtyped.connect import Endpoint
from tests.faults.call import Call
from tests.faults.calls_of_managers import CALLS as OF_MANAGERS
from tests.faults.calls_of_tasks import CALLS as OF_TASKS
from tests.faults.calls_of_workers import CALLS as OF_WORKERS
from tests.faults.matrix import run_cleanly
from tests.faults.outcome import Outcome
from tests.faults.proxy_faults import At, CutReply, CutRequest, Delay, Fault, HalfOpen, Refuse
from tests.faults.scene import NAME, Stage, new_scene
from tests.models import Params, Scores, points
from tests.waiting import in_background, wait_until

CALLS: dict[str, Call] = {
    name: {**OF_TASKS, **OF_MANAGERS, **OF_WORKERS}[name]
    for name in (
        *("Tasks.push_tasks", "Tasks.fetch_finished_tasks", "Tasks.tasks_with_state"),
        *("Task.finish", "Task.fail", "Network.fail_tasks", "Network.reset"),
        *("Worker.pop_task", "Worker.running_task", "Worker.set_terminated"),
    )
}
SOCKET_TIMEOUT = 0.15
POP_TIMEOUT = 1.3
"""A socket timeout that a pop, which waits for up to a second, does not meet by itself."""


def outcome_with(
    stage: Stage, call: Call, *faults: Fault, socket_timeout: float | None = None
) -> tuple[Outcome, list[str]]:
    """Make a call with faults; return its outcome, and the commands that came by."""
    with new_scene(stage, socket_timeout=socket_timeout) as scene:
        stage.proxy.begin(*faults)
        return stage.outcome(lambda: call.act(scene)), stage.proxy.names


@pytest.mark.parametrize("name", CALLS)
def test_a_slow_connection_costs_time_and_no_command_more(stage: Stage, name: str) -> None:
    run = run_cleanly(stage, CALLS[name])
    got, names = outcome_with(stage, CALLS[name], Delay(requests=0.01, replies=0.01))
    assert got.differences(run.first) == []
    assert names == [command.name for command in run.commands]


@pytest.mark.parametrize("name", CALLS)
def test_a_server_that_is_away_for_a_while_is_waited_for(stage: Stage, name: str) -> None:
    run = run_cleanly(stage, CALLS[name])
    got, _ = outcome_with(stage, CALLS[name], Refuse(0.1))
    assert got.without_wakes().differences(run.first.without_wakes()) == []


@pytest.mark.parametrize("reaches_server", [False, True], ids=["request", "reply"])
@pytest.mark.parametrize("name", CALLS)
def test_a_half_open_connection_is_noticed_by_its_timeout(
    stage: Stage, name: str, reaches_server: bool
) -> None:
    run = run_cleanly(stage, CALLS[name])
    timeout = POP_TIMEOUT if name == "Worker.pop_task" else SOCKET_TIMEOUT
    fault = HalfOpen(At(0), reaches_server)
    got, names = outcome_with(stage, CALLS[name], fault, socket_timeout=timeout)
    assert got.without_wakes().differences(run.first.without_wakes()) == []
    assert len(names) > len(run.commands)


def test_a_half_open_first_contact_is_one_error(stage: Stage) -> None:
    endpoint: Endpoint = stage.endpoint(SOCKET_TIMEOUT)
    stage.proxy.begin(HalfOpen(At(0, "INFO")))
    with pytest.raises(ServerUnreachableError, match="did not answer: TimeoutError"):
        Network[Params, Scores](NAME, redis=endpoint)
    assert stage.client.dbsize() == 0


def _half_open(at: At) -> Fault:
    return HalfOpen(at, reaches_server=True)


WAITING_FAULTS: dict[str, Callable[[At], Fault]] = {
    "its request is dropped": CutRequest,
    "its reply is lost": CutReply,
    "its connection is half open": _half_open,
}


@pytest.mark.parametrize("fault", WAITING_FAULTS)
@pytest.mark.parametrize("command", ["BLMOVE", "claim_task"])
def test_a_pop_that_waits_gets_the_task_that_comes(stage: Stage, command: str, fault: str) -> None:
    """The server may have moved the task already, for a client that never hears of it."""
    with new_scene(stage, socket_timeout=POP_TIMEOUT) as scene:
        scene.network.empty_queue()
        stage.proxy.begin(WAITING_FAULTS[fault](At(0, command)))
        with in_background(lambda: scene.worker.pop_task(timeout=30.0)) as call:
            wait_until(lambda: stage.proxy.names, description="the pop is under way")
            (key,) = scene.network.push_tasks(points(1))
            task = call.result(30.0)
        assert task is not None
        assert task.key == key
        assert stage.proxy.n_injected == 1
        assert task.finish(Scores(y=1.0))
        assert scene.network.n_running_tasks == 2
        assert scene.network.queued_tasks == []
        assert scene.network.verify().is_empty()


@pytest.mark.parametrize("fault", WAITING_FAULTS)
def test_who_waits_for_a_task_hears_of_its_end(stage: Stage, fault: str) -> None:
    with new_scene(stage, socket_timeout=SOCKET_TIMEOUT) as scene:
        stage.proxy.begin(WAITING_FAULTS[fault](At(0, "XREAD")))
        with in_background(lambda: scene.network.wait_for_tasks([scene.task.key])) as call:
            wait_until(lambda: "XREAD" in stage.proxy.names, description="it waits")
            assert scene.task.finish(Scores(y=1.0))
            call.result(30.0)
        assert stage.proxy.n_injected == 1
