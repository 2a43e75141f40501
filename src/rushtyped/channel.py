"""Commands to the server that outlive lost connections, restarts and failovers."""

from __future__ import annotations

import os
import random
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import hiredis
import redis
from loguru import logger
from redis import exceptions

from rushtyped.connect import AnyClient, Endpoint
from rushtyped.errors import EmbeddedServerError
from rushtyped.lua import Script
from rushtyped.server_errors import is_passing, named_error

Argument = str | bytes | int | float
Command = tuple[Argument, ...]

_pack: Any = hiredis.pack_command  # its stub takes tuples of one only
Calls = Callable[[], Iterable[Command]]
"""Makes the arguments of calls that follow each other; again for each attempt."""

_SCANNED_AT_ONCE = 1000
FIRST_PAUSE = 0.01
LONGEST_PAUSE = 1.0


class Pending(NamedTuple):
    """Commands whose replies are yet to be read."""

    commands: Sequence[Command]
    connection: Any
    """What they were sent over; None where that could not be done."""


class Channel:
    """The connections of one user of a network to the server of its hash slot.

    Each call takes a free connection, so that threads and blocking calls do not wait for each
    other. Whatever is sent through `call`, `run` and `pipeline` may be sent twice.
    """

    def __init__(self, endpoint: Endpoint, slot_key: str, retry_timeout: float) -> None:
        self.endpoint = endpoint
        self.retry_timeout = retry_timeout
        self.n_round_trips: int = 0
        self.recovered_at: float = float("-inf")
        """When a lost connection was last made anew, by the monotonic clock."""
        self.run_id: bytes = b""
        """Id of the server process that was contacted first, where it does not hide that."""
        self._slot_key = slot_key
        self._client: AnyClient | None = None
        self._free: list[Any] = []
        self._pid = os.getpid()
        self._is_lost = False  # a connection, and none was made anew since
        self._restore: weakref.WeakMethod[Callable[[], None]] | None = None

    def when_recovered(self, restore: Callable[[], None]) -> None:
        """Have a method called whenever a lost connection is made anew, before anything else.

        The server may have gone back to an earlier state, as by a failover. The method is held
        weakly, may be called again, and may use `run_once` only.
        """
        self._restore = weakref.WeakMethod(restore)

    def call(self, *command: Argument) -> Any:
        """Send one command and return its reply."""
        return self._exchange(self._send, (command,))

    def run(self, script: Script, *keys_and_args: Argument) -> Any:
        """Run a script; the arguments are the number of its keys, the keys, and what follows."""
        return self._exchange(self._run, (script, keys_and_args))

    def run_once(self, script: Script, *keys_and_args: Argument) -> Any:
        """Run a script as `run` does, without patience for a server that does not answer."""
        return self._once(self._run, (script, keys_and_args))

    def pipeline(self, commands: Sequence[Command]) -> list[Any]:
        """Send several commands in one round trip and return their replies."""
        replies: list[Any] = self._exchange(self._send_all, (commands,))
        return replies

    def run_each(self, script: Script, calls: Calls) -> list[Any]:
        """Run a script several times in one round trip; each call goes out before the last reply.

        What one call does must not depend on the reply to another. Where the connection is lost,
        all are sent again.
        """
        replies: list[Any] = self._exchange(self._run_each, (script, calls))
        return replies

    def begin(self, commands: Sequence[Command]) -> Pending:
        """Send several commands, whose replies `end` reads; meanwhile the server prepares them."""
        connection = None
        if not self._is_lost:
            try:
                connection = self._taken()
                connection.send_packed_command((b"".join(map(_pack, commands)),))
                self.n_round_trips += 1
            except (exceptions.RedisError, OSError, EmbeddedServerError):
                if connection is not None:
                    connection.disconnect()
                connection = None  # `end` tries it again, and raises what lasts
        return Pending(commands, connection)

    def end(self, pending: Pending) -> list[Any]:
        """Return the replies to commands that were begun, as `pipeline` does."""
        commands, connection = pending
        if connection is None:
            return self.pipeline(commands)
        try:
            replies = _received(connection, commands)
        except Exception as error:  # noqa: BLE001 - raised by its right name where it lasts
            self._give_back(connection, error)
            again: list[Any] = self._insist(self._send_all, (commands,), error)
            return again
        except BaseException as error:
            self._give_back(connection, error)
            raise
        self._free.append(connection)
        return replies

    @staticmethod
    def drop(pending: Pending) -> None:
        """Do without the replies to commands that were begun."""
        if pending.connection is not None:
            pending.connection.disconnect()

    def run_after(
        self, command: Command, script: Script, *keys_and_args: Argument
    ) -> tuple[Any, bool]:
        """Send a command and a script in one round trip and return the script's reply.

        Where the reply was lost, the script alone is sent again; then True comes with its reply,
        since the command may not have reached the server.
        """
        try:
            if not self._is_lost:
                return self._attempt(self._run_after, (command, script, keys_and_args)), False
            return self._resume(self._run_after, (command, script, keys_and_args)), False
        except Exception as error:  # noqa: BLE001 - raised by its right name where it lasts
            return self._insist(self._run, (script, keys_and_args), error), True

    def scan(self, pattern: str) -> list[bytes]:
        """List the keys that match a pattern, of all servers of a cluster; one may come twice."""
        found: list[bytes] = self._exchange(self._scan, (pattern,))
        return found

    def probe(self) -> bytes:
        """Ask the server about itself; without a retry, since a wrong address does not heal."""
        info: bytes = self._once(self._send, (("INFO",),))
        return info

    def close(self) -> None:
        """Close all connections that are free."""
        while self._free:
            self._free.pop().disconnect()

    @property
    def client(self) -> AnyClient:
        """The redis-py client that the connections are made by."""
        if self._client is None:
            self._client = self.endpoint.client()
        return self._client

    def _exchange(self, exchange: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        try:
            return (self._resume if self._is_lost else self._attempt)(exchange, arguments)
        except Exception as error:  # noqa: BLE001 - raised by its right name where it lasts
            return self._insist(exchange, arguments, error)

    def _once(self, exchange: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        try:
            return self._attempt(exchange, arguments)
        except Exception as error:  # noqa: BLE001 - raised by its right name
            self._is_lost = self._is_lost or is_passing(error)
            named = named_error(error, self.endpoint.address)
            raise named from (None if named is error else error)

    def _attempt(self, exchange: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Do an exchange over a connection of its own."""
        connection = self._taken()
        try:
            reply = exchange(connection, *arguments)
        except BaseException as error:
            self._give_back(connection, error)
            raise
        self._free.append(connection)
        return reply

    def _taken(self) -> Any:
        """Take a free connection, or make one."""
        if self._pid != os.getpid():
            # a child of fork never uses its parent's sockets, nor closes them for its parent
            self._free, self._client, self._pid = [], None, os.getpid()
        try:
            return self._free.pop()
        except IndexError:
            return self._new_connection()

    def _give_back(self, connection: Any, error: BaseException) -> None:
        """Note that a connection is free after an error, unless a reply may be on its way."""
        if isinstance(error, exceptions.ResponseError):
            self._free.append(connection)
        else:
            connection.disconnect()

    def _insist(
        self, exchange: Callable[..., Any], arguments: tuple[Any, ...], error: Exception
    ) -> Any:
        """Try again until the server is back or the time is up."""
        deadline = time.monotonic() + self.retry_timeout
        pause = FIRST_PAUSE
        while is_passing(error) and time.monotonic() + pause < deadline:
            logger.trace("Lost {}: {}; trying again", self.endpoint.address, type(error).__name__)
            time.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, LONGEST_PAUSE)
            try:
                return self._resume(exchange, arguments)
            except Exception as again:  # noqa: BLE001 - it is raised below, by its right name
                error = again
        self._is_lost = self._is_lost or is_passing(error)
        named = named_error(error, self.endpoint.address, self.retry_timeout)
        raise named from (None if named is error else error)

    def _resume(self, exchange: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Do an exchange with a server that was away, when what it may have lost is restored."""
        self.renew()
        restore = self._restore and self._restore()
        if restore:
            restore()
        reply = self._attempt(exchange, arguments)
        self._is_lost = False
        self.recovered_at = time.monotonic()
        return reply

    def renew(self) -> None:
        """Drop connections and the client: the server may have moved or need a start."""
        self.close()
        self._client = None
        self._is_lost = True

    def _new_connection(self) -> Any:
        client: Any = self.client  # redis-py leaves much of it untyped
        if isinstance(self.client, redis.RedisCluster):
            client = client.get_redis_connection(client.get_node_from_key(self._slot_key))
        connection = client.connection_pool.make_connection()
        connection.driver_info = None  # that takes two commands, which a narrow user may not send
        connection.connect()  # a connection by sentinels asks for the address only here
        return connection

    def _send(self, connection: Any, command: Command) -> Any:
        self.n_round_trips += 1
        connection.send_packed_command((_pack(command),))
        return connection.read_response()

    def _scan(self, _: Any, pattern: str) -> list[bytes]:
        return list(self.client.scan_iter(match=pattern, count=_SCANNED_AT_ONCE))

    def _run(self, connection: Any, script: Script, arguments: Command) -> Any:
        run = ("EVALSHA", script.sha, *arguments)
        try:
            return self._send(connection, run)
        except exceptions.NoScriptError:
            # together, so that nobody flushes all scripts in between
            return self._send_all(connection, (("SCRIPT", "LOAD", script.source), run))[-1]

    def _run_after(
        self, connection: Any, command: Command, script: Script, arguments: Command
    ) -> Any:
        self.n_round_trips += 1
        run = ("EVALSHA", script.sha, *arguments)
        connection.send_packed_command((_pack(command) + _pack(run),))
        try:
            connection.read_response()
        except exceptions.ResponseError:
            connection.disconnect()  # the script's reply is still on its way
            raise
        try:
            return connection.read_response()
        except exceptions.NoScriptError:
            return self._run(connection, script, arguments)

    def _run_each(self, connection: Any, script: Script, calls: Calls) -> list[Any]:
        self.n_round_trips += 1
        n_sent = 0
        for arguments in calls():
            connection.send_packed_command((_pack(("EVALSHA", script.sha, *arguments)),))
            n_sent += 1
        try:
            return _replies(connection, n_sent)
        except exceptions.NoScriptError:
            self._send(connection, ("SCRIPT", "LOAD", script.source))
            return self._run_each(connection, script, calls)

    def _send_all(self, connection: Any, commands: Sequence[Command]) -> list[Any]:
        self.n_round_trips += 1
        connection.send_packed_command((b"".join(map(_pack, commands)),))
        return _received(connection, commands)


def _received(connection: Any, commands: Sequence[Command]) -> list[Any]:
    """Read the replies to commands that were sent together, a transaction among them."""
    replies = _replies(connection, len(commands))
    if replies and commands[-1] == ("EXEC",):
        _raise_first(replies[-1])
    return replies


def _replies(connection: Any, n: int) -> list[Any]:
    """Read n replies, all of them, before an error is raised that is among them."""
    replies: list[Any] = []
    for _ in range(n):
        try:
            replies.append(connection.read_response())
        except exceptions.ResponseError as error:
            replies.append(error)
    _raise_first(replies)
    return replies


def _raise_first(replies: Iterable[Any]) -> None:
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
