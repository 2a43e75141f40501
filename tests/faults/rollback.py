"""A server that goes back to an earlier state, as a failover makes it: emulated, to the write."""

from __future__ import annotations

from typing import Any

from rushtyped.keys import NetworkKeys


class Snapshot:
    """All that a server holds of one network at one moment."""

    def __init__(self, tasks: Any) -> None:
        self._client: Any = tasks.connector
        self._pattern = f"{NetworkKeys(tasks.network_id).prefix}*"
        names = self._names()
        reads = self._client.pipeline()
        for name in names:
            reads.dump(name).pttl(name)
        replies = reads.execute()
        self._held = [
            (name, dump, max(0, pttl))
            for name, dump, pttl in zip(names, replies[::2], replies[1::2], strict=True)
        ]

    def restore(self) -> None:
        """Put the server back to this moment in one step, and cut all connections."""
        writes = self._client.pipeline(transaction=True)
        for name in self._names():
            writes.unlink(name)
        for name, dump, pttl in self._held:
            writes.restore(name, pttl, dump)
        writes.execute()
        self._client.client_kill_filter(_type="normal", skipme=True)

    def _names(self) -> list[bytes]:
        return sorted(self._client.scan_iter(match=self._pattern, count=1000))
