"""How long local workers take until they have registered, and what memory they hold."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import mean

import psutil

from rushtyped import Network
from tests.benchmarks.measure import FLOOR, OURS, Bar, Measure
from tests.benchmarks.scene import Scene
from tests.benchmarks.turns import Figures, timed
from tests.models import ParamNetwork, Params, Scores, serve

ROOT = Path(__file__).parents[3]
MANY = 50
MOST_ROUNDS = 20
PATIENCE = 120.0
MEGA = 1e6
IMPORTS = (sys.executable, "-c", "import redis, pydantic")
# A worker made by hand registers, with a process that renews its lease or without one.
REGISTER = """
import sys, time
from rushtyped.heartbeat.holder import LEASES
from tests.models import ParamWorker
if sys.argv[2] == "alone":
    LEASES.prepare = lambda *_: None
began = time.perf_counter()
ParamWorker("by-hand", redis=sys.argv[1])
print(time.perf_counter() - began)
"""
ALONE = "without the process that renews its lease"
PSS = "with shared pages divided"
NURSERY = "the process that forks them"
LEASES = "the one that renews their leases"


def measure_start(scene: Scene) -> list[Measure]:
    """Time one worker, the next one, many, and one made by hand; weigh the local ones."""
    first, later, many, memory = Figures(), Figures(), Figures(), Figures()
    with scene.on_all_cores(), bytecode_kept():
        _import_for_nothing()
        with Network[Params, Scores]("start", redis=scene.url) as network:
            _starting(network, 1)()
        for round_number in range(min(MOST_ROUNDS, scene.effort.rounds)):
            first.setdefault(FLOOR, []).append(timed(_import_for_nothing))
            with Network[Params, Scores](f"start-{round_number}", redis=scene.url) as network:
                first.setdefault(OURS, []).append(timed(_starting(network, 1)))
                later.setdefault(OURS, []).append(timed(_starting(network, 1)))
                if round_number < scene.effort.bulk_rounds:
                    many.setdefault(OURS, []).append(timed(_starting(network, MANY)))
                    _weigh(network, memory)
                network.stop_workers("kill")
        by_hand = _by_hand(scene)
        scene.clear()
    return [*_times(first, later, many), by_hand, _memory(memory)]


@contextmanager
def bytecode_kept() -> Iterator[None]:
    """Have processes compile each module once only, as after an installation, even if told not to.

    A source tree has no compiled modules where PYTHONDONTWRITEBYTECODE is set.
    """
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(  # some processes may still be ending, and fill it
        prefix="rushtyped-bytecode-", ignore_cleanup_errors=True
    ) as directory:
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = directory
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def _times(first: Figures, later: Figures, many: Figures) -> list[Measure]:
    return [
        Measure(
            "first local worker of a network until it has registered",
            "s",
            first,
            (Bar(OURS, FLOOR, most=1.5),),
            note="It takes the start of the process that forks workers, which has to import what "
            'they need. The floor is `python -c "import redis, pydantic"`.',
        ),
        Measure("next local worker until it has registered", "s", later),
        Measure(f"{MANY} more local workers until all have registered", "s", many),
    ]


def _by_hand(scene: Scene) -> Measure:
    figures = Figures()
    for _ in range(scene.effort.bulk_rounds):
        for name, how in ((OURS, "beside"), (ALONE, "alone")):
            command = [sys.executable, "-c", REGISTER, scene.url, how]
            done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
            figures.setdefault(name, []).append(float(done.stdout))
    return Measure("`Worker(...)` in a process of its user's until it has registered", "s", figures)


def _memory(memory: Figures) -> Measure:
    return Measure(
        "resident memory of a local worker that fetches no frame",
        "MB",
        memory,
        (Bar(OURS, most=45.0),),
        note=f"Mean of {MANY + 2} workers; pages that processes share count in full for each, but "
        "where they are said to be divided.",
    )


def _import_for_nothing() -> None:
    subprocess.run(IMPORTS, check=True)


def _starting(network: ParamNetwork, n: int) -> Callable[[], None]:
    def start() -> None:
        ids = network.start_local_workers(serve, n_workers=n)
        network.wait_for_workers(worker_ids=ids, timeout=PATIENCE)

    return start


def _weigh(network: ParamNetwork, memory: Figures) -> None:
    """Add the megabytes of the workers, and of the two processes that serve them all."""
    workers = [psutil.Process(pid) for pid in network.worker_info["pid"]]
    weights = [worker.memory_full_info() for worker in workers]
    nursery = workers[0].parent()
    assert nursery is not None
    (leases,) = (each for each in nursery.children() if "start.py" in " ".join(each.cmdline()))
    for name, size in (
        (OURS, mean(weight.rss for weight in weights)),
        (PSS, mean(weight.pss for weight in weights)),
        (NURSERY, nursery.memory_info().rss),
        (LEASES, leases.memory_info().rss),
    ):
        memory.setdefault(name, []).append(size / MEGA)
