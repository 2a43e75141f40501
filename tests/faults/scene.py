"""A small network behind a fault proxy, the same every time but for its random names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import redis
from loguru import logger

from rushtyped import Network, Task, Worker
from rushtyped.connect import Endpoint, resolve_endpoint
from rushtyped.errors import RushTypedError
from rushtyped.heartbeat.holder import LEASES
from rushtyped.store import Store
from tests.faults.outcome import Outcome, read_outcome
from tests.faults.proxy import FaultProxy
from tests.models import ParamNetwork, Params, ParamWorker, Scores, points

NAME = "net"
WORKER = "w1"
NEWCOMER = "w2"
MANAGER_SECRET = "a secret of the tests only, long enough"
PATIENCE = 20.0
"""Seconds for which calls try again; no test needs nearly as many."""

for worker_id in (WORKER, NEWCOMER):
    LEASES.leave_to_parent(worker_id)  # nothing but the calls of a test goes through its proxy


@dataclass(frozen=True, slots=True)
class Stage:
    """A server that belongs to the tests, and the proxy before it."""

    client: redis.Redis
    """A client that goes past the proxy."""
    proxy: FaultProxy

    def clear(self) -> None:
        """Let the proxy hand on everything, and empty the server."""
        self.proxy.begin()
        self.proxy.disconnect()
        self.client.flushall()

    def endpoint(self, socket_timeout: float | None = None) -> Endpoint:
        """The way through the proxy."""
        endpoint = resolve_endpoint(self.proxy.url)
        return replace(endpoint, socket_timeout=socket_timeout) if socket_timeout else endpoint

    def outcome(self, act: Callable[[], object]) -> Outcome:
        """Do something; see what it returned or raised, what it warned of, and what is stored."""
        warnings: list[str] = []
        sink = logger.add(
            lambda message: warnings.append(message.record["message"]), level="WARNING"
        )
        try:
            given = act()
        except RushTypedError as error:
            given = error
        finally:
            logger.remove(sink)
        return read_outcome(given, warnings, self.client, NAME)


@dataclass(frozen=True, slots=True)
class Scene:
    """Two tasks in each state, a manager and the worker that runs the running ones."""

    stage: Stage
    patience: float
    endpoint: Endpoint
    network: ParamNetwork
    worker: ParamWorker
    task: Task[Params, Scores]
    """The second one of those that run."""
    queued: list[str]
    running: list[str]
    finished: list[str]
    failed: list[str]
    kept: dict[str, str] = field(default_factory=dict)
    """What a call has made and uses when it is made again."""

    @property
    def store(self) -> Store:
        """What processes use that have no Network or Worker."""
        return self.network._store


@contextmanager
def new_scene(
    stage: Stage, *, patience: float = PATIENCE, socket_timeout: float | None = None
) -> Iterator[Scene]:
    """Set the scene on an empty server; the socket's timeout counts from then on.

    The first contact is tried once, and a busy machine may take longer for it.
    """
    stage.clear()
    endpoint = stage.endpoint(None)
    network = Network[Params, Scores](NAME, redis=endpoint, retry_timeout=patience)
    worker = Worker[Params, Scores](NAME, redis=endpoint, worker_id=WORKER, retry_timeout=patience)
    extra = {"batch": 1}
    finished = network.push_finished_tasks(points(2), [Scores(y=1.0), Scores(y=2.0)])
    first = worker.running_task(Params(x1=3.0, x2=0.0))
    task = worker.running_task(Params(x1=4.0, x2=0.0), xs_extra=extra)
    if socket_timeout is not None:
        for tasks in (network, worker):
            tasks._channel.endpoint = replace(endpoint, socket_timeout=socket_timeout)
            tasks.reconnect()
    yield Scene(
        stage=stage,
        patience=patience,
        endpoint=stage.endpoint(socket_timeout),
        network=network,
        worker=worker,
        task=task,
        queued=network.push_tasks(points(2), xss_extra=[extra]),
        running=[first.key, task.key],
        finished=finished,
        failed=network.push_failed_tasks(points(2), conditions="no luck"),
    )
    network.reconnect()
    worker.reconnect()
