"""A way to a server that takes as long as one through a network."""

from __future__ import annotations

import multiprocessing
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

_CHUNK = 1 << 20
_WAITING = 64
_NO_DATA = (0.0, b"")


@contextmanager
def delayed(server: Path, listen: Path, seconds: float) -> Iterator[str]:
    """Run a process that hands bytes on, so that a round trip takes so long more; give its URL.

    Bytes that follow each other closely arrive so: it has latency, but no bandwidth that limits.
    """
    spawn = multiprocessing.get_context("spawn")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(listen))
        listener.listen(_WAITING)
        process = spawn.Process(target=_serve, args=(listener, server, seconds / 2), daemon=True)
        process.start()
        try:
            yield f"unix://{listen}"
        finally:
            process.kill()
            process.join()


def _serve(listener: socket.socket, server: Path, seconds: float) -> None:
    while True:
        client, _ = listener.accept()
        behind = socket.socket(socket.AF_UNIX)
        behind.connect(str(server))
        for source, target in ((client, behind), (behind, client)):
            arrived: SimpleQueue[tuple[float, bytes]] = SimpleQueue()
            Thread(target=_read, args=(source, arrived, seconds), daemon=True).start()
            Thread(target=_write, args=(target, arrived), daemon=True).start()


def _read(source: socket.socket, arrived: SimpleQueue[tuple[float, bytes]], seconds: float) -> None:
    with suppress(OSError):
        while data := source.recv(_CHUNK):
            arrived.put((time.monotonic() + seconds, data))
    arrived.put(_NO_DATA)


def _write(target: socket.socket, arrived: SimpleQueue[tuple[float, bytes]]) -> None:
    with suppress(OSError):
        while (due := arrived.get()) != _NO_DATA:
            time.sleep(max(0.0, due[0] - time.monotonic()))
            target.sendall(due[1])
        target.shutdown(socket.SHUT_WR)
