"""What Redis holds of a network, and whether it agrees with itself."""

from __future__ import annotations

from typing import Any

from rushtyped import TaskState
from rushtyped.keys import NetworkKeys
from tests.servers.behind import AnyTasks, client_behind


def contents_of(tasks: AnyTasks) -> dict[bytes, object]:
    """Read every key of a network, to see that a call has written nothing."""
    prefix = NetworkKeys(tasks.network_id).prefix
    client = client_behind(tasks)
    return {key: _content(client, key) for key in client.scan_iter(match=f"{prefix}*", count=1000)}


def _content(client: Any, key: bytes) -> object:
    match client.type(key):
        case b"hash":  # a dump has its fields in an order that may change by itself
            return client.hgetall(key)
        case b"set":
            return client.smembers(key)
        case _:
            return client.dump(key)


def check_one_state(tasks: AnyTasks) -> None:
    """Fail unless each task is in the index that its hash names, and in no other."""
    listed = tasks.tasks_with_state()
    everywhere = [key for keys in listed.values() for key in keys]
    assert len(everywhere) == len(set(everywhere)), "a task is in two indexes"
    assert set(everywhere) <= set(tasks.tasks), "an index lists a task that was never created"
    for state, keys in listed.items():
        rows = tasks.read_hashes(keys, ["state"], flatten=False)
        found = {row["state"] for row in rows} - {None}  # None: a test has deleted the hash
        assert found <= {state}, f"{state} lists tasks that are {found}"
    _check_owners(tasks, set(listed[TaskState.RUNNING]))


def _check_owners(tasks: AnyTasks, running: set[str]) -> None:
    keys = NetworkKeys(tasks.network_id)
    client = client_behind(tasks)
    owned: set[str] = set()
    for worker_id in tasks.running_worker_ids:
        owned |= {key.decode() for key in client.smembers(keys.worker(worker_id).tasks)}
    assert owned == running, "the workers' own lists differ from the running tasks"
