"""Every way in which stored data can be wrong is found, and mended where that has one answer."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from rushtyped import Network, Worker
from rushtyped.heartbeat.holder import LeaseHolder
from rushtyped.keys import NetworkKeys, WorkerKeys
from rushtyped.verification import Problem, key_space
from tests.contents import contents_of
from tests.models import ParamNetwork, Params, ParamWorker, Scores, points, search, serve
from tests.servers.behind import client_behind, url_of

Break = Callable[["Scene"], object]


@dataclass
class Scene:
    """A network that holds a task in every state, and a plain client to break it with."""

    network: ParamNetwork
    worker: ParamWorker
    ended: ParamWorker
    client: Any = field(init=False)
    keys: NetworkKeys = field(init=False)

    def __post_init__(self) -> None:
        self.client = client_behind(self.network)
        self.keys = NetworkKeys(self.network.network_id)
        self.queued, self.next = self.network.push_tasks(points(2))
        self.running, self.second = self.worker.push_running_tasks(points(2))
        (self.finished,) = self.network.push_finished_tasks(points(1), [Scores(y=1.0)])
        (self.failed,) = self.network.push_failed_tasks(points(1))
        self.ended.set_terminated()

    def task(self, key: str) -> str:
        return self.keys.task(key)

    def of(self, worker: ParamWorker) -> Any:
        return self.keys.worker(worker.worker_id)

    def found(self, *, repair: bool = False) -> list[tuple[object, ...]]:
        """Verify, and list problem, key, the end of where it is, and whether it was repaired."""
        rows = self.network.verify(repair=repair).iter_rows(named=True)
        start = len(self.keys.prefix)
        return [(row["problem"], row["key"], row["where"][start:], row["repaired"]) for row in rows]


@pytest.fixture
def scene(redis_url: str, network_id: str) -> Scene:
    def new_worker() -> ParamWorker:
        return Worker[Params, Scores](network_id, redis=redis_url)

    network = Network[Params, Scores](network_id, redis=redis_url)
    with pytest.MonkeyPatch.context() as patch:
        # else its lease would be renewed when a test says that it runs
        patch.setattr(LeaseHolder, "hold", lambda *_: "")
        ended = new_worker()
    return Scene(network, new_worker(), ended)


# What is broken, by which command; then problem, whose key it names, and where it is.
MENDED: dict[str, tuple[Break, str, str, str]] = {
    "a task that `all` lacks": (
        lambda s: s.client.lrem(s.keys.all, 1, s.finished),
        *("unlisted", "finished", "all"),
    ),
    "a task that `all` lists twice": (
        lambda s: s.client.rpush(s.keys.all, s.finished),
        *("listed_twice", "finished", "all"),
    ),
    "a queued task that no index lists": (
        lambda s: s.client.lrem(s.keys.queue, 1, s.queued),
        *("unlisted", "queued", "queue"),
    ),
    "a queued task that is queued twice": (
        lambda s: s.client.rpush(s.keys.queue, s.queued),
        *("listed_twice", "queued", "queue"),
    ),
    "a queued task that a worker holds too": (
        lambda s: s.client.rpush(s.of(s.worker).pending, s.queued),
        *("listed_twice", "queued", "worker:WORKER:pending"),
    ),
    "a queued task that a worker held when it ended": (
        lambda s: s.client.lmove(s.keys.queue, s.of(s.ended).pending),
        *("held_back", "queued", "worker:ENDED:pending"),
    ),
    "a finished task that is queued": (
        lambda s: s.client.rpush(s.keys.queue, s.finished),
        *("wrong_index", "finished", "queue"),
    ),
    "a finished task that a worker holds": (
        lambda s: s.client.rpush(s.of(s.worker).pending, s.finished),
        *("wrong_index", "finished", "worker:WORKER:pending"),
    ),
    "a finished task that runs": (
        lambda s: s.client.zadd(s.keys.running, {s.finished: 1}),
        *("wrong_index", "finished", "running"),
    ),
    "a finished task that has failed": (
        lambda s: s.client.zadd(s.keys.failed, {s.finished: 1}),
        *("wrong_index", "finished", "failed"),
    ),
    "a failed task that is finished": (
        lambda s: s.client.rpush(s.keys.finished, s.failed),
        *("wrong_index", "failed", "finished"),
    ),
    "a finished task that no index lists": (
        lambda s: s.client.lrem(s.keys.finished, 1, s.finished),
        *("unlisted", "finished", "finished"),
    ),
    "a task that has finished twice": (
        lambda s: s.client.rpush(s.keys.finished, s.finished),
        *("listed_twice", "finished", "finished"),
    ),
    "a failed task that no index lists": (
        lambda s: s.client.zrem(s.keys.failed, s.failed),
        *("unlisted", "failed", "failed"),
    ),
    "a running task that no index lists": (
        lambda s: s.client.zrem(s.keys.running, s.running),
        *("unlisted", "running", "running"),
    ),
    "a running task that its worker does not list": (
        lambda s: s.client.srem(s.of(s.worker).tasks, s.running),
        *("unlisted", "running", "worker:WORKER:tasks"),
    ),
    "a finished task that a worker lists as its own": (
        lambda s: s.client.sadd(s.of(s.worker).tasks, s.finished),
        *("not_owned", "finished", "worker:WORKER:tasks"),
    ),
    "a running task that another worker lists as its own": (
        lambda s: s.client.sadd(s.of(s.ended).tasks, s.running),
        *("not_owned", "running", "worker:ENDED:tasks"),
    ),
    "a task that is listed and has no hash": (
        lambda s: s.client.delete(s.task(s.queued)),
        *("hash_missing", "queued", "all"),
    ),
    "a running worker that is no worker": (
        lambda s: s.client.srem(s.keys.workers, s.worker.worker_id),
        *("unlisted", "worker", "workers"),
    ),
    "a worker that neither runs nor has ended": (
        lambda s: s.client.srem(s.keys.terminated_workers, s.ended.worker_id),
        *("unlisted", "ended", "terminated_workers"),
    ),
    "a worker that has ended and runs": (
        lambda s: s.client.sadd(s.keys.running_workers, s.ended.worker_id),
        *("listed_twice", "ended", "running_workers"),
    ),
    "the lease of a worker that has ended": (
        lambda s: s.client.set(s.of(s.ended).heartbeat, "1", px=100_000),
        *("lease_of_ended", "ended", "worker:ENDED:heartbeat"),
    ),
}
# These have no one right answer: they are only reported.
LEFT: dict[str, tuple[Break, str, str, str]] = {
    "a finished task without its hash": (
        lambda s: s.client.delete(s.task(s.finished)),
        *("hash_missing", "finished", "finished"),
    ),
    "a state that is none": (
        lambda s: s.client.hset(s.task(s.failed), "state", "lost"),
        *("state_unknown", "failed", "task:KEY"),
    ),
    "a finished task without its result": (
        lambda s: s.client.hdel(s.task(s.finished), "ys"),
        *("fields_missing", "finished", "task:KEY"),
    ),
    "a queued task without xs": (
        lambda s: s.client.hdel(s.task(s.queued), "xs"),
        *("fields_missing", "queued", "task:KEY"),
    ),
    "a failed task without a condition": (
        lambda s: s.client.hdel(s.task(s.failed), "condition"),
        *("fields_missing", "failed", "task:KEY"),
    ),
    "a task that ended before it was created": (
        lambda s: s.client.hset(s.task(s.finished), "finished_at", "17"),
        *("fields_wrong", "finished", "task:KEY"),
    ),
    "a time that is no number": (
        lambda s: s.client.hset(s.task(s.finished), "created_at", "today"),
        *("fields_wrong", "finished", "task:KEY"),
    ),
    "a task at its attempt zero": (
        lambda s: s.client.hset(s.task(s.queued), "attempt", "0"),
        *("fields_wrong", "queued", "task:KEY"),
    ),
    "a worker without its record": (
        lambda s: s.client.delete(s.of(s.worker).record),
        *("hash_missing", "worker", "worker:WORKER"),
    ),
    "a network without its schemas": (
        lambda s: s.client.hdel(s.keys.meta, "schemas"),
        *("meta_incomplete", "meta", "meta"),
    ),
    "a key that nothing knows": (
        lambda s: s.client.set(s.keys.prefix + "results", "1"),
        *("strange_key", "results", "results"),
    ),
    "a loop that no index lists": (
        lambda s: s.client.set(s.keys.loop("ab"), "1"),
        *("strange_key", "loop:ab", "loop:ab"),
    ),
    "the list of a worker that never was": (
        lambda s: s.client.rpush(s.keys.worker("nobody").pending, "x"),
        *("strange_key", "worker:nobody:pending", "worker:nobody:pending"),
    ),
    "a queue that is a string": (
        lambda s: (s.client.delete(s.keys.queue), s.client.set(s.keys.queue, "x")),
        *("wrong_type", "queue", "queue"),
    ),
    "a worker's tasks that are a list": (
        lambda s: (s.client.delete(s.of(s.worker).tasks), s.client.lpush(s.of(s.worker).tasks, 1)),
        *("wrong_type", "worker:WORKER:tasks", "worker:WORKER:tasks"),
    ),
}


def expected_row(scene: Scene, problem: str, name: str, where: str, *, repaired: bool) -> object:
    """Fill in the ids of this scene."""
    ids = {"worker": scene.worker.worker_id, "ended": scene.ended.worker_id}
    for word, worker_id in (("WORKER", ids["worker"]), ("ENDED", ids["ended"])):
        where = where.replace(word, worker_id)
        name = name.replace(word, worker_id)
    key = ids.get(name) or vars(scene).get(name) or scene.keys.prefix + name
    return problem, key, where.replace("KEY", str(key)), repaired


def test_nothing_is_wrong_with_what_the_library_writes(scene: Scene) -> None:
    scene.network.write_hashes(keys=["note"], text=["free"])
    before = contents_of(scene.network)
    assert scene.found() == scene.found(repair=True) == []
    assert contents_of(scene.network) == before


@pytest.mark.parametrize("broken", MENDED)
def test_what_has_one_right_answer_is_found_and_mended(scene: Scene, broken: str) -> None:
    before = scene.network.tasks_with_state()
    break_it, *expected = MENDED[broken]
    break_it(scene)
    seen = contents_of(scene.network)
    assert scene.found() == [expected_row(scene, *expected, repaired=False)]
    assert contents_of(scene.network) == seen, "looking changes nothing"
    assert scene.found(repair=True) == [expected_row(scene, *expected, repaired=True)]
    assert scene.found() == []
    gone = {scene.queued} if expected[0] == "hash_missing" else set()
    after = scene.network.tasks_with_state()
    assert {state: set(keys) for state, keys in after.items()} == {
        state: set(keys) - gone for state, keys in before.items()
    }


@pytest.mark.parametrize("broken", LEFT)
def test_what_has_no_one_right_answer_is_reported_and_left(scene: Scene, broken: str) -> None:
    break_it, *expected = LEFT[broken]
    break_it(scene)
    seen = contents_of(scene.network)
    expectation = [expected_row(scene, *expected, repaired=False)]
    assert scene.found() == scene.found(repair=True) == expectation
    assert contents_of(scene.network) == seen


def test_every_key_of_a_network_and_a_worker_has_a_type() -> None:
    names = set(NetworkKeys.__slots__) - {"network_id", "prefix"}
    assert set(key_space._TYPES) == names
    assert set(key_space._WORKER_TYPES) == set(WorkerKeys.__slots__)


def test_every_problem_is_made_by_one_of_these_tests() -> None:
    made = {row[1] for row in (*MENDED.values(), *LEFT.values())}
    others = {"owner_gone", "result_lost", "trash_left"}  # below
    assert made | others == {problem.value for problem in Problem}


def test_a_running_task_whose_worker_has_gone_fails(scene: Scene) -> None:
    scene.client.srem(scene.keys.running_workers, scene.worker.worker_id)
    scene.client.sadd(scene.keys.terminated_workers, scene.worker.worker_id)
    scene.client.delete(scene.of(scene.worker).heartbeat)
    rows = sorted(("owner_gone", key, f"task:{key}", True) for key in (scene.running, scene.second))
    assert scene.found(repair=True) == rows
    assert scene.found() == []
    assert set(scene.network.failed_tasks) == {scene.failed, scene.running, scene.second}
    condition = scene.network.read_tasks([scene.running])[0].condition
    assert condition is not None
    assert condition.message == "Worker has crashed or was killed"


def test_a_task_that_nothing_lists_comes_back_by_its_hash(scene: Scene) -> None:
    scene.client.lrem(scene.keys.all, 1, scene.queued)
    scene.client.lrem(scene.keys.queue, 1, scene.queued)
    assert scene.found(repair=True) == [
        ("unlisted", scene.queued, "all", True),
        ("unlisted", scene.queued, "queue", True),
    ]
    assert scene.network.queued_tasks == [scene.next, scene.queued]


def test_a_free_hash_that_nothing_lists_is_listed_again(scene: Scene) -> None:
    scene.network.write_hashes(keys=["note", "other"], text=["free"])
    scene.client.srem(scene.keys.hashes, "note")
    scene.client.delete(scene.task("other"))
    assert scene.found(repair=True) == [
        ("hash_missing", "other", "hashes", True),
        ("unlisted", "note", "hashes", True),
    ]
    assert scene.client.smembers(scene.keys.hashes) == {b"note"}
    assert scene.found() == []


def test_what_a_reset_has_left_is_swept_up(scene: Scene) -> None:
    scene.client.rename(scene.keys.all, scene.keys.trash)
    for name in ("queue", "running", "finished", "failed"):
        scene.client.delete(getattr(scene.keys, name))
    scene.client.delete(scene.of(scene.worker).tasks)
    assert scene.found(repair=True) == [("trash_left", scene.keys.trash, "trash", True)]
    assert scene.found() == []
    assert list(scene.client.scan_iter(f"{scene.keys.prefix}task:*")) == []


def test_free_hashes_that_a_reset_has_left_are_swept_up(scene: Scene) -> None:
    scene.network.write_hashes(keys=["note"], text=["free"])
    scene.client.rename(scene.keys.hashes, scene.keys.trash_hashes)
    trash = scene.keys.trash_hashes
    assert scene.found() == [("trash_left", trash, "trash_hashes", False)]
    assert scene.found(repair=True) == [("trash_left", trash, "trash_hashes", True)]
    assert scene.found() == []
    assert scene.client.exists(scene.task("note")) == 0


def test_a_result_that_was_read_and_has_gone_is_named(scene: Scene) -> None:
    scene.network.fetch_finished_tasks()
    scene.client.lrem(scene.keys.all, 1, scene.finished)
    scene.client.lrem(scene.keys.finished, 1, scene.finished)
    scene.client.delete(scene.task(scene.finished))
    assert scene.found(repair=True) == [("result_lost", scene.finished, "finished", False)]
    scene.network.reset()
    assert scene.found() == [], "after a reset nothing of before is missed"


@pytest.mark.not_on("cluster", reason="the user is made on one node only")
def test_a_user_that_may_not_search_the_server_is_warned(
    scene: Scene, warnings_seen: list[str]
) -> None:
    channel, rules = scene.network._channel, "on nopass ~* &* +@all -scan"
    scene.client.acl_setuser(username="confined", reset=True)
    scene.client.execute_command("ACL", "SETUSER", "confined", *rules.split())
    try:
        confined = Network[Params, Scores](
            scene.network.network_id,
            redis=url_of(channel.endpoint.url, "confined"),
        )
        scene.client.set(scene.keys.prefix + "results", "1")
        assert confined.verify().is_empty()
    finally:
        scene.client.acl_deluser("confined")
    assert warnings_seen == [
        "Keys that nothing refers to were not searched for: this user may not SCAN"
    ]


def test_several_pages_are_read(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rushtyped.verification.survey.PAGE", 3)
    monkeypatch.setattr("rushtyped.verification.survey.MARKS", 4)
    keys = scene.network.push_tasks(points(20))
    scene.network.push_finished_tasks(points(20), [Scores(y=1.0)] * 20)
    assert scene.found() == []
    scene.client.lrem(scene.keys.queue, 1, keys[7])
    scene.client.rpush(scene.keys.queue, keys[11])
    assert sorted(scene.found(repair=True)) == [
        ("listed_twice", keys[11], "queue", True),
        ("unlisted", keys[7], "queue", True),
    ]
    assert scene.found() == []


def test_a_huge_queue_is_looked_through_again_rather_than_task_by_task(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rushtyped.verification.verifier._ELEMENTS_IN_ALL", 10)
    keys = scene.network.push_tasks(points(20))
    scene.client.lrem(scene.keys.queue, 1, keys[7])
    assert scene.found() == [("unlisted", keys[7], "queue", False)]


def test_nothing_is_found_while_workers_run(redis_url: str, network_id: str) -> None:
    with Network[Params, Scores](network_id, redis=redis_url) as network:
        network.start_local_workers(search, n_workers=1)
        network.start_local_workers(serve, n_workers=1)
        network.wait_for_workers(2)
        for _ in range(20):
            keys = network.push_tasks(points(200))
            network.fail_tasks(keys[::7])
            network.retry_tasks(keys[::14])
            assert network.verify(repair=True).is_empty()
        assert network.n_finished_tasks > 0


def verify_command(*arguments: str, redis: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rushtyped", "verify", *arguments, "--redis", redis],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_command_prints_problems_and_says_by_its_code_whether_any_are_left(
    scene: Scene, redis_url: str, network_id: str
) -> None:
    clean = verify_command(network_id, redis=redis_url)
    assert (clean.returncode, clean.stderr) == (0, "")
    assert clean.stdout == f"network {network_id!r}: 0 problems, 0 of them repaired\n"

    scene.client.rpush(scene.keys.queue, scene.finished)
    scene.client.set(scene.keys.prefix + "results", "1")
    found = verify_command(network_id, "--json", redis=redis_url)
    rows = [json.loads(line) for line in found.stdout.splitlines()]
    assert found.returncode == 3
    assert [row["problem"] for row in rows] == ["strange_key", "wrong_index"]
    assert rows[1] == {
        "problem": "wrong_index",
        "key": scene.finished,
        "state": "finished",
        "worker_id": None,
        "where": scene.keys.queue,
        "repaired": False,
    }
    scene.client.delete(scene.keys.prefix + "results")
    mended = verify_command(network_id, "--repair", redis=redis_url)
    assert mended.returncode == 0
    assert mended.stdout == (
        f"wrong_index: {scene.finished!r} in {scene.keys.queue!r}, state 'finished': repaired\n"
        f"network {network_id!r}: 1 problems, 1 of them repaired\n"
    )


def test_the_command_names_a_network_that_is_not_there(redis_url: str) -> None:
    missing = verify_command("nowhere", redis=redis_url)
    assert missing.returncode == 1
    assert missing.stderr.startswith("rushtyped: there is no network 'nowhere'")
