"""Tasks that several workers get through when there is nothing to evaluate."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from random import random

from rushtyped.keys import NetworkKeys
from tests.benchmarks.floors import FINISH, NOW, PUSH_RUNNING
from tests.benchmarks.measure import FLOOR, OURS, Bar, Measure
from tests.benchmarks.peers.optuna import OptunaStudy, trials_per_second
from tests.benchmarks.peers.presence import absences
from tests.benchmarks.peers.queue import SharedQueue
from tests.benchmarks.peers.redis_benchmark import NAMES, PROGRAM, RANDOM, seconds_per_command
from tests.benchmarks.peers.rq import RqQueue
from tests.benchmarks.peers.saq import SaqQueue
from tests.benchmarks.scene import Scene
from tests.benchmarks.tasks import TEN, VALUE, Ten, TenNetwork, TenWorker
from tests.benchmarks.turns import Figures

N_WORKERS = 4
OURS_ALONE = f"{OURS}, one worker"
OPTUNA = OptunaStudy.name
OPTUNA_ALONE = f"{OPTUNA}, one worker"
QUEUES = (RqQueue, SaqQueue)
TASKS_OF_QUEUES = 1000
"""Tasks that the queues get a second of a run, about as many as they work off."""
TASKS_OF_FLOOR = 20_000
PATIENCE = 60.0
NAMES_OF_TEN = tuple(Ten.model_fields)

Contestant = Callable[[], float]


def measure_throughput(scene: Scene) -> list[Measure]:
    """Count what one and four workers get through a second, on all cores."""
    missing = absences(OptunaStudy, *QUEUES)
    if PROGRAM is None:
        missing[FLOOR] = f"{' and '.join(NAMES)} are not installed"
    figures = Figures()
    with scene.on_all_cores():
        for _ in range(scene.effort.bulk_rounds):
            for name, rate in _contestants(scene, missing).items():
                figures.setdefault(name, []).append(rate())
                scene.clear()
    if OPTUNA in missing:
        missing[OPTUNA_ALONE] = missing[OPTUNA]
    bars = (Bar(OURS, OPTUNA, least=20.0), Bar(OURS, OURS_ALONE, least=1.0))
    note = f"The floor is {N_WORKERS} clients of one process that sends what is ready."
    return [
        Measure("four workers with nothing to evaluate", "tasks/s", figures, bars, missing, note)
    ]


def _contestants(scene: Scene, missing: dict[str, str]) -> dict[str, Contestant]:
    contestants: dict[str, Contestant] = {
        OURS: partial(_of_ours, scene, N_WORKERS),
        OURS_ALONE: partial(_of_ours, scene, 1),
        FLOOR: partial(_of_floor, scene),
        OPTUNA: partial(_of_optuna, scene, N_WORKERS),
        OPTUNA_ALONE: partial(_of_optuna, scene, 1),
    }
    for queue in QUEUES:
        contestants[queue.name] = partial(_of_queue, scene, queue)
    absent = missing.keys() | ({OPTUNA_ALONE} if OPTUNA in missing else set())
    return {name: rate for name, rate in contestants.items() if name not in absent}


def evaluate_nothing(worker: TenWorker) -> None:
    """Draw points and finish them."""
    while not worker.terminated:
        with worker.running_task(Ten(**{name: random() for name in NAMES_OF_TEN})) as task:
            task.finish(VALUE)


def _of_ours(scene: Scene, n_workers: int) -> float:
    with TenNetwork(f"workers-{n_workers}", redis=scene.url) as network:
        ids = network.start_local_workers(evaluate_nothing, n_workers=n_workers)
        network.wait_for_workers(worker_ids=ids, timeout=PATIENCE)
        began, before = time.perf_counter(), network.n_finished_tasks
        time.sleep(scene.effort.seconds)
        n = network.n_finished_tasks - before
        seconds = time.perf_counter() - began
        network.stop_workers("kill")
        return n / seconds


def _of_optuna(scene: Scene, n_workers: int) -> float:
    return trials_per_second(scene.url, "workers", n_workers, scene.effort.seconds)


def _of_queue(scene: Scene, kind: type[SharedQueue]) -> float:
    queue, n = kind(scene.url, "workers"), round(TASKS_OF_QUEUES * scene.effort.seconds)
    queue.enqueue(n)
    return n / queue.work_off_with(N_WORKERS, n)


def _of_floor(scene: Scene) -> float:
    """Push and finish tasks by the least that is written, with payloads as long as ours."""
    codec = TenWorker("payload", redis=scene.url)._packer.codec
    keys = NetworkKeys("floor")
    worker = keys.worker("floor")
    n = round(TASKS_OF_FLOOR * scene.effort.seconds)

    def seconds(script: str, index: str, payload: bytes) -> float:
        names = (keys.task(RANDOM), keys.running, index, worker.tasks, keys.events)
        arguments = (RANDOM, "x" * len(payload), "floor", str(NOW))
        sha = scene.client.script_load(script)
        command = ["EVALSHA", sha, str(len(names)), *names, *arguments]
        return seconds_per_command(scene.socket, command, n=n, n_clients=N_WORKERS)

    pushing = seconds(PUSH_RUNNING, keys.all, codec.xs.encode(TEN))
    return 1 / (pushing + seconds(FINISH, keys.finished, codec.ys.encode(VALUE)))
