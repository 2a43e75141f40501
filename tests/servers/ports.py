"""Ports of this host that nothing listens on."""

from __future__ import annotations

import random
import socket

# Below the ports that the kernel gives to outgoing connections, which could take one in between.
_PORTS = range(20_000, 32_000)
_given: set[int] = set()


def free_port() -> int:
    """Find a free port, and none that was given before in this process."""
    for port in random.sample(_PORTS, 200):
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    raise AssertionError(f"no free port found between {_PORTS.start} and {_PORTS.stop}")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET) as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
