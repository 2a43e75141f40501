"""A server that forgets scripts all the time, even between their loading and their call."""

from __future__ import annotations

import threading

import redis

from rushtyped import Network, Worker
from tests.models import Params, Scores, points


def test_calls_go_on_while_scripts_are_flushed_all_the_time(
    redis_url: str, network_id: str
) -> None:
    network = Network[Params, Scores](network_id, redis=redis_url)
    worker = Worker[Params, Scores](network_id, redis=redis_url)
    is_over = threading.Event()

    def flush() -> None:
        with redis.Redis.from_url(redis_url, protocol=2) as client:
            while not is_over.is_set():
                client.script_flush()

    flusher = threading.Thread(target=flush)
    flusher.start()
    try:
        for _ in range(200):
            (key,) = network.push_tasks(points(1))
            task = worker.pop_task(timeout=5.0)
            assert task is not None
            assert task.key == key
            assert task.finish(Scores(y=1.0))
    finally:
        is_over.set()
        flusher.join()
    assert network.n_finished_tasks == network.n_tasks == 200
