"""What a network's indexes list and its task hashes hold: reads only, bytes out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Literal, NamedTuple, TypeVar

from rushtyped.channel import Channel
from rushtyped.errors import ServerError
from rushtyped.keys import NetworkKeys
from rushtyped.lua import load_script

CHUNK = 1000
"""Tasks that one script call handles: a few milliseconds in which the server serves no other."""
PAGE = 4000
"""Tasks that one bulk read returns."""
SCORE_SLACK = 1_000_000
"""Microseconds by which the scores of tasks that failed together may run ahead of the clock."""

Index = Literal["all", "queue", "running", "finished", "failed"]
Columns = dict[str, list[bytes | None]]
Value = str | bytes | int | float
T = TypeVar("T")

_SORT_REFUSALS = ("of SORT denied", "'sort' command")
_SORTED = ("running", "failed")


class Page(NamedTuple):
    """Some finished tasks, read in one step with what tells whether a cache still holds."""

    epoch: bytes
    n_finished: int
    columns: Columns


class IndexStore:
    """The tasks of one network, by the index that lists them."""

    def __init__(self, channel: Channel, keys: NetworkKeys) -> None:
        self.channel = channel
        self.keys = keys
        self._sort_is_refused = False

    def count(self, index: Index) -> int:
        """Count the tasks of an index."""
        command = "ZCARD" if index in _SORTED else "LLEN"
        return int(self.channel.call(command, getattr(self.keys, index)))

    def task_keys(self, index: Index) -> list[str]:
        """List the keys of an index, in its order."""
        return texts(self.channel.call(*self._listing(index)))

    def snapshot(self, indexes: Sequence[Index]) -> tuple[int, list[list[str]]]:
        """Count the finished tasks and list the keys of indexes, all at one instant."""
        listings = [self._listing(index) for index in indexes]
        commands = [("MULTI",), ("LLEN", self.keys.finished), *listings, ("EXEC",)]
        n_finished, *keys = self.channel.pipeline(commands)[-1]
        return n_finished, [texts(listed) for listed in keys]

    def read_index(self, index: Index, fields: Sequence[str]) -> Columns:
        """Read fields of all tasks of an index, with their keys, in its order."""
        columns = self._read_page(index, 0, fields)
        if len(columns["key"]) < PAGE:
            return columns
        # more than one page: the index may change between two, so hold on to its keys
        keys = self.channel.call(*self._listing(index))
        return {"key": keys, **self.read_hashes(keys, fields)}

    def read_finished(self, offset: int, fields: Sequence[str]) -> Page:
        """Read a page of finished tasks, from an offset in the order of finishing."""
        commands = (
            ("HGET", self.keys.meta, "epoch"),
            ("LLEN", self.keys.finished),
            self._sort("finished", offset, fields),
        )
        if not self._sort_is_refused:
            try:
                epoch, n_finished, values = self.channel.pipeline(commands)
                return Page(epoch, n_finished, _columns(values, ("key", *fields)))
            except ServerError as error:
                self._note_refusal(error)
        epoch, n_finished = self.channel.pipeline(commands[:2])
        return Page(epoch, n_finished, self._read_page("finished", offset, fields))

    def _read_page(self, index: Index, offset: int, fields: Sequence[str]) -> Columns:
        if not self._sort_is_refused:
            try:
                values = self.channel.call(*self._sort(index, offset, fields))
                return _columns(values, ("key", *fields))
            except ServerError as error:
                self._note_refusal(error)
        keys = self.channel.call(*self._listing(index, offset, offset + PAGE - 1))
        return {"key": keys, **self.read_hashes(keys, fields)}

    def _note_refusal(self, error: ServerError) -> None:
        """Remember that SORT, or its patterns, are not for this server or user; raise the rest."""
        if not any(refusal in str(error) for refusal in _SORT_REFUSALS):
            raise error
        self._sort_is_refused = True

    def _sort(self, index: Index, offset: int, fields: Sequence[str]) -> tuple[Value, ...]:
        patterns = chain.from_iterable(("GET", self.keys.task_field(field)) for field in fields)
        name = getattr(self.keys, index)
        return "SORT", name, "BY", "nosort", "LIMIT", offset, PAGE, "GET", "#", *patterns

    def _listing(self, index: Index, first: int = 0, last: int = -1) -> tuple[Value, ...]:
        command = "ZRANGE" if index in _SORTED else "LRANGE"
        return command, getattr(self.keys, index), first, last

    def read_hashes(self, task_keys: Sequence[str | bytes], fields: Sequence[str]) -> Columns:
        """Read fields of hashes, in the order of the keys; None where a field is missing."""
        values: list[bytes | None] = []
        for chunk in chunks(task_keys if fields else ()):
            values += self.channel.run(
                load_script("read_hashes"), 0, self.keys.prefix, len(fields), *fields, *chunk
            )
        return _columns(values, fields)

    def settled_mark(self) -> tuple[bytes, int, float]:
        """Epoch, number of finished tasks and newest score of the failed ones, to look on from."""
        epoch, n_finished, newest = self.channel.pipeline(
            (
                ("HGET", self.keys.meta, "epoch"),
                ("LLEN", self.keys.finished),
                ("ZRANGE", self.keys.failed, -1, -1, "WITHSCORES"),
            )
        )
        return epoch, n_finished, float(newest[1]) if newest else 0.0

    def settled_since(
        self, n_finished: int, failed_at: float
    ) -> tuple[bytes, list[str], list[tuple[str, float]], int]:
        """Epoch, keys that finished, keys that failed with their score, and running workers."""
        epoch, finished, failed, n_workers = self.channel.pipeline(
            (
                ("HGET", self.keys.meta, "epoch"),
                ("LRANGE", self.keys.finished, n_finished, -1),
                ("ZRANGEBYSCORE", self.keys.failed, failed_at - SCORE_SLACK, "+inf", "WITHSCORES"),
                ("SCARD", self.keys.running_workers),
            )
        )
        scores = (float(score) for score in failed[1::2])
        failures = list(zip(texts(failed[::2]), scores, strict=True))
        return epoch, texts(finished), failures, n_workers


def chunks(items: Sequence[T], most: int | None = None) -> Iterator[Sequence[T]]:
    """Cut into pieces of what one script call handles."""
    step = most or CHUNK
    for start in range(0, len(items), step):
        yield items[start : start + step]


def texts(values: Iterable[bytes]) -> list[str]:
    """Decode keys and ids."""
    return [value.decode() for value in values]


def _columns(values: list[Any], names: Sequence[str]) -> Columns:
    """Turn rows that follow each other in one list to columns."""
    return {name: values[position :: len(names)] for position, name in enumerate(names)}
