"""A client that knows the wire format only works with those of this library."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

from rushtyped import Network
from tests.models import Params, Scores, work_off

CLIENT = Path(__file__).with_name("foreign_client.py")
PAGE = Path(__file__).parents[2] / "docs" / "wire-format.md"


def imports_of(source: str) -> set[str]:
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import)]
    assert not [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in nodes for alias in node.names}


def test_it_needs_a_socket_and_msgpack_and_sixty_lines() -> None:
    source = CLIENT.read_text()
    assert imports_of(source) == {"msgpack", "secrets", "socket", "sys", "typing"}
    assert len(source.splitlines()) <= 60


def test_the_page_shows_it() -> None:
    assert [CLIENT.read_text()] == re.findall(
        r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )


def test_a_worker_finishes_the_task_that_it_pushes(redis_url: str, network_id: str) -> None:
    with Network[Params, Scores](network_id, redis=redis_url) as network:
        client = subprocess.Popen(
            [sys.executable, CLIENT, redis_url.removeprefix("unix://"), network_id],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            while not network.queued_tasks:
                network.fetch_new_tasks(timeout=0.1)
            (queued,) = network.read_tasks(network.queued_tasks)
            network.start_local_workers(work_off, n_workers=1)
            said, _ = client.communicate(timeout=60)
        finally:
            client.kill()
            client.wait()
        assert said == "finished {'y': 7.0}\n"
        assert queued.xs == Params(x1=3.0, x2=4.0)
        assert (queued.attempt, queued.worker_id, queued.xs_extra) == (1, None, None)
        (row,) = network.fetch_finished_tasks(fields=["xs", "ys"]).rows(named=True)
        assert row == {"key": queued.key, "x1": 3.0, "x2": 4.0, "y": 7.0}
        assert network.fetch_tasks(fields=["times"])["created_at"].null_count() == 0
