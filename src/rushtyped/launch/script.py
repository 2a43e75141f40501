"""A line for a POSIX shell that starts a worker wherever the server can be reached."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field

from rushtyped.errors import InvalidArgumentError
from rushtyped.launch.order import Order

HIDDEN = "***"
_NOT_ON_A_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""What would end a line or is no text: control characters, other ends of lines, stray bytes."""


@dataclass(frozen=True, slots=True)
class Script:
    """A command, and the variables that it needs."""

    python: str
    options: tuple[tuple[str, str], ...]
    open_variables: dict[str, str]
    secret_variables: dict[str, str] = field(repr=False)

    def line(self, *, credentials: bool) -> str:
        """Write it for a shell, with the secrets or without.

        Raises InvalidArgumentError for what no shell can pass on.
        """
        secrets = self.secret_variables if credentials else {}
        return self._line({**self.open_variables, **secrets})

    def redacted(self) -> str:
        """Write it so that it may be shown."""
        hidden = dict.fromkeys(self.secret_variables, HIDDEN)
        return self._line({**self.open_variables, **hidden})

    def _line(self, variables: dict[str, str]) -> str:
        assigned = [f"{name}={_quoted(name, value)}" for name, value in variables.items()]
        python = _quoted("python", self.python)
        if python == self.python and "=" in python:  # else the shell takes it for a variable
            python = f"'{python}'"
        options = [f"{name}={_quoted(name, value)}" for name, value in self.options]
        return " ".join((*assigned, python, "-m rushtyped worker", *options))


def script_of(order: Order, python: str) -> Script:
    """Write an order as a command."""
    if not python:
        raise InvalidArgumentError("python must be the path of an interpreter but is empty")
    options = order.options
    written = [
        ("--network-id", order.network_id),
        ("--loop", order.digest),
        ("--retry-timeout", str(order.retry_timeout)),
        ("--heartbeat-period", str(options.heartbeat_period)),
        ("--heartbeat-expire", str(options.heartbeat_expire)),
        ("--log-levels", json.dumps(dict(options.log_levels))),
        ("--log-buffer-size", str(options.log_buffer_size)),
        ("--log-limit", str(options.log_limit)),
        *(("--import", module) for module in options.imports),
    ]
    if options.message_log is not None:
        written.append(("--message-log", options.message_log))
    if options.output_log is not None:
        written.append(("--output-log", options.output_log))
    url, shows_secret = order.endpoint.as_url()
    server = {"RUSHTYPED_REDIS_URL": url}
    secrets = {**(server if shows_secret else {}), "RUSHTYPED_SECRET": order.secret}
    known = {} if shows_secret else server
    if order.endpoint.directory is not None:
        known["RUSHTYPED_EMBEDDED_DIR"] = str(order.endpoint.directory)
    return Script(python, tuple(written), known, secrets)


def _quoted(name: str, value: str) -> str:
    """Quote a value for a POSIX shell, on one line."""
    if not _NOT_ON_A_LINE.search(value):
        return shlex.quote(value)
    if "\0" in value or value.endswith("\n"):  # the value itself may be secret
        raise InvalidArgumentError(
            f"{name} cannot be passed to a command by a shell, since it holds a zero byte or ends "
            "with a newline: leave that out"
        )
    octal = "".join(f"\\{byte:03o}" for byte in value.encode(errors="surrogateescape"))
    return f"\"$(printf '{octal}')\""
