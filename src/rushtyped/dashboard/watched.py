"""One network that somebody looks at: one thread looks for all."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

import polars as pl
from loguru import logger

from rushtyped import Extra, Field, Network, RushTypedError, UnknownNetworkError, Xs, Ys
from rushtyped.dashboard.view import View, best_of, continues, first_numeric

OpenNetwork = Network[Xs, Ys, Extra, Extra]
Bell = Callable[[], None]

ALL_FIELDS: tuple[Field, ...] = (
    *("xs", "ys", "xs_extra", "ys_extra", "worker_id", "condition", "times"),
)
PERIOD = 1.0
"""Least seconds between two refreshes."""
IDLE = 5.0
"""Most seconds between two refreshes."""
LINGER = 60.0
"""Seconds after the last look until the thread ends."""
_SLICE = 1.0  # seconds that the thread is blocked at most, and cannot be told to end
_GROUPS: tuple[Field, ...] = ("xs", "ys", "xs_extra", "ys_extra", "worker_id", "times")


class Watched:
    """A network as a thread sees it, which refreshes a `View` after changes.

    The thread sends a few commands for each refresh, however many tasks have changed and however
    many pages look. It ends by itself when nobody has looked for a while, or the network is gone.
    """

    def __init__(self, network: OpenNetwork, reopen: Callable[[], OpenNetwork]) -> None:
        self.network: OpenNetwork = network
        self.view: View | None = None
        self.trouble: RushTypedError | None = None
        """Why the view is not up to date, as long as it is not."""
        self.columns: dict[str, pl.DataType] = {}
        """All columns that tasks were seen to have: those of free-form extras come with tasks."""
        self._reopen = reopen
        self._bells: set[Bell] = set()
        self._looked_at = time.monotonic()
        self._stopping = threading.Event()
        self._first = threading.Event()
        self._over = threading.Event()
        self._schemas: object = None
        self._thread = threading.Thread(target=self._run, name=self.thread_name, daemon=True)
        self._thread.start()

    @property
    def thread_name(self) -> str:
        """Name of the thread that looks."""
        return f"watching {self.network.network_id}"

    @property
    def is_over(self) -> bool:
        """Whether no thread looks any more."""
        return self._over.is_set()

    @property
    def has_begun(self) -> bool:
        """Whether it is known what there is to look at, or why not."""
        return self._first.is_set()

    def wait(self) -> None:
        """Block until it has begun."""
        self._first.wait()

    def look(self) -> View:
        """Return the newest view; raise what keeps it from being up to date."""
        self._looked_at = time.monotonic()
        if self.trouble is not None:
            raise self.trouble.with_traceback(None)
        if self.view is None:
            raise UnknownNetworkError(f"network {self.network.network_id!r} is not looked at")
        return self.view

    @contextlib.contextmanager
    def rung(self, bell: Bell) -> Iterator[None]:
        """Have a function called after each refresh, in the thread; it must be quick."""
        self._bells.add(bell)
        try:
            yield
        finally:
            self._looked_at = time.monotonic()
            self._bells.discard(bell)

    def stop(self) -> None:
        """Have the thread end soon, and ring for the last time."""
        self._stopping.set()
        self._ring()

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to end."""
        return self._stopping.is_set()

    def _run(self) -> None:
        try:
            while self._is_wanted() and not isinstance(self.trouble, UnknownNetworkError):
                self._refresh_and_wait()
            with contextlib.suppress(RushTypedError):
                self.network.__exit__(None, None, None)
        finally:
            self._over.set()
            self._first.set()
            self._ring()

    def _refresh_and_wait(self) -> None:
        """Look once, and wait until there may be something new; note what stands in the way."""
        began = time.monotonic()
        try:
            self._refresh()
            self._wait(began)
        except RushTypedError as error:
            self._note(error)
            self._stopping.wait(PERIOD)
        except Exception as error:  # noqa: BLE001 - whoever looks is told, and it goes on
            logger.exception("A refresh of network {} failed", self.network.network_id)
            self._note(RushTypedError(f"{type(error).__name__}: the log says more"))
            self._stopping.wait(IDLE)

    def _is_wanted(self) -> bool:
        if self._stopping.is_set():
            return False
        return bool(self._bells) or time.monotonic() - self._looked_at < LINGER

    def _refresh(self) -> None:
        """Make a new view where something has changed, and ring."""
        self._check_schemas()
        progress = self.network.progress
        before = self.view
        if before is not None and before.progress[:-1] == progress[:-1]:
            self._publish(before)
            return
        finished = self.network.fetch_finished_tasks(fields=ALL_FIELDS)
        groups = self._groups(before, finished.columns)
        xs, ys = ([name for name, of in groups.items() if of == group] for group in ("xs", "ys"))
        y = first_numeric(finished, ys)
        if before is not None and continues(finished, before.finished):
            new = finished.slice(before.finished.height)
            best = best_of(before.best.vstack(new), y)
        else:
            best = best_of(finished, y)
        version = 1 if before is None else before.version + 1
        self._publish(View(version, progress, finished, groups, xs, ys, best))

    def _check_schemas(self) -> None:
        """Open the network anew where it was made anew, or has more columns than it had."""
        schemas = self.network.schemas
        if self._schemas not in (None, schemas):
            old, self.network = self.network, self._reopen()
            self.columns = {}
            old.__exit__(None, None, None)
        self._schemas = schemas

    def _groups(self, before: View | None, columns: list[str]) -> dict[str, str]:
        """Tell which field each column belongs to; asked for anew when columns have come."""
        if before is not None and before.finished.columns == columns:
            return before.groups
        found: dict[str, str] = {}
        for group in _GROUPS:
            of = self.network.fetch_finished_tasks(fields=[group]).columns
            found |= {name: group for name in of if name != "key"}
        return found

    def _publish(self, view: View) -> None:
        self.view, self.trouble = view, None
        self._first.set()
        self._ring()

    def _note(self, error: RushTypedError) -> None:
        self.trouble = error
        self._first.set()
        self._ring()

    def _ring(self) -> None:
        for bell in tuple(self._bells):
            bell()

    def _wait(self, began: float) -> None:
        """Block until something has changed, and at least until the next refresh is due."""
        view = self.view
        event = view.progress.event if view else None
        while self._is_wanted() and time.monotonic() - began < IDLE:
            newest = self.network.wait_for_change(event, timeout=_SLICE)
            if newest != event:
                break
        self._stopping.wait(max(0.0, began + PERIOD - time.monotonic()))
