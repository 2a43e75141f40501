"""Servers of a test's own that can be killed, and a way to them that loses replies."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
from pathlib import Path

from rushtyped.embedded import _server_binary


class OwnServer:
    """A server process that writes down each command before it replies."""

    def __init__(self, directory: Path) -> None:
        self.socket = directory / "own.sock"
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> None:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "dir": str(self._directory),
            "save": "",
            "appendonly": "yes",
            "appendfsync": "always",
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen(
            [_server_binary(), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection, contextlib.suppress(OSError):
            connection.connect(str(self.socket))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        return False

    def kill(self) -> None:
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


class ReplyLosingProxy:
    """Hands requests on to a server; the replies to the first few are lost with the connection."""

    def __init__(self, directory: Path, server: Path) -> None:
        self.socket = directory / "proxy.sock"
        self.n_to_lose = 0
        self._server = server
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.socket))
        self._listener.listen()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            self._closing = True
            connection.connect(str(self.socket))
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    _closing = False

    def _accept(self) -> None:
        while True:
            near, _ = self._listener.accept()
            if self._closing:
                near.close()
                return
            thread = threading.Thread(target=self._serve, args=(near,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, near: socket.socket) -> None:
        with near, socket.socket(socket.AF_UNIX) as far:
            far.connect(str(self._server))
            while request := near.recv(1 << 20):
                far.sendall(request)
                reply = far.recv(1 << 20)
                if self.n_to_lose and b"EVALSHA" in request and b"NOSCRIPT" not in reply:
                    self.n_to_lose -= 1
                    return
                near.sendall(reply)
