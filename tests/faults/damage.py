"""A network as `tests.wire_dump` leaves it, and all that reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from loguru import logger

from rushtyped import Network, RushTypedError, WaitTimeoutError
from rushtyped.keys import NetworkKeys
from tests.faults.hostile import check_text
from tests.servers.behind import client_behind
from tests.wire_dump import Params, Scores, Start, dump, leave_network

AnyNetwork = Any
FIELDS = ("xs", "ys", "xs_extra", "ys_extra", "worker_id", "condition", "times")
Reader = Callable[[AnyNetwork], object]


def ask_wait(network: AnyNetwork) -> None:
    """Wait, for as short as can be."""
    with suppress(WaitTimeoutError):
        network.wait_until_done(timeout=0.0, progress=True)


def ask_wait_for_tasks(network: AnyNetwork) -> None:
    with suppress(WaitTimeoutError):
        network.wait_for_tasks(network.tasks, timeout=0.0, detect_lost_workers=True)


def ask_wait_for_workers(network: AnyNetwork) -> None:
    with suppress(WaitTimeoutError):
        network.wait_for_workers(99, timeout=0.0)


def read_one_by_one(network: AnyNetwork) -> None:
    for key in network.tasks:
        with suppress(RushTypedError):
            network.read_tasks([key])
        with suppress(RushTypedError):
            network.read_hash(key, ["xs", "ys", "condition", "state", "attempt", "created_at"])


READERS: dict[str, Reader] = {
    "fetch_tasks": lambda n: n.fetch_tasks(fields=FIELDS).rows(),
    "fetch_queued_tasks": lambda n: n.fetch_queued_tasks(fields=FIELDS).rows(),
    "fetch_running_tasks": lambda n: n.fetch_running_tasks(fields=FIELDS).rows(),
    "fetch_finished_tasks": lambda n: n.fetch_finished_tasks(fields=FIELDS).rows(),
    "fetch_failed_tasks": lambda n: n.fetch_failed_tasks(fields=FIELDS).rows(),
    "fetch_tasks_with_state": lambda n: n.fetch_tasks_with_state(fields=FIELDS).rows(),
    "fetch_new_tasks": lambda n: n.fetch_new_tasks().rows(),
    "read_tasks": lambda n: n.read_tasks(n.tasks),
    "one by one": read_one_by_one,
    "read_hashes": lambda n: n.read_hashes(
        n.tasks, ["xs", "ys", "ys_extra", "state"], flatten=False
    ),
    "keys": lambda n: (n.tasks, n.queued_tasks, n.running_tasks, n.finished_tasks, n.failed_tasks),
    "numbers": lambda n: (n.n_tasks, n.n_queued_tasks, n.n_running_tasks, n.n_failed_tasks),
    "tasks_with_state": lambda n: n.tasks_with_state(),
    "is_running_task": lambda n: n.is_running_task(n.tasks),
    "worker ids": lambda n: (n.worker_ids, n.running_worker_ids, n.terminated_worker_ids),
    "worker_info": lambda n: n.worker_info.rows(),
    "repr": repr,
    "read_log": lambda n: n.read_log(time_difference=True).rows(),
    "print_log": lambda n: n.print_log(),
    "wait_until_done": ask_wait,
    "wait_for_tasks": ask_wait_for_tasks,
    "wait_for_workers": ask_wait_for_workers,
    "detect_lost_workers": lambda n: n.detect_lost_workers(),
    "verify": lambda n: n.verify(),
}
WRITERS: dict[str, Reader] = {
    "stop_workers": lambda n: n.stop_workers("terminate"),
    "retry_tasks": lambda n: n.retry_tasks(n.failed_tasks),
    "fail_tasks": lambda n: n.fail_tasks(),
    "empty_queue": lambda n: n.empty_queue(),
}


@contextmanager
def listening() -> Iterator[list[str]]:
    """Take what is logged meanwhile, as a plain log file would have it."""
    said: list[str] = []
    sink = logger.add(lambda entry: said.append(str(entry)), level="TRACE", colorize=False)
    try:
        yield said
    finally:
        logger.remove(sink)


def read_all(network: AnyNetwork, readers: dict[str, Reader] = READERS) -> dict[str, str]:
    """Ask for all there is; return which readers failed, with what each said."""
    failed: dict[str, str] = {}
    with listening() as said:
        for name, read in readers.items():
            try:
                read(network)
            except RushTypedError as error:
                check_text(str(error))
                failed[name] = f"{type(error).__name__}: {error}"
            except BaseException as error:
                error.add_note(f"from {name}")
                raise
    for entry in said:
        check_text(entry)
    return failed


class Damaged:
    """A network whose keys are damaged, one at a time, and mended again."""

    def __init__(self, url: str, network_id: str) -> None:
        self.url = url
        self.keys = NetworkKeys(network_id)
        self._runs = leave_network(url, network_id)  # lest its lease end
        self.network: AnyNetwork = self.opened()
        self.client: Any = client_behind(self.network)
        self.saved = {
            key: self.client.dump(key)
            for key in self.client.scan_iter(match=f"{self.keys.prefix}*", count=1000)
        }

    def opened(self) -> AnyNetwork:
        """Join the network with its models."""
        return Network[Params, Scores, Start](
            self.keys.network_id, redis=self.url, retry_timeout=5.0
        )

    def names(self) -> list[str]:
        """List the names of its keys, without their prefix."""
        return sorted(key.decode().removeprefix(self.keys.prefix) for key in self.saved)

    def contents(self) -> object:
        """Read it all, save what only tells that somebody looked."""
        return dump(self.client, self.keys.network_id)

    def mend(self) -> None:
        """Put all keys back as they were."""
        for key in self.client.scan_iter(match=f"{self.keys.prefix}*", count=1000):
            if key not in self.saved:
                self.client.delete(key)
        for key, value in self.saved.items():
            self.client.restore(key, 0, value, replace=True)
