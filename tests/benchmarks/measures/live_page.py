"""What an open live page takes of the server, and how soon it shows what is new."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from threading import Event, Thread

import httpx

from tests.benchmarks.measure import OURS, Bar, Measure
from tests.benchmarks.scene import Scene
from tests.benchmarks.tasks import TEN, VALUE, TenNetwork, TenWorker
from tests.benchmarks.turns import typical, without_collection
from tests.dashboard.serving import Served, served

NETWORK = "live-page"
RATE = 1000
"""Tasks that are started and finished a second."""
MOST_SHARE = 2.0
"""Percent of a core of the server that one page may take."""
PERIOD = 2.0
"""Seconds after which a page asks again for what it shows."""
AT_ONCE = 50_000
"""Tasks that are pushed by one call."""
ROUTES = ("summary.json", "tasks.json?limit=100", "charts/states.json", "charts/throughput.json")
SHARE = f"share of the server's core that one open page takes at {RATE} tasks/s"
REFRESH, WINDOW = "a refresh with one new task", "100 rows from the middle of a table"
NOTE = (
    "The processor time of the server while a process starts and finishes {} tasks a second, with "
    "a page that follows them less that without one. It is noisy by what the tasks themselves take."
)


def measure_live_page(scene: Scene) -> list[Measure]:
    """Weigh a page by the processor time of the server, and its replies by their time."""
    with without_collection(), served(scene.url) as page:
        shares = [_share(scene, page) for _ in range(max(2, scene.effort.bulk_rounds))]
        scene.clear()
        n = scene.effort.sizes[-1]
        refreshes, windows = _replies(scene, page, n)
    scene.clear()
    return [
        Measure(SHARE, "%", {OURS: shares}, (Bar(OURS, most=MOST_SHARE),), note=NOTE.format(RATE)),
        Measure(f"{REFRESH}, of {n} finished", "s", {OURS: refreshes}),
        Measure(f"{WINDOW}, of {n} finished", "s", {OURS: windows}),
    ]


def _share(scene: Scene, page: Served) -> float:
    """Percent of the server's core that it takes to show a network to one page."""
    TenNetwork(NETWORK, redis=scene.url)
    busy = {}
    for shows in (False, True):
        with _load(scene), _following(page) if shows else nullcontext():
            time.sleep(1.0)  # until both have begun
            began, before = time.monotonic(), _processor_time(scene)
            time.sleep(max(2 * PERIOD, scene.effort.seconds))
            busy[shows] = (_processor_time(scene) - before) / (time.monotonic() - began)
    return 100 * (busy[True] - busy[False])


@contextmanager
def _load(scene: Scene) -> Iterator[None]:
    """Have a process start and finish tasks at the rate."""
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=_work, args=(scene.url,), daemon=True)
    process.start()
    try:
        network = TenNetwork(NETWORK, redis=scene.url)
        n = network.n_finished_tasks
        while network.n_finished_tasks == n:
            assert process.is_alive(), "nobody works"
            time.sleep(0.01)
        yield
    finally:
        process.kill()
        process.join()


def _work(url: str) -> None:
    worker = TenWorker(NETWORK, redis=url)
    due = time.monotonic()
    while True:
        worker.finish_tasks(worker.push_running_tasks([TEN]), [VALUE])
        due += 1 / RATE
        time.sleep(max(0.0, due - time.monotonic()))


@contextmanager
def _following(page: Served) -> Iterator[None]:
    """Do as an open page does: follow the events, and ask again for what is shown."""
    ended = Event()

    def ask() -> None:
        with page.client() as client:
            while not ended.wait(PERIOD):
                for route in ROUTES:
                    client.get(f"/api/networks/{NETWORK}/{route}")

    asking = Thread(target=ask)
    with page.events(NETWORK) as events:
        next(events)
        asking.start()
        try:
            yield
        finally:
            ended.set()
            asking.join()


def _replies(scene: Scene, page: Served, n: int) -> tuple[list[float], list[float]]:
    """Seconds until a page has a new task, and those that a window of its table takes."""
    network = TenNetwork(NETWORK, redis=scene.url)
    for first in range(0, n, AT_ONCE):
        m = min(AT_ONCE, n - first)
        network.push_finished_tasks([TEN] * m, [VALUE] * m)
    root = f"/api/networks/{NETWORK}"
    with page.client() as client:
        client.timeout = httpx.Timeout(300.0)
        client.get(f"{root}/summary.json")
        ((watched, _),) = page.lookout._watched.values()
        watched.stop()
        refreshes = []
        for _ in range(scene.effort.rounds):
            network.push_finished_tasks([TEN], [VALUE])
            refreshes.append(typical(watched._refresh, 1))

        def window() -> None:
            reply = client.get(f"{root}/tasks.json?state=finished&limit=100&offset={n // 2}")
            assert len(reply.json()["rows"]) == 100

        window()
        return refreshes, [typical(window, 20) for _ in range(scene.effort.rounds)]


def _processor_time(scene: Scene) -> float:
    """Seconds that the server was busy, to the microsecond."""
    used = scene.client.info("cpu")
    return float(used["used_cpu_sys_main_thread"] + used["used_cpu_user_main_thread"])
