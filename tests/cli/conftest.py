"""A network that the command line looks at, and a way to run commands in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from rushtyped import Condition, Network, Worker
from rushtyped.cli import main
from rushtyped.keys import new_network_id
from tests.models import ParamNetwork, Params, Scores, points

HOSTILE = "[red]fine[/red]\x1b[31m\x9b2J\u202e\r\nnext"
SHOWN = r"[red]fine[/red]\x1b[31m\x9b2J\u202e\r\nnext"


class Output(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


Run = Callable[..., Output]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process."""

    def run(*arguments: str) -> Output:
        capsys.readouterr()
        try:
            code = main(arguments)
        except SystemExit as ending:
            code = int(ending.code or 0)
        return Output(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="module")
def study(redis_url: str) -> Iterator[ParamNetwork]:
    """Three finished tasks, two queued ones, one that runs, a failed one with hostile text."""
    network_id = new_network_id()
    with Network[Params, Scores](network_id, redis=redis_url, max_tasks=10) as network:
        network.push_finished_tasks(points(3), [Scores(y=y) for y in (2.0, float("nan"), 1.0)])
        condition = Condition(type="ValueError", message=HOSTILE)
        network.push_failed_tasks(points(1), xss_extra=[{"note": HOSTILE}], conditions=[condition])
        network.push_tasks(points(2))
        worker = Worker[Params, Scores](network_id, redis=redis_url, worker_id="w1")
        worker.push_running_tasks(points(1))
        yield network
