"""Errors of the public face: one base, and the built-in class that fits."""

from __future__ import annotations

from rushtyped import (
    BudgetSpentError,
    ColumnCollisionError,
    CorruptDataError,
    EmbeddedServerError,
    InvalidArgumentError,
    InvalidNetworkIdError,
    InvalidTaskError,
    InvalidTypeError,
    LengthMismatchError,
    LoopLoadError,
    NetworkResetError,
    RedisUrlError,
    RushTypedError,
    SchemaMismatchError,
    ServerAccessError,
    ServerError,
    ServerMemoryError,
    ServerUnreachableError,
    ServerVersionError,
    TooLargeError,
    UnknownNetworkError,
    UnknownTaskError,
    UnreadableFileError,
    UnsupportedFieldError,
    UntrustedLoopError,
    WaitTimeoutError,
    WorkerIdTakenError,
    WorkerStartError,
    WorkerStoppedError,
)

ANY: tuple[type[RushTypedError], ...] = (
    BudgetSpentError,
    CorruptDataError,
    EmbeddedServerError,
    LoopLoadError,
    NetworkResetError,
    ServerError,
    ServerMemoryError,
    ServerVersionError,
    UntrustedLoopError,
    WorkerStartError,
    WorkerStoppedError,
)
VALUES: tuple[type[ValueError], ...] = (
    UnreadableFileError,
    ColumnCollisionError,
    InvalidArgumentError,
    InvalidNetworkIdError,
    InvalidTaskError,
    LengthMismatchError,
    RedisUrlError,
    TooLargeError,
    UnknownNetworkError,
    WorkerIdTakenError,
)
TYPES: tuple[type[TypeError], ...] = (InvalidTypeError, SchemaMismatchError, UnsupportedFieldError)
TIMEOUT: type[TimeoutError] = WaitTimeoutError
CONNECTION: type[ConnectionError] = ServerUnreachableError
PERMISSION: type[PermissionError] = ServerAccessError
KEY: type[KeyError] = UnknownTaskError
