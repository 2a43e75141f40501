"""What the server is busy with a task: what decides how many workers it carries."""

from __future__ import annotations

from tests.benchmarks.measure import Measure
from tests.benchmarks.scene import Scene
from tests.benchmarks.tasks import TEN, VALUE, TenNetwork, TenWorker
from tests.benchmarks.turns import Call, timed

START, POP, FETCH, ROW = (
    "a task that a worker starts and finishes",
    "a task that a worker pops and finishes",
    "a fetch with one new row",
    "each further row",
)
N_ROWS = 1000
N_CALLS = 20
"""Calls of each kind for each of `Effort.calls`."""


def measure_server(scene: Scene) -> list[Measure]:
    """Weigh calls by the processor time of the server, and reads by that of the client too."""
    n = scene.effort.calls * N_CALLS
    worker, network = TenWorker("server", redis=scene.url), TenNetwork("server", redis=scene.url)
    network.push_tasks([TEN] * n)

    def pop() -> None:
        task = worker.pop_task(timeout=0.0)
        assert task is not None
        task.finish(VALUE)

    def start() -> None:
        worker.finish_tasks(worker.push_running_tasks([TEN]), [VALUE])

    network.fetch_finished_tasks()
    with scene.on_two_cores():
        busy = {START: _busy(scene, start, n), POP: _busy(scene, pop, n)}
        network.fetch_finished_tasks()
        one = _fetching(scene, worker, network, 1, n // 4)
        many = _fetching(scene, worker, network, N_ROWS, n // 100)
    worker.set_terminated()
    scene.clear()
    served, waited = ((each[1] - each[0]) / (N_ROWS - 1) for each in zip(one, many, strict=True))
    return [
        Measure("processor time of the server", "s", {**busy, FETCH: [one[0]], ROW: [served]}),
        Measure("time of a worker", "s", {FETCH: [one[1]], ROW: [waited]}),
    ]


def _busy(scene: Scene, call: Call, n: int) -> list[float]:
    """Seconds that the server is busy with a call."""
    before = _processor_time(scene)
    for _ in range(n):
        call()
    return [(_processor_time(scene) - before) / n]


def _fetching(
    scene: Scene, worker: TenWorker, network: TenNetwork, n_rows: int, n: int
) -> tuple[float, float]:
    """Seconds that the server is busy with a fetch of new rows, and those that it takes in all."""
    busy = taken = 0.0
    for _ in range(n):
        worker.push_finished_tasks([TEN] * n_rows, [VALUE] * n_rows)
        before = _processor_time(scene)
        taken += timed(network.fetch_finished_tasks)
        busy += _processor_time(scene) - before
    return busy / n, taken / n


def _processor_time(scene: Scene) -> float:
    """Seconds that the server was busy, to the microsecond."""
    used = scene.client.info("cpu")
    return float(used["used_cpu_sys_main_thread"] + used["used_cpu_user_main_thread"])
