"""A cluster of three primaries, each with a third of the slots."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from redis.crc import key_slot

from rushtyped.keys import NetworkKeys
from tests.servers.certificates import Authority
from tests.servers.deployment import Deployment
from tests.servers.ports import free_port
from tests.servers.process import SAVE_NOTHING, ServerProcess, Value
from tests.waiting import wait_until

N_SLOTS = 16384
_FIRST_SLOTS = (0, 5461, 10923, N_SLOTS)


class ClusterDeployment(Deployment):
    """Three servers that share the slots."""

    def __init__(
        self, directory: Path, *, binary: Path | None = None, tls: Authority | None = None
    ) -> None:
        super().__init__()
        self._tls = tls
        self.nodes: list[ServerProcess] = []
        self._bus_ports: list[int] = []
        for number in range(len(_FIRST_SLOTS) - 1):
            bus_port = free_port()
            options: dict[str, Value] = {
                **SAVE_NOTHING,
                "cluster-enabled": "yes",
                "cluster-port": str(bus_port),
                "cluster-node-timeout": "5000",
            }
            place = directory / f"node-{number}"
            self._bus_ports.append(bus_port)
            self.nodes.append(
                ServerProcess(place, binary=binary, port=free_port(), options=options, tls=tls)
            )

    @property
    def url(self) -> str:
        """What `redis=` takes."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        if self._tls is not None:
            return f"rediss+cluster://{hosts}?{self._tls.query_of_client()}"
        return f"redis+cluster://{hosts}"

    def node_of(self, network_id: str) -> ServerProcess:
        """The server that holds a network."""
        slot = key_slot(NetworkKeys(network_id).meta.encode())
        return next(
            node for node, behind in zip(self.nodes, _FIRST_SLOTS[1:], strict=True) if slot < behind
        )

    def start(self, running: ExitStack) -> None:
        for node in self.nodes:
            running.enter_context(node)
        self._join()
        wait_until(self._is_complete, description="each node of the cluster knows all slots")

    def _join(self) -> None:
        for number, node in enumerate(self.nodes):
            first, behind = _FIRST_SLOTS[number : number + 2]
            with node.client() as client:
                client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, behind - 1)
        with self.nodes[0].client() as client:
            for other, bus_port in zip(self.nodes, self._bus_ports, strict=True):
                client.execute_command("CLUSTER", "MEET", "127.0.0.1", other.port, bus_port)

    def _is_complete(self) -> bool:
        for node in self.nodes:
            with node.client() as client:
                info: bytes = client.execute_command("CLUSTER", "INFO")
            if b"cluster_state:ok" not in info or b"cluster_slots_ok:%d\r" % N_SLOTS not in info:
                return False
        return True
