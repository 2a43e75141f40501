"""What can be seen of a network whatever its models are: tasks by state, workers, changes."""

from __future__ import annotations

import re
import time

from rushtyped.arguments import check_seconds
from rushtyped.channel import Channel
from rushtyped.connect import AnyClient, Endpoint
from rushtyped.errors import InvalidArgumentError, RushTypedError
from rushtyped.membership import read_joined
from rushtyped.notebook import progress_rows, table_html
from rushtyped.schema import parse_schemas
from rushtyped.store import Progress, Store

_EVENT = re.compile(rb"[0-9]{1,19}-[0-9]{1,19}")
_USER = re.compile(r"//[^/]*@")


class NetworkView:
    """A network, by its id and its server; each property is one round trip."""

    _network_id: str
    _endpoint: Endpoint
    _channel: Channel
    _store: Store

    @property
    def network_id(self) -> str:
        """Name of the network."""
        return self._network_id

    @property
    def connector(self) -> AnyClient:
        """A redis-py client of the network's server, for what this library does not do."""
        return self._channel.client

    def reconnect(self) -> None:
        """Close the connections; the next call makes new ones."""
        self._channel.renew()

    @property
    def progress(self) -> Progress:
        """How far the network is: tasks by state, running workers and budget, at one instant."""
        return self._store.progress()

    def wait_for_change(self, after: bytes | None = None, *, timeout: float) -> bytes:
        """Block on the server until something has changed; return what to wait on from.

        Tasks, workers and the budget change, or the network is reset. `after` is the `event` of
        `progress`, or what this method returned; changes from now on count without it. Returns
        after `timeout` seconds at the latest, and takes one round trip or two.
        """
        deadline = time.monotonic() + (check_seconds("timeout", timeout) or 0.0)
        event = self._store.last_event() if after is None else _checked(after)
        while (left := deadline - time.monotonic()) > 0:
            if newest := self._store.wait_for_event(event, left):
                return newest
        return self._store.last_event()

    @property
    def schemas(self) -> dict[str, dict[str, object]]:
        """The recorded JSON Schemas of xs, ys, xs_extra and ys_extra, by these names.

        Each property has the type of its column in the word "column", as in "Float64".
        """
        recorded = parse_schemas(read_joined(self._store, self._network_id).schemas)
        return {name: dict(schema) for name, schema in recorded.items()}

    @property
    def tasks(self) -> list[str]:
        """Keys of all tasks in the order of creation."""
        return self._store.indexes.task_keys("all")

    @property
    def queued_tasks(self) -> list[str]:
        """Keys of the queued tasks, the next one first."""
        return self._store.indexes.task_keys("queue")

    @property
    def running_tasks(self) -> list[str]:
        """Keys of the running tasks in the order of their start."""
        return self._store.indexes.task_keys("running")

    @property
    def finished_tasks(self) -> list[str]:
        """Keys of the finished tasks in the order of finishing."""
        return self._store.indexes.task_keys("finished")

    @property
    def failed_tasks(self) -> list[str]:
        """Keys of the failed tasks in the order of failing."""
        return self._store.indexes.task_keys("failed")

    @property
    def n_tasks(self) -> int:
        """Number of all tasks."""
        return self._store.indexes.count("all")

    @property
    def n_queued_tasks(self) -> int:
        """Number of queued tasks."""
        return self._store.indexes.count("queue")

    @property
    def n_running_tasks(self) -> int:
        """Number of running tasks."""
        return self._store.indexes.count("running")

    @property
    def n_finished_tasks(self) -> int:
        """Number of finished tasks."""
        return self._store.indexes.count("finished")

    @property
    def n_failed_tasks(self) -> int:
        """Number of failed tasks."""
        return self._store.indexes.count("failed")

    @property
    def worker_ids(self) -> list[str]:
        """Ids of all workers that have registered, sorted."""
        return self._store.worker_ids()

    @property
    def running_worker_ids(self) -> list[str]:
        """Ids of the running workers, sorted."""
        return self._store.worker_ids("running_workers")

    @property
    def terminated_worker_ids(self) -> list[str]:
        """Ids of the workers that have ended or were lost, sorted."""
        return self._store.worker_ids("terminated_workers")

    @property
    def n_workers(self) -> int:
        """Number of workers that have registered."""
        return self._store.n_workers()

    @property
    def n_running_workers(self) -> int:
        """Number of running workers."""
        return self._store.n_workers("running_workers")

    @property
    def n_terminated_workers(self) -> int:
        """Number of workers that have ended or were lost."""
        return self._store.n_workers("terminated_workers")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._network_id!r} on {self._server}>"

    def _repr_html_(self) -> str:
        """Write a small table for a notebook, in one round trip."""
        return table_html(type(self).__name__, self._rows())

    def _rows(self) -> dict[str, object]:
        """List what a notebook shows; the error where the server is away."""
        rows: dict[str, object] = {"network": self._network_id, "server": self._server}
        try:
            return rows | progress_rows(self._store.progress(patient=False))
        except RushTypedError as error:
            return rows | {type(error).__name__: error}

    @property
    def _server(self) -> str:
        """Where the server is, without who we are there."""
        return _USER.sub("//", self._endpoint.address)


def _checked(event: object) -> bytes:
    if not isinstance(event, bytes) or not _EVENT.fullmatch(event):
        raise InvalidArgumentError(
            f"after must be the event of `progress`, as b'1-0', but is {event!r}"
        )
    return event
