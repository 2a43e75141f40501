"""What can be set for a process besides the server, checked when it is given."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack, get_args

from rushtyped.arguments import check_count, check_heartbeat, check_options, check_seconds
from rushtyped.errors import InvalidArgumentError, InvalidTypeError
from rushtyped.logs import LogLevels, check_log_levels

WorkerType = Literal["local", "executor", "script"]
SHORTEST_HEARTBEAT = 1.0
LONGEST_HEARTBEAT = 86400.0
LEAST_OBJECT_SIZE = 1024
"""Bytes that max_object_size has to allow; a reference to a file takes about as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a call, a plan or the environment says; None where it says nothing."""

    n_workers: int | None = None
    worker_type: WorkerType | None = None
    """How workers are started; never None once it is resolved."""
    log_levels: Mapping[str, int] | None = None
    """Least number of the level that is kept, by logger."""
    log_buffer_size: int | None = None
    """Records that a worker gathers before it sends them; 0 sends each at once."""
    log_limit: int | None = None
    """Most records that are kept of each worker."""
    large_objects_path: Path | None = None
    max_object_size: int | None = None
    """Bytes from which an object is too large for Redis."""
    start_worker_timeout: float | None = None
    heartbeat_period: float | None = None
    heartbeat_expire: float | None = None

    def said(self) -> dict[str, Any]:
        """List what is said, apart from what a subclass adds; the levels as a copy."""
        values = {field.name: getattr(self, field.name) for field in fields(Settings)}
        if self.log_levels is not None:
            values["log_levels"] = dict(self.log_levels)
        return {name: value for name, value in values.items() if value is not None}


class Given(TypedDict, total=False):
    """Settings as a caller passes them, not yet checked."""

    n_workers: int | None
    worker_type: WorkerType | None
    log_levels: LogLevels | None
    log_buffer_size: int | None
    log_limit: int | None
    large_objects_path: str | Path | None
    max_object_size: int | None
    start_worker_timeout: float | None
    heartbeat_period: float | None
    heartbeat_expire: float | None


def checked(**given: Unpack[Given]) -> Settings:
    """Check settings one by one; raises InvalidArgumentError or InvalidTypeError."""
    worker_type = given.get("worker_type")
    if worker_type is not None:
        check_options("worker_type", [worker_type], get_args(WorkerType))
    timeout = check_seconds("start_worker_timeout", given.get("start_worker_timeout"))
    directory = given.get("large_objects_path")
    return Settings(
        n_workers=check_count("n_workers", given.get("n_workers"), least=1),
        worker_type=worker_type,
        log_levels=check_log_levels(given.get("log_levels")),
        log_buffer_size=check_count("log_buffer_size", given.get("log_buffer_size")),
        log_limit=check_count("log_limit", given.get("log_limit"), least=1),
        max_object_size=check_count(
            "max_object_size", given.get("max_object_size"), least=LEAST_OBJECT_SIZE
        ),
        start_worker_timeout=timeout,
        heartbeat_period=_heartbeat("heartbeat_period", given.get("heartbeat_period")),
        heartbeat_expire=_heartbeat("heartbeat_expire", given.get("heartbeat_expire")),
        large_objects_path=None if directory is None else check_directory(directory),  # makes one
    )


def _heartbeat(name: str, seconds: float | None) -> float | None:
    return check_seconds(name, seconds, least=SHORTEST_HEARTBEAT, most=LONGEST_HEARTBEAT)


def check_directory(directory: str | Path) -> Path:
    """Return the absolute path of a directory for large objects, made where it is missing.

    Raises InvalidArgumentError where it cannot be made or written.
    """
    if not isinstance(directory, str | Path):
        raise InvalidTypeError(
            "large_objects_path must be the path of a directory but is "
            f"{directory!r} ({type(directory).__name__})"
        )
    try:
        if not str(directory):
            raise ValueError("it is empty")
        path = Path(directory).expanduser().absolute()
        str(path).encode()  # it travels as text
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):  # root may write by its rights, but not everywhere
            return path
    except (OSError, ValueError, RuntimeError) as error:
        raise InvalidArgumentError(
            "large_objects_path must be a directory that this user may write, or the path of one "
            f"that can be made, but is {str(directory)!r}: {error}. Choose another"
        ) from error


def resolved(*layers: Settings) -> Settings:
    """Take each setting from the first layer that says it, else as it is by default.

    Raises InvalidArgumentError where the settings do not go together.
    """
    found = Settings(worker_type="local")
    for layer in reversed(layers):
        found = replace(found, **layer.said())
    try:
        check_heartbeat(found.heartbeat_period, found.heartbeat_expire)
    except InvalidArgumentError as error:
        raise InvalidArgumentError(
            f"{error}. Correct one of the two; each comes from the call, else the plan, else "
            "RUSHTYPED_HEARTBEAT_PERIOD or RUSHTYPED_HEARTBEAT_EXPIRE"
        ) from error
    return found
