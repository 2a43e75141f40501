"""What a Network and a Worker have in common: all that can be asked about tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic

from loguru import logger

from rushtyped import selection, specialisation
from rushtyped.arguments import as_list, check_seconds
from rushtyped.channel import Channel
from rushtyped.connect import Endpoint
from rushtyped.hashes import Hashes
from rushtyped.keys import NetworkKeys, check_network_id, new_task_keys, new_token
from rushtyped.membership import Membership, check_server
from rushtyped.models import Condition, TaskState
from rushtyped.packer import RECORD_FIELDS, Conditions, Packer
from rushtyped.progress import progress_display
from rushtyped.schema import DEFAULT_FIELDS, Field
from rushtyped.specialisation import SpecialisedType
from rushtyped.store import Store
from rushtyped.task import XE, YE, TaskRecord, X, Y
from rushtyped.view import NetworkView
from rushtyped.waiter import SLICE, Waiter, Watch

if TYPE_CHECKING:  # a worker that fetches no frame does not pay for Polars
    import polars as pl

    from rushtyped.reader import Reader

RETRY_TIMEOUT = 30.0
"""Seconds for which a call tries to reach the server again."""
_REMOVED = Condition(type="TaskFailed", message="Removed from queue")


class Tasks(NetworkView, Generic[X, Y, XE, YE], metaclass=SpecialisedType):
    """The tasks of one network, shared by all who know its id and its server.

    Subscripted with the models of xs and ys, and with those of xs_extra and ys_extra where these
    are declared, it is the class for that network.
    """

    def __class_getitem__(cls, parameters: Any) -> Any:
        if specialisation.carries_models(parameters):
            return specialisation.specialise(cls, parameters)
        return super().__class_getitem__(specialisation.with_defaults(parameters))  # type: ignore[misc]  # Generic has it

    def __init__(self, network_id: str, endpoint: Endpoint, retry_timeout: float) -> None:
        self._network_id = check_network_id(network_id)
        self._endpoint = endpoint
        self._retry_timeout = retry_timeout
        self._open()
        check_server(self._channel)
        self._membership.join()

    def _open(self) -> None:
        """Make what holds connections, and cannot be pickled."""
        keys = NetworkKeys(self._network_id)
        self._channel = Channel(self._endpoint, keys.meta, self._retry_timeout)
        self._store = Store(self._channel, keys)
        self._packer: Packer[X, Y, XE, YE] = Packer(
            specialisation.models_of(type(self)), self._store
        )
        self._membership = Membership(
            self._store,
            self._packer,
            self._network_id,
            declares=type(self).stored is None,
        )
        self._hashes = Hashes(self._store, self._packer)
        self._creator = ""  # id of the worker that creates tasks here; a Network is none

    @cached_property
    def _reader(self) -> Reader:
        from rushtyped.reader import Reader

        return Reader(self._store, self._packer.codec.schema)

    def push_tasks(
        self, xss: Sequence[X], *, xss_extra: Sequence[XE | Mapping[str, object]] | None = None
    ) -> list[str]:
        """Create tasks and add them to the end of the queue; return their keys.

        Goes in chunks of 1000 tasks. Raises InvalidTaskError for xs that do not fit their model;
        then nothing is written.
        """
        packed, extras = self._pack(xss, xss_extra)
        keys = new_task_keys(len(packed))
        self._store.push_tasks(list(zip(keys, packed, extras, strict=True)))
        return keys

    def push_finished_tasks(
        self,
        xss: Sequence[X],
        yss: Sequence[Y],
        *,
        xss_extra: Sequence[XE | Mapping[str, object]] | None = None,
        yss_extra: Sequence[YE | Mapping[str, object]] | None = None,
    ) -> list[str]:
        """Create finished tasks, from results that are known already; return their keys.

        They count as finished for `max_tasks`, which does not hold them back.
        """
        xss = as_list("xss", xss)
        results = self._packer.yss(yss, len(xss))
        packed, extras = self._pack(xss, xss_extra)
        results_extra = self._packer.extras("ys_extra", yss_extra, len(packed))
        keys = new_task_keys(len(packed))
        tasks = list(zip(keys, packed, results, extras, results_extra, strict=True))
        self._store.push_finished_tasks(self._creator, tasks)
        return keys

    def push_failed_tasks(
        self,
        xss: Sequence[X],
        *,
        xss_extra: Sequence[XE | Mapping[str, object]] | None = None,
        conditions: Conditions = None,
    ) -> list[str]:
        """Create failed tasks; return their keys."""
        packed, extras = self._pack(xss, xss_extra)
        reasons = self._packer.conditions(conditions, len(packed))
        keys = new_task_keys(len(packed))
        tasks = list(zip(keys, packed, extras, reasons, strict=True))
        self._store.push_failed_tasks(self._creator, tasks)
        return keys

    def empty_queue(self) -> list[str]:
        """Fail all queued tasks with the message "Removed from queue"; return their keys."""
        keys, condition = self.queued_tasks, self._packer.condition(_REMOVED)
        return self._store.fail_known(new_token(), [(key, condition) for key in keys])

    def retry_tasks(self, keys: Sequence[str]) -> list[str]:
        """Put failed tasks back to the end of the queue; return the keys that this call moved.

        Each comes once, however often it is given; others are left, with a warning. Raises
        UnknownTaskError for keys of no task.
        """
        keys = list(dict.fromkeys(selection.check_keys(keys)))
        self._membership.check_many(keys)
        moved = self._store.retry_tasks(new_token(), keys)
        return self._settled(keys, moved, "retried")

    def fetch_tasks(
        self,
        *,
        fields: Sequence[Field] = DEFAULT_FIELDS,
        offset: int = 0,
        limit: int | None = None,
    ) -> pl.DataFrame:
        """Fetch all tasks in the order of creation, a row each.

        Columns: key, then those of `fields`, also where there are no tasks. `offset` and `limit`
        choose a part of the tasks; only that is read.
        """
        part = selection.check_part(offset, limit)
        return self._reader.index("all", selection.check_fields(fields), part)

    def fetch_queued_tasks(
        self,
        *,
        fields: Sequence[Field] = DEFAULT_FIELDS,
        offset: int = 0,
        limit: int | None = None,
    ) -> pl.DataFrame:
        """Fetch the queued tasks, the next one first; columns and parts as in `fetch_tasks`."""
        part = selection.check_part(offset, limit)
        return self._reader.index("queue", selection.check_fields(fields), part)

    def fetch_running_tasks(
        self,
        *,
        fields: Sequence[Field] = DEFAULT_FIELDS,
        offset: int = 0,
        limit: int | None = None,
    ) -> pl.DataFrame:
        """Fetch the running tasks, the oldest first; columns and parts as in `fetch_tasks`."""
        part = selection.check_part(offset, limit)
        return self._reader.index("running", selection.check_fields(fields), part)

    def fetch_finished_tasks(
        self,
        *,
        fields: Sequence[Field] = DEFAULT_FIELDS,
        offset: int = 0,
        limit: int | None = None,
    ) -> pl.DataFrame:
        """Fetch the finished tasks in the order of finishing, with the columns of `fetch_tasks`.

        Each is read from Redis only once, and kept; a part of them is read anew and not kept.
        """
        part, wanted = selection.check_part(offset, limit), selection.check_fields(fields)
        if part != selection.WHOLE:
            return self._reader.index("finished", wanted, part)
        return self._reader.finished(wanted)

    def fetch_failed_tasks(
        self,
        *,
        fields: Sequence[Field] = DEFAULT_FIELDS,
        offset: int = 0,
        limit: int | None = None,
    ) -> pl.DataFrame:
        """Fetch the failed tasks in the order of failing; columns and parts as in `fetch_tasks`."""
        part = selection.check_part(offset, limit)
        return self._reader.index("failed", selection.check_fields(fields), part)

    def fetch_tasks_with_state(
        self,
        *,
        states: selection.States = selection.STATES,
        fields: Sequence[Field] = DEFAULT_FIELDS,
    ) -> pl.DataFrame:
        """Fetch tasks of several states, with a column "state" after key; no task appears twice."""
        return self._reader.with_states(
            selection.check_states(states), selection.check_fields(fields)
        )

    def fetch_new_tasks(
        self, *, fields: Sequence[Field] = DEFAULT_FIELDS, timeout: float = 0.0
    ) -> pl.DataFrame:
        """Fetch the tasks that have finished since the last call of this method.

        Columns as in `fetch_tasks`. Waits up to `timeout` seconds for the first one. Only this
        method moves its mark.
        """
        seconds = check_seconds("timeout", timeout)
        return self._reader.new(selection.check_fields(fields), seconds or 0.0)

    def read_tasks(self, keys: Sequence[str]) -> list[TaskRecord[X, Y, XE, YE]]:
        """Read tasks as typed records, in the order of the keys.

        Raises UnknownTaskError where a key belongs to no task of this network.
        """
        keys = selection.check_keys(keys)
        columns = self._store.indexes.read_hashes(keys, RECORD_FIELDS)
        missing = [key for key, state in zip(keys, columns["state"], strict=True) if not state]
        if missing:
            raise selection.unknown_tasks(self._network_id, missing)
        return self._packer.records(keys, columns)

    def reset_cache(self) -> None:
        """Forget the finished tasks that were fetched; the next fetch reads them again."""
        self._reader.reset_cache()

    def wait_for_tasks(
        self,
        keys: Sequence[str],
        *,
        timeout: float | None = None,
        detect_lost_workers: bool = False,
        progress: bool = False,
    ) -> None:
        """Wait until the tasks are finished or failed, or no worker is left to see to them.

        A Network also waits for workers that it has started and that have yet to register.
        `progress` shows a bar on standard error, lines now and then where that is no terminal.
        Raises WaitTimeoutError after `timeout` seconds, UnknownTaskError for keys of no task.
        """
        keys = selection.check_keys(keys)
        seconds = check_seconds("timeout", timeout)
        waiter = Waiter(self._store, keys)
        with progress_display(self._network_id, wanted=progress) as display:
            waiter.wait(seconds, self._watch(detect_lost_workers), display)

    def is_running_task(self, keys: Sequence[str]) -> list[bool]:
        """Tell of each key whether its task runs; False also where there is no such task."""
        return self._is_in(keys, TaskState.RUNNING)

    def is_failed_task(self, keys: Sequence[str]) -> list[bool]:
        """Tell of each key whether its task has failed; False also where there is no such task."""
        return self._is_in(keys, TaskState.FAILED)

    def tasks_with_state(
        self, states: selection.States = selection.STATES
    ) -> dict[TaskState, list[str]]:
        """List the keys of the tasks in each of these states, all at one instant.

        Beyond 50,000 in one state it takes several: no task twice, one retried meanwhile maybe not.
        """
        wanted = selection.check_states(states)
        _, keys = self._store.indexes.snapshot([selection.INDEXES[state] for state in wanted])
        return dict(zip(wanted, keys, strict=True))

    def write_hashes(
        self, *, keys: Sequence[str] | None = None, **fields: Sequence[object] | None
    ) -> list[str]:
        """Write values to the fields of hashes, which need not be tasks; return their keys.

        Each field takes a list with one value for each hash, or one that serves all; None is left
        out. Without keys new hashes are made. What transitions write to tasks is refused.
        """
        return self._hashes.write(keys, fields)

    def read_hashes(
        self,
        keys: Sequence[str],
        fields: Sequence[str],
        flatten: bool = True,  # noqa: FBT001, FBT002 - as in R's rush
    ) -> list[dict[str, object]]:
        """Read fields of hashes; flattened, the values of models stand in place of their field."""
        read = self._hashes.read_flat if flatten else self._hashes.read
        return read(keys, fields)

    def read_hash(self, key: str, fields: Sequence[str]) -> dict[str, object]:
        """Read fields of one hash; a field that it lacks is None."""
        return self._hashes.read([key], fields)[0]

    @property
    def worker_info(self) -> pl.DataFrame:
        """The workers, a row each.

        Columns worker_id, state, pid, hostname, version, heartbeat (whether its lease is held),
        started_at and ended_at in UTC, and reason, which says why it ended.
        """
        return self._reader.workers()

    def _watch(self, detect_lost_workers: bool) -> Watch:  # noqa: ARG002, FBT001 - a Network does
        """Return how to look after workers while waiting."""
        return Watch(SLICE, list, lambda: True)

    def _pack(
        self, xss: Sequence[X], xss_extra: Sequence[XE | Mapping[str, object]] | None
    ) -> tuple[list[bytes], list[bytes]]:
        self._membership.join()
        packed = self._packer.xss(xss)
        return packed, self._packer.extras("xs_extra", xss_extra, len(packed))

    def _is_in(self, keys: Sequence[str], state: TaskState) -> list[bool]:
        states = self._store.indexes.read_hashes(selection.check_keys(keys), ["state"])["state"]
        return [found == state.value.encode() for found in states]

    def _settled(self, keys: Sequence[str], moved: Sequence[int], what: str) -> list[str]:
        """Return the keys that were moved; warn of the others, raise for those of no task."""
        self._membership.check_known(keys, moved)
        if 0 in moved:
            left = [key for key, outcome in zip(keys, moved, strict=True) if outcome == 0]
            logger.warning("{} tasks could not be {}: {}", len(left), what, left[:3])
        return selection.moved_keys(keys, moved)

    def __getstate__(self) -> dict[str, object]:
        kept = ("_network_id", "_endpoint", "_retry_timeout")  # and what a subclass has set
        return {name: vars(self)[name] for name in vars(self) if name in kept or name[0] != "_"}

    def __setstate__(self, state: dict[str, object]) -> None:
        vars(self).update(state)
        self._open()
        self._membership.join()
