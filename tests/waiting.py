"""Waiting for what other processes do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import psutil

from tests.servers.behind import client_behind

T = TypeVar("T")


def wait_until(predicate: Callable[[], object], *, description: str, timeout: float = 30.0) -> None:
    """Return as soon as the predicate holds; fail with the description after the timeout."""
    deadline = time.monotonic() + timeout
    while not predicate():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s: {description}")
        time.sleep(0.01)


@contextmanager
def in_background(call: Callable[[], T]) -> Iterator[Future[T]]:
    """Run a call in a thread; leaving the block waits for its end."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(call)


def wait_until_blocked(tasks: Any, n: int = 1) -> None:
    """Return once n connections wait on the server of a Network or Worker."""
    client = client_behind(tasks)
    wait_until(
        lambda: client.info("clients")["blocked_clients"] == n,
        description=f"{n} connections block on the server",
    )


def wait_until_ended(process: psutil.Process) -> None:
    """Return when a killed process is a zombie with its last thread gone, or has been reaped."""

    def has_ended() -> bool:
        try:
            return process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1
        except psutil.NoSuchProcess:
            return True

    wait_until(has_ended, description="the process has ended")
