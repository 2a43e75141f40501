"""Models to the bytes that are stored, and back, with all checks of what is given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Generic, cast

from rushtyped.arguments import as_list, spread
from rushtyped.codec import (
    TaskCodec,
    as_extra,
    check_free_names,
    decode_condition,
    encode_condition,
    free_names,
    task_codec,
)
from rushtyped.codec.free import why
from rushtyped.codec.instants import micros_to_aware
from rushtyped.errors import ColumnCollisionError, CorruptDataError, LengthMismatchError
from rushtyped.index_store import Columns
from rushtyped.models import DEFAULT_CONDITION, Condition, TaskState
from rushtyped.schema import TIMES, Group, Models
from rushtyped.store import Store
from rushtyped.task import XE, YE, AnyCondition, TaskRecord, X, Y, as_condition

NOTHING = b""
"""Stands for an extra that there is none of."""
RECORD_FIELDS = (
    *("state", "xs", "ys", "xs_extra", "ys_extra", "worker_id", "condition", "attempt"),
    *TIMES,
)

Conditions = Sequence[AnyCondition] | AnyCondition | None


class Packer(Generic[X, Y, XE, YE]):
    """Packs what one network's tasks are made of."""

    def __init__(self, models: Models, store: Store) -> None:
        self.codec: TaskCodec = task_codec(models)
        self._store = store
        self._claimed: set[tuple[Group, str]] = set()
        self._claimed_at = store.channel.recovered_at

    def xss(self, xss: Iterable[X]) -> list[bytes]:
        """Pack many xs."""
        encode = self.codec.xs.encode
        return [encode(xs) for xs in as_list("xss", xss)]

    def yss(self, yss: Iterable[Y], n: int) -> list[bytes]:
        """Pack as many ys as there are tasks."""
        given = as_list("yss", yss)
        if len(given) != n:
            raise LengthMismatchError(
                f"yss has {len(given)} elements but there are {n} tasks: pass one for each"
            )
        encode = self.codec.ys.encode
        return [encode(ys) for ys in given]

    def extras(self, group: Group, extras: Sequence[object] | None, n: int) -> list[bytes]:
        """Pack an extra for each task: as many as tasks, one for all, or none."""
        if extras is None:
            return [NOTHING] * n
        given = spread(f"{group.partition('_')[0]}s_extra", extras, n, None)
        return self._packed_extras(group, given)

    def extra(self, group: Group, extra: object) -> bytes:
        """Pack one extra; its free-form names become columns of their own."""
        return self._packed_extras(group, [extra])[0]

    def _packed_extras(self, group: Group, extras: Sequence[object]) -> list[bytes]:
        """Pack extras, and claim their names only when all of them can be stored."""
        codec = self.codec.group(group)
        models = [None if extra is None else as_extra(codec.model, extra) for extra in extras]
        packed = [NOTHING if model is None else codec.encode(model) for model in models]
        if codec.free_form:
            found = (free_names(model) for model in models if model is not None)
            self._claim_columns(group, frozenset[str]().union(*found))
        return packed

    def claim_stored(self, records: Iterable[TaskRecord[X, Y, XE, YE]]) -> None:
        """Claim the free-form names of tasks that another network has stored."""
        records = list(records)
        for group in ("xs_extra", "ys_extra"):
            if self.codec.group(group).free_form:
                extras = (getattr(record, group) for record in records)
                found = (free_names(extra) for extra in extras if extra is not None)
                self._claim_columns(group, frozenset[str]().union(*found))

    def conditions(self, conditions: Conditions, n: int) -> list[bytes]:
        """Pack a condition for each task: as many as tasks, one for all, or the default."""
        if isinstance(conditions, str | BaseException | Condition):
            conditions = [conditions]
        given = spread("conditions", conditions, n, DEFAULT_CONDITION)
        return [self.condition(condition) for condition in given]

    def condition(self, condition: AnyCondition) -> bytes:
        """Pack one condition."""
        return encode_condition(as_condition(condition))

    def unpack_xs(self, data: bytes) -> X:
        """Make the xs of a task from what is stored."""
        return cast(X, self.codec.xs.decode(data))

    def unpack_xs_extra(self, data: bytes | None) -> XE | None:
        """Make the xs_extra of a task from what is stored, if anything is."""
        return None if data is None else cast(XE, self.codec.xs_extra.decode(data))

    def forget_columns(self) -> None:
        """Ask the server again whether free-form names are taken."""
        self._claimed.clear()

    def claim_again(self) -> None:
        """Claim the free-form names that were claimed here, in a network that begins anew."""
        claimed = sorted(self._claimed)
        self._claimed.clear()
        for group, name in claimed:
            self._claim_columns(group, [name])

    def _claim_columns(self, group: Group, names: Iterable[str]) -> None:
        self._claim_lost()
        fresh = sorted(name for name in names if (group, name) not in self._claimed)
        if not fresh:
            return
        check_free_names(self.codec.schema, group, fresh)
        taken = self._store.claim_columns(group, fresh)
        if taken:
            raise ColumnCollisionError(
                f"{group} has the free-form names {', '.join(map(repr, taken))}, which other "
                "extras of this network have already: rename them"
            )
        self._claimed.update((group, name) for name in fresh)
        self._claim_lost()

    def _claim_lost(self) -> None:
        """Claim all again where the server may have lost them, as by a failover."""
        if self._claimed_at != self._store.channel.recovered_at:
            self._claimed_at = self._store.channel.recovered_at
            self.claim_again()

    def records(self, keys: Sequence[str], columns: Columns) -> list[TaskRecord[X, Y, XE, YE]]:
        """Make records of tasks from their hashes' fields."""
        rows = zip(*(columns[name] for name in RECORD_FIELDS), strict=True)
        return [
            self._record(key, dict(zip(RECORD_FIELDS, row, strict=True)))
            for key, row in zip(keys, rows, strict=True)
        ]

    def _record(self, key: str, row: dict[str, Any]) -> TaskRecord[X, Y, XE, YE]:
        codec: Any = self.codec
        try:
            return TaskRecord(
                key=key,
                state=TaskState(row["state"].decode()),
                xs=codec.xs.decode(row["xs"]),
                ys=_maybe(codec.ys.decode, row["ys"]),
                xs_extra=_maybe(codec.xs_extra.decode, row["xs_extra"]),
                ys_extra=_maybe(codec.ys_extra.decode, row["ys_extra"]),
                worker_id=_maybe(bytes.decode, row["worker_id"]),
                condition=_maybe(decode_condition, row["condition"]),
                attempt=int(row["attempt"] or 1),
                created_at=read_time(row["created_at"]),
                started_at=_maybe(read_time, row["started_at"]),
                finished_at=_maybe(read_time, row["finished_at"]),
            )
        except CorruptDataError as error:
            raise CorruptDataError(f"task {key!r}: {error}") from error
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            reason = why(error)
            raise CorruptDataError(f"task {key!r} holds what no task holds: {reason}") from error


def read_time(value: bytes) -> datetime:
    """Read a time of the server, in UTC, from its microseconds since 1970."""
    return micros_to_aware(int(value))


def _maybe(decode: Any, value: bytes | None) -> Any:
    return None if value is None else decode(value)
