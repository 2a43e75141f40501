"""The records of workers, printed where their network is watched."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, timedelta

import loguru
from loguru import logger

from rushtyped.arguments import check_names
from rushtyped.log_store import LogStore
from rushtyped.logs.emit import log_as
from rushtyped.printable import excerpt, one_entry, printable
from rushtyped.wire import LogRecord

_LONGEST_NUMBER = 10


class LogPrinter:
    """Re-emits the records of workers through the local loguru logger, each once."""

    def __init__(self, log_store: LogStore) -> None:
        self._log_store = log_store
        self._printed: dict[str, int] = {}
        self._epoch: bytes | None = b""  # before it was asked for

    def print_new(self, worker_ids: Sequence[str] | None = None) -> int:
        """Print what was logged since the last call, in order of time; return how much.

        Records have `worker_id` bound. What cannot be read is left out, with a warning.
        """
        chosen = None if worker_ids is None else check_names("worker_ids", worker_ids)
        counts = self._log_store.counts()
        if self._epoch == b"" or any(n < self._printed.get(each, 0) for each, n in counts.items()):
            self._note_reset()
        ids = counts if chosen is None else list(dict.fromkeys(chosen))
        new, printed = self._read_new({each: counts.get(each, 0) for each in ids})
        new.sort(key=lambda pair: pair[1].timestamp)
        self._printed |= printed
        for worker_id, record in new:
            _print(worker_id, record)
        return len(new)

    def _read_new(
        self, counts: dict[str, int]
    ) -> tuple[list[tuple[str, LogRecord]], dict[str, int]]:
        """Read what is new of workers, and the counts up to which that is."""
        new: list[tuple[str, LogRecord]] = []
        printed: dict[str, int] = {}
        while counts:
            wanted = {each: n for each, count in counts.items() if (n := self._n_new(each, count))}
            counts = {}
            for worker_id, (count, records) in self._log_store.read_newest(wanted).items():
                n_new = self._n_new(worker_id, count)
                if n_new > wanted[worker_id] == len(records):
                    counts[worker_id] = count  # more has come meanwhile, before what was read
                    continue
                printed[worker_id] = count
                readable = self._log_store.readable(worker_id, records)
                new += [(worker_id, record) for record in readable]
        return new, printed

    def _n_new(self, worker_id: str, count: int) -> int:
        # fewer, where the server went back: its worker goes on to count from what it had written
        return max(0, count - self._printed.get(worker_id, 0))

    def _note_reset(self) -> None:
        """Begin anew where the network was reset."""
        epoch = self._log_store.store.epoch()
        if epoch != self._epoch:
            self._printed.clear()
            self._epoch = epoch


def _print(worker_id: str, record: LogRecord) -> None:
    function, _, line = record.caller.rpartition(":")
    fields = {
        "name": excerpt(record.logger),
        "function": excerpt(function),
        "line": int(line) if line.isdecimal() and len(line) < _LONGEST_NUMBER else 0,
    }

    def retime(emitted: loguru.Record) -> None:
        epoch = type(emitted["time"])(1970, 1, 1, tzinfo=UTC)  # loguru formats its own type only
        emitted["time"] = (epoch + timedelta(microseconds=record.timestamp)).astimezone()

    message = printable(record.message.rstrip("\n"))
    if record.exception:
        message = one_entry("\n".join((message, record.exception.rstrip("\n"))))
    target = logger.bind(worker_id=printable(worker_id)).patch(retime)
    log_as(target, excerpt(record.level), record.number, message, fields)
