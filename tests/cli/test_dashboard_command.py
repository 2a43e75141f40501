"""The command that serves the live page; what that shows is tested in tests/dashboard."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

from tests.cli.conftest import Run
from tests.cli.running import COMMAND
from tests.waiting import wait_until

pytest.importorskip("starlette")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_the_page_is_served_and_opened_until_interrupted(redis_url: str, tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(
        f'#!/bin/sh\necho "$1" > {tmp_path}/opened.part\n'
        f"mv {tmp_path}/opened.part {tmp_path}/opened\n"
    )
    browser.chmod(0o700)
    port = str(free_port())
    process = subprocess.Popen(
        [*COMMAND, "dashboard", "--redis", redis_url, "--port", port, "--allow-control", "--open"],
        env={**os.environ, "BROWSER": str(browser)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        assert url.startswith(f"http://127.0.0.1:{port}/?token=")
        wait_until((tmp_path / "opened").exists, description="the page was opened")
        assert (tmp_path / "opened").read_text().strip() == url
        with build_opener(HTTPCookieProcessor()).open(url, timeout=30) as reply:
            assert reply.status == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_page_on_a_free_port_is_not_opened(run: Run) -> None:
    done = run("dashboard", "--port", "0", "--open")
    assert (done.code, done.out) == (2, "")
    assert "give --port, too" in done.err


def test_without_its_extra_the_command_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['starlette'] = None\n"
        "from rushtyped.cli import main; sys.exit(main(['dashboard']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "rushtyped: the dashboard needs starlette: pip install 'rushtyped[dashboard]'\n"
    )
