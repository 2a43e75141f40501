"""Commands to the server that outlive lost connections, restarts and failovers."""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import redis
from loguru import logger
from redis import exceptions

from rushtyped.connect import AnyClient, Endpoint
from rushtyped.errors import (
    EmbeddedServerError,
    ServerAccessError,
    ServerError,
    ServerUnreachableError,
)
from rushtyped.lua import Script

Command = tuple[str | bytes | int | float, ...]
T = TypeVar("T")

FIRST_PAUSE = 0.01
LONGEST_PAUSE = 1.0

_ACCESS = (
    exceptions.AuthenticationError,
    exceptions.AuthorizationError,
    exceptions.NoPermissionError,
    exceptions.AuthenticationWrongNumberOfArgsError,
)
_PASSING = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.ReadOnlyError,
    exceptions.TryAgainError,
    exceptions.ClusterError,
    exceptions.AskError,
    exceptions.InvalidResponse,
    exceptions.RedisClusterException,
    OSError,
    EmbeddedServerError,
)
_PASSING_WORDS = ("BUSY", "NOREPLICAS", "UNBLOCKED", "MASTERDOWN", "LOADING")


class Channel:
    """The connections of one user of a network to the server of its hash slot.

    Each call takes a free connection, so that threads and blocking calls do not wait for each
    other. Whatever is sent through `call`, `run` and `pipeline` may be sent twice.
    """

    def __init__(self, endpoint: Endpoint, slot_key: str, retry_timeout: float) -> None:
        self.endpoint = endpoint
        self.retry_timeout = retry_timeout
        self.n_round_trips = 0
        self._slot_key = slot_key
        self._client: AnyClient | None = None
        self._free: list[Any] = []
        self._pid = os.getpid()

    def call(self, *command: str | bytes | int | float) -> Any:
        """Send one command and return its reply."""
        return self._exchange(lambda connection: self._send(connection, command))

    def run(self, script: Script, *keys_and_args: str | bytes | int | float) -> Any:
        """Run a script; the arguments are the number of its keys, the keys, and what follows."""
        return self._exchange(lambda connection: self._run(connection, script, keys_and_args))

    def pipeline(self, commands: Sequence[Command]) -> list[Any]:
        """Send several commands in one round trip and return their replies."""
        return self._exchange(lambda connection: self._send_all(connection, commands))

    def run_after(self, command: Command, script: Script, *arguments: str | bytes | int) -> Any:
        """Send a command and a script in one round trip and return the script's reply.

        Where the reply was lost, the script alone is sent again.
        """
        return self._exchange(
            lambda connection: self._run_after(connection, command, script, arguments),
            lambda connection: self._run(connection, script, arguments),
        )

    def probe(self) -> bytes:
        """Ask the server about itself; without a retry, since a wrong address does not heal."""
        try:
            with self._connection() as connection:
                info: bytes = self._send(connection, ("INFO",))
        except Exception as error:
            raise self._named(error, patience=0.0) from error
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

    def _exchange(
        self, exchange: Callable[[Any], T], repeat: Callable[[Any], T] | None = None
    ) -> T:
        try:
            with self._connection() as connection:
                return exchange(connection)
        except Exception as error:
            if not _is_passing(error):
                raise self._named(error, self.retry_timeout) from error
            return self._insist(repeat or exchange, error)

    def _insist(self, exchange: Callable[[Any], T], error: Exception) -> T:
        """Try again until the server is back or the time is up."""
        deadline = time.monotonic() + self.retry_timeout
        pause = FIRST_PAUSE
        logger.debug("Lost {}: {}; trying again", self.endpoint.address, type(error).__name__)
        while time.monotonic() + pause < deadline:
            time.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, LONGEST_PAUSE)
            try:
                self.renew()
                with self._connection() as connection:
                    return exchange(connection)
            except Exception as again:
                error = again
                if not _is_passing(error):
                    break
        raise self._named(error, self.retry_timeout) from error

    def renew(self) -> None:
        """Drop connections and the client: the server may have moved or need a start."""
        self.close()
        self._client = None

    @contextlib.contextmanager
    def _connection(self) -> Any:
        if self._pid != os.getpid():
            # a child of fork never uses its parent's sockets, nor closes them for its parent
            self._free, self._client, self._pid = [], None, os.getpid()
        connection = self._free.pop() if self._free else self._new_connection()
        try:
            yield connection
        except exceptions.ResponseError:
            self._free.append(connection)
            raise
        except BaseException:
            connection.disconnect()  # a reply may still be on its way
            raise
        self._free.append(connection)

    def _new_connection(self) -> Any:
        client = self.client
        if isinstance(client, redis.RedisCluster):
            node = client.get_node_from_key(self._slot_key)
            client = client.get_redis_connection(node)
        return client.connection_pool.make_connection()

    def _send(self, connection: Any, command: Command) -> Any:
        self.n_round_trips += 1
        connection.send_command(*command)
        return connection.read_response()

    def _run(self, connection: Any, script: Script, arguments: Command) -> Any:
        try:
            return self._send(connection, ("EVALSHA", script.sha, *arguments))
        except exceptions.NoScriptError:
            self._send(connection, ("SCRIPT", "LOAD", script.source))
            return self._send(connection, ("EVALSHA", script.sha, *arguments))

    def _run_after(
        self, connection: Any, command: Command, script: Script, arguments: Command
    ) -> Any:
        self.n_round_trips += 1
        run = ("EVALSHA", script.sha, *arguments)
        connection.send_packed_command(connection.pack_commands((command, run)))
        try:
            connection.read_response()
        except exceptions.ResponseError:
            connection.disconnect()  # the script's reply is still on its way
            raise
        try:
            return connection.read_response()
        except exceptions.NoScriptError:
            return self._run(connection, script, arguments)

    def _send_all(self, connection: Any, commands: Sequence[Command]) -> list[Any]:
        self.n_round_trips += 1
        connection.send_packed_command(connection.pack_commands(commands))
        replies: list[Any] = []
        for _ in commands:
            try:
                replies.append(connection.read_response())
            except exceptions.ResponseError as error:
                replies.append(error)
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return replies

    def _named(self, error: Exception, patience: float) -> Exception:
        """Translate an error of redis-py or the system to one of ours, without secrets."""
        address = self.endpoint.address
        if isinstance(error, _ACCESS):
            return ServerAccessError(
                f"{address} refused the access: {error}. Give the right user and password, or "
                "allow this user the commands and keys of the network"
            )
        if isinstance(error, EmbeddedServerError):
            return error
        if _is_passing(error):
            waited = f" within {patience:g} s" if patience else ""
            return ServerUnreachableError(
                f"{address} did not answer{waited}: {type(error).__name__}: {error}. Start the "
                "server, or correct redis=, RUSHTYPED_REDIS_URL or REDIS_URL"
            )
        if isinstance(error, exceptions.RedisError):
            return ServerError(f"{address} refused a command: {error}")
        return error


def _is_passing(error: Exception) -> bool:
    """Tell whether waiting may heal it."""
    if isinstance(error, _ACCESS):
        return False
    return isinstance(error, _PASSING) or (
        isinstance(error, exceptions.ResponseError) and str(error).startswith(_PASSING_WORDS)
    )
