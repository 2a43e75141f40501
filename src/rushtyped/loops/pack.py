"""From a loop to the signed bytes that are kept in Redis."""

from __future__ import annotations

import hashlib
import secrets
import struct
from pathlib import Path
from typing import NamedTuple

import cloudpickle
import msgpack

from rushtyped.arguments import check_count
from rushtyped.codec.free import MAX_VALUE_BYTES
from rushtyped.errors import InvalidArgumentError, TooLargeError
from rushtyped.large_objects import store_object
from rushtyped.loops.check import Loop, name_of
from rushtyped.loops.pickling import PYTHON, Spool, dump, parts_at_fault
from rushtyped.loops.sign import SIGNATURE_BYTES, signature_of
from rushtyped.plan.values import LEAST_OBJECT_SIZE
from rushtyped.schema import Models
from rushtyped.wire import LoopEnvelope

_LONG_BYTES = struct.Struct(">BI")
"""How msgpack begins bytes whose length takes 32 bits: with 0xC6 and the length."""


class PackedLoop(NamedTuple):
    """A loop as it is kept in Redis, under its digest."""

    digest: str
    signed: bytes


def new_secret() -> bytes:
    """Make a secret to sign loops with; it must never lie in Redis."""
    return secrets.token_bytes(32)


def pack_loop(
    loop: Loop,
    models: Models,
    secret: bytes,
    *,
    max_object_size: int | None = None,
    large_objects_path: str | Path | None = None,
) -> PackedLoop:
    """Pack and sign a loop and its models: by reference where they can be imported, else whole.

    What takes more than `max_object_size`, or than Redis can store, goes to a file below
    `large_objects_path`, and only a signed reference to it is returned. Raises TooLargeError
    without such a directory, InvalidArgumentError for what cannot be pickled or written.
    """
    most = check_count("max_object_size", max_object_size, least=LEAST_OBJECT_SIZE)
    limit = min(most or MAX_VALUE_BYTES, MAX_VALUE_BYTES)
    spool, envelope = _pickle(loop, models, limit)
    head = _head_of(envelope, spool.size)
    size = SIGNATURE_BYTES + len(head) + spool.size
    if spool.kept is not None and size <= limit:
        return _signed(secret, head, spool.kept.getbuffer())
    if large_objects_path is None:
        raise TooLargeError(
            f"worker_loop {envelope.name!r} takes {size} bytes with its arguments, and at most "
            f"{limit} may go to Redis: set plan(large_objects_path=...) to a directory that the "
            "manager and its workers share, or have the loop load its data itself"
        )
    # pickled once more, so that what may be many times the limit is never in memory as a whole
    stored = store_object(
        large_objects_path, spool.sha256, lambda sink: dump((tuple(models), loop), sink)
    )
    place = {"file": str(stored.file), "sha256": stored.sha256}
    return _signed(secret, _packed(envelope.model_copy(update=place)))


def _pickle(loop: Loop, models: Models, limit: int) -> tuple[Spool, LoopEnvelope]:
    """Pickle a loop and its models, and say in an envelope of what kind the pickle is."""
    spool, name = Spool(limit), name_of(loop)
    try:
        holds_code = dump((tuple(models), loop), spool)
    except Exception as error:
        models_and_loop = [(f"model {each.__name__}", each) for each in models] + [("", loop)]
        reasons = [*parts_at_fault(models_and_loop), str(error) or repr(error)]
        raise InvalidArgumentError(
            f"worker_loop {name!r} cannot be sent to another process: {': '.join(reasons)}. Open "
            "files, connections and locks inside the loop, not outside"
        ) from error
    if not holds_code:
        return spool, LoopEnvelope(name=name)
    return spool, LoopEnvelope(name=name, python=PYTHON, cloudpickle=cloudpickle.__version__)


def _packed(envelope: LoopEnvelope) -> bytes:
    packed: bytes = msgpack.packb(envelope.model_dump(exclude_none=True))
    return packed


def _head_of(envelope: LoopEnvelope, size: int) -> bytes:
    """Pack an envelope up to its payload, which need not be copied into it then."""
    without = _packed(envelope.model_copy(update={"payload": b""}))
    return without.removesuffix(msgpack.packb(b"")) + _LONG_BYTES.pack(0xC6, size)


def _signed(secret: bytes, *parts: bytes | memoryview) -> PackedLoop:
    signed = b"".join((signature_of(secret, *parts), *parts))
    return PackedLoop(hashlib.sha256(signed).hexdigest(), signed)
