"""A network as the store sees it, on a real server, with what tests need to look at it."""

from __future__ import annotations

from typing import Any

import redis

from rushtyped.channel import Argument, Channel, Command
from rushtyped.connect import Endpoint
from rushtyped.lua import Script, load_script
from rushtyped.store import Store
from rushtyped.worker_store import WorkerStore
from tests.store.contents import Watch

WORKERS_FAIL = b"lost"
LEASE = 1000.0
"""Seconds of a worker's first lease: longer than any test."""


JOINED = {"version": "1", "epoch": "e1", "schemas": "schemas"}
"""What the first user of the network has recorded."""


def joined(store: Store) -> Store:
    """Join the network as its first user."""
    store.join("1", "e1", b"schemas")
    return store


class RecordingChannel(Channel):
    """A channel that keeps what scripts were sent and replied, and can send the last one again."""

    reply: Any = None
    moved_by: Command = ()
    sent: tuple[Script, tuple[Argument, ...]]

    def __init__(self, endpoint: Endpoint, slot_key: str, retry_timeout: float) -> None:
        super().__init__(endpoint, slot_key, retry_timeout)
        self.history: list[tuple[Script, tuple[Argument, ...]]] = []

    def run(self, script: Script, *keys_and_args: Argument) -> Any:
        self.sent = script, keys_and_args
        self.history.append(self.sent)
        self.reply = super().run(script, *keys_and_args)
        return self.reply

    def run_once(self, script: Script, *keys_and_args: Argument) -> Any:
        self.sent = script, keys_and_args
        self.history.append(self.sent)
        self.reply = super().run_once(script, *keys_and_args)
        return self.reply

    def run_after(
        self, command: Command, script: Script, *keys_and_args: Argument
    ) -> tuple[Any, bool]:
        self.moved_by = command
        self.sent = script, keys_and_args
        self.history.append(self.sent)
        self.reply, is_repeat = super().run_after(command, script, *keys_and_args)
        return self.reply, is_repeat

    def repeat(self) -> Any:
        """Send the last script with the same arguments, as after a lost reply."""
        script, arguments = self.sent
        return self.run(script, *arguments)


class StoredNetwork:
    """A fresh network, the calls on it, and a plain client that reads behind its back."""

    def __init__(self, client: redis.Redis, channel: RecordingChannel, store: Store) -> None:
        self.client: Any = client  # redis-py leaves open what its calls return
        self.channel = channel
        self.store = store
        self.keys = store.keys

    @property
    def reply(self) -> Any:
        """The raw reply of the last script."""
        return self.channel.reply

    def watch(self) -> Watch:
        """Begin to look for changes of what the server holds."""
        return Watch(self.client, self.keys.prefix)

    def repeat(self) -> tuple[Any, dict[str, Any]]:
        """Send the last request again; return its reply and what it changed."""
        seen = self.watch()
        return self.channel.repeat(), seen.changes()

    def worker(self, worker_id: str = "w1", *, lasts: float = 15.0) -> WorkerStore:
        """Register a worker whose leases last so many seconds, but for the first one."""
        worker = WorkerStore(self.store, worker_id)
        assert worker.register({"pid": 1, "heartbeat_expire": lasts}, lease=LEASE)
        return worker

    def lose(self, worker: WorkerStore) -> None:
        """Let a worker's lease run out."""
        assert self.client.delete(self.keys.worker(worker.worker_id).heartbeat) == 1

    def push(self, *keys: str) -> None:
        """Queue tasks whose xs are their key in upper case."""
        self.store.push_tasks([(key, key.upper().encode(), b"") for key in keys])

    def push_running(self, worker: WorkerStore, *keys: str) -> None:
        """Create running tasks whose xs are their key in upper case."""
        worker.push_running_tasks(*(part for key in keys for part in (key, key.upper(), "")))
        assert self.reply[0] == 0

    def push_finished(self, *keys: str) -> None:
        """Create finished tasks of nobody."""
        self.store.push_finished_tasks("", [(key, b"X", b"Y", b"", b"") for key in keys])

    def push_failed(self, *keys: str) -> None:
        """Create failed tasks of nobody."""
        self.store.push_failed_tasks("", [(key, b"X", b"", b"C") for key in keys])

    def move_to_pending(self, worker: WorkerStore, n: int = 1) -> None:
        """Move queued tasks to the worker's own list, as a pop does before it claims."""
        pending = self.keys.worker(worker.worker_id).pending
        for _ in range(n):
            assert self.client.lmove(self.keys.queue, pending, "LEFT", "RIGHT")

    def claim(self, worker: WorkerStore, request: int) -> Any:
        """Send the second half of a pop alone, as after a lost reply."""
        return self.channel.run(load_script("claim_task"), *worker._claim_keys, request)

    def pop(self, worker: WorkerStore, request: int) -> Any:
        """Pop as a worker does, by a request with this number; the number must grow."""
        self.client.lmove(self.keys.queue, self.keys.worker(worker.worker_id).pending)
        return self.claim(worker, request)

    def settle(
        self,
        worker: WorkerStore,
        token: str = "t1",
        *,
        max_attempts: int = 0,
        fail_pending: bool = False,
        only_expired: bool = False,
    ) -> bool:
        """Declare a worker lost."""
        return self.store.settle_worker(
            worker.worker_id,
            token,
            WORKERS_FAIL,
            max_attempts=max_attempts,
            fail_pending=fail_pending,
            reason="gone",
            only_expired=only_expired,
        )

    def record(self, worker: WorkerStore) -> dict[str, str]:
        """Read a worker's record."""
        stored = self.client.hgetall(self.keys.worker(worker.worker_id).record)
        return {name.decode(): value.decode() for name, value in stored.items()}

    def state(self, key: str) -> str:
        """Read the state of a task."""
        state = self.client.hget(self.keys.task(key), "state")
        assert isinstance(state, bytes)
        return state.decode()
