"""The least level that each logger of a worker is heard from."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from loguru import logger

from rushtyped.errors import InvalidArgumentError, InvalidTypeError

LogLevels = Mapping[str, str | int]
"""Least level by logger: a module or standard logger, all below it, or "" for all others."""
DEFAULT_LOG_LEVELS: LogLevels = {"": "WARNING"}


def check_log_levels(levels: object) -> dict[str, int] | None:
    """Return the severity of the least level by logger; None passes.

    Raises InvalidTypeError or InvalidArgumentError for what is no mapping of names to levels.
    """
    if levels is None:
        return None
    if not isinstance(levels, Mapping):
        example = levels if isinstance(levels, str | int) else "INFO"
        raise InvalidTypeError(
            f"log_levels must map names of loggers to levels but is {levels!r} "
            f'({type(levels).__name__}): write {{"": {example!r}}} for all loggers'
        )
    wrong = [name for name in levels if not isinstance(name, str)]
    if wrong:
        raise InvalidTypeError(
            f"log_levels must map names of loggers but has {wrong[0]!r} "
            f'({type(wrong[0]).__name__}): write "my.module", or "" for all others'
        )
    return {name: _severity(name, level) for name, level in levels.items()}


def _severity(name: str, level: object) -> int:
    if isinstance(level, bool) or not isinstance(level, str | int):
        raise InvalidTypeError(
            f"log_levels[{name!r}] must be the name of a level or a number but is {level!r} "
            f"({type(level).__name__})"
        )
    if isinstance(level, int):
        if level < 0:
            raise InvalidArgumentError(f"log_levels[{name!r}] must be at least 0 but is {level!r}")
        return level
    for known in (level, level.upper()):
        with contextlib.suppress(ValueError):
            return logger.level(known).no
    raise InvalidArgumentError(
        f"log_levels[{name!r}] must be a level but is {level!r}: use TRACE, DEBUG, INFO, SUCCESS, "
        "WARNING, ERROR, CRITICAL, or one that logger.level(...) of loguru has made"
    )
