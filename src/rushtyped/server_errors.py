"""What errors of redis-py and the system mean: which pass by themselves, and what ours are."""

from __future__ import annotations

from redis import exceptions

from rushtyped.errors import (
    EmbeddedServerError,
    ServerAccessError,
    ServerError,
    ServerMemoryError,
    ServerUnreachableError,
)
from rushtyped.printable import excerpt, printable

_ACCESS = (
    exceptions.AuthenticationError,
    exceptions.AuthorizationError,
    exceptions.NoPermissionError,
    exceptions.AuthenticationWrongNumberOfArgsError,
)
_PASSING = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.ReadOnlyError,
    exceptions.TryAgainError,
    exceptions.ClusterError,
    exceptions.AskError,
    exceptions.InvalidResponse,
    exceptions.RedisClusterException,
    exceptions.NoScriptError,  # a large call may still be cut off from the loading of its script
    OSError,
    EmbeddedServerError,
)
_DAMAGE = ("WRONGTYPE", " is not an integer", " would overflow", ": attempt to ")
_DENIED = (
    "ACL failure in script",
    "The user executing the script can't",
    "Transaction discarded because of: NOPERM",
)
_FULL = ("OOM", "command not allowed when used memory")
_PASSING_WORDS = ("BUSY", "NOREPLICAS", "UNBLOCKED", "MASTERDOWN", "LOADING")


def is_passing(error: Exception) -> bool:
    """Tell whether waiting may heal it."""
    if isinstance(error, _ACCESS):
        return False
    return isinstance(error, _PASSING) or (
        isinstance(error, exceptions.ResponseError) and str(error).startswith(_PASSING_WORDS)
    )


def named_error(error: Exception, address: str, patience: float = 0.0) -> Exception:
    """Translate an error of redis-py or the system to one of ours, without secrets."""
    reason = f"{type(error).__name__}: {printable(error)}".rstrip(".")
    if isinstance(error, _ACCESS) or str(error).startswith(_DENIED):
        return ServerAccessError(
            f"{address} refused the access: {reason}. Give the right user and password, or "
            "allow this user the commands and keys of the network"
        )
    if isinstance(error, EmbeddedServerError):
        return error
    if is_passing(error):
        waited = f" within {patience:g} s" if patience else ""
        return ServerUnreachableError(
            f"{address} did not answer{waited}: {reason}. Start the "
            "server, or correct redis=, RUSHTYPED_REDIS_URL or REDIS_URL"
        )
    if isinstance(error, exceptions.ResponseError) and str(error).startswith(_FULL):
        return ServerMemoryError(
            f"{address} has reached its maxmemory and wrote nothing: {excerpt(error)}. Delete "
            "what is no longer needed (reset(), expire()), or raise its maxmemory"
        )
    if isinstance(error, exceptions.RedisError):
        damage = any(word in str(error) for word in _DAMAGE)
        remedy = (
            ". A key of the network holds what rushtyped does not write there: see what "
            "verify() finds, or reset()"
        )
        return ServerError(
            f"{address} refused a command: {excerpt(error)}{remedy if damage else ''}"
        )
    return error
