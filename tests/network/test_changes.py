"""Watching a network: how far it is, and waiting until something has changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rushtyped import InvalidArgumentError, InvalidTypeError, Network, Progress
from tests.models import ParamNetwork, Params, ParamWorker, Scores, points
from tests.waiting import in_background, wait_until_blocked


def test_progress_counts_all_states_at_one_instant(
    network: ParamNetwork, worker: ParamWorker, redis_url: str
) -> None:
    Network[Params, Scores](network.network_id, redis=redis_url, max_tasks=9, max_seconds=60.0)
    network.push_tasks(points(4))
    worker.push_running_tasks(points(3))
    worker.fail_tasks(worker.push_running_tasks(points(1)))
    network.push_finished_tasks(points(2), [Scores(y=1.0)] * 2)
    progress = network.progress
    assert isinstance(progress, Progress)
    assert progress[2:8] == (4, 3, 2, 1, 1, 9)
    assert progress.max_seconds == 60.0
    assert progress.seconds is not None
    assert not progress.spent


CHANGES: list[Callable[[ParamNetwork, ParamWorker], object]] = [
    lambda network, _: network.push_tasks(points(1)),
    lambda _, worker: worker.push_running_tasks(points(1)),
    lambda _, worker: worker.finish_tasks(worker.running_tasks, [Scores(y=1.0)]),
    lambda network, _: network.fail_tasks(),
    lambda network, _: network.stop_workers("terminate"),
    lambda _, worker: worker.set_terminated(),
]


def test_every_change_is_noticed(network: ParamNetwork, worker: ParamWorker) -> None:
    event = network.progress.event
    for change in CHANGES:
        change(network, worker)
        newer = network.wait_for_change(event, timeout=20.0)
        assert newer != event
        event = newer
    assert network.wait_for_change(event, timeout=0.01) == event


def test_a_change_ends_a_wait_that_has_begun(network: ParamNetwork) -> None:
    with in_background(lambda: network.wait_for_change(timeout=20.0)) as waited:
        wait_until_blocked(network)
        network.push_tasks(points(1))
        assert waited.result(timeout=15.0) == network.progress.event


def test_without_time_it_only_looks(network: ParamNetwork) -> None:
    network.push_tasks(points(1))
    assert network.wait_for_change(timeout=0.0) == network.progress.event


@pytest.mark.parametrize("after", ["1-0", b"one", b"1", b"", 5])
def test_what_is_no_event_is_refused(network: ParamNetwork, after: bytes) -> None:
    with pytest.raises(InvalidArgumentError, match="after must be the event"):
        network.wait_for_change(after, timeout=1.0)


def test_a_timeout_that_is_none_is_refused(network: ParamNetwork) -> None:
    with pytest.raises(InvalidTypeError, match="timeout"):
        network.wait_for_change(timeout="long")  # type: ignore[arg-type]  # on purpose
    with pytest.raises(InvalidArgumentError, match="timeout"):
        network.wait_for_change(timeout=-1.0)


def test_recorded_schemas_are_those_of_the_models(network: ParamNetwork) -> None:
    schemas = network.schemas
    assert list(schemas) == ["xs", "xs_extra", "ys", "ys_extra"]
    assert schemas["xs"]["order"] == ["x1", "x2"]
    assert schemas["xs"]["properties"]["x1"]["column"] == "Float64"  # type: ignore[index]  # JSON
    assert schemas["ys_extra"]["additionalProperties"] is True
