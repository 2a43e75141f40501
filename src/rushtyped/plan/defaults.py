"""Setting defaults for a process, and asking what is in force."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

from rushtyped.channel import Channel
from rushtyped.connect import Endpoint, Server, resolve_endpoint
from rushtyped.keys import NetworkKeys
from rushtyped.logs import LogLevels
from rushtyped.membership import check_server
from rushtyped.plan.environment import environment, url_of_environment
from rushtyped.plan.stack import Plan, plan_in_force, set_plan
from rushtyped.plan.values import Given, Settings, WorkerType, checked, resolved


def plan(
    *,
    redis: Server | None = None,
    n_workers: int | None = None,
    worker_type: WorkerType | None = None,
    log_levels: LogLevels | None = None,
    log_buffer_size: int | None = None,
    large_objects_path: str | Path | None = None,
    start_worker_timeout: float | None = None,
    max_object_size: int | None = None,
    heartbeat_period: float | None = None,
    heartbeat_expire: float | None = None,
    log_limit: int | None = None,
) -> Plan:
    """Set defaults for this process: for a `with` block, or until another plan or `remove_plan`.

    It takes the place of the plan in force as a whole. What it leaves out comes from the
    environment, else from the library; worker_type is "local" then. Times are seconds, sizes
    bytes. Where `redis` or the environment names a server, the connection is tested, which raises
    ServerUnreachableError, ServerAccessError or ServerVersionError. A call that raises sets
    nothing.
    """
    said = checked(
        n_workers=n_workers,
        worker_type=worker_type,
        log_levels=log_levels,
        log_buffer_size=log_buffer_size,
        log_limit=log_limit,
        large_objects_path=large_objects_path,
        max_object_size=max_object_size,
        start_worker_timeout=start_worker_timeout,
        heartbeat_period=heartbeat_period,
        heartbeat_expire=heartbeat_expire,
    )
    resolved(said, environment(with_server=redis is None))
    if redis is not None or url_of_environment():
        _test_connection(resolve_endpoint(redis))
    new = Plan(redis=redis, **said.said())
    set_plan(new)
    return new


def current_plan() -> Plan:
    """Return the settings in force: those of the plan, else those of the environment."""
    ours = plan_in_force()
    found = resolved(ours, environment(with_server=ours.redis is None))
    server = url_of_environment() if ours.redis is None else ours.redis
    return Plan(redis=server, **found.said())


def settings(**given: Unpack[Given]) -> Settings:
    """Check what a call was given, and take the rest from the plan, the environment, the defaults.

    Raises InvalidArgumentError or InvalidTypeError for an argument, and one InvalidArgumentError
    that names all variables of the environment that cannot be used.
    """
    return resolved(checked(**given), plan_in_force(), environment())


def endpoint_for(redis: Server | None) -> Endpoint:
    """Find the server: as given, else as planned, as the environment says, or the embedded one."""
    return resolve_endpoint(plan_in_force().redis if redis is None else redis)


def _test_connection(endpoint: Endpoint) -> None:
    channel = Channel(endpoint, NetworkKeys("plan").meta, 0.0)  # no key is read
    try:
        check_server(channel)
    finally:
        channel.close()
