"""Fields of single hashes: those of tasks by their models, any others as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from rushtyped.arguments import as_list
from rushtyped.codec import decode_condition, encode_condition, pack_value, unpack_value
from rushtyped.codec.free import why
from rushtyped.errors import (
    ColumnCollisionError,
    CorruptDataError,
    InvalidArgumentError,
    InvalidTypeError,
    LengthMismatchError,
)
from rushtyped.keys import check_task_key, new_task_keys
from rushtyped.models import Condition, TaskState
from rushtyped.packer import Packer, read_time
from rushtyped.schema import GROUPS, TIMES
from rushtyped.store import Store

_KEPT = ("state", "worker_id", "attempt", "failed_by", "retried_by", *TIMES)
_GUARDED = (*GROUPS, "condition")


class Hashes:
    """Reads and writes the hashes of one network."""

    def __init__(self, store: Store, packer: Packer[Any, Any, Any, Any]) -> None:
        self._store = store
        self._packer = packer

    def write(
        self, keys: Sequence[str] | None, fields: Mapping[str, Sequence[object] | None]
    ) -> list[str]:
        """Write one value of each field to each hash; a single value serves all hashes."""
        columns = {
            name: as_list(name, values) for name, values in fields.items() if values is not None
        }
        self._check_names(columns)
        n = self._count(keys, columns)
        keys = new_task_keys(n) if keys is None else [check_task_key(key) for key in keys]
        spread = [values * n if len(values) == 1 else values for values in columns.values()]
        rows = [
            (key, *(self._packed(name, value) for name, value in zip(columns, values, strict=True)))
            for key, *values in zip(keys, *spread, strict=True)
        ]
        if not rows or not columns:
            return list(keys)
        guarded = any(name in _GUARDED for name in columns)
        refused = self._store.write_hashes(list(columns), rows, guarded=guarded)
        if refused:
            raise InvalidArgumentError(
                f"{', '.join(map(repr, sorted(refused)))} are tasks, whose "
                f"{', '.join(_GUARDED)} only transitions write: push, finish or fail them"
            )
        return list(keys)

    def read(self, keys: Sequence[str], fields: Sequence[str]) -> list[dict[str, object]]:
        """Read fields of hashes; a field that a hash lacks is None."""
        keys = [check_task_key(key) for key in as_list("keys", keys)]
        names = as_list("fields", fields)
        columns = self._store.indexes.read_hashes(keys, names)
        return [
            {name: self._read_field(key, name, columns[name][row]) for name in names}
            for row, key in enumerate(keys)
        ]

    def read_flat(self, keys: Sequence[str], fields: Sequence[str]) -> list[dict[str, object]]:
        """Read fields of hashes, and put the values of models and maps in place of their field."""
        return [_flat(row) for row in self.read(keys, fields)]

    def _packed(self, name: str, value: object) -> bytes:
        codec = self._packer.codec
        if name in GROUPS and isinstance(value, BaseModel):
            return codec.group(name).encode(value)
        if isinstance(value, Condition):
            return encode_condition(value)
        return pack_value(value)

    def _read_field(self, key: str, name: str, value: bytes | None) -> object:
        try:
            return self._unpacked(name, value)
        except CorruptDataError as error:
            raise CorruptDataError(f"hash {key!r}, {name}: {error}") from error
        except (ValueError, OverflowError) as error:
            raise CorruptDataError(
                f"hash {key!r}, {name}: what is stored cannot be read: {why(error)}"
            ) from error

    def _unpacked(self, name: str, value: bytes | None) -> object:
        if value is None:
            return None
        if name == "attempt":
            return int(value)
        if name in TIMES:
            return read_time(value)
        if name in _KEPT:
            return TaskState(value.decode()) if name == "state" else value.decode()
        if name == "condition":
            return decode_condition(value)
        if name in GROUPS:
            return self._packer.codec.group(name).decode(value)
        return unpack_value(value)

    @staticmethod
    def _check_names(columns: Mapping[str, object]) -> None:
        kept = sorted(repr(name) for name in columns if name in _KEPT)
        if kept:
            raise InvalidArgumentError(
                f"{', '.join(kept)}: only transitions write these fields; choose other names"
            )

    @staticmethod
    def _count(keys: Sequence[str] | None, columns: Mapping[str, Sequence[object]]) -> int:
        """Count the hashes to write, or raise LengthMismatchError."""
        if isinstance(keys, str):
            raise InvalidTypeError(
                f"keys must be a list but is a single str: write keys=[{keys!r}]"
            )
        lengths = {name: len(values) for name, values in columns.items()}
        n = len(keys) if keys is not None else max(lengths.values(), default=0)
        wrong = {name: length for name, length in lengths.items() if length not in (1, n)}
        if wrong:
            raise LengthMismatchError(
                f"there are {n} hashes but {wrong} values: pass {n} values of each field, or one "
                "that serves all"
            )
        return n


def _flat(row: Mapping[str, object]) -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in row.items():
        parts: Mapping[str, object]
        if isinstance(value, BaseModel):
            parts = dict(value)
        else:
            parts = value if isinstance(value, Mapping) else {name: value}
        twice = sorted(repr(part) for part in parts if part in flat)
        if twice:
            raise ColumnCollisionError(
                f"{', '.join(twice)} of field {name!r} stands in another field too: "
                "read with flatten=False"
            )
        flat |= parts
    return {name: value for name, value in flat.items() if value is not None or name not in row}
