"""How time and memory grow with the tasks of a network, and with its workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

from rushtyped.keys import new_task_keys, new_worker_id
from rushtyped.selection import ALL_FIELDS
from rushtyped.worker_store import WorkerStore
from tests.benchmarks.page import shown
from tests.benchmarks.scene import Scene
from tests.benchmarks.tasks import TEN, VALUE, TenNetwork, TenWorker
from tests.benchmarks.turns import Call, in_turns, timed, typical, without_collection

N_TASKS = (1_000, 10_000, 100_000, 1_000_000)
N_WORKERS = (1, 10, 50, 200)
PUSHED_AT_ONCE = 20_000
N_QUEUED = 1000
MOST_ROUNDS = 10
MANY = 300_000
"""Tasks that repeated reads look at in all for one figure; a larger network is read once."""
LEASE = 1000.0
"""Seconds: longer than all of this takes."""

_OF_SCRIPT = (b"token", b"started_at")  # fields of a worker's record that registering it writes

PING = "PING, one round trip"
PUSH = "`push_running_tasks` of one task"
FINISH = "`finish_tasks` of one task"
BOTH = "`push_running_tasks` and `finish_tasks` of one task"
ONE_NEW = "`fetch_finished_tasks` with one new task"
WAIT = "`wait_for_tasks` of one finished task"
DETECT = "`detect_lost_workers`, none lost"
INFO = "`worker_info`"
QUEUE = f"`push_tasks` of {N_QUEUED:,} tasks"
FETCH = "`fetch_finished_tasks` of all, uncached"
VERIFY = "`verify`"
SERVER = "memory of the server"
KEYS = "memory of all keys on the server"
CLIENT = "frame of all finished tasks"

IN_LOOP = frozenset({PUSH, FINISH, BOTH, ONE_NEW})
"""What a worker calls in its loop, which must not take longer in a larger network."""
NOTE = (
    "Calls of a worker's loop rise a little between 1,000 and 10,000 tasks, and no more after "
    "that. It is what the server holds in all, not the network: most of the rise comes too when as "
    "many plain keys lie beside a small network."
)
"""To be said beside what `flat` finds."""


class Point(NamedTuple):
    """A figure at one size of a network."""

    what: str
    size: int
    by: str
    """What the size counts: "tasks" or "workers"."""
    figure: float
    unit: str
    """Of the figure: "s" or "bytes"."""


def take_growth(scene: Scene) -> list[Point]:
    """Time and weigh a network of more and more tasks, then networks of more and more workers.

    As many steps with workers as with tasks, up to 200 workers beside a million tasks.
    """
    sizes = [n for n in N_TASKS if n <= max(scene.effort.sizes)]
    points = [*_by_tasks(scene, sizes)]
    scene.clear()
    for n in N_WORKERS[: len(sizes)]:
        points += _by_workers(scene, n)
        scene.clear()
    return points


def flat(points: Sequence[Point]) -> dict[str, float]:
    """Divide the figure at the largest size by that at the smallest, of what must not grow."""
    return {row[0].what: _growth(row) for row in _rows(points) if row[0].what in IN_LOOP}


def growth_table(points: Sequence[Point]) -> str:
    """Format the points as tables, first by tasks and then by workers."""
    kinds = dict.fromkeys(point.by for point in points)
    return "\n".join(_table(by, [point for point in points if point.by == by]) for by in kinds)


def _table(by: str, points: Sequence[Point]) -> str:
    sizes = sorted({point.size for point in points})
    head = [by, "in a worker's loop", *(f"{size:,}" for size in sizes), "last / first"]
    rows = [head, ["---", "---", *["---:"] * (len(sizes) + 1)]]
    for row in _rows(points):
        figures = {point.size: shown(point.figure, point.unit) for point in row}
        calls = "yes" if row[0].what in IN_LOOP else ""
        cells = (figures.get(size, "") for size in sizes)
        rows.append([row[0].what, calls, *cells, f"{_growth(row):.3g}"])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _rows(points: Sequence[Point]) -> list[list[Point]]:
    """Gather what belongs to one line, from the smallest size to the largest; loops come first."""
    rows: dict[tuple[str, str], list[Point]] = {}
    for point in sorted(points, key=lambda point: (point.what not in IN_LOOP, point.size)):
        rows.setdefault((point.by, point.what), []).append(point)
    return list(rows.values())


def _growth(row: Sequence[Point]) -> float:
    return row[-1].figure / row[0].figure


def _by_tasks(scene: Scene, sizes: Sequence[int]) -> Iterator[Point]:
    """Fill one network further and further; what is timed adds less than 9,000 tasks each time."""
    network, worker = TenNetwork("growth", redis=scene.url), TenWorker("growth", redis=scene.url)
    _reads(scene, network, worker)  # for nothing: the first ones import Polars
    empty = _used(scene, network, worker)
    for size in sizes:
        _fill(worker, size)
        yield Point(SERVER, size, "tasks", _used(scene, network, worker) - empty, "bytes")
        with scene.on_two_cores():
            figures = _reads(scene, network, worker)
        frame = worker.fetch_finished_tasks(fields=ALL_FIELDS)
        yield Point(CLIENT, size, "tasks", float(frame.estimated_size()), "bytes")
        with scene.on_one_core():
            figures = _calls(scene, network, worker) | figures
        for what, figure in figures.items():
            yield Point(what, size, "tasks", figure, "s")


def _fill(worker: TenWorker, size: int) -> None:
    """Go up to so many finished tasks; those that were queued meanwhile become some of them."""
    for task in worker.queue(timeout=0.0):
        task.finish(VALUE)
    while (left := size - worker.n_finished_tasks) > 0:
        more = min(left, PUSHED_AT_ONCE)
        worker.push_finished_tasks([TEN] * more, [VALUE] * more)


@without_collection()
def _reads(scene: Scene, network: TenNetwork, worker: TenWorker) -> dict[str, float]:
    """Time what looks at every task, and leave the worker with all in its cache."""

    def fetch() -> None:
        worker.reset_cache()
        worker.fetch_finished_tasks()

    n = max(1, min(scene.effort.calls // 4, MANY // max(1, worker.n_finished_tasks)))
    return {VERIFY: typical(network.verify, n), FETCH: typical(fetch, n)}


def _calls(scene: Scene, network: TenNetwork, worker: TenWorker) -> dict[str, float]:
    """Time what goes on while a worker's loop runs, and what is queued for it."""
    keys: list[str] = []
    calls = _looks(scene, network, worker)
    calls[PUSH] = lambda: keys.extend(worker.push_running_tasks([TEN]))
    calls[FINISH] = lambda: worker.finish_tasks([keys.pop()], [VALUE])
    figures = _typical_each(scene, calls)
    with without_collection():
        figures[ONE_NEW] = median(_seconds_of_new_ones(worker, 2 * scene.effort.calls))
        n_pushes = 2 * scene.effort.bulk_rounds
        figures[QUEUE] = typical(lambda: network.push_tasks([TEN] * N_QUEUED), n_pushes)
    return figures


def _looks(scene: Scene, network: TenNetwork, worker: TenWorker) -> dict[str, Call]:
    """List what asks a little and changes nothing."""
    (key,) = worker.push_finished_tasks([TEN], [VALUE])
    return {
        PING: scene.client.ping,
        WAIT: lambda: network.wait_for_tasks([key]),
        DETECT: network.detect_lost_workers,
    }


def _typical_each(scene: Scene, calls: Mapping[str, Call]) -> dict[str, float]:
    effort = scene.effort
    figures = in_turns(calls, rounds=min(MOST_ROUNDS, effort.rounds), n=effort.calls // 2)
    return {what: median(found) for what, found in figures.items()}


def _seconds_of_new_ones(worker: TenWorker, n: int) -> Iterator[float]:
    """Time a fetch after each new task."""
    worker.fetch_finished_tasks()
    for _ in range(n):
        worker.push_finished_tasks([TEN], [VALUE])
        yield timed(worker.fetch_finished_tasks)


def _by_workers(scene: Scene, size: int) -> Iterator[Point]:
    """Take a network of so many workers that run a task each; all but one have no process."""
    network, worker = TenNetwork("growth", redis=scene.url), TenWorker("growth", redis=scene.url)
    worker.push_running_tasks([TEN])
    for _ in range(size - 1):
        _register(worker)
    assert network.n_running_workers == size
    yield Point(KEYS, size, "workers", _weight_of_keys(scene), "bytes")
    with scene.on_one_core():
        verify = typical(network.verify, scene.effort.calls)  # before there are more tasks
        calls = _looks(scene, network, worker)
        calls[INFO] = lambda: network.worker_info
        calls[BOTH] = lambda: worker.finish_tasks(worker.push_running_tasks([TEN]), [VALUE])
        figures = _typical_each(scene, calls)
    for what, figure in {**figures, VERIFY: verify}.items():
        yield Point(what, size, "workers", figure, "s")


def _register(worker: TenWorker) -> None:
    """Register another worker as this one has, and have it run a task."""
    stored: Any = worker.connector.hgetall(worker._store.keys.worker(worker.worker_id).record)
    record = {name.decode(): value for name, value in stored.items() if name not in _OF_SCRIPT}
    other = WorkerStore(worker._store, new_worker_id())
    assert other.register(record, LEASE)
    other.push_running_tasks(*new_task_keys(1), worker._packer.codec.xs.encode(TEN), "")


def _used(scene: Scene, *connected: TenNetwork | TenWorker) -> float:
    """Weigh the server, once these have closed their connections and thus have no buffers there."""
    for each in connected:
        each.reconnect()
    scene.client.ping()
    return float(scene.client.info("memory")["used_memory"])


def _weight_of_keys(scene: Scene) -> float:
    """Weigh key by key, since the buffers of a connection weigh more than some workers."""
    return float(sum(scene.client.memory_usage(key, samples=0) for key in scene.client.scan_iter()))
