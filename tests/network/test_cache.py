"""Finished tasks are read from Redis only once."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from rushtyped import Network
from rushtyped.keys import NetworkKeys
from tests.models import ParamNetwork, Params, ParamWorker, Scores, points
from tests.servers.behind import client_behind, url_of
from tests.waiting import in_background, wait_until_blocked

RoundTrips = Callable[[object, Callable[[], object]], int]


def finish(network: ParamNetwork, *results: float) -> list[str]:
    return network.push_finished_tasks(points(len(results)), [Scores(y=y) for y in results])


def bytes_sent_during(network: ParamNetwork, call: Callable[[], object]) -> int:
    """Count what the server sends during a call, and to ask for the count."""

    client = client_behind(network)

    def bytes_sent() -> int:
        return int(client.info("stats")["total_net_output_bytes"])

    before = bytes_sent()
    call()
    return bytes_sent() - before


def test_one_new_row_costs_one_round_trip(
    network: ParamNetwork, count_round_trips: RoundTrips
) -> None:
    finish(network, *range(1000))
    # a hundred rows first, whose size tells how many the next one may ask for
    assert count_round_trips(network, network.fetch_finished_tasks) == 2
    finish(network, 7.0)
    assert count_round_trips(network, network.fetch_finished_tasks) == 1
    assert network.fetch_finished_tasks()["y"].to_list()[-2:] == [999.0, 7.0]


def test_only_the_new_row_is_read(network: ParamNetwork) -> None:
    finish(network, *range(1000))
    assert bytes_sent_during(network, network.fetch_finished_tasks) > 100_000
    finish(network, 7.0)
    assert bytes_sent_during(network, network.fetch_finished_tasks) < 10_000


def test_fields_asked_for_later_are_not_null(network: ParamNetwork) -> None:
    network.push_finished_tasks(points(1), [Scores(y=4.0)], xss_extra=[{"batch": 2}])
    assert network.fetch_finished_tasks(fields=["xs"]).columns == ["key", "x1", "x2"]
    row = network.fetch_finished_tasks(fields=["ys", "xs_extra", "times"]).row(0, named=True)
    assert (row["y"], row["batch"]) == (4.0, 2)
    assert row["finished_at"] is not None


def test_a_frame_given_away_does_not_grow(network: ParamNetwork) -> None:
    finish(network, 1.0)
    first = network.fetch_finished_tasks()
    finish(network, 2.0)
    assert network.fetch_finished_tasks().height == 2
    assert first.height == 1


def test_new_tasks_are_those_since_the_last_call(network: ParamNetwork) -> None:
    assert network.fetch_new_tasks().height == 0
    finish(network, 1.0, 2.0)
    assert network.fetch_new_tasks()["y"].to_list() == [1.0, 2.0]
    assert network.fetch_new_tasks().height == 0
    finish(network, 3.0)
    assert network.fetch_new_tasks()["y"].to_list() == [3.0]


def test_fetching_finished_tasks_does_not_move_the_mark(network: ParamNetwork) -> None:
    finish(network, 1.0)
    assert network.fetch_finished_tasks().height == 1
    assert network.fetch_tasks_with_state().height == 1
    assert network.fetch_new_tasks()["y"].to_list() == [1.0]
    assert network.fetch_finished_tasks().height == 1


def test_each_object_has_its_own_mark(network: ParamNetwork, worker: ParamWorker) -> None:
    finish(network, 1.0)
    assert network.fetch_new_tasks().height == 1
    assert worker.fetch_new_tasks().height == 1


def test_resetting_the_cache_reads_all_again_and_keeps_the_mark(network: ParamNetwork) -> None:
    finish(network, *range(1000))
    assert network.fetch_new_tasks().height == 1000
    network.reset_cache()
    assert network.fetch_new_tasks().height == 0
    network.reset_cache()
    assert bytes_sent_during(network, network.fetch_finished_tasks) > 100_000
    assert network.fetch_finished_tasks().height == 1000


def test_new_tasks_are_waited_for(network: ParamNetwork, worker: ParamWorker) -> None:
    with in_background(lambda: network.fetch_new_tasks(timeout=20.0)) as fetched:
        wait_until_blocked(network)
        worker.running_task(Params(x1=1.0, x2=1.0)).finish(Scores(y=8.0))
        assert fetched.result(timeout=5.0)["y"].to_list() == [8.0]


def test_waiting_for_new_tasks_ends_empty_after_the_timeout(network: ParamNetwork) -> None:
    began = time.monotonic()
    assert network.fetch_new_tasks(timeout=0.2).height == 0
    assert 0.2 <= time.monotonic() - began < 2.0


def test_the_reset_of_another_drops_the_cache(
    network: ParamNetwork, redis_url: str, warnings_seen: list[str]
) -> None:
    finish(network, 1.0, 2.0)
    assert network.fetch_new_tasks().height == 2
    Network[Params, Scores](network.network_id, redis=redis_url).reset()
    assert network.fetch_finished_tasks().height == 0
    assert warnings_seen == ["The network was reset or has lost tasks: reading all anew"]


def test_tasks_after_a_reset_are_new_again(
    network: ParamNetwork, redis_url: str, warnings_seen: list[str]
) -> None:
    finish(network, 1.0, 2.0)
    network.fetch_new_tasks()
    other = Network[Params, Scores](network.network_id, redis=redis_url)
    other.reset()
    finish(other, 3.0, 4.0, 5.0)
    assert network.fetch_new_tasks()["y"].to_list() == [3.0, 4.0, 5.0]
    assert network.fetch_finished_tasks()["y"].to_list() == [3.0, 4.0, 5.0]


def test_ones_own_reset_drops_the_cache(network: ParamNetwork, warnings_seen: list[str]) -> None:
    finish(network, 1.0)
    network.fetch_new_tasks()
    network.reset()
    finish(network, 2.0)
    assert network.fetch_new_tasks()["y"].to_list() == [2.0]


def test_an_evicted_task_is_dropped_with_a_warning(
    network: ParamNetwork, warnings_seen: list[str]
) -> None:
    keys = finish(network, 1.0, 2.0, 3.0)
    network.connector.delete(NetworkKeys(network.network_id).task(keys[1]))
    assert network.fetch_finished_tasks()["y"].to_list() == [1.0, 3.0]
    assert warnings_seen == ["1 tasks have no hash any more: evicted?"]
    finish(network, 4.0)
    assert network.fetch_finished_tasks()["y"].to_list() == [1.0, 3.0, 4.0]
    assert network.fetch_new_tasks()["y"].to_list() == [1.0, 3.0, 4.0]


def test_a_task_evicted_after_it_was_read_stays_in_the_cache(network: ParamNetwork) -> None:
    keys = finish(network, 1.0)
    network.fetch_finished_tasks()
    network.connector.delete(NetworkKeys(network.network_id).task(keys[0]))
    assert network.fetch_finished_tasks()["y"].to_list() == [1.0]


def test_a_column_that_appears_late_is_null_before(network: ParamNetwork) -> None:
    finish(network, 1.0)
    assert "batch" not in network.fetch_finished_tasks().columns
    network.push_finished_tasks(points(1), [Scores(y=2.0)], xss_extra=[{"batch": 5}])
    assert network.fetch_finished_tasks()["batch"].to_list() == [None, 5]
    assert network.fetch_finished_tasks(fields=["xs_extra"]).columns == ["key", "batch"]


@pytest.mark.not_on("cluster", reason="the user is made on one node only")
def test_a_user_who_may_not_sort_reads_the_same(network: ParamNetwork, redis_url: str) -> None:
    finish(network, 1.0, 2.0)
    admin = client_behind(network)
    admin.execute_command(
        *("ACL", "SETUSER", "narrow", "reset", "on", ">secret", "+@all", "-@dangerous", "+info"),
        f"~rush:{{{network.network_id}}}:*",
    )
    try:
        url = url_of(redis_url, "narrow:secret")
        with Network[Params, Scores](network.network_id, redis=url) as narrow:
            assert narrow.fetch_finished_tasks()["y"].to_list() == [1.0, 2.0]
            assert narrow.fetch_tasks()["y"].to_list() == [1.0, 2.0]
            finish(narrow, 3.0)
            assert narrow.fetch_new_tasks()["y"].to_list() == [1.0, 2.0, 3.0]
    finally:
        admin.execute_command("ACL", "DELUSER", "narrow")
