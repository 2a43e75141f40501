"""The logs of a network's workers: written and read as bytes, one record each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from loguru import logger
from pydantic import ValidationError

from rushtyped.channel import Command
from rushtyped.codec.free import UNREADABLE, unpack_plain, why
from rushtyped.codec.model import explain
from rushtyped.errors import CorruptDataError, ServerUnreachableError
from rushtyped.lua import load_script
from rushtyped.store import Store
from rushtyped.wire import LogRecord


class LogEnd(NamedTuple):
    """The newest records of one worker's log, oldest first."""

    n_written: int
    """How many records the worker had ever written when they were read."""
    records: list[bytes]


class LogStore:
    """The logs of one network."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def push(self, worker_id: str, last_number: int, limit: int, records: Sequence[bytes]) -> int:
        """Append records to a worker's log and keep the newest `limit` of it.

        `last_number` counts the last of them among all that the worker ever wrote: a repeat, whose
        number is not above what is stored, writes nothing. Returns the number that is stored.
        Asks the server only once; another try after a failure uses a new connection.
        """
        keys, channel = self.store.keys, self.store.channel
        names = (keys.meta, keys.worker(worker_id).log, keys.logs)
        arguments: Command = (worker_id, last_number, limit, *records)
        try:
            stored = channel.run_once(load_script("push_log"), len(names), *names, *arguments)
        except ServerUnreachableError:
            channel.renew()
            raise
        return int(stored)

    def counts(self) -> dict[str, int]:
        """Count the records that each worker ever wrote; those without any are left out."""
        flat = self.store.channel.call("HGETALL", self.store.keys.logs)
        return {
            worker_id.decode(errors="backslashreplace"): _number(count)
            for worker_id, count in zip(flat[::2], flat[1::2], strict=True)
        }

    def read(self, worker_ids: Sequence[str]) -> list[list[bytes]]:
        """Read the whole logs of workers in one round trip; an unknown one's is empty."""
        if not worker_ids:
            return []
        return self.store.channel.pipeline([self._range(each, 0) for each in worker_ids])

    def read_newest(self, numbers: Mapping[str, int]) -> dict[str, LogEnd]:
        """Read so many of the newest records of each worker, all at one instant."""
        if not numbers:
            return {}
        ranges = [self._range(worker_id, -number) for worker_id, number in numbers.items()]
        counts = ("HMGET", self.store.keys.logs, *numbers)
        commands = [("MULTI",), counts, *ranges, ("EXEC",)]
        written, *logs = self.store.channel.pipeline(commands)[-1]
        return {
            worker_id: LogEnd(_number(count), records)
            for worker_id, count, records in zip(numbers, written, logs, strict=True)
        }

    def readable(self, worker_id: str, log: Sequence[bytes]) -> list[LogRecord]:
        """Unpack the records of a worker's log that can be read, and warn of the others."""
        records: list[LogRecord] = []
        problem: CorruptDataError | None = None
        for data in log:
            try:
                records.append(self.unpack(worker_id, data))
            except CorruptDataError as error:
                problem = problem or error
        if problem is not None:
            n = len(log) - len(records)
            logger.warning("{} records of a log are left out: {}", n, problem)
        return records

    def unpack(self, worker_id: str, data: bytes) -> LogRecord:
        """Unpack a record of a worker's log; raise CorruptDataError for anything else."""
        try:
            return LogRecord.model_validate(unpack_plain(data), strict=True)
        except UNREADABLE as error:
            reason = why(error)
            if isinstance(error, ValidationError):
                reason = explain(LogRecord, error)
            raise CorruptDataError(
                f"{self.store.keys.worker(worker_id).log!r} holds a log record that cannot be "
                f"read: {reason}. Another program wrote it: delete the key"
            ) from error

    def _range(self, worker_id: str, first: int) -> Command:
        return "LRANGE", self.store.keys.worker(worker_id).log, first, -1


def _number(count: bytes | None) -> int:
    """Read how many records there are; what is no such number counts as none."""
    return int(count) if count and len(count) < 19 and count.isdigit() else 0
