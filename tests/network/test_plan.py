"""Plans that name a server: the connection is tested, and the server is used."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from rushtyped import (
    Network,
    Plan,
    ServerAccessError,
    ServerUnreachableError,
    current_plan,
    has_plan,
    plan,
    remove_plan,
)
from rushtyped.channel import Channel
from rushtyped.embedded import release_embedded_server
from rushtyped.plan import endpoint_for, stack
from tests.models import Params, Scores
from tests.servers.behind import client_of
from tests.servers.process import ServerProcess
from tests.waiting import wait_until

NOBODY = "unix:///nowhere/valkey.sock"


@pytest.fixture(autouse=True)
def no_plan() -> Iterator[None]:
    """No plan comes from another test or goes to the next, not even below a block left open."""
    assert stack._layers == []
    yield
    stack._layers.clear()


@pytest.fixture
def locked_server() -> Iterator[Path]:
    """Socket of a server with the password "right"."""
    with tempfile.TemporaryDirectory(prefix="rushtyped-") as directory:
        server = ServerProcess(Path(directory))
        server.start()
        wait_until(server.answers, description="the server answers")
        with redis.Redis.from_url(server.url) as client:
            client.config_set("requirepass", "right")
        yield server.socket
        server.kill()


def commands_of(url: str) -> dict[str, int]:
    """Count the commands that the server has got which a plan asks, by name."""
    with client_of(url, "plan") as client:
        stats = client.info("commandstats")
    return {name.removeprefix("cmdstat_"): found["calls"] for name, found in stats.items()}


@pytest.mark.not_on("sentinel", reason="sentinels ask their servers, too")
def test_a_plan_asks_its_server_once_and_sets_it(redis_url: str) -> None:
    before = commands_of(redis_url)
    assert plan(redis=redis_url).redis == redis_url
    after = commands_of(redis_url)
    assert after["info"] - before.get("info", 0) == 2  # the other is our own
    assert current_plan() == Plan(redis=redis_url, worker_type="local")
    assert endpoint_for(None).url == redis_url


def test_a_call_goes_before_the_plan_and_the_plan_before_the_environment(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with plan(redis=redis_url):
        monkeypatch.setenv("RUSHTYPED_REDIS_URL", NOBODY)
        assert endpoint_for(None).url == redis_url
        assert current_plan().redis == redis_url
        assert endpoint_for("redis://call:1").address == "redis://call:1"
    assert endpoint_for(None).url == NOBODY


def test_a_plan_without_a_server_tests_the_one_of_the_environment(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    plan(n_workers=2)
    assert endpoint_for(None).url == redis_url
    monkeypatch.setenv("RUSHTYPED_REDIS_URL", NOBODY)
    with pytest.raises(ServerUnreachableError, match=r"unix:///nowhere/valkey\.sock did not answ"):
        plan(n_workers=3)
    assert current_plan().n_workers == 2
    plan(redis=redis_url, n_workers=4)
    assert endpoint_for(None).url == redis_url


def test_an_unreachable_server_sets_no_plan() -> None:
    with pytest.raises(ServerUnreachableError, match="did not answer: "), plan(redis=NOBODY):
        raise AssertionError("the block was entered")
    assert not has_plan()


def test_a_block_that_cannot_reach_its_server_leaves_the_plan_before_it(redis_url: str) -> None:
    with plan(redis=redis_url):
        with pytest.raises(ServerUnreachableError), plan(redis=NOBODY):
            raise AssertionError("the block was entered")
        assert endpoint_for(None).url == redis_url
    assert not has_plan()


def test_a_wrong_or_missing_password_is_refused_and_not_shown(locked_server: Path) -> None:
    for url in (f"unix://{locked_server}", f"unix://:wr0ng@{locked_server}"):
        with pytest.raises(ServerAccessError, match="user and password") as caught:
            plan(redis=url)
        assert "wr0ng" not in str(caught.value)
        assert not has_plan()


def test_the_right_password_is_taken_and_not_shown(
    locked_server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"unix://:right@{locked_server}"
    shown = f"redis='unix://:***@{locked_server}'"
    assert repr(plan(redis=url)) == f"Plan({shown})"
    assert repr(current_plan()) == f"Plan({shown}, worker_type='local')"
    remove_plan()
    monkeypatch.setenv("RUSHTYPED_REDIS_URL", url)
    assert repr(plan(n_workers=2)) == "Plan(n_workers=2)"
    assert repr(current_plan()) == f"Plan({shown}, n_workers=2, worker_type='local')"


def test_a_client_is_taken_and_its_password_not_shown(locked_server: Path) -> None:
    with redis.Redis(unix_socket_path=str(locked_server), password="right") as client:
        with plan(redis=client) as ours:
            assert ours.redis is client
            assert repr(ours) == f"Plan(redis='unix://{locked_server}')"
            assert Channel(endpoint_for(None), "{slot}", 0.0).call("PING") == b"PONG"
        with pytest.raises(ServerAccessError):
            plan(redis=redis.Redis(unix_socket_path=str(locked_server), password="wr0ng"))


def test_the_embedded_server_is_started_where_a_plan_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with tempfile.TemporaryDirectory(prefix="rushtyped-") as directory:
        home = Path(directory, "embedded")
        monkeypatch.setenv("RUSHTYPED_EMBEDDED_DIR", str(home))
        plan(n_workers=2)
        assert not home.exists()
        plan(redis="embedded")
        assert (home / "valkey.sock").exists()
        monkeypatch.setenv("REDIS_URL", NOBODY)
        assert endpoint_for(None).directory == home
        release_embedded_server(home)
        wait_until(lambda: not (home / "valkey.sock").exists(), description="the server has ended")


def test_a_plan_that_may_lose_tasks_is_warned_of(redis_url: str, warnings_seen: list[str]) -> None:
    with client_of(redis_url, "plan") as admin:
        admin.config_set("maxmemory-policy", "allkeys-lru")
        try:
            plan(redis=redis_url)
        finally:
            admin.config_set("maxmemory-policy", "noeviction")
    assert ["maxmemory-policy allkeys-lru" in warning for warning in warnings_seen] == [True]


def test_a_plan_can_be_pickled(redis_url: str) -> None:
    ours = plan(redis=redis_url, n_workers=2, log_levels={"a": "INFO"})
    assert pickle.loads(pickle.dumps(ours)) == ours


def test_a_network_keeps_the_server_that_it_was_made_with(redis_url: str, network_id: str) -> None:
    with plan(redis=redis_url):
        network = Network[Params, Scores](network_id, redis=endpoint_for(None))
    network.push_tasks([Params(x1=1.0, x2=2.0)])
    assert network.n_queued_tasks == 1
    network.reset()
