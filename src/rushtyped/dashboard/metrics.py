"""The networks of a server as Prometheus metrics."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.requests import Request
from starlette.responses import Response

from rushtyped import RushTypedError, TaskState
from rushtyped.dashboard.handlers import lookout_of
from rushtyped.dashboard.lookout import Listed


async def metrics(request: Request) -> Response:
    """Return the metrics; where the server is away, only that."""
    try:
        networks, is_up = await lookout_of(request).networks(), True
    except RushTypedError:
        networks, is_up = [], False
    text = generate_latest(_registry(networks, is_up=is_up))
    return Response(text, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})


def _registry(networks: list[Listed], *, is_up: bool) -> CollectorRegistry:
    registry = CollectorRegistry()
    up = Gauge("rushtyped_up", "Whether the Redis server answers", registry=registry)
    labels = ("network", "state")
    tasks = Gauge("rushtyped_tasks", "Tasks by state", labels, registry=registry)
    workers = Gauge("rushtyped_workers", "Workers by state", labels, registry=registry)
    up.set(is_up)
    for name, progress, n_terminated in networks:
        for state in TaskState:
            tasks.labels(name, state.value).set(getattr(progress, state.value))
        workers.labels(name, "running").set(progress.running_workers)
        workers.labels(name, "terminated").set(n_terminated)
    return registry
