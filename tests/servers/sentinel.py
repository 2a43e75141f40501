"""A primary with a replica, and three sentinels that make the replica primary when it is lost."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from redis import exceptions

from tests.servers.binaries import valkey
from tests.servers.certificates import Authority
from tests.servers.deployment import Deployment
from tests.servers.ports import free_port
from tests.servers.process import SAVE_NOTHING, ServerProcess, Value
from tests.waiting import wait_until

SERVICE = "studies"
DOWN_AFTER_MS = 1000
CONFIRMED_WITHIN_MS = 500
N_SENTINELS = 3
QUORUM = 2


class SentinelDeployment(Deployment):
    """Two servers, of which one is the primary, watched by three sentinels.

    Its URL stays the same whichever is the primary.
    """

    def __init__(
        self, directory: Path, *, binary: Path | None = None, tls: Authority | None = None
    ) -> None:
        super().__init__()
        self._binary = binary or valkey()
        self._tls = tls
        ports = [free_port(), free_port()]
        self.servers = [
            self._server(directory / "first", ports[0], {}),
            self._server(directory / "second", ports[1], {"replicaof": f"127.0.0.1 {ports[0]}"}),
        ]
        self.sentinels = [
            self._sentinel(directory / f"sentinel-{number}", ports[0])
            for number in range(N_SENTINELS)
        ]
        self._lost: ServerProcess | None = None

    @property
    def url(self) -> str:
        """What `redis=` takes."""
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        if self._tls is not None:
            return f"rediss+sentinel://{hosts}/{SERVICE}?{self._tls.query_of_client()}"
        return f"redis+sentinel://{hosts}/{SERVICE}"

    @property
    def primary(self) -> ServerProcess:
        """The server that most sentinels name as the primary."""
        named = [self._named_primary(sentinel) for sentinel in self.sentinels]
        port = max(named, key=named.count)
        return next(server for server in self.servers if server.port == port)

    @property
    def replica(self) -> ServerProcess:
        """The other server."""
        primary = self.primary
        return next(server for server in self.servers if server is not primary)

    def kill_primary(self) -> ServerProcess:
        """Kill the primary and return it."""
        return self.lose(self.primary)

    def lose(self, server: ServerProcess) -> ServerProcess:
        """Kill a server and return it."""
        server.kill()
        self._lost = server
        return server

    def wait_until_failed_over(self, timeout: float = 30.0) -> ServerProcess:
        """Wait until all sentinels name the server that was not lost, and it takes writes."""
        lost = self._lost
        assert lost is not None, "no server was lost: kill_primary() comes first"
        new = next(server for server in self.servers if server is not lost)
        wait_until(
            lambda: self._is_primary(new),
            description="the sentinels have made the replica primary",
            timeout=timeout,
        )
        return new

    def restart_lost(self, timeout: float = 30.0) -> ServerProcess:
        """Start the lost server again and wait until it has become a replica of the other."""
        lost, self._lost = self._lost, None
        assert lost is not None, "no server was lost: kill_primary() comes first"
        lost.start()
        lost.wait()
        primary = next(server for server in self.servers if server is not lost)
        wait_until(
            lambda: _is_in_step(lost, primary),
            description="the restarted server has become a replica",
            timeout=timeout,
        )
        return lost

    def failover(self) -> None:
        """Ask a sentinel to swap the two, while both are up; returns when it has begun."""
        with self.sentinels[0].client() as client:
            client.execute_command("SENTINEL", "FAILOVER", SERVICE)

    def start(self, running: ExitStack) -> None:
        for server in self.servers:
            running.enter_context(server)
        primary, replica = self.servers
        wait_until(lambda: _is_in_step(replica, primary), description="the replica is in step")
        for sentinel in self.sentinels:
            running.enter_context(sentinel)
            _look_often(sentinel)
        wait_until(self._is_complete, description="the sentinels know each other")

    def _server(self, directory: Path, port: int, more: dict[str, Value]) -> ServerProcess:
        options = {**SAVE_NOTHING, "repl-diskless-sync-delay": "0", **more}
        return ServerProcess(
            directory, binary=self._binary, port=port, options=options, tls=self._tls
        )

    def _sentinel(self, directory: Path, port: int) -> ServerProcess:
        watch = (
            f"monitor {SERVICE} 127.0.0.1 {port} {QUORUM}",
            f"down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}",
            f"failover-timeout {SERVICE} 1000",
            f"parallel-syncs {SERVICE} 1",
        )
        return ServerProcess(
            directory,
            binary=self._binary,
            port=free_port(),
            options={"sentinel": watch},
            sentinel=True,
            tls=self._tls,
        )

    def _asked(self, sentinel: ServerProcess, what: str) -> Any:
        with sentinel.client() as client:
            return client.execute_command("SENTINEL", what, SERVICE)

    def _named_primary(self, sentinel: ServerProcess) -> int:
        with sentinel.client() as client:
            return int(client.sentinel_get_master_addr_by_name(SERVICE)[1])

    def _is_primary(self, server: ServerProcess) -> bool:
        named = {self._named_primary(sentinel) for sentinel in self.sentinels}
        return named == {server.port} and _replication(server).get("role") == "master"

    def _is_complete(self) -> bool:
        """Whether each sentinel knows the replica and the other sentinels."""
        return all(
            len(self._asked(sentinel, "REPLICAS")) == 1
            and len(self._asked(sentinel, "SENTINELS")) == N_SENTINELS - 1
            for sentinel in self.sentinels
        )


def _look_often(sentinel: ServerProcess) -> None:
    """Have a sentinel look ten times a second at what it looks at every second, or ten, itself."""
    periods = ("ping-period", "200", "info-period", "100", "publish-period", "100")
    with sentinel.client() as client:
        client.execute_command("SENTINEL", "DEBUG", *periods)


def _replication(server: ServerProcess) -> dict[str, Any]:
    """Tell what a server says of it; nothing while it drops connections to change its role."""
    with server.client() as client:
        try:
            return dict(client.info("replication"))
        except (exceptions.ConnectionError, exceptions.TimeoutError):
            return {}


def _is_in_step(server: ServerProcess, primary: ServerProcess) -> bool:
    """Whether a server is a replica that has confirmed a write to the primary.

    Until its first confirmation, up to a second after it has copied all, it is sent nothing.
    """
    found = _replication(server)
    if found.get("role") != "slave" or found.get("master_link_status") != "up":
        return False
    with primary.client() as client, client.pipeline(transaction=False) as pipeline:
        pipeline.set("in-step", "1", px=1)
        pipeline.wait(1, CONFIRMED_WITHIN_MS)
        return bool(pipeline.execute()[-1] == 1)
