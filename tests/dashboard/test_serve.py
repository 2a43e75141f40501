"""The command's server: where it listens, what it prints, how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import httpx
import pytest

from rushtyped import InvalidArgumentError
from rushtyped.dashboard import serve
from rushtyped.dashboard.server import host_names


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_cannot_be_is_refused(port: int) -> None:
    with pytest.raises(InvalidArgumentError, match="port"):
        serve(port=port)


def test_an_address_of_somebody_else_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="cannot be bound"):
        serve(host="192.0.2.1", port=0)


def test_who_is_bound_everywhere_answers_to_its_own_names_only() -> None:
    assert host_names("127.0.0.1") == ("127.0.0.1", "localhost", "::1")
    assert socket.gethostname().lower() in host_names("0.0.0.0")
    assert "evil.example" not in host_names("0.0.0.0")


@pytest.mark.parametrize(
    ("host", "allow_control", "has_token"),
    [("127.0.0.1", False, False), ("0.0.0.0", False, True)],
)
def test_serve_prints_a_token_where_one_is_needed(
    redis_url: str, host: str, allow_control: bool, has_token: bool
) -> None:
    code = f"from rushtyped.dashboard import serve; serve(redis={redis_url!r}, host={host!r}, "
    code += f"port=0, allow_control={allow_control})"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            printed = process.stdout.readline().strip()
            url = urlsplit(printed)
            assert bool(url.query) == has_token
            reached = f"http://127.0.0.1:{url.port}/"
            assert httpx.get(reached).status_code == (401 if has_token else 200)
            token = url.query.removeprefix("token=")
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            assert httpx.get(f"{reached}api/networks.json", headers=headers).status_code == 200
        finally:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=30)
        assert not token or token not in errors


def test_a_token_of_the_environment_is_taken(redis_url: str) -> None:
    code = f"from rushtyped.dashboard import serve; serve(redis={redis_url!r}, port=0, "
    code += "allow_control=True)"
    environment = {**os.environ, "RUSHTYPED_DASHBOARD_TOKEN": "mine/&="}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            printed = process.stdout.readline().strip()
            assert printed.endswith("/?token=mine%2F%26%3D")
            assert httpx.get(printed).status_code == 303
        finally:
            process.kill()
