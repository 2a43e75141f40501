"""The commands that change a network, or move one."""

from __future__ import annotations

from pathlib import Path

import pytest

from rushtyped import Network
from tests.cli.conftest import Run
from tests.models import ParamNetwork, Params, Scores, points, serve
from tests.servers.process import ServerProcess
from tests.waiting import wait_until


@pytest.fixture
def failed(redis_url: str, network_id: str) -> ParamNetwork:
    """A network of three failed tasks."""
    network = Network[Params, Scores](network_id, redis=redis_url)
    network.push_failed_tasks(points(3))
    return network


def test_failed_tasks_are_retried_by_key(failed: ParamNetwork, redis_url: str, run: Run) -> None:
    first, second, third = failed.failed_tasks
    done = run("retry", failed.network_id, first, third, "--redis", redis_url)
    assert (done.code, done.out) == (0, "")
    assert done.err == "rushtyped: 2 of 2 tasks are queued again\n"
    assert failed.failed_tasks == [second]
    again = run("retry", failed.network_id, first, "--redis", redis_url)
    assert again.code == 1
    assert "0 of 1 tasks are queued again" in again.err


def test_all_failed_tasks_are_retried(failed: ParamNetwork, redis_url: str, run: Run) -> None:
    done = run("retry", failed.network_id, "--all", "--redis", redis_url)
    assert (done.code, failed.n_queued_tasks, failed.n_failed_tasks) == (0, 3, 0)
    assert run("retry", failed.network_id, "--all", "--redis", redis_url).code == 0


def test_the_key_of_no_task_changes_nothing(failed: ParamNetwork, redis_url: str, run: Run) -> None:
    done = run("retry", failed.network_id, failed.failed_tasks[0], "nobody", "--redis", redis_url)
    assert done.code == 1
    assert "'nobody'" in done.err
    assert failed.n_failed_tasks == 3


def test_workers_are_stopped_by_name_and_all(redis_url: str, network_id: str, run: Run) -> None:
    with Network[Params, Scores](network_id, redis=redis_url) as network:
        first, _, third = network.start_local_workers(serve, n_workers=3)
        network.wait_for_workers(3)
        arguments = ("stop", network_id, "--redis", redis_url)
        assert run(*arguments, "--worker", first).code == 0
        wait_until(lambda: network.terminated_worker_ids == [first], description="one has ended")
        killed = run(*arguments, "--worker", third, "--worker", first, "--kill")
        assert killed.code == 1
        assert "1 workers were killed\n" in killed.err
        assert f"no running worker of network {network_id!r}: {first}\n" in killed.err
        wait_until(lambda: network.n_terminated_workers == 2, description="another was killed")
        done = run(*arguments)
        assert (done.code, done.out) == (0, "")
        assert done.err == "rushtyped: 1 workers were told to end after their task\n"
        wait_until(lambda: network.n_running_workers == 0, description="all have ended")
        reasons = dict(network.worker_info.select("worker_id", "reason").iter_rows())
    assert reasons[first] == "ended"
    assert "kill" in str(reasons[third])


def test_a_study_moves_to_another_server(
    failed: ParamNetwork, redis_url: str, run: Run, tmp_path: Path, own_server: ServerProcess
) -> None:
    file = str(tmp_path / "study.parquet")
    done = run("export", failed.network_id, file, "--redis", redis_url)
    assert (done.code, done.out) == (0, "")
    assert "3 tasks of network" in done.err
    moved = run("import", file, "--redis", own_server.url)
    assert (moved.code, moved.out) == (0, f"{failed.network_id}\n")
    renamed = run("import", file, "--redis", own_server.url, "--network-id", "copy")
    assert renamed.out == "copy\n"
    with Network.open("copy", redis=own_server.url) as copy:
        expected = failed.fetch_failed_tasks().sort("key")
        assert copy.fetch_failed_tasks().sort("key").equals(expected)


def test_a_file_of_something_else_is_refused(redis_url: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    done = run("import", str(tmp_path / "file"), "--redis", redis_url)
    assert (done.code, done.out) == (1, "")
    assert "file' is no file that `export_tasks` has written" in done.err


def test_verify_tells_by_its_code_whether_problems_are_left(
    failed: ParamNetwork, redis_url: str, run: Run
) -> None:
    arguments = ("verify", failed.network_id, "--redis", redis_url)
    assert run(*arguments, "--json") == (0, "", "")
    prefix = f"rush:{{{failed.network_id}}}:"
    failed.connector.rpush(f"{prefix}queue", failed.failed_tasks[0])
    assert run(*arguments).code == 3
    assert run(*arguments, "--repair").code == 0
