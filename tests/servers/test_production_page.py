"""The page on production: its URLs are taken, its commands run, its examples can be run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from rushtyped.cli import main
from rushtyped.connect import resolve_endpoint
from tests.servers.process import ServerProcess

PAGE = (Path(__file__).parents[2] / "docs/how-to-production.md").read_text(encoding="utf-8")
URLS = re.findall(r"`((?:redis|unix)[\w+]*://[^`\s]+)`", PAGE)


def blocks(language: str) -> list[str]:
    """List the examples in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_there_are_urls_and_examples() -> None:
    assert len(URLS) >= 5
    assert [len(blocks(language)) for language in ("python", "conf", "sh")] == [2, 2, 1]


@pytest.mark.parametrize("url", URLS)
def test_a_url_of_the_page_is_taken(url: str) -> None:
    shown = resolve_endpoint(url).address
    assert "password@" not in shown


@pytest.mark.parametrize("example", blocks("python"))
def test_an_example_runs(own_server: ServerProcess, example: str, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", example],
        env={**os.environ, "RUSHTYPED_REDIS_URL": own_server.url},
        cwd=tmp_path,
        check=True,
        timeout=60,
    )


@pytest.mark.parametrize("line", [line for block in blocks("sh") for line in block.splitlines()])
def test_a_command_runs(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    program, *arguments = shlex.split(line, comments=True)
    assert program == "rushtyped"
    assert main(arguments) == 0
    assert "~rush:{branin}:* -@all" in capsys.readouterr().out


@pytest.mark.parametrize("options", blocks("conf"))
def test_a_server_takes_the_options(options: str, tmp_path: Path) -> None:
    written = dict(line.split(" ", 1) for line in options.splitlines())
    with ServerProcess(tmp_path, options=written) as server, server.client() as client:
        assert client.config_get(*written).items() >= written.items()
