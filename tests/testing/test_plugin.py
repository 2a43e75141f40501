"""The fixtures that the pytest plugin gives, in suites of their own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from tests.waiting import wait_until

MODELS = """
import time
import pytest
from rushtyped import Network, Worker, Xs, Ys

class Params(Xs):
    x: float

class Scores(Ys):
    y: float

def square(worker: Worker[Params, Scores]) -> None:
    for task in worker.queue(timeout=0.05):
        task.finish(Scores(y=task.xs.x ** 2))

def fail(worker: Worker[Params, Scores]) -> None:
    worker.pop_task()
    raise ValueError("diverged")

def hang(worker: Worker[Params, Scores]) -> None:
    while not worker.terminated:
        time.sleep(0.01)
"""


def outcomes(pytester: pytest.Pytester, body: str, *options: str) -> dict[str, str]:
    """Run a suite of these models and tests; return how each test went, and what was printed."""
    pytester.makepyfile(test_suite=f"from __future__ import annotations\n{MODELS}\n{body}")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-rA", *options)
    text = result.stdout.str()
    found = re.findall(r"^(PASSED|FAILED|ERROR) \S+::(\w+)(?: - (.*))?$", text, re.MULTILINE)
    return {"": text, **{name: state for state, name, _ in found}}


def test_a_loop_runs_to_its_end_in_threads_and_in_processes(pytester: pytest.Pytester) -> None:
    found = outcomes(
        pytester,
        """
@pytest.mark.parametrize("place", ["thread", "process"])
def test_square(network: Network[Params, Scores], run_loop, place):
    network.push_tasks([Params(x=2.0), Params(x=3.0)])
    frame = run_loop(square, n_workers=2, place=place)
    assert sorted(frame["y"]) == [4.0, 9.0]
    assert frame.columns[:3] == ["key", "x", "y"]
    assert network.n_running_workers == 0
    assert network.n_terminated_workers == 2

def search(worker: Worker[Params, Scores]) -> None:
    while not worker.terminated:
        with worker.running_task(Params(x=1.0)) as task:
            task.finish(Scores(y=1.0))

@pytest.mark.parametrize("budget", [{"max_tasks": 7}, {"max_seconds": 0.5}])
def test_budget(network: Network[Params, Scores], run_loop, budget):
    frame = run_loop(search, n_workers=2, **budget)
    assert frame.height == budget.get("max_tasks", frame.height) > 0

def test_the_next_one_is_empty(network: Network[Params, Scores]):
    assert network.n_tasks == network.n_workers == 0
""",
    )
    assert found[""].count("PASSED") == 5, found[""]


def test_a_failure_of_the_loop_is_one_of_the_test(pytester: pytest.Pytester) -> None:
    found = outcomes(
        pytester,
        """
def test_thread(network: Network[Params, Scores], run_loop):
    network.push_tasks([Params(x=2.0)])
    with pytest.raises(ValueError, match="diverged"):
        run_loop(fail)
    assert network.fetch_failed_tasks()["condition"][0]["message"] == "diverged"

def test_one_of_several_threads(network: Network[Params, Scores], run_loop):
    def fail_in_one(worker: Worker[Params, Scores]) -> None:
        if worker.pop_task(timeout=0.0) is not None:
            raise ValueError("diverged")
        hang(worker)
    network.push_tasks([Params(x=2.0)])
    with pytest.raises(ValueError, match="diverged"):
        run_loop(fail_in_one, n_workers=2)
    assert network.n_running_workers == 0

def test_process(network: Network[Params, Scores], run_loop):
    from rushtyped import WorkerEndedError
    network.push_tasks([Params(x=2.0)])
    with pytest.raises(WorkerEndedError, match="ended: ValueError: diverged") as caught:
        run_loop(fail, place="process")
    assert 'raise ValueError("diverged")' in str(caught.value)
""",
    )
    assert found[""].count("PASSED") == 3, found[""]


def test_a_loop_that_does_not_end_is_told_to(pytester: pytest.Pytester) -> None:
    found = outcomes(
        pytester,
        """
@pytest.mark.parametrize("place", ["thread", "process"])
def test_hang(network: Network[Params, Scores], run_loop, place):
    from rushtyped import WaitTimeoutError
    with pytest.raises(WaitTimeoutError, match="has not ended"):
        run_loop(hang, place=place, timeout=2.0)
    assert network.n_running_workers == 0
""",
    )
    assert found[""].count("PASSED") == 2, found[""]


def test_wrong_arguments_of_run_loop_are_named(pytester: pytest.Pytester) -> None:
    found = outcomes(
        pytester,
        """
class Others(Ys):
    z: int

def others(worker: Worker[Params, Others]) -> None: ...

@pytest.mark.parametrize(("loop", "options", "names"), [
    (square, {"n_workers": 0}, "n_workers"),
    (square, {"place": "host"}, "place"),
    (square, {"timeout": -1.0}, "timeout"),
    (square, {"max_tasks": 0}, "max_tasks"),
    (others, {}, r"Worker\\[Params, Others\\]"),
    (7, {}, "worker_loop"),
])
def test_wrong(network: Network[Params, Scores], run_loop, loop, options, names):
    from rushtyped import RushTypedError
    with pytest.raises(RushTypedError, match=names):
        run_loop(loop, **{"max_tasks": 7, **options})
    assert network.n_workers == 0
    name = f"rush:{{{network.network_id}}}:meta"
    assert network.connector.hget(name, "max_tasks") is None
""",
    )
    assert found[""].count("PASSED") == 6, found[""]


def test_a_test_that_leaves_something_behind_fails(pytester: pytest.Pytester) -> None:
    found = outcomes(
        pytester,
        """
def test_queued(network: Network[Params, Scores]):
    network.push_tasks([Params(x=1.0)])

def test_running(network: Network[Params, Scores], rush_server):
    Worker[Params, Scores](network.network_id, redis=rush_server).running_task(Params(x=1.0))

@pytest.mark.rush_unsettled
def test_queued_on_purpose(network: Network[Params, Scores]):
    network.push_tasks([Params(x=1.0)])

def test_settled(network: Network[Params, Scores]):
    network.push_tasks([Params(x=1.0)])
    network.empty_queue()
    network.write_hashes(keys=["settings"], step=[1])
    network.worker_script(square)

def test_key(network: Network[Params, Scores]):
    network.connector.set(f"rush:{{{network.network_id}}}:task:stray", "1")

def test_other_network(network: Network[Params, Scores], rush_server):
    Network[Params, Scores]("mine", redis=rush_server)

def test_that_fails_by_itself(network: Network[Params, Scores]):
    network.push_tasks([Params(x=1.0)])
    assert network.n_tasks == 2

def test_nothing_is_left(rush_server):
    import redis
    keys = redis.Redis.from_url(rush_server).keys("rush:*")
    assert {key.split(b":")[1] for key in keys} == {b"{mine}"}
""",
    )
    text = found.pop("")
    assert found == {
        "test_queued": "FAILED",
        "test_running": "FAILED",
        "test_queued_on_purpose": "PASSED",
        "test_settled": "PASSED",
        "test_key": "FAILED",
        "test_other_network": "FAILED",
        "test_that_fails_by_itself": "FAILED",
        "test_nothing_is_left": "PASSED",
    }, text
    assert "queued tasks (1): " in text
    assert "running tasks (1): " in text
    assert re.search(r"keys that the network does not know of \(1\): rush:\{\S+\}:task:stray", text)
    assert re.search(
        r"keys of other networks that were not there before \(1\): rush:\{mine\}", text
    )
    assert "assert 1 == 2" in text
    assert len(re.findall("^the test has left behind", text, re.MULTILINE)) == 4


def test_the_type_of_the_network_is_that_of_the_test(pytester: pytest.Pytester) -> None:
    found = outcomes(
        pytester,
        """
class Study(Network[Params, Scores]):
    def best(self) -> float:
        return self.fetch_finished_tasks()["y"].max()

def test_subclass(network: Study):
    network.push_finished_tasks([Params(x=1.0)], [Scores(y=2.0)])
    assert network.best() == 2.0

class TestMethods:
    def test_method(self, network: Network[Params, Scores]):
        assert type(network) is Network[Params, Scores]

@pytest.fixture
def full(network):
    network.push_finished_tasks([Params(x=1.0)], [Scores(y=2.0)])
    return network

def test_through_a_fixture(full, network: Network[Params, Scores]):
    assert full.n_finished_tasks == 1

def test_without(network):
    pass

def test_unknown(network: Netwerk[Params, Scores]):
    pass

def test_other_thing(network: int):
    pass
""",
    )
    text = found.pop("")
    assert found == {
        **dict.fromkeys(("test_subclass", "test_method", "test_through_a_fixture"), "PASSED"),
        **dict.fromkeys(("test_without", "test_unknown", "test_other_thing"), "ERROR"),
    }, text
    assert "test_without does not say what its network holds: annotate the argument" in text
    assert "name 'Netwerk' is not defined" in text
    assert "test_other_thing does not say" in text


def test_a_fixture_may_name_the_type_for_all(pytester: pytest.Pytester) -> None:
    found = outcomes(
        pytester,
        """
@pytest.fixture
def network_type():
    return Network[Params, Scores]

def test_one(network):
    assert type(network) is Network[Params, Scores]
""",
    )
    assert found["test_one"] == "PASSED", found[""]


def test_the_server_may_be_one_that_runs(
    pytester: pytest.Pytester, redis_url: str, network_id: str
) -> None:
    body = f"""
def test_there(network: Network[Params, Scores], rush_server):
    assert rush_server == {redis_url!r}
    Network[Params, Scores]({network_id!r}, redis=rush_server)
"""
    client = redis.Redis.from_url(redis_url)
    found = outcomes(pytester, body, "--rush-redis", redis_url)
    assert found["test_there"] == "PASSED", found[""]  # the other network may be somebody else's
    assert client.delete(f"rush:{{{network_id}}}:meta") == 1
    found = outcomes(pytester, body, "--rush-redis", "unix:///nowhere/redis.sock")
    assert found["test_there"] == "ERROR"
    assert "ServerUnreachableError" in found[""]


def test_the_plugin_is_loaded_and_declares_its_mark(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--fixtures", "-q")
    for name in ("rush_server", "network", "network_type", "run_loop"):
        result.stdout.re_match_lines([rf"^{name}\b.* -- .*pytest_plugin\.py.*"])
    result = pytester.runpytest_subprocess("--markers", "--strict-markers")
    result.stdout.re_match_lines([r"^@pytest\.mark\.rush_unsettled: .*on purpose"])


def test_processes_of_the_suite_end_with_it(pytester: pytest.Pytester, tmp_path: Path) -> None:
    pytester.makepyfile(
        test_suite=f"from __future__ import annotations\n{MODELS}\n"
        f"""
def test_server(network: Network[Params, Scores], rush_server, run_loop):
    from pathlib import Path
    network.push_tasks([Params(x=2.0)])
    run_loop(square, place="process")
    Path({str(tmp_path / "url")!r}).write_text(rush_server)
"""
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    assert result.ret == 0
    socket = Path((tmp_path / "url").read_text().removeprefix("unix://"))
    wait_until(lambda: not socket.exists(), description="the server of the suite has ended")


def test_a_missing_hypothesis_is_named_with_what_installs_it(tmp_path: Path) -> None:
    hidden = "import sys\nsys.modules['hypothesis'] = None\nimport rushtyped.testing"
    done = subprocess.run(
        [sys.executable, "-c", hidden], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 1
    assert "needs Hypothesis: pip install 'rushtyped[testing]'" in done.stderr
