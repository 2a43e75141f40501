"""What a network's indexes list and its task hashes hold: reads only, bytes out."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Literal, NamedTuple, TypeVar

from loguru import logger

from rushtyped.channel import Channel, Command, Pending
from rushtyped.errors import ServerError, ServerMemoryError
from rushtyped.keys import LONGEST_NAME, NAME_BYTES, NetworkKeys, is_name
from rushtyped.lua import load_script
from rushtyped.pace import Pace

CHUNK = 1000
"""Tasks that one script call handles: a few milliseconds in which the server serves no other."""
PAGE = 4000
"""Tasks that one bulk read returns at the most."""
LISTED = 50_000
"""Keys that one command lists."""
OVERLAP = 5000
"""Keys that two steps of a longer list have in common, unless more have gone meanwhile."""
PAGES_AHEAD = 2
"""Pages that the server is asked for at once; they hold it up together."""
MOST_READ = 10_000
"""Values that one script call reads."""
SCORE_SLACK = 1_000_000
"""Microseconds by which the scores of tasks that failed together may run ahead of the clock."""

Index = Literal["all", "queue", "running", "finished", "failed"]
Columns = dict[str, list[bytes | None]]
Value = str | bytes | int | float
T = TypeVar("T")

_SORT_REFUSALS = ("of SORT denied", "'sort' command")
_SORTED = ("running", "failed")
_FLOW: tuple[Index, ...] = ("all", "queue", "running", "finished", "failed")
_MOST_NAMED = 3
_MOST_SHOWN = 40


class Page(NamedTuple):
    """Some finished tasks, read in one step with what tells whether a cache still holds."""

    epoch: bytes
    n_finished: int
    last: bytes | None
    """Key of the task before the page, where there is one; at the beginning that of the last."""
    columns: Columns
    waited: Any = None
    """Reply to the command that was to wait before."""


class IndexStore:
    """The tasks of one network, by the index that lists them."""

    def __init__(self, channel: Channel, keys: NetworkKeys) -> None:
        self.channel = channel
        self.keys = keys
        self._sort_is_refused = False
        self._pace = Pace()
        self._patterns: dict[tuple[str, ...], tuple[str, ...]] = {}

    def count(self, index: Index) -> int:
        """Count the tasks of an index."""
        command = "ZCARD" if index in _SORTED else "LLEN"
        return int(self.channel.call(command, getattr(self.keys, index)))

    def task_keys(self, index: Index) -> list[str]:
        """List the keys of an index, in its order; more than LISTED of them in several steps."""
        return task_names(index, self._keys(index))

    def _keys(self, index: Index) -> list[bytes]:
        """List what is in the index throughout, and some of what comes or goes; nothing twice.

        Each step begins with a key that is listed already, so that it leaves out none behind that.
        """
        found: dict[bytes, None] = {}
        first = 0
        while True:
            step = self.channel.call(*self._listing(index, first, first + LISTED - 1))
            if first and (not step or step[0] not in found):
                first //= 2  # more has gone than the steps have in common
                continue
            found.update(dict.fromkeys(step))
            if len(step) < LISTED:
                return list(found)
            first += LISTED - OVERLAP

    def snapshot(self, indexes: Sequence[Index]) -> tuple[int, list[list[str]]]:
        """Count the finished tasks and list the keys of indexes, all at one instant.

        Where one holds LISTED keys or more, the indexes are listed one after the other, and a
        task that has changed its state meanwhile is listed where it was found last.
        """
        listings = [self._listing(index, 0, LISTED - 1) for index in indexes]
        commands = [("MULTI",), ("LLEN", self.keys.finished), *listings, ("EXEC",)]
        try:
            n_finished, *keys = self.channel.pipeline(commands)[-1]
        except ServerMemoryError:  # a full server takes no transaction, but still reads
            n_finished = self.count("finished")
            keys = self._listed_in_turn(indexes)
        if max(map(len, keys), default=0) >= LISTED:
            keys = self._listed_in_turn(indexes)
        return n_finished, [
            task_names(index, listed) for index, listed in zip(indexes, keys, strict=True)
        ]

    def _listed_in_turn(self, indexes: Sequence[Index]) -> list[list[bytes]]:
        """List indexes in the order in which tasks go through them, each key once."""
        latest: dict[bytes, Index] = {}
        found: dict[Index, list[bytes]] = {}
        for index in sorted(indexes, key=_FLOW.index):
            found[index] = self._keys(index)
            latest.update(dict.fromkeys(found[index], index))
        return [[key for key in found[index] if latest[key] == index] for index in indexes]

    def read_index(self, index: Index, fields: Sequence[str]) -> Columns:
        """Read fields of all tasks of an index, with their keys, in its order."""
        n = self._pace.rows(fields, PAGE)
        columns = self._read_page(index, 0, n, fields)
        if len(columns["key"]) == n < (more := self._pace.rows(fields, PAGE)):
            n, columns = more, self._read_page(index, 0, more, fields)
        if len(columns["key"]) < n:
            return columns
        # more than one page: the index may change between two, so hold on to its keys
        keys = self._keys(index)
        return {"key": list(keys), **self.read_hashes(keys, fields)}

    def read_part(
        self, index: Index, fields: Sequence[str], offset: int, limit: int | None
    ) -> Columns:
        """Read fields of the tasks at some positions of an index, page by page.

        Between two pages tasks may come or go in front of them.
        """
        part = _columns([], ("key", *fields))
        left = self.count(index) if limit is None else limit
        while left > 0:
            n = min(left, self._pace.rows(fields, PAGE))
            page = self._read_page(index, offset, n, fields)
            for name, values in page.items():
                part[name] += values
            if len(page["key"]) < n:
                break
            offset, left = offset + n, left - n
        return part

    def finished_pages(
        self, offset: int, fields: Sequence[str], wait: Command | None = None
    ) -> Generator[Page]:
        """Read the finished tasks from an offset in the order of finishing, page by page.

        The first page is read when `wait` has been replied to, in the same round trip. While one
        page is used, the server prepares the next ones. It may end early, where the server has
        lost tasks meanwhile.
        """
        page = self._read_finished(offset, fields, wait)
        yield page
        offset += len(page.columns["key"])
        if offset < page.n_finished and not self._sort_is_refused:
            yield from self._pages_ahead(offset, page.n_finished, fields)
            return
        while offset < page.n_finished and page.columns["key"]:
            page = self._read_finished(offset, fields)
            yield page
            offset += len(page.columns["key"])

    def _read_finished(
        self, offset: int, fields: Sequence[str], wait: Command | None = None
    ) -> Page:
        """Read one page of finished tasks."""
        n = self._pace.rows(fields, PAGE)
        waits = () if wait is None else (wait,)
        commands = (*waits, *self._finished_page(offset, n, fields))
        if not self._sort_is_refused:
            try:
                return self._page(self.channel.pipeline(commands), fields)
            except ServerError as error:
                self._note_refusal(error)
        *waited, epoch, n_finished, last = self.channel.pipeline(commands[:-1])
        columns = self._read_page("finished", offset, n, fields)
        return Page(epoch, n_finished, last, columns, *waited)

    def _pages_ahead(self, offset: int, n_finished: int, fields: Sequence[str]) -> Iterator[Page]:
        """Read pages that are asked for before those in front of them are used."""
        asked: deque[tuple[int, Pending]] = deque()
        try:
            while asked or offset < n_finished:
                while len(asked) < PAGES_AHEAD and offset < n_finished:
                    n = min(self._pace.rows(fields, PAGE), n_finished - offset)
                    asked.append((n, self.channel.begin(self._finished_page(offset, n, fields))))
                    offset += n
                n, pending = asked.popleft()
                page = self._page(self.channel.end(pending), fields)
                if len(page.columns["key"]) < n:
                    return
                n_finished = page.n_finished
                yield page
        finally:
            for _, pending in asked:
                self.channel.drop(pending)

    def _finished_page(self, offset: int, n: int, fields: Sequence[str]) -> tuple[Command, ...]:
        return (
            ("HGET", self.keys.meta, "epoch"),
            ("LLEN", self.keys.finished),
            ("LINDEX", self.keys.finished, offset - 1),
            self._sort("finished", offset, n, fields),
        )

    def _page(self, replies: Sequence[Any], fields: Sequence[str]) -> Page:
        *waited, epoch, n_finished, last, values = replies
        return Page(epoch, n_finished, last, self._noted(values, fields), *waited)

    def finished_keys(self, first: int, n: int) -> list[str]:
        """List n finished keys from a position in the order of finishing, or fewer at its end."""
        return texts(self.channel.call("LRANGE", self.keys.finished, first, first + n - 1))

    def _read_page(self, index: Index, offset: int, n: int, fields: Sequence[str]) -> Columns:
        if not self._sort_is_refused:
            try:
                values = self.channel.call(*self._sort(index, offset, n, fields))
                return self._noted(values, fields)
            except ServerError as error:
                self._note_refusal(error)
        keys = self.channel.call(*self._listing(index, offset, offset + n - 1))
        return {"key": keys, **self.read_hashes(keys, fields)}

    def _note_refusal(self, error: ServerError) -> None:
        """Remember that SORT, or its patterns, are not for this server or user; raise the rest.

        A full server takes SORT for a write.
        """
        if isinstance(error, ServerMemoryError):
            return
        if not any(refusal in str(error) for refusal in _SORT_REFUSALS):
            raise error
        self._sort_is_refused = True

    def _noted(self, values: list[Any], fields: Sequence[str]) -> Columns:
        """Turn rows of a key and fields to columns, and note their size for the next read."""
        names = ("key", *fields)
        self._pace.note(fields, values, len(names))
        return _columns(values, names)

    def _sort(self, index: Index, offset: int, n: int, fields: Sequence[str]) -> tuple[Value, ...]:
        name = getattr(self.keys, index)
        return "SORT", name, "BY", "nosort", "LIMIT", offset, n, *self._patterns_of(fields)

    def _patterns_of(self, fields: Sequence[str]) -> tuple[str, ...]:
        """Say what SORT is to return: the key and some fields."""
        wanted = tuple(fields)
        if wanted not in self._patterns:
            gets = (("GET", self.keys.task_field(field)) for field in wanted)
            self._patterns[wanted] = ("GET", "#", *chain.from_iterable(gets))
        return self._patterns[wanted]

    def _listing(self, index: Index, first: int, last: int) -> tuple[Value, ...]:
        command = "ZRANGE" if index in _SORTED else "LRANGE"
        return command, getattr(self.keys, index), first, last

    def read_hashes(self, task_keys: Sequence[str | bytes], fields: Sequence[str]) -> Columns:
        """Read fields of hashes, in the order of the keys; None where a field is missing."""
        script, columns = load_script("read_hashes"), _columns([], fields)
        done = 0
        while fields and done < len(task_keys):
            most = max(1, min(CHUNK, MOST_READ // len(fields)))
            chunk = task_keys[done : done + self._pace.rows(fields, most)]
            names: tuple[Value, ...] = (self.keys.prefix, len(fields), *fields)
            read = self.channel.run(script, 0, *names, *chunk)
            self._pace.note(fields, read, len(fields))
            for field, values in _columns(read, fields).items():
                columns[field] += values
            done += len(chunk)
        return columns

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
        """Epoch, keys that finished, keys that failed with their score, and running workers.

        The key before those that finished comes first, if there is one.
        """
        first, least = max(0, n_finished - 1), failed_at - SCORE_SLACK
        finished: list[str] = []
        failures: list[tuple[str, float]] = []
        while True:
            scored = (least, "+inf", "WITHSCORES", "LIMIT", 0, LISTED)
            epoch, ended, failed, n_workers = self.channel.pipeline(
                (
                    ("HGET", self.keys.meta, "epoch"),
                    ("LRANGE", self.keys.finished, first, first + LISTED - 1),
                    ("ZRANGEBYSCORE", self.keys.failed, *scored),
                    ("SCARD", self.keys.running_workers),
                )
            )
            finished += texts(ended)
            scores = [float(score) for score in failed[1::2]]
            failures += zip(texts(failed[::2]), scores, strict=True)
            if max(len(ended), len(scores)) < LISTED:
                return epoch, finished, failures, n_workers
            first, least = first + len(ended), max((least, *scores))


def chunks(items: Sequence[T], most: int | None = None) -> Iterator[Sequence[T]]:
    """Cut into pieces of what one script call handles."""
    step = most or CHUNK
    for start in range(0, len(items), step):
        yield items[start : start + step]


def texts(values: Iterable[bytes]) -> list[str]:
    """Decode keys and ids; bytes that are no text are shown by their numbers."""
    return [value.decode(errors="backslashreplace") for value in values]


def task_names(index: Index, keys: Sequence[bytes]) -> list[str]:
    """Decode the keys of an index; leave out, with a warning, what no task can be named."""
    joined = b"".join(keys)
    if joined.translate(None, NAME_BYTES) or not all(0 < len(key) <= LONGEST_NAME for key in keys):
        wrong = [key for key in keys if not is_name(key)]
        logger.warning(
            "{} keys of {} are no names of tasks, and are left out: {}",
            *(len(wrong), index, [key[:_MOST_SHOWN] for key in wrong[:_MOST_NAMED]]),
        )
        keys = [key for key in keys if is_name(key)]
    return [key.decode("ascii") for key in keys]


def _columns(values: list[Any], names: Sequence[str]) -> Columns:
    """Turn rows that follow each other in one list to columns."""
    return {name: values[position :: len(names)] for position, name in enumerate(names)}
