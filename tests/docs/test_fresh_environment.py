"""Pages as a newcomer follows them: an empty environment, a wheel, what the page says."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, SHELL, blocks_of, commands_of
from tests.docs.pages import SCRIPTS, run_page
from tests.docs.shell import commands
from tests.waiting import wait_until

PAGE = "docs/quickstart.md"
BLOCKS = blocks_of(PAGE)
LIMIT = 600
EXTRAS = "dashboard,demo,numpy,plots,testing"


def build_wheel(directory: Path) -> None:
    """Build the wheel of this tree."""
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir"]
    subprocess.run([*build, directory, ROOT], check=True, timeout=LIMIT)


def newcomer(directory: Path) -> dict[str, str]:
    """Make an empty environment; return the variables of a shell in it.

    The page's `pip install` gets this tree's wheel, and the versions that constraints.txt names.
    """
    subprocess.run([sys.executable, "-m", "venv", directory / "venv"], check=True, timeout=LIMIT)
    build_wheel(directory / "dist")
    return {
        "HOME": str(directory),
        "LANG": "C.UTF-8",
        "PATH": f"{directory / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PIP_CONSTRAINT": str(ROOT / "constraints.txt"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_FIND_LINKS": str(directory / "dist"),
        **{name: value for name, value in os.environ.items() if is_of_the_machine(name)},
    }


def is_of_the_machine(name: str) -> bool:
    """Say whether a variable is how this machine reaches others."""
    return name.lower().endswith("_proxy") or name.startswith(
        ("PIP_INDEX", "SSL_CERT", "REQUESTS_")
    )


@contextmanager
def page_served(variables: dict[str, str], directory: Path, port: int) -> Iterator[str]:
    """Run the page's last command; give what it prints once it answers."""
    output = directory / "dashboard.txt"
    with output.open("w") as file:
        command = ["rushtyped", "dashboard", "--port", str(port)]
        program = subprocess.Popen(
            command, env=variables, cwd=directory, stdout=file, stderr=subprocess.STDOUT
        )
    try:
        wait_until(
            lambda: program.poll() is not None or f":{port}" in output.read_text(),
            description="the page has said its address",
        )
        yield output.read_text()
    finally:
        program.terminate()
        program.wait(30)


@pytest.mark.slow
@pytest.mark.timeout(LIMIT)
def test_the_quickstart_works_in_a_fresh_environment(tmp_path: Path) -> None:
    """Takes about a minute, most of it for installing."""
    variables = newcomer(tmp_path)

    def run(command: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            env=variables,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    install, *others = [
        command
        for block in BLOCKS
        if block.language in SHELL
        for command in commands(commands_of(block))
    ]
    run(install)
    (installed,) = tmp_path.glob("venv/lib/python*/site-packages/rushtyped/network.py")
    assert installed.read_bytes() == (ROOT / "src/rushtyped/network.py").read_bytes()
    python = [block.text for block in BLOCKS if block.language == "python"]
    (tmp_path / "quickstart.py").write_text("\n".join(python))
    assert "`python quickstart.py`" in (ROOT / PAGE).read_text(encoding="utf-8")
    printed = run("python quickstart.py")
    assert "shape: (3, 3)" in printed
    assert (tmp_path / "quickstart.svg").stat().st_size > 1000
    assert others[-1] == "rushtyped dashboard"
    for command in others[:-1]:
        assert "quickstart" in run(command) or "worker_id" in run(command)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with page_served(variables, tmp_path, port) as said:
        (address,) = re.findall(rf"http://\S+:{port}\S*", said)
        with urllib.request.urlopen(address, timeout=30) as reply:
            assert "rushtyped" in reply.read().decode()


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables of a shell in an environment with all extras that pages ask for."""
    directory = tmp_path_factory.mktemp("newcomer")
    variables = newcomer(directory)
    install = ["bash", "-c", f"pip install --quiet 'rushtyped[{EXTRAS}]'"]
    subprocess.run(install, env=variables, check=True, timeout=LIMIT)
    return variables


@pytest.mark.slow
@pytest.mark.timeout(LIMIT)
@pytest.mark.parametrize("page", SCRIPTS)
def test_a_page_works_in_a_fresh_environment(
    page: str, tmp_path: Path, everything: dict[str, str]
) -> None:
    python = Path(everything["PATH"].partition(os.pathsep)[0]) / "python"
    run_page(page, tmp_path, python=python, variables={**everything, "HOME": str(tmp_path)})
