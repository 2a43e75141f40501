"""Worker loops on their way to the workers: packed, signed, verified."""

from __future__ import annotations

import functools
import hashlib
import hmac
import inspect
import io
import pickle
import random
import secrets
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, NamedTuple

import cloudpickle
import msgpack

from rushtyped.errors import InvalidArgumentError, InvalidTypeError, UntrustedLoopError
from rushtyped.schema import Models
from rushtyped.specialisation import SpecialisedType

_VERSION = 1
_SIGNATURE_BYTES = 32

Loop = Callable[[Any], object]


class PackedLoop(NamedTuple):
    """A loop as it is kept in Redis, under its digest."""

    digest: str
    signed: bytes


def new_secret() -> bytes:
    """Make a secret to sign loops with; it must never lie in Redis."""
    return secrets.token_bytes(32)


def check_loop(loop: Loop, models: Models) -> None:
    """Raise InvalidTypeError for what cannot be called with a worker of these models alone."""
    if not callable(loop):
        raise InvalidTypeError(
            f"worker_loop must be callable with a Worker but is {loop!r} ({type(loop).__name__})"
        )
    try:
        parameters = list(inspect.signature(loop, eval_str=True).parameters.values())
    except (ValueError, TypeError, NameError):
        return  # a builtin or an annotation that cannot be evaluated here: the call will tell
    missing = [
        parameter.name
        for parameter in parameters[1:]
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if not parameters or missing:
        raise InvalidTypeError(
            f"worker_loop {name_of(loop)!r} must take the Worker and nothing else, but needs "
            f"{', '.join(missing) or 'no argument at all'}: bind others with functools.partial"
        )
    declared = parameters[0].annotation
    if isinstance(declared, SpecialisedType) and declared.models not in (None, models):
        raise InvalidTypeError(
            f"worker_loop {name_of(loop)!r} takes a {declared.__name__} but this network has the "
            f"models {', '.join(model.__name__ for model in models)}"
        )


def name_of(loop: Loop) -> str:
    """Name a loop for messages, as module:qualname where it has them."""
    if isinstance(loop, functools.partial):
        return name_of(loop.func)
    name = getattr(loop, "__qualname__", type(loop).__qualname__)
    return f"{getattr(loop, '__module__', '?')}:{name}"


def pack_loop(loop: Loop, models: Models, secret: bytes) -> PackedLoop:
    """Pack and sign a loop and its models: by reference where they can be imported, else whole."""
    try:
        payload = _dumps((tuple(models), loop))
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidArgumentError(
            f"worker_loop {name_of(loop)!r} cannot be sent to another process: {error}. Open "
            "files, connections and locks inside the loop, not outside"
        ) from error
    envelope = msgpack.packb({"version": _VERSION, "name": name_of(loop), "payload": payload})
    signed = _sign(envelope, secret) + envelope
    return PackedLoop(hashlib.sha256(signed).hexdigest(), signed)


def unpack_loop(signed: bytes, secret: bytes) -> tuple[Models, Loop]:
    """Verify a loop and load it; raises UntrustedLoopError before anything of it is run."""
    signature, envelope = signed[:_SIGNATURE_BYTES], signed[_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _sign(envelope, secret)):
        raise UntrustedLoopError(
            "the worker loop in Redis is not signed with this worker's secret: somebody else "
            "wrote it, or manager and worker have different secrets. It was not run"
        )
    content = msgpack.unpackb(envelope)
    models, loop = pickle.loads(content["payload"])  # noqa: S301 - its signature was verified
    return Models(*models), loop


class _LoopPickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle has no types
    """Sends functions of the global random generators by name.

    Such a function is a method of its generator, whose state would travel with it: all workers
    would draw the same numbers.
    """

    def reducer_override(self, obj: Any) -> Any:
        owner = getattr(obj, "__self__", None)
        for module, generator in _global_generators():
            if owner is generator:
                return getattr, (module, obj.__name__)
        return super().reducer_override(obj)


def _global_generators() -> Iterator[tuple[ModuleType, object]]:
    yield random, random.seed.__self__  # type: ignore[attr-defined]  # a bound method
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        yield numpy_random, numpy_random.random_sample.__self__


def _dumps(content: object) -> bytes:
    buffer = io.BytesIO()
    _LoopPickler(buffer).dump(content)
    return buffer.getvalue()


def _sign(envelope: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, envelope, "sha256")
