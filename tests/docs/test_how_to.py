"""The page about clusters: what can run without one runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from rushtyped.keys import NetworkKeys

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to-cluster.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """List the examples in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


MODULE, POOLS, DASK, SCRIPT = blocks("python")


@pytest.fixture
def run(tmp_path: Path, server_directory: Path) -> Callable[..., str]:
    """Run an example beside the module of the loop."""
    (tmp_path / "study.py").write_text(MODULE)

    def run_example(*command: str, text: str = "") -> str:
        done = subprocess.run(
            command,
            input=text,
            cwd=tmp_path,
            env={
                **os.environ,
                "RUSHTYPED_EMBEDDED_DIR": str(server_directory),
                "RUSHTYPED_SECRET": "a secret that only the test knows",
                "PYTHONPATH": str(tmp_path),
            },
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run_example


@pytest.mark.parametrize("example", [POOLS, DASK], ids=["pools", "dask"])
def test_the_examples_of_engines_run(run: Callable[..., str], tmp_path: Path, example: str) -> None:
    (tmp_path / "example.py").write_text(example)
    run(sys.executable, "example.py")


@pytest.mark.parametrize("credentials", [True, False])
def test_the_line_of_the_example_runs(
    run: Callable[..., str], tmp_path: Path, redis_url: str, credentials: bool
) -> None:
    script = SCRIPT if credentials else SCRIPT.replace("square)", "square, credentials=False)")
    (tmp_path / "example.py").write_text(f"{script}\nprint(line)\n")
    line = run(sys.executable, "example.py")
    assert ("RUSHTYPED_SECRET" in line) == credentials
    run("sh", text=line if credentials else f"exec env {line}")
    with redis.Redis.from_url(redis_url) as client:
        assert client.llen(f"{NetworkKeys('study').prefix}finished") == 10


def test_the_executor_for_ray_is_short() -> None:
    (block,) = [block for block in blocks("py") if "RayExecutor" in block]
    lines = [line for line in block.splitlines() if line.startswith(("class", " "))]
    assert len(lines) <= 16
