"""The commands `rushtyped server`: the embedded server between the runs of its users."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import redis as redis_py
import typer

from rushtyped.cli.output import print_json, print_pairs, say
from rushtyped.cli.parameters import RETRY_TIMEOUT, AsJson, RedisUrl, examples
from rushtyped.cli.server_use import HOLD, User, holding_process, is_running, users_of
from rushtyped.connect import EMBEDDED, Endpoint, resolve_endpoint
from rushtyped.embedded import embedded_directory, release_embedded_server, use_embedded_server
from rushtyped.errors import EmbeddedServerError
from rushtyped.networks import list_networks

_PATIENCE = 15.0
"""Seconds that a server may take to end."""


def add_commands(app: typer.Typer) -> None:
    """Add the commands to those of the command line."""
    group = typer.Typer(
        name="server",
        help="Keep the embedded server running, and look at it.",
        epilog=examples("rushtyped server start"),
    )
    group.command("start", epilog=examples("rushtyped server start"))(start_command)
    group.command("stop", epilog=examples("rushtyped server stop"))(stop_command)
    group.command(
        "status", epilog=examples("rushtyped server status", "rushtyped server status --json")
    )(status_command)
    app.add_typer(group)


def start_command() -> None:
    """Start the embedded server, and keep it running until stop."""
    directory = embedded_directory()
    address = use_embedded_server(directory)
    if holding_process(directory) is None:
        _start_holding(directory)
    print(f"unix://{address}")
    say("the embedded server runs until `rushtyped server stop`")


def _start_holding(directory: Path) -> None:
    """Leave a process that uses the server; return as soon as it does."""
    started = subprocess.run(
        [sys.executable, "-I", "-S", str(HOLD), str(directory)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
        env={},
        check=False,
    )
    if started.returncode:
        raise EmbeddedServerError(
            f"no process stays to keep the server in {str(directory)!r}: it ended with status "
            f"{started.returncode}"
        )


def stop_command() -> None:
    """Let the embedded server end, with its last user; networks are kept."""
    directory = embedded_directory()
    holding = holding_process(directory)
    if holding is None:
        say("no `rushtyped server start` keeps the embedded server running")
    else:
        use_embedded_server(directory)  # whose last user starts a new keeper if that was killed
        holding.terminate()
        _wait(lambda: holding_process(directory) is None)
        release_embedded_server(directory)
    users = users_of(directory)
    if not users:
        _wait(lambda: not is_running(directory))
    if is_running(directory):
        say(f"the server runs on for {_shown(users) or 'a process that uses it'}")
    elif holding is not None:
        say("the embedded server has ended")


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)


def status_command(*, redis: RedisUrl = None, as_json: AsJson = False) -> None:
    """Show address, memory, networks and users of the server.

    That is the embedded one, which is not started for it, unless --redis names another.
    """
    endpoint = resolve_endpoint(redis or EMBEDDED)
    facts = _facts(endpoint) if endpoint.directory is None else _facts_of_embedded(endpoint)
    if as_json:
        print_json(facts)
    else:
        print_pairs((name.replace("_", " "), _shown(value)) for name, value in facts.items())


def _facts_of_embedded(endpoint: Endpoint) -> dict[str, object]:
    directory = endpoint.directory or embedded_directory()
    facts: dict[str, object] = {"directory": str(directory), "running": is_running(directory)}
    if facts["running"]:
        facts |= _facts(endpoint) | {"address": f"unix://{use_embedded_server(directory)}"}
    kept = holding_process(directory)
    return {**facts, "kept_by": kept and kept.pid, "users": users_of(directory)}


def _facts(endpoint: Endpoint) -> dict[str, object]:
    """Ask a server what it is and holds."""
    networks = list_networks(redis=endpoint, retry_timeout=RETRY_TIMEOUT)
    about: dict[str, Any] = {}
    with suppress(redis_py.RedisError), endpoint.client() as client:
        about = dict(client.info())
    return {
        "address": endpoint.address,
        "version": about.get("valkey_version") or about.get("redis_version"),
        "memory_bytes": about.get("used_memory"),
        "connections": about.get("connected_clients"),
        "networks": networks,
    }


def _shown(value: object) -> object:
    if not isinstance(value, list):
        return value
    return ", ".join(_named(each) for each in value) or None


def _named(each: object) -> str:
    return f"process {each.pid} ({each.name[:60]})" if isinstance(each, User) else str(each)
