"""The command that is a worker process: `rushtyped worker`.

It has a parser of its own, so that a worker starts without Typer and Rich.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, TextIO

from rushtyped.arguments import check_seconds
from rushtyped.connect import resolve_endpoint
from rushtyped.errors import InvalidArgumentError, WorkerStartError
from rushtyped.keys import check_network_id, check_worker_id, new_worker_id
from rushtyped.launch.log_files import open_messages, open_output
from rushtyped.launch.options import worker_options
from rushtyped.launch.order import Order, Surroundings
from rushtyped.launch.running import run_alone
from rushtyped.pipes import receive
from rushtyped.plan import settings
from rushtyped.tasks import RETRY_TIMEOUT

_DESCRIPTION = """\
Run one worker of a network until its loop ends. The line that worker_script() writes calls this
command. The server is taken from RUSHTYPED_REDIS_URL or REDIS_URL, which may hold a password, and
the secret that the loop is signed with from RUSHTYPED_SECRET; neither is taken from the command
line, where others could see it. Other settings can be given by RUSHTYPED_* variables too."""
_EXAMPLE = """\
Example:
  RUSHTYPED_SECRET=... rushtyped worker --network-id branin --loop SHA256"""


def run(arguments: Sequence[str]) -> int:
    """Be the worker that the arguments describe; return the exit code."""
    return _run_worker(_parser().parse_args(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rushtyped worker",
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name, settings_of_option in _OPTIONS.items():
        parser.add_argument(name, **settings_of_option)
    return parser


_OPTIONS: dict[str, dict[str, Any]] = {
    "--network-id": {"metavar": "ID", "help": "name of the network to work for"},
    "--loop": {"metavar": "SHA256", "help": "name of the worker loop in Redis"},
    "--worker-id": {"metavar": "ID", "help": "name of the worker (a new one)"},
    "--import": {
        "metavar": "MODULE",
        "action": "append",
        "default": [],
        "dest": "imports",
        "help": "module to import first; may be given several times",
    },
    "--retry-timeout": {
        "metavar": "S",
        "type": float,
        "default": RETRY_TIMEOUT,
        "help": "seconds for which a server that does not answer is tried again (30)",
    },
    "--heartbeat-period": {
        "metavar": "S",
        "type": float,
        "help": "seconds between two signs of life (5)",
    },
    "--heartbeat-expire": {
        "metavar": "S",
        "type": float,
        "help": "seconds without one after which the worker counts as lost (three periods)",
    },
    "--log-levels": {
        "metavar": "JSON",
        "help": 'least level that is kept in Redis, by logger ({"": "WARNING"})',
    },
    "--log-buffer-size": {
        "metavar": "N",
        "type": int,
        "help": "log records that are sent together (0: each at once)",
    },
    "--log-limit": {"metavar": "N", "type": int, "help": "log records that are kept (10000)"},
    "--message-log": {"metavar": "DIR", "help": "directory that gets a file of standard error"},
    "--output-log": {"metavar": "DIR", "help": "directory that gets a file of standard output"},
    "--order-from-stdin": {"action": "store_true", "help": "for rushtyped itself, on an engine"},
}


def _run_worker(options: argparse.Namespace) -> int:
    if options.order_from_stdin:
        return _run_order_of_engine(sys.stdin.fileno())
    order = _order_of(options)
    if order.options.message_log is not None:
        _redirect(sys.stderr, open_messages(order))
    if order.options.output_log is not None:
        _redirect(sys.stdout, open_output(order))
    return run_alone(order, supervisor=None)


def _redirect(stream: TextIO, log: IO[bytes]) -> None:
    with log:
        os.dup2(log.fileno(), stream.fileno())


def _run_order_of_engine(descriptor: int) -> int:
    try:
        surroundings = receive(descriptor)
        if isinstance(surroundings, Surroundings):
            surroundings.extend_path()
        order = receive(descriptor)
    except EOFError as error:
        raise WorkerStartError("the order of this worker ended early: its engine died") from error
    except Exception as error:
        raise WorkerStartError(
            f"the order of this worker cannot be read: {type(error).__name__}. Standard input has "
            "to be what rushtyped on an engine writes"
        ) from error
    if not isinstance(order, Order):
        raise WorkerStartError(
            f"standard input holds no order of a worker but a {type(order).__name__}: "
            "--order-from-stdin is for rushtyped itself, on an engine"
        )
    supervisor = os.dup(descriptor)
    with Path(os.devnull).open("rb") as nothing:  # a loop that reads its input must not wait
        os.dup2(nothing.fileno(), descriptor)
    return run_alone(order, supervisor)


def _order_of(options: argparse.Namespace) -> Order:
    """Make an order of the command line's options and the environment."""
    if options.network_id is None or options.loop is None:
        raise InvalidArgumentError(
            "worker needs --network-id and --loop: take the whole line from worker_script()"
        )
    found = settings(
        log_levels=_json("--log-levels", options.log_levels),
        log_buffer_size=options.log_buffer_size,
        log_limit=options.log_limit,
        heartbeat_period=options.heartbeat_period,
        heartbeat_expire=options.heartbeat_expire,
    )
    return Order(
        network_id=check_network_id(options.network_id),
        worker_id=check_worker_id(options.worker_id or new_worker_id()),
        endpoint=resolve_endpoint(),
        retry_timeout=check_seconds("--retry-timeout", options.retry_timeout) or 0.0,
        digest=options.loop,
        secret="",
        options=worker_options(found, options.imports, options.message_log, options.output_log),
        supervise=False,
    )


def _json(name: str, text: str | None) -> dict[str, str | int] | None:
    if text is None:
        return None
    try:
        parsed: dict[str, str | int] = json.loads(text)
    except ValueError as error:
        raise InvalidArgumentError(
            f"""{name} must be a JSON object as in {{"": "INFO"}} but is {text!r}: {error}"""
        ) from error
    return parsed
