"""A process that does everything to a network as fast as it can, until it is killed."""

from __future__ import annotations

import random
from multiprocessing.connection import Connection
from typing import NamedTuple

from loguru import logger

from rushtyped import Worker
from tests.models import Params, Scores

POINT = Params(x1=1.0, x2=2.0)
RESULT = Scores(y=3.0)


class Told(NamedTuple):
    """What a call has returned: these tasks exist from now on, or are settled for good."""

    state: str
    keys: list[str]


def hammer(network_id: str, url: str, worker_id: str, seed: int, told: Connection) -> None:
    """Push, pop, finish and fail at random; tell each key after the call that returned it."""
    logger.remove()
    rng = random.Random(seed)
    worker = Worker[Params, Scores](network_id, redis=url, worker_id=worker_id)
    told.send(Told("created", []))
    own: list[str] = []
    while True:
        some = own[: rng.randint(1, 3)]
        match rng.choice(["push", "push finished", "start", "pop", "pop", "finish", "fail"]):
            case "push":
                told.send(Told("created", worker.push_tasks([POINT] * rng.choice([1, 5, 50]))))
            case "push finished":
                told.send(Told("finished", worker.push_finished_tasks([POINT], [RESULT])))
            case "start":
                keys = worker.push_running_tasks([POINT] * rng.randint(1, 3))
                told.send(Told("created", keys))
                own += keys
            case "pop":
                task = worker.pop_task(timeout=rng.choice([0.0, 0.001]))
                own += [task.key] if task else []
            case "finish":
                told.send(Told("finished", worker.finish_tasks(some, [RESULT] * len(some))))
                del own[: len(some)]
            case _:
                told.send(Told("failed", worker.fail_tasks(some, "no luck")))
                del own[: len(some)]
