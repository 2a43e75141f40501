"""Records of elsewhere at the local loguru logger, as they were."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import loguru
from loguru import logger


def log_as(
    target: loguru.Logger, level: str, number: int, message: str, fields: Mapping[str, object]
) -> None:
    """Log a record of elsewhere with its own fields; a level that loguru lacks, by its number."""

    def relabel(record: Any) -> None:
        record["level"].name = level
        record.update(fields)

    known: str | int = number
    with contextlib.suppress(ValueError):
        known = level if logger.level(level).no == number else number
    target.patch(relabel).log(known, message)
