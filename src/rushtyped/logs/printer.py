"""The records of workers, printed where their network is watched."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, timedelta

import loguru
from loguru import logger

from rushtyped.arguments import check_names
from rushtyped.log_store import LogStore
from rushtyped.logs.emit import log_as
from rushtyped.wire import LogRecord


class LogPrinter:
    """Re-emits the records of workers through the local loguru logger, each once."""

    def __init__(self, log_store: LogStore) -> None:
        self._log_store = log_store
        self._printed: dict[str, int] = {}

    def print_new(self, worker_ids: Sequence[str] | None = None) -> int:
        """Print what was logged since the last call, in order of time; return how much.

        Records have `worker_id` bound. Raises CorruptDataError for what cannot be read.
        """
        chosen = None if worker_ids is None else check_names("worker_ids", worker_ids)
        counts = self._log_store.counts()
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
                unpack = self._log_store.unpack
                new += [(worker_id, unpack(worker_id, data)) for data in records]
        return new, printed

    def _n_new(self, worker_id: str, count: int) -> int:
        printed = self._printed.get(worker_id, 0)
        return count - printed if count >= printed else count  # fewer: the network was reset


def _print(worker_id: str, record: LogRecord) -> None:
    function, _, line = record.caller.rpartition(":")
    fields = {
        "name": record.logger,
        "function": function,
        "line": int(line) if line.isdecimal() else 0,
    }

    def retime(emitted: loguru.Record) -> None:
        epoch = type(emitted["time"])(1970, 1, 1, tzinfo=UTC)  # loguru formats its own type only
        emitted["time"] = (epoch + timedelta(microseconds=record.timestamp)).astimezone()

    message = "\n".join(part for part in (record.message, record.exception) if part)
    target = logger.bind(worker_id=worker_id).patch(retime)
    log_as(target, record.level, record.number, message.rstrip("\n"), fields)
