"""How started workers are to run: what is common to all ways of starting them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rushtyped.arguments import check_heartbeat, check_names
from rushtyped.errors import InvalidArgumentError
from rushtyped.logs import DEFAULT_LOG_LEVELS, DEFAULT_LOG_LIMIT, check_log_levels
from rushtyped.plan import Settings


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How workers are to run, as given to any of the methods that start some; all checked."""

    imports: tuple[str, ...]
    log_levels: Mapping[str, int]
    """Least number of the level that is kept in Redis, by logger."""
    log_buffer_size: int
    log_limit: int
    """Most records that are kept of each worker."""
    message_log: str | None
    """Directory of the files that standard error is appended to."""
    output_log: str | None
    heartbeat_period: float
    heartbeat_expire: float


def worker_options(
    settings: Settings,
    imports: Sequence[str],
    message_log: str | Path | None,
    output_log: str | Path | None,
) -> WorkerOptions:
    """Put options together from settings in force and what belongs to one call."""
    levels = check_log_levels(settings.log_levels or DEFAULT_LOG_LEVELS) or {}
    period, expire = check_heartbeat(settings.heartbeat_period, settings.heartbeat_expire)
    return WorkerOptions(
        imports=check_names("imports", imports),
        log_levels=levels,
        log_buffer_size=settings.log_buffer_size or 0,
        log_limit=settings.log_limit or DEFAULT_LOG_LIMIT,
        message_log=check_log_directory("message_log", message_log),
        output_log=check_log_directory("output_log", output_log),
        heartbeat_period=period,
        heartbeat_expire=expire,
    )


def check_log_directory(name: str, directory: str | Path | None) -> str | None:
    """Return a directory for logs, made where it is missing; None passes."""
    if directory is None:
        return None
    try:
        path = Path(directory).absolute()
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, TypeError, ValueError) as error:
        raise InvalidArgumentError(
            f"{name} must be a directory, or the path of one that can be made, but is "
            f"{str(directory)!r}: {error}"
        ) from error
    return str(path)
