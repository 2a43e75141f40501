"""The way of a worker's records to Redis: buffered, patient, and never in the way."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Iterator

import loguru
from loguru import logger

from rushtyped.index_store import CHUNK
from rushtyped.log_store import LogStore
from rushtyped.logs.records import ERROR, WARNING, pack_note, pack_record
from rushtyped.store import CHUNK_BYTES

DEFAULT_LOG_LIMIT = 10_000
"""Records that are kept of one worker."""
MOST_WAITING = 10_000
"""Records that wait, at most, for a server that does not answer; the newest are kept."""
RETRY_PAUSE = 1.0
"""Seconds between two tries to send records to a server that did not take them."""


class LogSink:
    """Writes the records of one worker to Redis; what loguru's `logger.add` takes.

    Up to `buffer_size` records are held back; they are sent when there are so many, at an ERROR
    and by `close`. While the server does not answer they wait, and are tried again with the next
    record, at most once a second. Nothing is raised. A forked child writes nothing: its records
    would have the numbers of its parent's.
    """

    def __init__(
        self,
        log_store: LogStore,
        worker_id: str,
        *,
        buffer_size: int = 0,
        limit: int = DEFAULT_LOG_LIMIT,
    ) -> None:
        self._log_store = log_store
        self._worker_id = worker_id
        self._buffer_size = buffer_size
        self._limit = limit
        self._waiting: deque[bytes] = deque()
        self._batch: list[bytes] = []  # may have arrived: it is repeated as it is
        self._n_written: int | None = None
        self._n_dropped = 0
        self._fails = False
        self._next_try = float("-inf")
        self._pid = os.getpid()
        self._lock = threading.RLock()  # a signal may come at any time
        self._busy_thread: int | None = None

    @property
    def is_busy_here(self) -> bool:
        """Whether this thread is in the sink: what it logs then is about the sink itself."""
        return self._busy_thread == threading.get_ident()

    def write(self, message: loguru.Message) -> None:
        """Take a record from loguru."""
        if os.getpid() != self._pid or self.is_busy_here:
            return
        with self._alone():
            self._waiting.append(pack_record(message.record))
            full = len(self._waiting) >= self._buffer_size
            urgent = self._fails or message.record["level"].no >= ERROR
            if (full or urgent) and time.monotonic() >= self._next_try:
                self._send()
            while len(self._waiting) > max(MOST_WAITING, self._buffer_size):
                self._waiting.popleft()
                self._n_dropped += 1

    def stop(self) -> None:
        """Close, when loguru removes the sink or the process exits."""
        self.close()

    def close(self) -> None:
        """Send what is held back; what the server does not take now is lost, and counted."""
        if os.getpid() != self._pid or self.is_busy_here:
            return
        with self._alone():
            if self._send() or self._send():  # the connection alone may have been lost
                return
            n_lost = len(self._batch) + len(self._waiting) + self._n_dropped
            logger.error("{} log records of worker {} are lost", n_lost, self._worker_id)
            self._waiting.clear()
            self._batch, self._n_dropped = [], 0

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with self._lock:
            self._busy_thread = threading.get_ident()
            try:
                yield
            finally:
                self._busy_thread = None

    def _send(self) -> bool:
        """Send all that waits; False where the server does not take it."""
        try:
            while self._fill_batch():
                self._send_batch()
        except Exception as error:  # noqa: BLE001 - a log must not stop its worker
            self._next_try = time.monotonic() + RETRY_PAUSE
            if not self._fails:
                logger.warning("Log records of worker {} wait: {}", self._worker_id, error)
            self._fails = True
            return False
        self._fails = False
        return True

    def _fill_batch(self) -> bool:
        """Take what one call sends, unless a batch is under way; False where nothing waits."""
        if self._batch:
            return True
        if self._n_dropped:
            text = f"{self._n_dropped} log records were dropped: the server did not answer"
            self._batch.append(pack_note(WARNING, "WARNING", text))
            self._n_dropped = 0
        size = 0
        while self._waiting and len(self._batch) < CHUNK and size < CHUNK_BYTES:
            self._batch.append(self._waiting.popleft())
            size += len(self._batch[-1])
        return bool(self._batch)

    def _send_batch(self) -> None:
        if self._n_written is None:  # an earlier process may have had the same worker id
            self._n_written = self._log_store.push(self._worker_id, 0, self._limit, ())
        number = self._n_written + len(self._batch)
        stored = self._log_store.push(self._worker_id, number, self._limit, self._batch)
        self._n_written = stored
        if stored == number:
            self._batch = []  # else another process has used the numbers: send it once more
