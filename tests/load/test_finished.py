"""Many finished tasks: fetched, followed, waited for, and let go."""

from __future__ import annotations

from collections.abc import Iterator

from tests.load.conftest import Load
from tests.load.traffic import Traffic
from tests.models import ParamNetwork, ParamWorker, Scores, points
from tests.waiting import in_background


def finished(network: ParamNetwork, n: int) -> Iterator[str]:
    """Push so many finished tasks, a thousand at a time."""
    chunk, results = points(1000), [Scores(y=1.0)] * 1000
    for _ in range(n // 1000):
        yield from network.push_finished_tasks(chunk, results)


def test_many_finished_tasks(
    load: Load, network: ParamNetwork, worker: ParamWorker, traffic: Traffic
) -> None:
    keys = list(finished(network, load.n))
    assert network.finished_tasks == keys
    assert network.fetch_finished_tasks(fields=["ys"])["key"].to_list() == keys
    assert worker.fetch_new_tasks(fields=[])["key"].to_list() == keys
    with in_background(lambda: list(finished(network, 5000))) as pushing:
        new: list[str] = []
        while len(new) < 5000:
            new += worker.fetch_new_tasks(fields=[], timeout=30.0)["key"].to_list()
        assert new == pushing.result()
    fetched = network.fetch_tasks_with_state(fields=[])
    assert fetched.height == load.n + 5000
    assert not fetched["key"].is_duplicated().any()
    assert network.fetch_tasks(fields=[]).height == load.n + 5000
    network.wait_for_tasks(keys[: load.n // 10])
    network.expire(3600)
    network.expire(None)
    network.reset()
    assert network.fetch_finished_tasks().height == 0
    with load.server.client() as client:
        assert client.dbsize() == 2


def test_waiting_sees_many_tasks_end(
    load: Load, network: ParamNetwork, worker: ParamWorker
) -> None:
    n = load.n // 10
    keys = network.push_tasks(points(n))
    with in_background(lambda: network.wait_for_tasks(keys, timeout=600.0)) as waiting:
        assert len(network.empty_queue()) == n
        waiting.result(timeout=600.0)
