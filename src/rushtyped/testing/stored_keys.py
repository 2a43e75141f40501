"""The Redis keys of a network: which it may have, which there are, and their end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields

from rushtyped.channel import Channel
from rushtyped.keys import NetworkKeys, WorkerKeys

_PAGE = 1000


def names_of(
    network_id: str,
    *,
    task_keys: Iterable[str],
    worker_ids: Iterable[str],
    digests: Iterable[str] = (),
) -> set[str]:
    """Name every Redis key that a network of these tasks, workers and loops may have."""
    keys = NetworkKeys(network_id)
    own = {getattr(keys, name) for name in NetworkKeys.__slots__ if name != "prefix"}
    workers = {
        getattr(worker, each.name)
        for worker in map(keys.worker, worker_ids)
        for each in fields(WorkerKeys)
    }
    return own | workers | set(map(keys.task, task_keys)) | set(map(keys.loop, digests))


def find_names(channel: Channel, pattern: str) -> set[str]:
    """Name the keys of the server that match a pattern, in small steps."""
    cursor, found = b"0", set[bytes]()
    while True:
        cursor, names = channel.call("SCAN", cursor, "MATCH", pattern, "COUNT", _PAGE)
        found.update(names)
        if cursor == b"0":
            return {name.decode(errors="backslashreplace") for name in found}


def delete_network(channel: Channel, network_id: str) -> set[str]:
    """Delete every key of a network; return their names."""
    found = find_names(channel, f"{NetworkKeys(network_id).prefix}*")
    names = sorted(found)
    for first in range(0, len(names), _PAGE):
        channel.call("UNLINK", *names[first : first + _PAGE])
    return found
