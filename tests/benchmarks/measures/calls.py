"""One task's way through its worker, call by call."""

from __future__ import annotations

from collections import deque

from tests.benchmarks.floors import Floor
from tests.benchmarks.measure import FLOOR, OURS, PING, Bar, Measure
from tests.benchmarks.peers.celery import CeleryQueue
from tests.benchmarks.peers.optuna import OptunaStudy
from tests.benchmarks.peers.presence import absences
from tests.benchmarks.peers.rq import RqQueue
from tests.benchmarks.peers.saq import SaqQueue
from tests.benchmarks.scene import Scene
from tests.benchmarks.tasks import TEN, VALUE, TenWorker
from tests.benchmarks.turns import Call, Figures, in_turns

OPTUNA = OptunaStudy.name
QUEUES = (RqQueue, SaqQueue, CeleryQueue)
LEAST_OF_PEERS = 100
"""Tasks that a worker of a peer works off a round, since it counts from the first on."""


def measure_calls(scene: Scene) -> list[Measure]:
    """Time what a worker calls in its loop."""
    with scene.on_one_core():
        own = _own_tasks(scene)
        scene.clear()
        popped = _popped_tasks(scene)
        scene.clear()
    return [*own, popped]


class OwnTasks:
    """Tasks that rushtyped and the floor start, and finish in the same order."""

    def __init__(self, scene: Scene) -> None:
        self._worker = TenWorker("calls", redis=scene.url)
        self._floor = Floor(scene.client, "floor")
        codec = self._worker._packer.codec  # what the floor is given ready
        self._xs, self._ys = codec.xs.encode(TEN), codec.ys.encode(VALUE)
        self._ours: deque[str] = deque()
        self._theirs: deque[str] = deque()

    def push(self) -> None:
        """Start a task."""
        self._ours += self._worker.push_running_tasks([TEN])

    def finish(self) -> None:
        """Finish the oldest one."""
        self._worker.finish_tasks([self._ours.popleft()], [VALUE])

    def push_floor(self) -> None:
        """Write what starts a task."""
        key = self._floor.new_key()
        self._theirs.append(key)
        self._floor.push_running(key, self._xs)

    def finish_floor(self) -> None:
        """Write what finishes the oldest one."""
        self._floor.finish(self._theirs.popleft(), self._ys)


def _own_tasks(scene: Scene) -> list[Measure]:
    effort, tasks, ping = scene.effort, OwnTasks(scene), scene.client.ping
    missing = absences(OptunaStudy)
    starts: dict[str, Call] = {PING: ping, OURS: tasks.push, FLOOR: tasks.push_floor}
    ends: dict[str, Call] = {PING: ping, OURS: tasks.finish, FLOOR: tasks.finish_floor}
    pushed, finished = Figures(), Figures()
    for _ in range(effort.rounds):
        for figures, calls in ((pushed, starts), (finished, ends)):
            in_turns(calls, rounds=1, n=effort.calls, into=figures)
    if not missing:  # after all others: what it keeps in memory slows down whoever shares that
        study = OptunaStudy(scene.url, "calls")
        for _ in range(effort.rounds):
            in_turns({OPTUNA: study.ask}, rounds=1, n=effort.calls, into=pushed)
            in_turns({OPTUNA: study.tell}, rounds=1, n=effort.calls, into=finished)
    whole = {
        name: list(map(sum, zip(pushed[name], finished[name], strict=True)))
        for name in pushed
        if name != PING
    }
    whole[PING] = pushed[PING]
    bar = (Bar(OURS, FLOOR, most=1.3),)
    return [
        Measure(
            "`push_running_tasks` of one task (Optuna: `ask`)", "s", pushed, bar, missing=missing
        ),
        Measure("`finish_tasks` of one task (Optuna: `tell`)", "s", finished, bar, missing=missing),
        Measure(
            "both together, all that is done for a task",
            "s",
            whole,
            (Bar(OURS, PING, most=3.5), Bar(OPTUNA, OURS, least=20.0)),
            missing,
            "R rush takes 14 round trips of its own client for the two calls.",
        ),
    ]


def _popped_tasks(scene: Scene) -> Measure:
    """Work off a queue; what peers take for a task is that of one worker process."""
    effort, n = scene.effort, scene.effort.calls
    worker, floor = TenWorker("popped", redis=scene.url), Floor(scene.client, "floor-popped")
    codec = worker._packer.codec
    xs, ys = codec.xs.encode(TEN), codec.ys.encode(VALUE)

    def pop() -> None:
        task = worker.pop_task(timeout=0.0)
        assert task is not None
        task.finish(VALUE)

    figures = Figures()
    missing = absences(*QUEUES)
    queues = [queue(scene.url) for queue in QUEUES if queue.name not in missing]
    for round_number in range(effort.rounds):
        worker.push_tasks([TEN] * 2 * n)
        floor.queue([(floor.new_key(), xs) for _ in range(2 * n)])
        calls: dict[str, Call] = {
            PING: scene.client.ping,
            OURS: pop,
            FLOOR: lambda: floor.finish(floor.pop(), ys),
        }
        in_turns(calls, rounds=1, n=n, into=figures)
        for queue in queues if round_number < effort.bulk_rounds else ():
            n_tasks = max(n, LEAST_OF_PEERS)
            queue.enqueue(n_tasks)
            figures.setdefault(queue.name, []).append(queue.work_off(n_tasks) / n_tasks)
    return Measure(
        "`pop_task` and `finish` of one task (queues: one no-op task through one worker)",
        "s",
        figures,
        (Bar(OURS, FLOOR, most=1.4),),
        missing,
    )
