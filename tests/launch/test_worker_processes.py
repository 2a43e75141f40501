"""What a worker process is like: its output, its imports, its secrets."""

from __future__ import annotations

import functools
from pathlib import Path

import psutil
import pytest

from tests.launch import loops
from tests.models import ParamNetwork, serve


def message_of_first_failed(network: ParamNetwork) -> str:
    condition = network.read_tasks(network.failed_tasks)[0].condition
    assert condition is not None
    return condition.message


def test_a_talkative_worker_does_not_block(network: ParamNetwork) -> None:
    network.start_local_workers(loops.talk, n_workers=1)
    network.wait_until_done(timeout=20.0)
    assert network.n_finished_tasks == 1


def test_the_output_of_each_worker_goes_to_its_own_files(
    network: ParamNetwork, tmp_path: Path
) -> None:
    messages, output = tmp_path / "logs" / "messages", str(tmp_path / "output")
    ids = network.start_local_workers(
        loops.talk, n_workers=2, message_log=messages, output_log=output
    )
    network.wait_for_workers(worker_ids=ids, timeout=20.0)
    network.wait_until_done(timeout=20.0)
    assert network.n_finished_tasks == 2
    expected = sorted(f"message_{worker_id}.log" for worker_id in ids)
    assert sorted(path.name for path in messages.iterdir()) == expected
    for worker_id in ids:
        written = (messages / f"message_{worker_id}.log").read_text()
        assert written.count("e" * 999 + "\n") == 1000
        written = Path(output, f"output_{worker_id}.log").read_text()
        assert written == ("o" * 999 + "\n") * 1000


def test_ordered_modules_are_imported_first(network: ParamNetwork) -> None:
    loop = functools.partial(loops.tell_modules, names=["colorsys", "wave", "chunk"], fetch=False)
    network.start_local_workers(loop, n_workers=1, imports=["colorsys", "wave"])
    network.wait_until_done(timeout=20.0)
    assert message_of_first_failed(network) == "colorsys wave"


@pytest.mark.parametrize(("fetch", "imported"), [(False, "none"), (True, "polars")])
def test_a_worker_imports_polars_only_when_it_fetches(
    network: ParamNetwork, fetch: bool, imported: str
) -> None:
    loop = functools.partial(loops.tell_modules, names=["polars", "numpy"], fetch=fetch)
    network.start_local_workers(loop, n_workers=1)
    network.wait_until_done(timeout=20.0)
    assert message_of_first_failed(network).split() == imported.split()


def test_nothing_of_the_order_is_in_the_arguments_or_the_environment(
    network: ParamNetwork,
) -> None:
    network.start_local_workers(loops.tell_process, n_workers=1)
    network.wait_until_done(timeout=20.0)
    message = message_of_first_failed(network)
    assert message.endswith("-m rushtyped.launch []")
    assert network.network_id not in message


def test_worker_info_has_the_process_of_the_worker(network: ParamNetwork) -> None:
    (worker_id,) = network.start_local_workers(serve, n_workers=1)
    network.wait_for_workers(1, timeout=20.0)
    (row,) = network.worker_info.iter_rows(named=True)
    assert (row["worker_id"], row["state"]) == (worker_id, "running")
    assert psutil.Process().pid in (each.pid for each in psutil.Process(row["pid"]).parents())
    assert row["heartbeat"]


def test_the_number_of_workers_defaults_to_the_cores(
    network: ParamNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: {0, 1}, raising=False)
    assert len(network.start_local_workers(serve)) == 2


def test_sigterm_ends_a_process_that_a_loop_has_forked(network: ParamNetwork) -> None:
    network.start_local_workers(loops.end_a_child, n_workers=1)
    network.wait_until_done(timeout=20.0)
    assert network.fetch_finished_tasks()["y"].to_list() == [-15.0]
