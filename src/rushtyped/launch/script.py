"""A line for a POSIX shell that starts a worker wherever the server can be reached."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field

from rushtyped.errors import InvalidArgumentError
from rushtyped.launch.order import Order

HIDDEN = "***"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Script:
    """A command, and the variables that it needs."""

    command: tuple[str, ...]
    open_variables: dict[str, str]
    secret_variables: dict[str, str] = field(repr=False)

    def line(self, *, credentials: bool) -> str:
        """Write it for a shell, with the secrets or without."""
        secrets = self.secret_variables if credentials else {}
        return self._line({**self.open_variables, **secrets})

    def redacted(self) -> str:
        """Write it so that it may be shown."""
        hidden = dict.fromkeys(self.secret_variables, HIDDEN)
        return self._line({**self.open_variables, **hidden})

    def _line(self, variables: dict[str, str]) -> str:
        assigned = [f"{name}={_quoted(value)}" for name, value in variables.items()]
        return " ".join((*assigned, *map(_quoted, self.command)))


def script_of(order: Order, python: str) -> Script:
    """Write an order as a command; raises InvalidArgumentError for what no shell can pass on."""
    options = order.options
    command = [
        *(python, "-m", "rushtyped", "worker"),
        *("--network-id", order.network_id, "--loop", order.digest),
        *("--retry-timeout", f"{order.retry_timeout:g}"),
        *("--heartbeat-period", f"{options.heartbeat_period:g}"),
        *("--heartbeat-expire", f"{options.heartbeat_expire:g}"),
        *("--log-levels", json.dumps(dict(options.log_levels))),
        *("--log-buffer-size", str(options.log_buffer_size)),
        *("--log-limit", str(options.log_limit)),
    ]
    for module in options.imports:
        command += ("--import", module)
    if options.message_log is not None:
        command += ("--message-log", options.message_log)
    if options.output_log is not None:
        command += ("--output-log", options.output_log)
    url, shows_secret = order.endpoint.as_url()
    server = {"RUSHTYPED_REDIS_URL": url}
    secrets = {**(server if shows_secret else {}), "RUSHTYPED_SECRET": order.secret}
    known = {} if shows_secret else server
    if order.endpoint.directory is not None:
        known["RUSHTYPED_EMBEDDED_DIR"] = str(order.endpoint.directory)
    return Script(tuple(command), known, secrets)


def _quoted(value: str) -> str:
    """Quote a value for a POSIX shell, on one line."""
    if not _CONTROL.search(value):
        return shlex.quote(value)
    if "\0" in value or value.endswith("\n"):
        raise InvalidArgumentError(
            f"{value!r} cannot be passed to a command by a shell: leave out the zero byte or the "
            "newline at its end"
        )
    octal = "".join(f"\\{byte:03o}" for byte in value.encode(errors="surrogateescape"))
    return f"\"$(printf '{octal}')\""
