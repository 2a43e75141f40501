"""Time how long workers take to start, and weigh them and what renews their leases."""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import mean, median

import psutil

from rushtyped import Network
from tests.benchmarks.measure import Measure
from tests.models import ParamNetwork, Params, Scores, serve

ALL = 100
ROUNDS = 10
MEGA = 1e6
# A worker made by hand registers, with a process that renews its lease or without one.
REGISTER = """
import sys, time
from rushtyped.heartbeat.holder import LEASES
from tests.models import ParamWorker
if sys.argv[2] == "alone":
    LEASES.prepare = lambda *_: None
began = time.perf_counter()
ParamWorker("delay", redis=sys.argv[1])
print(time.perf_counter() - began)
"""


def measure_workers(url: str) -> list[Measure]:
    """Start one worker, then a hundred more."""
    with Network[Params, Scores]("start", redis=url) as network:
        first = _seconds_to_register(network, 1)
        many = _seconds_to_register(network, ALL)
        started = psutil.Process().children(recursive=True)
        leases = [process for process in started if "start.py" in " ".join(process.cmdline())]
        workers = [psutil.Process(pid) for pid in network.worker_info["pid"]]
        shares = [process.memory_full_info().pss / MEGA for process in workers]
        lease = max(process.memory_info().rss / MEGA for process in leases)
        network.stop_workers("kill")
    beside, alone = _seconds_of_registering(url)
    return [
        Measure("first local worker until registered", first, 1.0, "s"),
        Measure(f"{ALL} local workers until all are registered", many, 10.0, "s"),
        Measure("memory of one of them, its share of what is shared", mean(shares), 20.0, "MB"),
        Measure("memory of the process that renews all their leases", lease, 40.0, "MB"),
        Measure("registering by hand, without what renews its lease", alone, float("inf"), "ms"),
        Measure("delay by starting what renews its lease", beside - alone, 50.0, "ms"),
    ]


def _seconds_to_register(network: ParamNetwork, n: int) -> float:
    began = time.perf_counter()
    ids = network.start_local_workers(serve, n_workers=n)
    network.wait_for_workers(worker_ids=ids, timeout=300.0)
    return time.perf_counter() - began


def _seconds_of_registering(url: str) -> tuple[float, float]:
    """Median milliseconds of registering, with and without a process for the lease, in turns."""
    times: dict[str, list[float]] = {"beside": [], "alone": []}
    for _ in range(ROUNDS):
        for way, found in times.items():
            done = subprocess.run(
                [sys.executable, "-c", REGISTER, url, way],
                capture_output=True,
                text=True,
                check=True,
            )
            found.append(1000 * float(done.stdout))
    return median(times["beside"]), median(times["alone"])
