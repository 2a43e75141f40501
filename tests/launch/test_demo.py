"""The demo, as its users run it: one command, its output, and what it does when things go wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import polars as pl
import psutil
import pytest
from pydantic import Field

from rushtyped import Network, TaskState, Xs
from rushtyped.demo import Origin, Params, Scores, Seconds, evaluate, propose
from rushtyped.demo.space import LOG_SCALE, Space
from tests.waiting import wait_until

MAX_TASKS = 8


def environment(**variables: str) -> dict[str, str]:
    return {**os.environ, **variables}


def start(*options: str, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "rushtyped", "demo", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**variables),
    )


def open_network(network_id: str, redis: str) -> Network[Params, Scores, Origin, Seconds]:
    return Network[Params, Scores, Origin, Seconds](network_id, redis=redis)


@pytest.fixture(scope="module")
def run(server_directory: Path) -> tuple[int, str, str]:
    """Exit code, output and messages of a short run with the embedded server."""
    demo = start("--max-tasks", str(MAX_TASKS), RUSHTYPED_EMBEDDED_DIR=str(server_directory))
    output, messages = demo.communicate(timeout=100)
    return demo.returncode, output, messages


def test_a_run_finishes_exactly_as_many_tasks_as_asked_for(run: tuple[int, str, str]) -> None:
    code, output, messages = run
    assert code == 0
    assert re.search(r"^8 of 8 evaluations finished in \d+\.\d s\.$", output, re.MULTILINE)
    assert "8/8 finished" in messages
    assert "DEBUG" not in messages


def test_the_five_best_are_shown_the_best_first(run: tuple[int, str, str]) -> None:
    losses = re.findall(r"^log_loss +(.+)$", run[1], re.MULTILINE)[0].split()
    assert len(losses) == 5
    assert [float(loss) for loss in losses] == sorted(float(loss) for loss in losses)


def test_the_shares_of_a_worker_s_time_add_up(run: tuple[int, str, str]) -> None:
    rows = re.findall(r"^(?:[0-9a-f]{10}|all) +(\d+) +[\d.]+ +(.+)$", run[1], re.MULTILINE)
    *each, (all_tasks, _) = rows
    assert len(each) == 2
    assert sum(int(tasks) for tasks, _ in each) == int(all_tasks) == MAX_TASKS
    for _, shares in rows:
        numbers = [float(share) for share in re.findall(r"([-\d.]+) %", shares)]
        assert len(numbers) == 4
        assert all(number >= 0 for number in numbers)
        assert sum(numbers) == pytest.approx(100, abs=0.3)


def test_the_snippet_that_is_shown_reads_the_results_again(
    run: tuple[int, str, str], server_directory: Path, tmp_path: Path
) -> None:
    lines = re.findall(r"^ {4}(\S.+)$", run[1], re.MULTILINE)
    assert len(lines) == 4
    script = tmp_path / "again.py"
    script.write_text("\n".join(lines))
    again = subprocess.run(
        [sys.executable, script],
        env=environment(RUSHTYPED_EMBEDDED_DIR=str(server_directory)),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "shape: (8, " in again.stdout


@pytest.mark.slow
def test_a_killed_worker_neither_stops_the_run_nor_spoils_its_count(
    redis_url: str, network_id: str
) -> None:
    demo = start("--max-tasks", "12", "--redis", redis_url, "--network-id", network_id)
    network = open_network(network_id, redis_url)
    wait_until(lambda: network.n_finished_tasks >= 2, description="two tasks finished", timeout=60)
    victim = network.worker_info.filter(pl.col("state") == "running")["pid"][0]
    psutil.Process(victim).kill()
    output, messages = demo.communicate(timeout=100)
    assert (demo.returncode, network.n_finished_tasks) == (0, 12)
    assert "12 of 12 evaluations finished" in output
    assert "Worker has crashed or was killed (SIGKILL)" in messages
    assert network.tasks_with_state(["queued", "running"]) == {
        TaskState.QUEUED: [],
        TaskState.RUNNING: [],
    }


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--workers", "0"], "--workers must be 1 or more but is 0"),
        (["--max-tasks", "-3"], "--max-tasks must be 1 or more but is -3"),
        (["--seed", "-1"], "--seed must be 0 or more but is -1"),
        (["--network-id", "a/b"], "network_id must be 1 to 128 of A-Z a-z 0-9 . _ - but is 'a/b'"),
        (["--redis", "http://localhost"], "redis= must be a URL that begins with redis://"),
    ],
)
def test_a_wrong_option_is_one_line_that_names_it(options: list[str], complaint: str) -> None:
    demo = start(*options)
    output, messages = demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert output == ""
    assert messages.startswith(f"rushtyped: {complaint}")
    assert messages.count("\n") == 1


def test_an_unreachable_server_is_one_line_without_the_password() -> None:
    demo = start("--redis", "redis://ada:open-sesame@localhost:1")
    output, messages = demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert messages.startswith("rushtyped: redis://ada:***@localhost:1 did not answer")
    assert messages.count("\n") == 1
    assert "open-sesame" not in output + messages


def test_a_number_that_is_none_is_a_usage_error() -> None:
    demo = start("--workers", "two")
    _, messages = demo.communicate(timeout=60)
    assert demo.returncode == 2
    assert "rushtyped: Invalid value for '--workers'" in messages
    assert "Traceback" not in messages


def test_a_missing_extra_is_one_line_that_says_what_to_install(tmp_path: Path) -> None:
    missing = tmp_path / "sklearn" / "__init__.py"
    missing.parent.mkdir()
    missing.write_text("raise ModuleNotFoundError(\"No module named 'sklearn'\", name='sklearn')")
    demo = start(PYTHONPATH=str(tmp_path))
    _, messages = demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert messages == "rushtyped: the demo needs scikit-learn: pip install 'rushtyped[demo]'\n"


def test_a_network_that_holds_tasks_is_left_alone(redis_url: str, network_id: str) -> None:
    network = open_network(network_id, redis_url)
    network.push_tasks([Space(Params).latin_hypercube(1, seed=1)[0]])
    demo = start("--redis", redis_url, "--network-id", network_id)
    _, messages = demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert messages.startswith(f"rushtyped: network '{network_id}' holds 1 tasks already")
    assert (network.n_tasks, network.n_queued_tasks, network.n_workers) == (1, 1, 0)


class Mixed(Xs):
    rate: Annotated[float, Field(ge=0.01, le=1.0), LOG_SCALE]
    depth: Annotated[int, Field(ge=1, le=3)]


def test_a_design_fills_every_range_evenly_and_depends_on_the_seed_alone() -> None:
    space = Space(Mixed)
    design = space.latin_hypercube(6, seed=7)
    assert design == space.latin_hypercube(6, seed=7)
    assert design != space.latin_hypercube(6, seed=8)
    assert sorted(xs.depth for xs in design) == [1, 1, 2, 2, 3, 3]
    assert sum(xs.rate < 0.1 for xs in design) == 3


def test_drawn_points_keep_to_their_bounds() -> None:
    points = Space(Mixed).sample(10_000, np.random.default_rng(1))
    assert (points.min(axis=0) >= [0.01, 1]).all()
    assert (points.max(axis=0) <= [1.0, 3]).all()
    assert set(points[:, 1]) == {1.0, 2.0, 3.0}


def tasks_of(losses: list[float | None]) -> pl.DataFrame:
    xss = Space(Params).latin_hypercube(len(losses), seed=1)
    rows = [xs.model_dump() for xs in xss]
    return pl.DataFrame(rows).with_columns(log_loss=pl.Series(losses, dtype=pl.Float64))


def test_the_same_seed_and_results_propose_the_same_point() -> None:
    tasks = tasks_of([0.3, 0.1, None, 0.2])
    proposals = [propose(tasks, 1.0, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert proposals[0] == proposals[1]
    assert proposals[0] != proposals[2]
    assert proposals[0][1] == Origin(origin="surrogate")


def test_without_a_finished_task_a_point_is_drawn_at_random() -> None:
    for tasks in (tasks_of([None, None]), tasks_of([0.1]).clear()):
        _, origin = propose(tasks, 1.0, np.random.default_rng(1))
        assert origin == Origin(origin="random")


def test_an_evaluation_repeats() -> None:
    xs = Params(
        learning_rate=0.5,
        max_iter=20,
        max_leaf_nodes=2,
        min_samples_leaf=20,
        l2_regularization=1.0,
        max_features=0.5,
    )
    scores = evaluate(xs)
    assert scores == evaluate(xs)
    assert 0.05 < scores.log_loss < 0.2
    assert 0.9 < scores.accuracy < 1.0
