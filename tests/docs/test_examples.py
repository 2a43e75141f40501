"""The examples run as their pages say, and what they store keeps the rules of their methods."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from statistics import mean, median
from typing import Any

import polars as pl
import pytest

from examples import median_stopping, successive_halving
from examples.median_stopping import Outcome
from examples.successive_halving import EPOCHS, ETA, Params, Place, Scores, Study, Trainer
from rushtyped import Network

ROOT = Path(__file__).parents[2]
N_RUNS, N_EPOCHS = 16, 10
N_TASKS = 18


def run_example(name: str, server: Path) -> str:
    """Run an example as its docstring says, only quicker; return what it prints."""
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / name, "--workers", "2", "--seed", "1", "--quick"],
        env={**os.environ, "RUSHTYPED_EMBEDDED_DIR": str(server)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def networks_of(report: str) -> list[str]:
    """List the networks that a report names."""
    return re.findall(r"network-\w+", report)


@pytest.fixture(scope="module")
def stopping(server_directory: Path) -> str:
    """Report of the example with the median stopping rule."""
    return run_example("median_stopping.py", server_directory)


@pytest.fixture(scope="module")
def halving(server_directory: Path) -> str:
    """Report of the example of successive halving."""
    return run_example("successive_halving.py", server_directory)


@pytest.fixture(scope="module")
def runs(stopping: str, redis_url: str) -> list[pl.DataFrame]:
    """Runs that were trained with the rule, and without it."""
    return [
        Network[median_stopping.Params, Outcome](name, redis=redis_url).fetch_finished_tasks()
        for name in networks_of(stopping)
    ]


@pytest.fixture(scope="module")
def curves(stopping: str, redis_url: str) -> list[pl.DataFrame]:
    """Points of the learning curves of both."""
    return [
        median_stopping.curves_of(
            Network[median_stopping.Params, Outcome](name, redis=redis_url)
        ).fetch_finished_tasks()
        for name in networks_of(stopping)
    ]


@pytest.fixture(scope="module")
def studies(halving: str, redis_url: str) -> list[Study]:
    """Networks of the search by halving, and of the same runs trained to the end."""
    return [Study(name, redis=redis_url) for name in networks_of(halving)]


@pytest.fixture(scope="module")
def tasks(studies: list[Study]) -> list[dict[str, Any]]:
    """Finished tasks of the search, in the order of finishing."""
    frame = studies[0].fetch_finished_tasks(fields=["xs", "ys", "xs_extra", "times"])
    return frame.to_dicts()


def accuracies(points: pl.DataFrame, run: str) -> list[float]:
    """The learning curve of a run."""
    found = points.filter(pl.col("run") == run)
    assert found["epoch"].to_list() == list(range(1, found.height + 1))
    return found["accuracy"].to_list()


def top(seen: list[dict[str, Any]], rung: int) -> list[str]:
    """Runs in the top of a rung, of those that had finished it; the first of equals comes first."""
    done = [task for task in seen if task["rung"] == rung]
    best = sorted(done, key=lambda task: -task["accuracy"])[: len(done) // ETA]
    return [task["run"] for task in best]


def test_the_report_of_the_rule_says_what_is_stored(
    stopping: str, runs: list[pl.DataFrame]
) -> None:
    reported = re.findall(r"(\d+) +(\d+) +(\d+) +([\d.]+) +network", stopping)
    for frame, (n, stopped, epochs, best) in zip(runs, reported, strict=True):
        assert frame.height == int(n) == N_RUNS
        assert frame.filter(pl.col("median").is_not_null()).height == int(stopped)
        assert frame["epochs"].sum() == int(epochs)
        assert f"{max(frame['accuracy'].to_list()):.4f}" == best
    saved = 1 - runs[0]["epochs"].sum() / (N_RUNS * N_EPOCHS)
    assert f"saved {saved:.0%} of" in stopping


def test_stopped_runs_were_worse_than_the_median_of_those_that_had_come_as_far(
    runs: list[pl.DataFrame], curves: list[pl.DataFrame]
) -> None:
    stopped = runs[0].filter(pl.col("median").is_not_null())
    assert 0 < stopped.height < N_RUNS
    for row in stopped.iter_rows(named=True):
        seen = curves[0].head(row["seen"])  # rows are in the order of finishing
        known = {run: accuracies(seen, run) for run in seen["run"].unique()}
        own = known.pop(row["key"])
        assert len(own) == row["epochs"]
        others = [mean(curve[: len(own)]) for curve in known.values() if len(curve) >= len(own)]
        assert len(others) >= 5
        assert row["median"] == pytest.approx(median(others))
        assert max(own) == row["accuracy"] < row["median"]


def test_all_other_runs_go_to_the_end(runs: list[pl.DataFrame], curves: list[pl.DataFrame]) -> None:
    for frame, points in zip(runs, curves, strict=True):
        for row in frame.filter(pl.col("median").is_null()).iter_rows(named=True):
            assert row["epochs"] == len(accuracies(points, row["key"])) == N_EPOCHS
    assert runs[1]["median"].null_count() == N_RUNS


def test_a_stopped_run_is_the_beginning_of_the_same_run_without_the_rule(
    runs: list[pl.DataFrame], curves: list[pl.DataFrame]
) -> None:
    full = dict(runs[1].select("seed", "key").iter_rows())
    for seed, key in runs[0].select("seed", "key").iter_rows():
        curve = accuracies(curves[0], key)
        assert accuracies(curves[1], full[seed])[: len(curve)] == curve


def test_the_report_of_halving_says_what_is_stored(
    halving: str, tasks: list[dict[str, Any]]
) -> None:
    assert len(tasks) == N_TASKS
    rungs = re.findall(r"^ +(\d) +(\d+) +(\d+) +([\d.]+)$", halving, re.MULTILINE)
    for rung, epochs, n, best in rungs:
        reached = [task["accuracy"] for task in tasks if task["rung"] == int(rung)]
        assert EPOCHS[int(rung)] == int(epochs)
        assert len(reached) == int(n)
        assert f"{max(reached):.4f}" == best
    assert len(rungs) == len({task["rung"] for task in tasks}) > 2
    assert f" {sum(EPOCHS[task['rung']] for task in tasks)} epochs, best" in halving


def test_a_run_goes_up_only_from_the_top_of_its_rung(tasks: list[dict[str, Any]]) -> None:
    promoted = [task for task in tasks if task["rung"] > 0]
    assert promoted
    for task in promoted:
        assert task["run"] in top(tasks[: task["seen"]], task["rung"] - 1)


def test_a_run_is_begun_only_when_none_can_go_up(
    studies: list[Study], tasks: list[dict[str, Any]]
) -> None:
    ever = studies[0].fetch_tasks(fields=["xs_extra", "times"]).to_dicts()
    for task in tasks:
        if task["rung"] == 0:
            places = {
                (other["run"], other["rung"])
                for other in ever
                if other["created_at"] < task["created_at"]
            }
            for rung in range(len(EPOCHS) - 1):
                best = top(tasks[: task["seen"]], rung)
                assert {(run, rung + 1) for run in best} <= places


def test_nobody_trains_a_run_twice_on_a_rung(
    studies: list[Study], tasks: list[dict[str, Any]]
) -> None:
    places = [(task["run"], task["rung"]) for task in tasks]
    assert len(set(places)) == N_TASKS
    for row in studies[0].fetch_failed_tasks().iter_rows(named=True):
        assert row["condition"]["message"] == "Another worker has promoted this run"
        assert (row["run"], row["rung"]) in places


def test_the_comparison_trains_the_same_runs_to_the_end(
    studies: list[Study], tasks: list[dict[str, Any]]
) -> None:
    full = studies[1].fetch_finished_tasks()
    assert set(full["seed"]) == {task["seed"] for task in tasks if task["rung"] == 0}
    assert set(full["rung"]) == {len(EPOCHS) - 1}
    ends = {task["seed"]: task["accuracy"] for task in tasks if task["rung"] == len(EPOCHS) - 1}
    assert ends.items() <= dict(full.select("seed", "accuracy").iter_rows()).items()


def test_of_two_workers_that_promote_the_same_run_the_first_goes_on(redis_url: str) -> None:
    study = Study(redis=redis_url)
    first, second = (Trainer(study.network_id, redis=redis_url) for _ in range(2))
    xs = Params(units=8, learning_rate=0.1, alpha=0.1, seed=1)
    place = Place(run="a", rung=1, seen=3)
    task = first.running_task(xs, xs_extra=place)
    rival = second.running_task(xs, xs_extra=place)
    assert successive_halving.is_first(first, task.key, place)
    assert not successive_halving.is_first(second, rival.key, place)
    task.finish(Scores(accuracy=0.5))
    assert not successive_halving.is_first(second, rival.key, place)


def definitions(source: str) -> dict[str, str]:
    """What a source defines at its top, by name."""
    return {
        node.name: ast.dump(node)
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }


@pytest.mark.parametrize(
    ("name", "page_name"),
    [
        ("median_stopping", "example-median-stopping.md"),
        ("successive_halving", "example-successive-halving.md"),
    ],
)
def test_a_page_shows_the_code_of_its_example(name: str, page_name: str) -> None:
    page = (ROOT / "docs" / page_name).read_text(encoding="utf-8")
    shown = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    example = definitions((ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8"))
    found = definitions("\n".join(shown))
    assert len(found) >= 8
    assert found.items() <= example.items()
