"""From signed bytes to a loop that runs: verified first, then loaded."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import cloudpickle
import msgpack
from pydantic import ValidationError

from rushtyped.codec.free import UNREADABLE
from rushtyped.errors import CorruptDataError, LoopLoadError, UntrustedLoopError
from rushtyped.large_objects import StoredObject, read_object
from rushtyped.loops.check import Loop, check_loop
from rushtyped.loops.pickling import PYTHON
from rushtyped.loops.sign import SIGNATURE_BYTES, is_signed
from rushtyped.schema import Models, network_schema
from rushtyped.wire import LoopEnvelope

_VERSION = 1


def unpack_loop(signed: bytes, secret: bytes, *, digest: str) -> tuple[Models, Loop]:
    """Verify a loop and load it; `digest` is that of the loop which the worker was told to run.

    Raises UntrustedLoopError before anything of it is run, LoopLoadError where it cannot be
    loaded here, CorruptDataError where it is signed but nothing that `pack_loop` makes.
    """
    _verify(signed, secret, digest)
    envelope = _envelope_of(memoryview(signed)[SIGNATURE_BYTES:])
    if envelope.python not in (None, PYTHON):
        raise LoopLoadError(
            f"worker_loop {envelope.name!r} was pickled as a whole by {envelope.python}, whose "
            f"code {PYTHON} cannot run: run the workers with {envelope.python}, or put the loop "
            "into a module that can be imported where they run"
        )
    return _load(_payload_of(envelope), envelope)


def _verify(signed: bytes, secret: bytes, digest: str) -> None:
    if not is_signed(signed, secret):
        raise UntrustedLoopError(
            "the worker loop in Redis is not signed with this worker's secret: somebody else "
            "wrote it, or manager and worker have different secrets. It was not run"
        )
    found = hashlib.sha256(signed).hexdigest()
    if found != digest:
        raise UntrustedLoopError(
            f"the worker loop in Redis is another one than this worker was told to run: expected "
            f"the SHA-256 {digest}, got {found}. Somebody put it in its place. It was not run"
        )


def _envelope_of(packed: memoryview) -> LoopEnvelope:
    try:
        content = msgpack.unpackb(packed)
        version = content["version"]
        if version == _VERSION:
            return LoopEnvelope.model_validate(content, strict=True)
    except (*UNREADABLE, ValidationError) as error:
        raise CorruptDataError(
            "the worker loop in Redis is signed, but is not what rushtyped writes "
            f"({type(error).__name__}). It was not run"
        ) from error
    raise LoopLoadError(
        f"the worker loop in Redis has version {version!r}, this rushtyped reads {_VERSION}: "
        "install the same rushtyped where the manager and where its workers run"
    )


def _payload_of(envelope: LoopEnvelope) -> bytes:
    if envelope.payload is not None:
        return envelope.payload
    if envelope.file is not None and envelope.sha256 is not None:
        stored = StoredObject(Path(envelope.file), envelope.sha256)
        return read_object(stored, f"worker_loop {envelope.name!r}")
    raise CorruptDataError(
        f"worker_loop {envelope.name!r} in Redis is signed, but holds neither a payload nor a file"
    )


def _load(payload: bytes, envelope: LoopEnvelope) -> tuple[Models, Loop]:
    """Unpickle what has been verified, and check that it is still a loop of its models."""
    try:
        classes, loop = pickle.loads(payload)  # noqa: S301 - its signature was verified
        models = network_schema(Models(*classes)).models
        check_loop(loop, models)
    except (Exception, SystemExit) as error:
        raise LoopLoadError(
            f"worker_loop {envelope.name!r} cannot be loaded here: {type(error).__name__}: "
            f"{error}. {_remedy(error, envelope)}"
        ) from error
    return models, loop


def _remedy(error: BaseException, envelope: LoopEnvelope) -> str:
    if isinstance(error, ModuleNotFoundError):
        return (
            "Install the module where the worker runs, start the worker in the folder that holds "
            "it, add that folder to PYTHONPATH, or name in imports= a module that makes it "
            "importable"
        )
    if envelope.cloudpickle not in (None, cloudpickle.__version__):
        return (
            f"It was pickled by cloudpickle {envelope.cloudpickle} and here is "
            f"{cloudpickle.__version__}: install the same version"
        )
    return "The modules that it is made of must be the same here as where it was sent from"
