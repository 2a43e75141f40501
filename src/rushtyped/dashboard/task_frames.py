"""Frames of a network's tasks, of all states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, NamedTuple

import polars as pl

from rushtyped import Field, Network, TaskState
from rushtyped.dashboard.lookout import Lookout
from rushtyped.dashboard.paced import Pacer
from rushtyped.dashboard.tables import Order, order_of
from rushtyped.dashboard.view import View
from rushtyped.dashboard.watched import ALL_FIELDS, Watched
from rushtyped.frames import concat_frames

Choice = Literal["all"] | TaskState

SERVER_SHARE = 0.02
"""Share of the server's time that reading the tasks of a state again may take."""
UNFINISHED = (TaskState.QUEUED, TaskState.RUNNING, TaskState.FAILED)
STATE = pl.Enum([state.value for state in TaskState])
_PARTS: dict[Choice, Callable[..., pl.DataFrame]] = {
    "all": Network.fetch_tasks,
    TaskState.QUEUED: Network.fetch_queued_tasks,
    TaskState.RUNNING: Network.fetch_running_tasks,
    TaskState.FAILED: Network.fetch_failed_tasks,
}


class Rows(NamedTuple):
    """Some rows of a table, and how many it has."""

    frame: pl.DataFrame
    total: int


class _Unfinished(NamedTuple):
    """Tasks that are not finished, as they were when so many others were."""

    frame: pl.DataFrame
    n_finished: int


class NetworkTasks:
    """The tasks of one watched network: finished ones by its view, others read when asked for.

    What others is read as a whole is as old as it takes not to burden the server.
    """

    def __init__(self, lookout: Lookout, watched: Watched, view: View, pacer: Pacer) -> None:
        self.lookout = lookout
        self.watched = watched
        self.view = view
        self.pacer = pacer

    def finished(self) -> pl.DataFrame:
        """Return the finished tasks, with their state."""
        return _with_state(self.view.finished, TaskState.FINISHED)

    async def unfinished(
        self, states: Sequence[TaskState], fields: Sequence[Field] = ALL_FIELDS
    ) -> pl.DataFrame:
        """Return the tasks of some other states, with their state; none that has finished since."""
        wanted = [state for state in states if getattr(self.view.progress, state.value)]
        if not wanted:
            nothing = self.view.finished.clear()
            kept = [name for name in nothing.columns if self._is_of(name, fields)]
            return _with_state(nothing.select(kept), states[0])
        read = partial(self.lookout.in_thread, partial(self._read, wanted, fields))
        key = ("unfinished", *wanted, *fields)
        found = await self.pacer.get(key, self.view.version, read, share=SERVER_SHARE)
        since = self.view.finished["key"][found.n_finished :]
        if since.is_empty():
            return found.frame
        return found.frame.filter(~pl.col("key").is_in(since.to_list()))

    async def newest_failed(self, n: int, fields: Sequence[Field]) -> pl.DataFrame:
        """Return the tasks that failed last, the newest at the end."""
        first = max(0, self.view.progress.failed - n)
        read = partial(self._part, TaskState.FAILED, first, n, fields)
        key = ("newest failed", n, *fields)
        made = partial(self.lookout.in_thread, read)
        return await self.pacer.get(key, self.view.version, made, share=SERVER_SHARE)

    async def all(self) -> pl.DataFrame:
        """Return the tasks of all states."""
        others = await self.unfinished(UNFINISHED)
        return concat_frames([self.finished(), others])

    async def rows(
        self, choice: Choice, order: tuple[str, bool, str], offset: int, limit: int
    ) -> Rows:
        """Return a window of a table: sorted by a column, falling or not, filtered by a text."""
        by, falling, wanted = order
        if choice is not TaskState.FINISHED and not by and not wanted:
            states = list(TaskState) if choice == "all" else [choice]
            read = partial(self._part, choice, offset, limit, ALL_FIELDS)
            frame = self._aligned(await self.lookout.in_thread(read))
            return Rows(frame, sum(getattr(self.view.progress, state.value) for state in states))
        found = await self._order(choice, by, wanted, falling=falling)
        return Rows(found.window(offset, limit), found.total)

    async def _order(self, choice: Choice, by: str, wanted: str, *, falling: bool) -> Order:
        """Put the tasks of a choice in order; all of them by creation, unless told otherwise."""
        by = by or ("created_at" if choice == "all" else "")

        async def make() -> Order:
            frame = self._aligned(await self._of(choice))
            return await self.lookout.in_thread(
                partial(order_of, frame, by, wanted, falling=falling)
            )

        key = ("order", choice, by, wanted, falling)
        return await self.pacer.get(key, self.view.version, make)

    async def _of(self, choice: Choice) -> pl.DataFrame:
        if choice == "all":
            return await self.all()
        if choice is TaskState.FINISHED:
            return self.finished()
        return await self.unfinished([choice])

    def _aligned(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give a table the columns of all tasks, so that its windows have the same ones."""
        known = {**self.view.finished.schema, **self.watched.columns, **frame.schema}
        self.watched.columns = dict(known)
        names = ["key", "state", *(name for name in known if name not in {"key", "state"})]
        return frame.select(
            name if name in frame.columns else pl.lit(None, known[name]).alias(name)
            for name in names
        )

    def _is_of(self, name: str, fields: Sequence[Field]) -> bool:
        return name == "key" or self.view.groups.get(name) in fields or name in fields

    def _read(self, states: Sequence[TaskState], fields: Sequence[Field]) -> _Unfinished:
        n_finished = self.view.finished.height
        frame = self.watched.network.fetch_tasks_with_state(states=states, fields=fields)
        return _Unfinished(frame, n_finished)

    def _part(
        self, choice: Choice, offset: int, limit: int, fields: Sequence[Field]
    ) -> pl.DataFrame:
        """Read only a window of the tasks, in the order in which the server lists them."""
        network = self.watched.network
        frame = _PARTS[choice](network, fields=fields, offset=offset, limit=limit)
        if choice != "all":
            return _with_state(frame, choice)
        hashes = network.read_hashes(frame["key"].to_list(), ["state"], flatten=False)
        return frame.insert_column(1, pl.Series("state", [row["state"] for row in hashes], STATE))


def _with_state(frame: pl.DataFrame, state: TaskState) -> pl.DataFrame:
    """Put the state behind the key."""
    column = pl.Series("state", [state.value], dtype=STATE).new_from_index(0, frame.height)
    return frame.clone().insert_column(1, column)
