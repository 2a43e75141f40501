"""Every error that the library raises: one base, one class per cause."""

from __future__ import annotations


class RushTypedError(Exception):
    """Something went wrong in rushtyped."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").partition("\n")[0])


class InvalidArgumentError(RushTypedError, ValueError):
    """An argument has a value that cannot be used."""


class InvalidTypeError(RushTypedError, TypeError):
    """An argument has a type that cannot be used."""


class InvalidNetworkIdError(InvalidArgumentError):
    """A network id is 1 to 128 characters of A-Z a-z 0-9 . _ -"""


class LengthMismatchError(InvalidArgumentError):
    """Two arguments that belong together differ in length."""


class UnsupportedFieldError(InvalidTypeError):
    """A field of a model has an annotation that has no column type."""


class ColumnCollisionError(InvalidArgumentError):
    """Two fields of a task would share one column, or one would take a reserved name."""


class InvalidTaskError(InvalidArgumentError):
    """A value does not fit the model that declares it, or cannot be stored."""


class TooLargeError(InvalidArgumentError):
    """A value is larger than Redis stores in one string (512 MB)."""


class UnknownTaskError(InvalidArgumentError, KeyError):
    """A key belongs to no task of this network."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would show the repr


class UnknownNetworkError(InvalidArgumentError):
    """No network of this name has been created on this server."""


class WorkerIdTakenError(InvalidArgumentError):
    """A worker with this id is registered in the network already."""


class SchemaMismatchError(InvalidTypeError):
    """The network holds data of other models than the ones declared here."""


class CorruptDataError(RushTypedError):
    """What is stored in Redis is not what rushtyped writes there."""


class UnreadableFileError(RushTypedError, ValueError):
    """A file is not what `export_tasks` writes."""


class BudgetSpentError(RushTypedError):
    """The network's budget is spent: no further task may start."""


class WorkerStoppedError(RushTypedError):
    """The worker was asked to stop, or has been declared lost: it may start no further task."""


class WorkerStartError(RushTypedError):
    """A worker process ended before it registered itself in the network."""


class WorkerEndedError(RushTypedError):
    """A worker process that an engine had started ended by an error."""


class UntrustedLoopError(RushTypedError):
    """A worker loop is not signed with the secret that this worker was given."""


class LoopLoadError(RushTypedError):
    """A worker loop cannot be loaded here."""


class NetworkResetError(RushTypedError):
    """The network was reset while this call waited for its tasks."""


class WaitTimeoutError(RushTypedError, TimeoutError):
    """What was waited for did not happen in time."""


class RedisUrlError(InvalidArgumentError):
    """A Redis URL cannot be understood."""


class ServerError(RushTypedError):
    """The Redis server refused a command."""


class ServerUnreachableError(ServerError, ConnectionError):
    """The Redis server cannot be reached."""


class ServerAccessError(ServerError, PermissionError):
    """The Redis server rejects the user, the password, or a command of this user."""


class ServerMemoryError(ServerError):
    """The Redis server has reached its maxmemory, and writes nothing more."""


class ServerVersionError(ServerError):
    """The Redis server is older than 6.2."""


class EmbeddedServerError(ServerError):
    """The embedded server cannot be run."""
