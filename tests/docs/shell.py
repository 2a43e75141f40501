"""Commands of a page, run in order for the script that the page is."""

from __future__ import annotations

import atexit
import os
import re
import shlex
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from tests.docs.blocks import extras, targets
from tests.waiting import wait_until

_PROGRAMS = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
_EXTRAS = re.compile(r"^(?:rushtyped|\.)(?:\[([\w,-]+)\])?$")


def run_shell(text: str) -> None:
    """Run commands; what installs or builds is looked up, and what serves goes on."""
    for command in commands(text):
        words = shlex.split(command, comments=True)
        if words[:2] == ["pip", "install"]:
            check_extras(words[2:])
        elif words[:1] == ["make"]:
            assert words[1] in targets(), command
        elif words[:2] == ["rushtyped", "dashboard"]:
            start_page(words[2:])
        elif words:
            run(command)


def commands(text: str) -> list[str]:
    """Split a text into commands: lines that the shell takes as complete."""
    found, gathered = [], ""
    for line in text.splitlines():
        gathered += line + "\n"
        if is_complete(gathered):
            found.append(gathered.strip())
            gathered = ""
    assert not gathered, f"unfinished: {gathered}"
    return found


def is_complete(command: str) -> bool:
    if command.endswith("\\\n"):
        return False
    done = subprocess.run(["bash", "-n", "-c", command], capture_output=True, check=False)
    return done.returncode == 0 and b"here-document" not in done.stderr


def check_extras(words: list[str]) -> None:
    """Fail unless rushtyped is installed, with extras that there are."""
    for word in words:
        found = _EXTRAS.match(word)
        assert found, f"pip install {word}: mark what is not of this project as not run"
        assert set((found[1] or "").split(",")) - {""} <= extras(), word


def run(command: str) -> None:
    """Run a command by bash; variables that it exports are there for what comes after it."""
    script = f'set -euo pipefail\n{command}\nexec env -0 >"$RUN_SHELL_VARIABLES"\n'
    place = Path(".variables").absolute()
    env = {**os.environ, "PATH": _PROGRAMS, "RUN_SHELL_VARIABLES": str(place)}
    subprocess.run(["bash", "-c", script], env=env, check=True, timeout=100)
    for entry in place.read_text().split("\0"):
        name, _, value = entry.partition("=")
        if name.startswith(("RUSHTYPED_", "REDIS_")):
            os.environ[name] = value


def start_page(options: list[str]) -> None:
    """Start the live page on a free port, and see that it answers; it ends with this process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    options = [option for option in options if option != "--open"]
    program = [sys.executable, "-m", "rushtyped", "dashboard", *options, "--port", port]
    page = subprocess.Popen(program)
    atexit.register(end, page)
    wait_until(
        lambda: page.poll() is not None or answers(f"http://127.0.0.1:{port}/"),
        description="the live page answers",
    )
    assert page.poll() is None


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10):
            return True
    except urllib.error.HTTPError as error:
        return error.code in (401, 403)  # it asks for its token
    except (urllib.error.URLError, ConnectionError):
        return False


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(30)
