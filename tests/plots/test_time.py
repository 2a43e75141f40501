"""Charts of what happened when."""

from __future__ import annotations

import pytest

from rushtyped import plots
from tests.plots.studies import StudyNetwork, column, ran, rows, seconds


def test_the_timeline_has_a_bar_for_each_task_that_a_worker_ran(study: StudyNetwork) -> None:
    bars = rows(plots.timeline(study))
    found = [(row["worker"], row["state"]) for row in bars]
    assert found.count(("ada", "finished")) == 6
    assert found.count(("bob", "finished")) == 6
    assert found.count(("ada", "failed")) == 3
    assert found.count(("bob", "running")) == 1
    assert len(found) == 16
    assert {row["key"] for row in bars} <= {*study.tasks}


def test_bars_of_tasks_that_run_reach_to_the_end() -> None:
    frame = ran(("ada", "running", 0, 1, None), ("bob", "finished", 2, 3, 9))
    bars = rows(plots.timeline(frame))
    assert seconds(row["begin"] for row in bars) == [1, 3]
    assert seconds(row["end"] for row in bars) == [9, 9]
    assert [row["seconds"] for row in bars] == [8, 6]


def test_utilisation_is_the_share_of_workers_that_are_busy() -> None:
    frame = ran(
        ("ada", "finished", 0, 0, 100),
        ("bob", "finished", 0, 0, 25),
        ("bob", "failed", 0, 75, 100),
    )
    shares = column(plots.utilisation(frame), "share")
    assert shares == pytest.approx([1.0] * 50 + [0.5] * 100 + [1.0] * 50)


def test_a_worker_that_runs_two_tasks_at_once_is_busy_once() -> None:
    frame = ran(
        ("ada", "finished", 0, 0, 60),
        ("ada", "finished", 0, 20, 40),
        ("ada", "finished", 0, 80, 100),
    )
    chart = plots.utilisation(frame)
    shares = column(chart, "share")
    assert shares == pytest.approx([1.0] * 120 + [0.0] * 40 + [1.0] * 40)
    assert column(chart, "workers") == pytest.approx([1.0] * 200)


def test_utilisation_of_a_network_counts_its_idle_workers(study: StudyNetwork) -> None:
    assert column(plots.utilisation(study), "workers")[-1] == pytest.approx(2.0, rel=0.01)
    assert column(plots.utilisation(study), "share")[-1] == pytest.approx(0.5, rel=0.01)


def test_states_are_counted_over_time() -> None:
    frame = ran(
        ("ada", "finished", 0, 10, 20),
        ("ada", "failed", 0, 20, 30),
        (None, "failed", 0, None, 15),
        (None, "queued", 25, None, None),
        ("bob", "running", 5, 5, None),
    )
    chart = plots.states(frame)
    at = seconds(column(chart, "at")[:300])
    assert (at[0], at[-1]) == (0.0, 30.0)
    counted = {
        state: [row["n"] for row in rows(chart) if row["state"] == state]
        for state in plots.STATE_COLOURS
    }

    def at_second(second: float) -> list[int]:
        place = max(place for place, each in enumerate(at) if each <= second)
        return [counted[state][place] for state in plots.STATE_COLOURS]

    assert at_second(0) == [3, 0, 0, 0]
    assert at_second(8) == [3, 1, 0, 0]
    assert at_second(12) == [2, 2, 0, 0]
    assert at_second(18) == [1, 2, 0, 1]
    assert at_second(22) == [0, 2, 1, 1]
    assert at_second(30) == [1, 1, 1, 2]


def test_the_last_counts_are_those_of_the_network(study: StudyNetwork) -> None:
    last = {row["state"]: row["n"] for row in rows(plots.states(study))}
    assert last == {"queued": 2, "running": 1, "finished": 12, "failed": 3}


def test_throughput_counts_the_finished_tasks() -> None:
    tasks = [("ada", "finished", 0.0, 0.0, float(n)) for n in range(11)]
    chart = plots.throughput(ran(*tasks, ("ada", "failed", 0, 0, 5)))
    assert column(chart, "n") == [5, 6]
    assert column(chart, "rate") == pytest.approx([1.0, 1.2])
    assert seconds(column(chart, "until")) == [5, 10]


def test_throughput_of_a_network_counts_all_that_finished(study: StudyNetwork) -> None:
    assert sum(column(plots.throughput(study), "n")) == 12
