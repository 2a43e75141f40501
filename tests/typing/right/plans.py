"""Defaults for a process."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import assert_type

import redis

from rushtyped import Plan, WorkerType, current_plan, has_plan, plan, remove_plan

CHOSEN: WorkerType = "executor"
LEVELS: dict[str, str] = {"rushtyped": "DEBUG"}


def for_the_process(client: redis.Redis, cluster: redis.RedisCluster) -> None:
    assert_type(plan(redis="redis://host:6379/0", n_workers=2), Plan)
    plan(redis=client, worker_type=CHOSEN, log_levels=LEVELS, log_buffer_size=100, log_limit=1000)
    plan(redis=cluster, worker_type="script", log_levels={"": "INFO", "rushtyped.store": 5})
    plan(large_objects_path="~/objects", max_object_size=2**20, start_worker_timeout=60)
    plan(large_objects_path=Path("objects"), heartbeat_period=1.5, heartbeat_expire=10)
    assert_type(has_plan(), bool)
    remove_plan()


def for_a_block(n_workers: int | None) -> int:
    with plan(n_workers=n_workers) as ours, ours:
        assert_type(ours, Plan)
        return ours.n_workers or 1


def in_force() -> None:
    found = current_plan()
    assert_type(found.n_workers, int | None)
    assert_type(found.worker_type, WorkerType | None)
    assert_type(found.large_objects_path, Path | None)
    assert_type(found.start_worker_timeout, float | None)
    for logger, level in (found.log_levels or {}).items():
        assert_type((logger, level), tuple[str, int])
    with ExitStack() as stack:
        stack.enter_context(found)
