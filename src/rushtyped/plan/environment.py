"""What the environment says, read each time it is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel, Field, Json, ValidationError

from rushtyped.connect import URL_VARIABLES, resolve_endpoint
from rushtyped.errors import InvalidArgumentError, InvalidTypeError, RedisUrlError
from rushtyped.logs import check_log_levels
from rushtyped.plan.values import (
    LEAST_OBJECT_SIZE,
    LONGEST_HEARTBEAT,
    SHORTEST_HEARTBEAT,
    Settings,
    WorkerType,
    check_directory,
)

SECRET_VARIABLE = "RUSHTYPED_SECRET"  # noqa: S105 - its name, not its value
SHORTEST_SECRET = 16

_PREFIX = "RUSHTYPED_"
_SECONDS = f"a number of seconds from {SHORTEST_HEARTBEAT:g} to {LONGEST_HEARTBEAT:g}"
_EXPECTED = {
    "n_workers": "a whole number that is at least 1",
    "worker_type": f"one of {', '.join(sorted(get_args(WorkerType)))}",
    "log_levels": """a JSON object of levels by logger, as in {"rushtyped": "debug"},""",
    "log_buffer_size": "a whole number that is at least 0",
    "log_limit": "a whole number that is at least 1",
    "large_objects_path": "the path of a directory",
    "max_object_size": f"a whole number of bytes that is at least {LEAST_OBJECT_SIZE}",
    "start_worker_timeout": "a number of seconds that is at least 0",
    "heartbeat_period": _SECONDS,
    "heartbeat_expire": _SECONDS,
}
"""What the variable of each setting must be."""


def environment(*, with_server: bool = False) -> Settings:
    """Read the settings; raise one error that names all that is wrong with them.

    It is an InvalidArgumentError, a RedisUrlError where `with_server` and the URL is wrong too.
    """
    found, kind = Settings(), InvalidArgumentError
    problems: list[str] = []
    if any(os.environ.get(_variable(name)) for name in _EXPECTED):
        try:
            found = Settings(**_environment_type()().model_dump())
        except ValidationError as error:
            problems += _problems(error)
    try:
        secret()
    except InvalidArgumentError as error:
        problems.append(str(error))
    if with_server and url_of_environment():
        try:
            resolve_endpoint()
        except RedisUrlError as error:
            kind = RedisUrlError
            problems.append(str(error))
    if problems:
        raise kind("\n".join(sorted(problems)))
    return found


def url_of_environment() -> str | None:
    """Return the URL of the server that the environment names; it may hold a password."""
    return next(filter(None, map(os.environ.get, URL_VARIABLES)), None)


def secret() -> str | None:
    """Return the secret of scripts and executors from RUSHTYPED_SECRET; None where it is unset.

    Raises InvalidArgumentError for a short one. Comes without pydantic_settings, since a worker
    process asks for it when it starts.
    """
    value = os.environ.get(SECRET_VARIABLE)
    if value and not value.isascii() and value != value.encode(errors="replace").decode():
        raise InvalidArgumentError(f"{SECRET_VARIABLE} must be text in UTF-8 but is not: change it")
    if value and len(value) < SHORTEST_SECRET:
        raise InvalidArgumentError(
            f"{SECRET_VARIABLE} must have at least {SHORTEST_SECRET} characters but has "
            f"{len(value)}: set it to a longer one, the same for the manager and all workers"
        )
    return value or None


def _problems(error: ValidationError) -> Iterator[str]:
    """Say of each wrong variable what it must be and is; none of them is secret."""
    for each in error.errors():
        variable = str(each["loc"][0])
        if each["type"] == "value_error":
            yield f"{variable} cannot be used: {each.get('ctx', {})['error']}"
            continue
        expected = _EXPECTED[variable.removeprefix(_PREFIX).lower()]
        yield f"{variable} must be {expected} but is {each['input']!r}: correct it, or unset it"


def _variable(name: str) -> str:
    return f"{_PREFIX}{name.upper()}"


def _check_levels(levels: object) -> dict[str, int] | None:
    try:
        return check_log_levels(levels)
    except InvalidTypeError as error:  # pydantic lets a TypeError through
        raise ValueError(str(error)) from error


_Count = Annotated[int, Field(ge=1)]
_Heartbeat = Annotated[float, Field(ge=SHORTEST_HEARTBEAT, le=LONGEST_HEARTBEAT)]


@cache
def _environment_type() -> type[BaseModel]:
    """Make the model of the environment's settings."""
    # it takes 0.1 s, and is not needed where no variable is set
    from pydantic_settings import BaseSettings, SettingsConfigDict

    class Environment(BaseSettings):
        model_config = SettingsConfigDict(
            alias_generator=_variable,
            case_sensitive=True,
            env_ignore_empty=True,
            extra="ignore",
            validate_default=False,
        )

        n_workers: _Count | None = None
        worker_type: WorkerType | None = None
        log_levels: Annotated[Json[Any], AfterValidator(_check_levels)] = None
        log_buffer_size: Annotated[int, Field(ge=0)] | None = None
        log_limit: _Count | None = None
        large_objects_path: Annotated[Path | None, AfterValidator(check_directory)] = None
        max_object_size: Annotated[int, Field(ge=LEAST_OBJECT_SIZE)] | None = None
        start_worker_timeout: Annotated[float, Field(ge=0)] | None = None
        heartbeat_period: _Heartbeat | None = None
        heartbeat_expire: _Heartbeat | None = None

    return Environment
