"""The least that a measure can take: the same writes and reads by plain redis-py."""

from __future__ import annotations

from itertools import count
from typing import Any

import msgpack

from rushtyped.keys import NetworkKeys

# What the transitions write, without looking at anything.
PUSH_RUNNING = """
local text = string.format('%.0f', ARGV[4] + 0)
redis.call('HSET', KEYS[1], 'state', 'running', 'xs', ARGV[2], 'attempt', 1, 'created_at', text,
  'started_at', text, 'worker_id', ARGV[3])
redis.call('ZADD', KEYS[2], text, ARGV[1])
redis.call('RPUSH', KEYS[3], ARGV[1])
redis.call('SADD', KEYS[4], ARGV[1])
redis.call('XADD', KEYS[5], 'MAXLEN', '~', 1000, '*', 'type', 'running', 'n', 1, 'worker', ARGV[3])
return 0
"""
FINISH = """
local text = string.format('%.0f', ARGV[4] + 0)
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[1], 'state', 'finished', 'ys', ARGV[2], 'finished_at', text)
redis.call('RPUSH', KEYS[3], ARGV[1])
redis.call('SREM', KEYS[4], ARGV[1])
redis.call('XADD', KEYS[5], 'MAXLEN', '~', 1000, '*', 'type', 'finished', 'n', 1, 'worker', ARGV[3])
return 0
"""
CLAIM = """
local text = string.format('%.0f', ARGV[4] + 0)
redis.call('LREM', KEYS[6], 1, ARGV[1])
redis.call('HSET', KEYS[1], 'state', 'running', 'attempt', 1, 'started_at', text,
  'worker_id', ARGV[3])
redis.call('ZADD', KEYS[2], text, ARGV[1])
redis.call('SADD', KEYS[4], ARGV[1])
redis.call('XADD', KEYS[5], 'MAXLEN', '~', 1000, '*', 'type', 'running', 'n', 1, 'worker', ARGV[3])
return redis.call('HGET', KEYS[1], 'xs')
"""
QUEUE = """
local text = string.format('%.0f', ARGV[1] + 0)
local keys = {}
for i = 2, #ARGV, 2 do
  redis.call('HSET', KEYS[1] .. ARGV[i], 'state', 'queued', 'xs', ARGV[i + 1], 'attempt', 1,
    'created_at', text)
  keys[#keys + 1] = ARGV[i]
end
redis.call('RPUSH', KEYS[2], unpack(keys))
redis.call('RPUSH', KEYS[3], unpack(keys))
redis.call('XADD', KEYS[4], 'MAXLEN', '~', 1000, '*', 'type', 'queued', 'n', #keys, 'worker', '')
return 0
"""
NOW = 1_700_000_000_000_000
CHUNK = 1000


class Floor:
    """A network's writes and reads by redis-py, of bytes that are ready."""

    def __init__(self, client: Any, network_id: str) -> None:
        self._client = client
        self.keys = NetworkKeys(network_id)
        self._worker = self.keys.worker("floor")
        self._numbers = count()
        self._shas = {
            script: client.script_load(script) for script in (PUSH_RUNNING, FINISH, CLAIM, QUEUE)
        }

    def new_key(self) -> str:
        """Name a task as long as those of rushtyped are."""
        return f"{next(self._numbers):024x}"

    def push_running(self, key: str, xs: bytes) -> None:
        """Create a running task."""
        keys = self.keys
        names = (keys.task(key), keys.running, keys.all, self._worker.tasks, keys.events)
        self._run(PUSH_RUNNING, names, key, xs, "floor", NOW)

    def finish(self, key: str, ys: bytes) -> None:
        """Finish a running task."""
        keys = self.keys
        names = (keys.task(key), keys.running, keys.finished, self._worker.tasks, keys.events)
        self._run(FINISH, names, key, ys, "floor", NOW)

    def pop(self) -> str:
        """Take a queued task, and mark it as running; return its key."""
        keys, pending = self.keys, self._worker.pending
        key: str = self._client.blmove(keys.queue, pending, 1, "LEFT", "RIGHT").decode()
        names = (keys.task(key), keys.running, "", self._worker.tasks, keys.events, pending)
        self._run(CLAIM, names, key, "", "floor", NOW)
        return key

    def queue(self, tasks: list[tuple[str, bytes]]) -> None:
        """Queue many tasks, in chunks."""
        keys = self.keys
        names = (f"{keys.prefix}task:", keys.all, keys.queue, keys.events)
        for first in range(0, len(tasks), CHUNK):
            rows = (part for task in tasks[first : first + CHUNK] for part in task)
            self._run(QUEUE, names, NOW, *rows)

    def read_finished(self, first: int, n: int, fields: tuple[str, ...]) -> int:
        """Read finished tasks and unpack their xs and ys in one pass; return how many there are."""
        patterns = [part for field in fields for part in ("GET", self.keys.task_field(field))]
        values = self._client.execute_command(
            *("SORT", self.keys.finished, "BY", "nosort", "LIMIT", first, n, "GET", "#", *patterns)
        )
        width = len(fields) + 1
        unpacker = msgpack.Unpacker(max_buffer_size=0)
        for field in ("xs", "ys"):
            unpacker.feed(b"".join(values[1 + fields.index(field) :: width]))
        return sum(1 for _ in unpacker) // 2

    def _run(self, script: str, names: tuple[str, ...], *arguments: Any) -> None:
        self._client.evalsha(self._shas[script], len(names), *names, *arguments)
