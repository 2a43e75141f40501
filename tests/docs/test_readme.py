"""The README: its examples run, and its table leaves nothing of the manual out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rushtyped import Network, Worker
from tests.models import Params, Scores

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
METHODS = (
    *("new", "reconnect", "start_workers", "start_local_workers", "start_remote_workers"),
    *("worker_script", "wait_for_workers", "stop_workers", "detect_lost_workers", "read_log"),
    *("print_log", "push_tasks", "push_finished_tasks", "push_failed_tasks", "empty_queue"),
    *("fail_tasks", "fetch_tasks", "fetch_queued_tasks", "fetch_running_tasks"),
    *("fetch_failed_tasks", "fetch_finished_tasks", "fetch_tasks_with_state", "fetch_new_tasks"),
    *("wait_for_tasks", "write_hashes", "read_hashes", "read_hash", "is_running_task"),
    *("is_failed_task", "tasks_with_state"),
)
WORKER_METHODS = ("push_running_tasks", "finish_tasks", "fail_tasks", "pop_task")
FIELDS_AND_BINDINGS = (
    *("processes_processx", "processes_mirai", "network_id", "config", "connector", "n_workers"),
    *("n_running_workers", "n_terminated_workers", "worker_ids", "running_worker_ids"),
    *("terminated_worker_ids", "tasks", "queued_tasks", "running_tasks", "finished_tasks"),
    *("failed_tasks", "n_queued_tasks", "n_running_tasks", "n_finished_tasks", "n_failed_tasks"),
    *("n_tasks", "worker_info"),
)
WIDE = {"POLARS_TABLE_WIDTH": "200"}
ABSENT = "No counterpart"
NO_METHODS = ("Network[Params, Scores]", "repr", "plan")


def table() -> dict[str, str]:
    """Ours by R's names, as they stand in the table."""
    rows = re.findall(r"^\| (`.+?) \| (.+?) \|.*\|$", README, re.MULTILINE)
    return {
        name.strip("$`").removeprefix("Rush$").removesuffix("()"): ours
        for names, ours in rows
        for name in names.split(", ")
    }


def examples(text: str) -> list[str]:
    """List the Python examples of a page."""
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run_script(source: str, directory: Path, server: Path) -> str:
    """Run a script in an otherwise empty directory; return what it prints."""
    script = directory / "example.py"
    script.write_text(source)
    done = subprocess.run(
        [sys.executable, script],
        cwd=directory,
        env={**os.environ, "RUSHTYPED_EMBEDDED_DIR": str(server), **WIDE},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_random_search_finds_100_different_points_and_keeps_them(
    tmp_path: Path, server_directory: Path, redis_url: str
) -> None:
    random_search, _ = examples(README)
    printed = run_script(random_search, tmp_path, server_directory)
    assert "shape: (5, 6)" in printed
    points = Network[Params, Scores]("branin", redis=redis_url).fetch_finished_tasks()
    assert points.height == 100
    assert points.select("x1", "x2").is_unique().all()
    assert run_script(random_search, tmp_path, server_directory) == printed


@pytest.mark.slow
def test_the_bayesian_optimisation_finds_good_parameters(
    tmp_path: Path, server_directory: Path
) -> None:
    _, optimisation = examples(README)
    printed = run_script(optimisation, tmp_path, server_directory)
    assert "shape: (5, 7)" in printed
    losses = [float(loss) for loss in re.findall(r"┆ (0\.\d+) +┆ \w{10} ", printed)]
    assert len(losses) == 5
    assert losses == sorted(losses)
    assert losses[0] < 0.12


@pytest.mark.parametrize("name", [*METHODS, *WORKER_METHODS, *FIELDS_AND_BINDINGS])
def test_the_table_has_every_name_of_the_manual(name: str) -> None:
    assert name in table()


@pytest.mark.parametrize("row", table().items(), ids=lambda row: row[0])
def test_what_the_table_names_is_there(row: tuple[str, str]) -> None:
    _, ours = row
    if ours == ABSENT:
        return
    named = re.findall(r"`(?:(Network|Worker)\.)?(\w[\w\[\], ]*)[(`]", ours)
    assert named
    for owner, name in named:
        if name not in NO_METHODS:
            assert hasattr(Worker if owner == "Worker" else Network, name), name


@pytest.mark.parametrize("row", table().items(), ids=lambda row: row[0])
def test_what_is_said_to_be_missing_is_missing(row: tuple[str, str]) -> None:
    name, ours = row
    assert not (ours == ABSENT and hasattr(Network, name))
