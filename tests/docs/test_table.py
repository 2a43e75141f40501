"""Each row of the README's table about workers, logs and plans has a test with real processes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.docs.test_readme import table

ROOT = Path(__file__).parents[2]
TESTS = {
    "rush_plan": "launch/test_plans.py::test_workers_have_the_planned_heartbeat",
    "reconnect": "network/test_pickling.py::test_a_pickled_network_works_in_another_process",
    "reset": "launch/test_stopping_workers.py::test_a_reset_kills_the_workers_and_forgets_them",
    "start_workers": "launch/test_engines.py::test_workers_work_off_a_queue",
    "start_local_workers": "launch/test_local_workers.py::"
    "test_two_workers_finish_exactly_max_tasks",
    "start_remote_workers": "launch/test_engines.py::"
    "test_dask_runs_a_worker_again_whose_process_has_died",
    "worker_script": "launch/test_scripts.py::test_the_line_starts_one_worker_each_time_it_is_run",
    "wait_for_workers": "launch/test_local_workers.py::test_waiting_for_workers",
    "stop_workers": "launch/test_leases.py::test_any_manager_can_kill_a_worker",
    "detect_lost_workers": "faults/test_lost_workers.py::test_a_hundred_losses_on_overloaded_cores",
    "read_log": "launch/test_worker_logs.py::"
    "test_records_of_loguru_and_the_standard_library_are_kept",
    "print_log": "launch/test_worker_logs.py::test_only_what_is_new_is_printed_by_the_local_logger",
    "wait_for_tasks": "launch/test_local_workers.py::test_waiting_for_tasks_can_find_lost_workers",
    "processes_processx": "launch/test_nursery.py::"
    "test_workers_of_a_killed_nursery_are_lost_and_others_can_be_started",
    "processes_mirai": "launch/test_engines.py::"
    "test_the_future_of_a_loop_that_raises_has_its_last_messages",
    "n_workers": "launch/test_nursery.py::test_thirty_workers_start_in_one_call",
    "n_running_workers": "launch/test_stopping_workers.py::"
    "test_terminate_ends_workers_after_their_task",
    "n_terminated_workers": "launch/test_managers.py::test_unsupervised_workers_go_on",
    "worker_ids": "launch/test_engines.py::test_a_worker_that_was_dismissed_is_not_run_again",
    "running_worker_ids": "launch/test_stopping_workers.py::test_a_reset_may_keep_the_workers",
    "terminated_worker_ids": "launch/test_engines.py::test_workers_work_off_a_queue",
    "worker_info": "launch/test_worker_processes.py::"
    "test_worker_info_has_the_process_of_the_worker",
}
ABOUT_WORKERS = ("worker", "plan", "log", "processes", "reconnect", "reset", "wait_for")


def functions(path: Path) -> set[str]:
    """List the tests of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_no_row_is_left_out() -> None:
    rows = {name for name in table() if any(part in name for part in ABOUT_WORKERS)}
    assert rows - {"reset_cache"} == set(TESTS)


@pytest.mark.parametrize("row", TESTS)
def test_the_row_has_its_test(row: str) -> None:
    place, _, name = TESTS[row].partition("::")
    assert name in functions(ROOT / "tests" / place)
