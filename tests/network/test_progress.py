"""Progress of a wait, in a terminal and without one."""

from __future__ import annotations

import signal

import pytest

from rushtyped import Network, WaitTimeoutError
from tests.models import ParamNetwork, Params, ParamWorker, Scores, points
from tests.network.terminal import running_in_terminal
from tests.waiting import wait_until

WAIT = """
import sys
from rushtyped import Network
network = Network.open(sys.argv[1], redis=sys.argv[2])
network.wait_until_done(progress=True, timeout=30)
print("done")
"""


def test_a_bar_moves_in_a_terminal_and_stays_when_all_is_done(
    network: ParamNetwork, worker: ParamWorker, redis_url: str
) -> None:
    budget = Network[Params, Scores](network.network_id, redis=redis_url, max_tasks=4)
    with running_in_terminal(WAIT, network.network_id, redis_url) as terminal:
        for n in range(4):
            wait_until(lambda n=n: f"{n}/4 finished" in terminal.text, description="the bar moves")  # type: ignore[misc]  # a lambda's default
            worker.running_task(points(1)[0]).finish(Scores(y=0.0))
        assert terminal.wait() == 0
        bar, states, end = terminal.text.splitlines()
        assert bar.startswith(f"{budget.network_id} ━━━━━━━━━━━━━━━━━━━━━━━━ 4/4 finished, ")
        assert states.startswith("0 running, 0 queued, 0 failed, 1 workers, ")
        assert end == "done"
        assert terminal.shows_cursor()


def test_an_interrupt_leaves_the_last_state_and_the_cursor(
    network: ParamNetwork, worker: ParamWorker, redis_url: str
) -> None:
    network.push_tasks(points(3))
    with running_in_terminal(WAIT, network.network_id, redis_url) as terminal:
        wait_until(lambda: "3 queued" in terminal.text, description="the bar is there")
        assert not terminal.shows_cursor()
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.wait() != 0
        assert terminal.shows_cursor()
        first, second, *_, last = terminal.text.splitlines()
        assert first.startswith(network.network_id)
        assert second.startswith("0 running, 3 queued, 0 failed, 1 workers, ")
        assert last.startswith("KeyboardInterrupt")


def test_lines_without_a_terminal_have_no_escape_codes(
    network: ParamNetwork, worker: ParamWorker, capfd: pytest.CaptureFixture[str]
) -> None:
    network.push_tasks(points(3))
    with pytest.raises(WaitTimeoutError):
        network.wait_until_done(timeout=0.0, progress=True)
    shown = capfd.readouterr()
    assert shown.out == ""
    assert shown.err == (
        f"{network.network_id}: 0 finished, 0 running, 3 queued, 0 failed, 1 workers, 0 s\n"
    )


def test_awaited_tasks_are_counted_as_they_are_settled(
    network: ParamNetwork, worker: ParamWorker, capfd: pytest.CaptureFixture[str]
) -> None:
    finished = network.push_finished_tasks(points(2), [Scores(y=0.0)] * 2)
    failed = network.push_failed_tasks(points(1))
    queued = network.push_tasks(points(1))
    network.wait_for_tasks(finished + failed, progress=True)
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"{network.network_id}: 3/3 settled, 0 running, 1 queued, 1 failed, ")
    with pytest.raises(WaitTimeoutError):
        worker.wait_for_tasks(finished + queued, progress=True, timeout=0.0)
    assert "2/3 settled" in capfd.readouterr().err
