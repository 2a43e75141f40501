"""What is told of a wait: rate, time left, and lines without a terminal."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from rushtyped import InvalidTypeError, Progress
from rushtyped.forecast import Awaited, Forecast, clock
from rushtyped.progress import ProgressLine, progress_display

NEW = Progress(b"0-0", False, 3, 2, 0, 1, 2, None, None, None)


def test_the_share_is_that_of_the_tasks() -> None:
    outlook = Forecast().note(NEW._replace(finished=5, max_tasks=20), None)
    assert (outlook.share, outlook.left) == (0.25, None)
    assert outlook.head() == ["5/20 finished"]


def test_without_a_budget_no_end_is_known() -> None:
    outlook = Forecast().note(NEW._replace(finished=5), None)
    assert (outlook.share, outlook.left, outlook.total) == (None, None, None)


def test_the_budget_of_seconds_says_how_long_it_takes() -> None:
    outlook = Forecast().note(NEW._replace(max_seconds=60.0, seconds=45.0), None)
    assert (outlook.share, outlook.left) == (0.75, 15.0)
    assert outlook.head() == ["0 finished", "15 s left"]
    assert Forecast().note(NEW._replace(max_seconds=60.0), None).left == 60.0


def test_the_nearer_end_counts() -> None:
    forecast = Forecast()
    budget = NEW._replace(max_tasks=10, max_seconds=100.0, seconds=90.0)
    forecast.note(budget, None)
    outlook = forecast.note(budget._replace(finished=9), None)
    assert outlook.share == 0.9
    assert outlook.rate is not None
    assert outlook.left == pytest.approx(1 / outlook.rate)


def test_the_rate_counts_what_came_since_the_wait_began() -> None:
    forecast = Forecast()
    assert forecast.note(NEW._replace(finished=1000), None).rate is None
    assert forecast.note(NEW._replace(finished=1000), None).rate == 0.0


def test_a_reset_starts_the_rate_anew() -> None:
    forecast = Forecast()
    forecast.note(NEW._replace(finished=1000), None)
    assert forecast.note(NEW, None).rate is None


def test_awaited_tasks_count_by_themselves() -> None:
    outlook = Forecast().note(NEW._replace(finished=50, max_tasks=100), Awaited(4, 1))
    assert (outlook.done, outlook.total, outlook.share) == (3, 4, 0.75)
    assert outlook.head() == ["3/4 settled"]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1:00"), (125, "2:05"), (3725, "1:02:05")],
)
def test_a_time_span_is_short(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


def test_lines_come_now_and_then_and_at_the_end() -> None:
    stream = io.StringIO()
    line = ProgressLine("demo", stream)
    line.show(NEW)
    line.show(NEW._replace(finished=1))
    line.show(NEW._replace(finished=2))
    assert stream.getvalue() == "demo: 0 finished, 2 running, 3 queued, 1 failed, 2 workers, 0 s\n"
    line.show(NEW._replace(finished=3), last=True)
    line.close()
    first, last = stream.getvalue().splitlines()
    assert first.startswith("demo: 0 finished, ")
    assert last.startswith("demo: 3 finished, ")


def test_the_last_state_is_written_when_the_wait_is_broken_off(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken_off() -> None:
        with progress_display("demo", wanted=True) as display:
            display.show(NEW)
            display.show(NEW._replace(finished=7))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert capsys.readouterr().err.splitlines()[-1].startswith("demo: 7 finished, ")


def test_nothing_is_shown_unasked(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_display("demo", wanted=False) as display:
        assert not display.is_due(last=True)
        display.show(NEW, last=True)
    assert capsys.readouterr() == ("", "")


def test_progress_is_a_bool() -> None:
    with (
        pytest.raises(InvalidTypeError, match="progress must be True or False but is 'bar'"),
        progress_display("demo", wanted="bar"),  # type: ignore[arg-type]  # wrong on purpose
    ):
        pass


def test_lines_do_without_rich() -> None:
    code = (
        "import sys\n"
        "from rushtyped.progress import progress_display\n"
        "with progress_display('demo', wanted=True): pass\n"
        "sys.exit('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
