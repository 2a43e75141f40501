"""Push a task and wait for its result, knowing Redis and the wire format only."""

import secrets
import socket
import sys
import typing

import msgpack


class Redis:
    """A connection that speaks RESP."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.replies = self.socket.makefile("rb")

    def __call__(self, *command: object) -> typing.Any:
        parts = [part if isinstance(part, bytes) else str(part).encode() for part in command]
        lines = [b"*%d" % len(parts)]
        for part in parts:
            lines += [b"$%d" % len(part), part]
        self.socket.sendall(b"\r\n".join(lines) + b"\r\n")
        return self.reply()

    def reply(self) -> typing.Any:
        line = self.replies.readline()
        kind, value = line[:1], line[1:-2]
        if kind == b"-":
            raise RuntimeError(value.decode())
        if kind == b"$":
            return None if value == b"-1" else self.replies.read(int(value) + 2)[:-2]
        if kind == b"*":
            return None if value == b"-1" else [self.reply() for _ in range(int(value))]
        return value


redis, prefix = Redis(sys.argv[1]), f"rush:{{{sys.argv[2]}}}:"
if redis("HGET", prefix + "meta", "version") != b"1":
    sys.exit("this client knows version 1 of the wire format")

key = secrets.token_hex(12)
task, events = f"{prefix}task:{key}", prefix + "events"
seconds, micros = map(int, redis("TIME"))
values = ("xs", msgpack.packb({"x1": 3.0, "x2": 4.0}), "attempt", 1)
redis("MULTI")
redis("HSET", task, "state", "queued", *values, "created_at", seconds * 1_000_000 + micros)
redis("RPUSH", prefix + "all", key)
redis("RPUSH", prefix + "queue", key)
redis("XADD", events, "MAXLEN", "~", 1000, "*", "type", "queued", "n", 1, "worker", "")
redis("EXEC")

seen = b"0"
while redis("HGET", task, "state") not in {b"finished", b"failed"}:
    streams = redis("XREAD", "BLOCK", 10_000, "STREAMS", events, seen)
    seen = streams[0][1][-1][0] if streams else seen
state, ys = redis("HMGET", task, "state", "ys")
print(state.decode(), ys and msgpack.unpackb(ys))
