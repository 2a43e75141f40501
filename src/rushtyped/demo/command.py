"""The command `rushtyped demo`."""

from __future__ import annotations

import secrets
import sys
import time
from dataclasses import dataclass
from functools import partial

from loguru import logger

from rushtyped import InvalidArgumentError
from rushtyped.connect import resolve_endpoint
from rushtyped.demo.problem import DemoNetwork, Origin
from rushtyped.demo.report import Run, describe
from rushtyped.demo.search import SPACE, search

MOST_DESIGN_POINTS = 2 * len(SPACE.parameters)


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says; checked when made."""

    workers: int
    max_tasks: int
    seed: int
    redis: str | None = None
    network_id: str | None = None

    def __post_init__(self) -> None:
        for option, value, least in (
            ("--workers", self.workers, 1),
            ("--max-tasks", self.max_tasks, 1),
            ("--seed", self.seed, 0),
        ):
            if value < least:
                raise InvalidArgumentError(f"{option} must be {least} or more but is {value}")


def run_demo(options: Options) -> int:
    """Tune the classifier, show how it goes and what came out; return the exit code."""
    logger.remove()
    logger.add(sys.stderr, level="WARNING", format="{level.name}: {message}")
    endpoint = resolve_endpoint(options.redis)
    network_id = options.network_id or f"demo-{secrets.token_hex(4)}"
    _check_empty(network_id, options)
    print(
        f"Tuning gradient boosting on the breast-cancer data: {options.max_tasks} evaluations, "
        f"workers: {options.workers}\nNetwork {network_id!r}, {endpoint.address}",
        flush=True,
    )
    began = time.monotonic()
    with DemoNetwork(network_id, redis=endpoint, max_tasks=options.max_tasks) as network:
        n = min(options.max_tasks, MOST_DESIGN_POINTS)
        design = SPACE.latin_hypercube(n, options.seed)
        network.push_tasks(design, xss_extra=[Origin(origin="design")])
        for index in range(options.workers):  # one by one, since each has random numbers of its own
            loop = partial(search, seed=options.seed, index=index, max_tasks=options.max_tasks)
            network.start_local_workers(loop, n_workers=1)
        network.wait_until_done(progress=True)
        seconds = time.monotonic() - began
    shown = endpoint.address if options.redis not in (None, "embedded") else options.redis
    print(describe(network, Run(options.max_tasks, seconds, shown)))
    return 0 if network.n_finished_tasks == options.max_tasks else 1


def _check_empty(network_id: str, options: Options) -> None:
    """Refuse a network that holds tasks, before its budget is touched."""
    n_tasks = DemoNetwork(network_id, redis=options.redis).n_tasks
    if n_tasks:
        raise InvalidArgumentError(
            f"network {network_id!r} holds {n_tasks} tasks already: choose another --network-id, "
            "or leave it out to have one made"
        )
