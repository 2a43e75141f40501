"""The server programs that the tests can run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rushtyped.embedded import _server_binary


def valkey() -> Path:
    """Find the Valkey of the embedded server."""
    return _server_binary()


def redis_of_debian() -> Path:
    """Find Redis, or skip the test."""
    found = shutil.which("redis-server")
    if found is None:
        pytest.skip("needs Debian's redis-server on PATH")
    return Path(found)
