"""Defaults of a process: what is in force, from where, for how long; no server is contacted."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from rushtyped import (
    InvalidArgumentError,
    InvalidTypeError,
    Plan,
    RedisUrlError,
    current_plan,
    has_plan,
    plan,
    remove_plan,
)
from rushtyped.plan import endpoint_for, secret, settings, stack
from rushtyped.plan.environment import SECRET_VARIABLE

NAMES = (
    *("n_workers", "worker_type", "log_levels", "log_buffer_size", "log_limit"),
    *("large_objects_path", "max_object_size", "start_worker_timeout"),
    *("heartbeat_period", "heartbeat_expire"),
)
DEFAULTS = {**dict.fromkeys(NAMES), "worker_type": "local"}
# What a variable holds and means, what a plan and a call are given, and what these mean.
LEVELS = ('{"a.b": "DEBUG", "": 25}', {"a.b": 10, "": 25})
CASES = {
    "n_workers": ("3", 3, 4, 4, 5, 5),
    "worker_type": ("executor", "executor", "script", "script", "local", "local"),
    "log_levels": (*LEVELS, {"a": "info"}, {"a": 20}, {}, {}),
    "log_buffer_size": ("30", 30, 40, 40, 0, 0),
    "log_limit": ("30", 30, 40, 40, 50, 50),
    "max_object_size": ("3000", 3000, 4000, 4000, 1024, 1024),
    "start_worker_timeout": ("0.5", 0.5, 40, 40.0, 0, 0.0),
    "heartbeat_period": ("1.5", 1.5, 2, 2.0, 3.5, 3.5),
    "heartbeat_expire": ("30.5", 30.5, 40, 40.0, 50.5, 50.5),
}


@pytest.fixture(autouse=True)
def no_plan() -> Iterator[None]:
    """No plan comes from another test or goes to the next, not even below a block left open."""
    assert stack._layers == []
    yield
    stack._layers.clear()


def variable(name: str) -> str:
    return f"RUSHTYPED_{name.upper()}"


def in_force(name: str, **given: Any) -> object:
    return getattr(settings(**given), name)


def n_workers() -> int | None:
    return current_plan().n_workers


@pytest.fixture(params=CASES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_nothing_is_set_by_default_but_the_worker_type() -> None:
    found = settings()
    assert {name: getattr(found, name) for name in NAMES} == DEFAULTS
    assert current_plan() == Plan(worker_type="local")


def test_the_environment_goes_before_the_default(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, meant, *_ = CASES[name]
    monkeypatch.setenv(variable(name), str(text))
    assert in_force(name) == meant
    assert getattr(current_plan(), name) == meant
    assert not has_plan()


def test_the_plan_goes_before_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, _, planned, meant, *_ = CASES[name]
    monkeypatch.setenv(variable(name), str(text))
    assert getattr(plan(**{name: planned}), name) == meant  # type: ignore[arg-type]  # one of all
    assert in_force(name) == meant
    assert getattr(current_plan(), name) == meant


def test_the_call_goes_before_the_plan(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, _, planned, _, given, meant = CASES[name]
    monkeypatch.setenv(variable(name), str(text))
    plan(**{name: planned})  # type: ignore[arg-type]  # one of all
    assert in_force(name, **{name: given}) == meant


def test_what_a_plan_leaves_out_comes_from_the_environment(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, meant, *_ = CASES[name]
    plan(n_workers=None if name == "n_workers" else 7)
    monkeypatch.setenv(variable(name), str(text))
    assert in_force(name) == meant
    assert getattr(current_plan(), name) == meant


def test_the_directory_goes_by_the_same_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert in_force("large_objects_path") is None
    monkeypatch.setenv("RUSHTYPED_LARGE_OBJECTS_PATH", str(tmp_path / "environment"))
    assert in_force("large_objects_path") == tmp_path / "environment"
    plan(n_workers=2)
    assert in_force("large_objects_path") == tmp_path / "environment"
    plan(large_objects_path=tmp_path / "plan")
    assert in_force("large_objects_path") == tmp_path / "plan"
    assert in_force("large_objects_path", large_objects_path=str(tmp_path / "call")) == (
        tmp_path / "call"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["call", "environment", "plan"]


def test_a_server_goes_call_then_first_variable_then_second_then_embedded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUSHTYPED_EMBEDDED_DIR", str(tmp_path))
    assert endpoint_for(None).directory == tmp_path
    assert current_plan().redis is None
    monkeypatch.setenv("REDIS_URL", "redis://second:1")
    assert endpoint_for(None).address == "redis://second:1"
    assert current_plan().redis == "redis://second:1"
    monkeypatch.setenv("RUSHTYPED_REDIS_URL", "redis://first:1")
    assert endpoint_for(None).address == "redis://first:1"
    assert current_plan().redis == "redis://first:1"
    assert endpoint_for("redis://call:1").address == "redis://call:1"


def test_the_environment_is_read_anew_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSHTYPED_N_WORKERS", "3")
    assert n_workers() == 3
    monkeypatch.setenv("RUSHTYPED_N_WORKERS", "4")
    assert n_workers() == 4
    monkeypatch.delenv("RUSHTYPED_N_WORKERS")
    assert n_workers() is None


def test_an_empty_variable_is_unset_and_a_zero_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSHTYPED_N_WORKERS", "")
    assert settings().n_workers is None
    monkeypatch.setenv("RUSHTYPED_LOG_BUFFER_SIZE", "0")
    monkeypatch.setenv("RUSHTYPED_START_WORKER_TIMEOUT", "0")
    assert settings().n_workers is None
    assert settings().log_buffer_size == 0
    assert settings().start_worker_timeout == 0.0


def test_no_file_and_no_other_spelling_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("RUSHTYPED_N_WORKERS=3\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("rushtyped_n_workers", "4")
    monkeypatch.setenv("N_WORKERS", "5")
    monkeypatch.setenv("RUSHTYPED_LOG_LIMIT", "6")
    assert settings().n_workers is None
    assert settings().log_limit == 6


def test_a_variable_of_others_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSHTYPED_DEMO", "yes")
    monkeypatch.setenv("RUSHTYPED_N_WORKERS", "3")
    assert settings().n_workers == 3


# How long a plan is in force.


def test_a_plan_stays_until_it_is_removed() -> None:
    assert not has_plan()
    plan(n_workers=2)
    assert has_plan()
    assert current_plan() == Plan(n_workers=2, worker_type="local")
    remove_plan()
    assert not has_plan()
    assert n_workers() is None
    remove_plan()


def test_a_plan_replaces_the_one_before_as_a_whole() -> None:
    plan(n_workers=2, log_limit=10)
    plan(n_workers=3)
    assert current_plan() == Plan(n_workers=3, worker_type="local")
    remove_plan()
    assert not has_plan()


def test_an_empty_plan_is_a_plan() -> None:
    plan()
    assert has_plan()


def test_a_block_gives_back_what_was_before_the_call() -> None:
    plan(n_workers=2)
    with plan(n_workers=3) as ours:
        assert ours.n_workers == 3
        assert n_workers() == 3
        with plan(log_limit=10):
            assert current_plan() == Plan(log_limit=10, worker_type="local")
        assert n_workers() == 3
    assert n_workers() == 2
    remove_plan()
    with plan(n_workers=3):
        pass
    assert not has_plan()


def test_a_block_that_raises_gives_back_what_was_before() -> None:
    plan(n_workers=2)
    with pytest.raises(KeyError, match="own"), plan(n_workers=3):
        raise KeyError("own")
    assert n_workers() == 2


def test_a_plan_is_in_force_from_its_call_on_and_can_be_entered_later() -> None:
    plan(n_workers=2)
    later = plan(n_workers=3)
    assert n_workers() == 3
    with later:
        assert n_workers() == 3
    assert n_workers() == 2


def test_a_plan_can_be_entered_again() -> None:
    plan(n_workers=2)
    with plan(n_workers=3) as ours:
        pass
    with ours:
        assert n_workers() == 3
        with plan(n_workers=4):
            with ours:
                assert n_workers() == 3
            assert n_workers() == 4
        with ours:
            assert n_workers() == 3
        assert n_workers() == 3
    assert n_workers() == 2


def test_what_was_planned_between_call_and_block_is_given_back() -> None:
    early = plan(n_workers=2)
    plan(n_workers=3)
    with early:
        assert n_workers() == 2
    assert n_workers() == 3
    remove_plan()
    with early:
        assert n_workers() == 2
    assert not has_plan()


def test_plans_that_are_entered_in_another_order_give_back_what_was_before_each() -> None:
    plan(n_workers=1)
    first, second = plan(n_workers=2), plan(n_workers=3)
    with second:
        assert n_workers() == 3
    assert n_workers() == 2
    with first:
        assert n_workers() == 2
    assert n_workers() == 1


def test_blocks_that_end_in_another_order_leave_nothing_behind() -> None:
    plan(n_workers=1)
    first, second = ExitStack(), ExitStack()
    first.enter_context(plan(n_workers=2))
    second.enter_context(plan(n_workers=3))
    first.close()
    assert n_workers() == 3
    second.close()
    assert n_workers() == 1


def test_a_plan_that_is_set_within_a_block_ends_with_it() -> None:
    plan(n_workers=1)
    with plan(n_workers=2):
        plan(n_workers=3)
        assert n_workers() == 3
        plan(n_workers=4)
        assert n_workers() == 4
    assert n_workers() == 1


def test_a_plan_that_is_removed_within_a_block_is_back_after_it() -> None:
    plan(n_workers=1)
    with plan(n_workers=2):
        remove_plan()
        assert not has_plan()
        assert n_workers() is None
        plan(n_workers=3)
        remove_plan()
        assert not has_plan()
        with plan(n_workers=4):
            assert n_workers() == 4
        assert not has_plan()
    assert n_workers() == 1


def test_what_is_in_force_can_be_entered_so_that_the_environment_no_longer_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RUSHTYPED_N_WORKERS", "3")
    with current_plan():
        monkeypatch.setenv("RUSHTYPED_N_WORKERS", "4")
        assert n_workers() == 3
    assert n_workers() == 4


def test_leaving_a_plan_that_was_not_entered_changes_nothing() -> None:
    plan(n_workers=2)
    plan(n_workers=3).__exit__(None, None, None)
    assert n_workers() == 3


def test_plans_that_nobody_can_enter_any_more_are_let_go_of() -> None:
    held = plan(n_workers=1)
    for n in range(2, 100):
        held = plan(n_workers=n)
    assert len(stack._layers) <= 3
    with held:
        pass
    assert n_workers() == 98


def test_what_is_read_cannot_change_the_plan() -> None:
    levels: dict[str, str | int] = {"a": "INFO"}
    ours = plan(log_levels=levels)
    levels["a"] = "DEBUG"
    for found in (ours.log_levels, current_plan().log_levels, settings().log_levels):
        assert isinstance(found, dict)
        found["a"] = 0
    assert current_plan().log_levels == {"a": 20}


# Threads and processes share one plan, or inherit it.


def test_all_threads_share_the_plan() -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(plan, n_workers=2).result()
        assert n_workers() == 2
        with plan(n_workers=3):
            assert pool.submit(n_workers).result() == 3


def test_threads_whose_blocks_overlap_leave_nothing_behind() -> None:
    plan(n_workers=1)
    everybody = threading.Barrier(8, timeout=30)

    def overlap(n: int) -> None:
        for _ in range(100):
            ours = plan(n_workers=n)
            everybody.wait()
            with ours:
                everybody.wait()
                assert has_plan()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(overlap, range(2, 10)))
    assert n_workers() == 1
    remove_plan()
    assert not has_plan()


def run(source: str, **environment: str) -> list[str]:
    """Run a script in a process of its own; return the words it prints."""
    done = subprocess.run(
        [sys.executable, "-c", source],
        env=os.environ | environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.split()


def test_a_forked_child_inherits_the_plan_and_keeps_its_changes_to_itself() -> None:
    source = """
import os
from rushtyped import current_plan, has_plan, plan
with plan(n_workers=2):
    if os.fork() == 0:
        print(current_plan().n_workers, flush=True)
        plan(n_workers=3)
        print(current_plan().n_workers, flush=True)
    else:
        os.wait()
        print(current_plan().n_workers)
print(has_plan(), flush=True)
"""
    assert run(source) == ["2", "3", "False", "2", "False"]


def test_a_child_forked_while_plans_change_can_plan_too() -> None:
    source = """
import os, threading
from rushtyped import plan
done = threading.Event()
def change():
    while not done.is_set():
        plan(n_workers=2)
thread = threading.Thread(target=change)
thread.start()
for _ in range(50):
    if os.fork() == 0:
        plan(n_workers=3)
        os._exit(0)
    print(os.wait()[1])
done.set()
thread.join()
"""
    assert run(source) == ["0"] * 50


CHECK = """
import sys
from rushtyped import current_plan, plan
from rushtyped.plan import endpoint_for, secret, settings
settings(), secret(), endpoint_for(None)
print("pydantic_settings" in sys.modules, "polars" in sys.modules)
"""


def test_a_process_that_sets_no_variable_does_not_import_pydantic_settings(
    tmp_path: Path,
) -> None:
    found = run(
        f"{CHECK}\nwith plan(n_workers=2): print(current_plan().n_workers)",
        RUSHTYPED_EMBEDDED_DIR=str(tmp_path / "embedded"),
    )
    assert found == ["False", "False", "2"]
    assert list(tmp_path.iterdir()) == []  # nor does it start the embedded server
    ours = {"RUSHTYPED_REDIS_URL": "redis://nobody:1", "RUSHTYPED_SECRET": "0123456789abcdef"}
    assert run(f"{CHECK}\ncurrent_plan()", **ours) == ["False", "False"]


def test_a_process_that_sets_a_variable_imports_it() -> None:
    assert run(CHECK, RUSHTYPED_LOG_LIMIT="3") == ["True", "False"]


# What is wrong is refused.


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        ({"n_workers": 0}, InvalidArgumentError, "n_workers must be at least 1 but is 0"),
        ({"n_workers": 1.5}, InvalidTypeError, "n_workers must be a whole number but is 1.5"),
        ({"n_workers": True}, InvalidTypeError, "n_workers must be a whole number but is True"),
        ({"worker_type": "remote"}, InvalidArgumentError, "worker_type holds 'remote'"),
        ({"worker_type": ""}, InvalidArgumentError, "one of executor, local, script"),
        ({"worker_type": ["local"]}, InvalidArgumentError, "worker_type holds"),
        ({"log_levels": "INFO"}, InvalidTypeError, "log_levels must map names"),
        ({"log_levels": {"a": "loud"}}, InvalidArgumentError, "must be a level but is 'loud'"),
        ({"log_buffer_size": -1}, InvalidArgumentError, "log_buffer_size must be at least 0"),
        ({"log_limit": 0}, InvalidArgumentError, "log_limit must be at least 1 but is 0"),
        (
            {"max_object_size": 1023},
            InvalidArgumentError,
            "max_object_size must be at least 1024 but",
        ),
        ({"start_worker_timeout": -0.1}, InvalidArgumentError, "start_worker_timeout must be at"),
        ({"start_worker_timeout": "1"}, InvalidTypeError, "start_worker_timeout must be a number"),
        ({"heartbeat_period": 0.9}, InvalidArgumentError, "heartbeat_period must be at least 1 s"),
        ({"heartbeat_period": float("inf")}, InvalidArgumentError, "heartbeat_period must be at m"),
        ({"heartbeat_expire": 0.9}, InvalidArgumentError, "heartbeat_expire must be at least 1 s"),
        ({"heartbeat_expire": 1e9}, InvalidArgumentError, "heartbeat_expire must be at most 86400"),
        (
            {"heartbeat_period": 3, "heartbeat_expire": 2.5},
            InvalidArgumentError,
            r"heartbeat_expire must be at least heartbeat_period \(3 s\) but is 2.5. Correct one",
        ),
        ({"large_objects_path": ""}, InvalidArgumentError, "large_objects_path .* it is empty"),
        ({"large_objects_path": 7}, InvalidTypeError, r"must be the path .* but is 7 \(int\)"),
        ({"large_objects_path": b"/"}, InvalidTypeError, r"must be the path .* \(bytes\)"),
        ({"large_objects_path": "/dev/null/x"}, InvalidArgumentError, "'/dev/null/x': .*Choose"),
        (
            {"large_objects_path": "/proc"},
            InvalidArgumentError,
            "user may write.*'/proc': .*Choose",
        ),
        ({"large_objects_path": "a\0b"}, InvalidArgumentError, "large_objects_path must be a dire"),
        ({"large_objects_path": "~nobody-here/x"}, InvalidArgumentError, "Choose another"),
    ],
    ids=str,
)
def test_a_wrong_argument_is_named_and_sets_nothing(
    given: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        settings(**given)
    plan(n_workers=2)
    with pytest.raises(kind, match=message):
        plan(**given)
    assert n_workers() == 2


@pytest.mark.parametrize(
    ("given", "kind"),
    [("localhost", RedisUrlError), ("", RedisUrlError), (7, InvalidTypeError)],
)
def test_what_is_no_server_is_refused(given: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="redis="):
        plan(redis=given)
    assert not has_plan()


def test_settings_from_different_places_must_go_together(monkeypatch: pytest.MonkeyPatch) -> None:
    plan(heartbeat_expire=20)
    assert settings(heartbeat_period=20).heartbeat_period == 20.0
    with pytest.raises(InvalidArgumentError, match=r"heartbeat_period \(21 s\) but is 20"):
        settings(heartbeat_period=21)
    monkeypatch.setenv("RUSHTYPED_HEARTBEAT_PERIOD", "30")
    for call in (settings, current_plan, lambda: plan(heartbeat_expire=25)):
        with pytest.raises(InvalidArgumentError, match=r"heartbeat_period \(30 s\).*_PERIOD or "):
            call()
    assert settings(heartbeat_expire=30).heartbeat_expire == 30.0


def test_the_lease_must_outlast_the_usual_period() -> None:
    with pytest.raises(InvalidArgumentError, match=r"heartbeat_period \(5 s\) but is 4"):
        plan(heartbeat_expire=4)


def test_a_directory_is_made_and_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "a").symlink_to(tmp_path)  # elsewhere it may lead to another place
    assert plan(large_objects_path="a/b").large_objects_path == tmp_path / "a" / "b"
    assert plan(large_objects_path=Path("~/c")).large_objects_path == tmp_path / "home" / "c"
    assert (tmp_path / "home" / "c").is_dir()
    assert list((tmp_path / "b").iterdir()) == []


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidArgumentError, match="large_objects_path must be a directory"):
        plan(large_objects_path=tmp_path / "file")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("n_workers", "two", "must be a whole number that is at least 1 but is 'two': correct it"),
        ("n_workers", "0", "must be a whole number that is at least 1 but is '0'"),
        ("n_workers", "1.5", "must be a whole number that is at least 1 but is '1.5'"),
        ("worker_type", "remote", "must be one of executor, local, script but is 'remote'"),
        ("log_levels", "DEBUG", "must be a JSON object of levels by logger, .* but is 'DEBUG'"),
        ("log_levels", '["a"]', "cannot be used: log_levels must map names of loggers"),
        ("log_levels", '{"a": "loud"}', r"cannot be used: log_levels\['a'\] must be a level"),
        ("log_levels", '{"a": true}', r"cannot be used: log_levels\['a'\] must be the name"),
        ("log_buffer_size", "-1", "must be a whole number that is at least 0 but is '-1'"),
        ("log_limit", "0", "must be a whole number that is at least 1 but is '0'"),
        ("large_objects_path", "/dev/null/x", "cannot be used: large_objects_path must be a dire"),
        ("max_object_size", "1 MB", "must be a whole number of bytes that is at least 1024 but is"),
        ("max_object_size", "1023", "must be a whole number of bytes that is at least 1024 but is"),
        ("start_worker_timeout", "nan", "must be a number of seconds that is at least 0 but is"),
        ("start_worker_timeout", "-1", "must be a number of seconds that is at least 0 but is"),
        ("heartbeat_period", "0.5", "must be a number of seconds from 1 to 86400 but is '0.5'"),
        ("heartbeat_expire", "inf", "must be a number of seconds from 1 to 86400 but is 'inf'"),
    ],
)
def test_a_wrong_variable_is_named(
    name: str, text: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable(name), text)
    for call in (settings, current_plan, plan):
        with pytest.raises(InvalidArgumentError, match=f"^{variable(name)} {message}"):
            call()
    assert not has_plan()


def test_all_wrong_variables_are_named_in_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSHTYPED_N_WORKERS", "two")
    monkeypatch.setenv("RUSHTYPED_LOG_LIMIT", "many")
    monkeypatch.setenv("RUSHTYPED_SECRET", "short")
    monkeypatch.setenv("REDIS_URL", "redis://me:hidden@host:port")
    with pytest.raises(InvalidArgumentError) as caught:
        settings()
    names = [line.split()[0] for line in str(caught.value).splitlines()]
    assert names == ["RUSHTYPED_LOG_LIMIT", "RUSHTYPED_N_WORKERS", "RUSHTYPED_SECRET"]
    for call in (current_plan, plan):
        with pytest.raises(RedisUrlError) as refused:
            call()
        names = [line.split()[0] for line in str(refused.value).splitlines()]
        assert names[1:] == ["RUSHTYPED_LOG_LIMIT", "RUSHTYPED_N_WORKERS", "RUSHTYPED_SECRET"]
        assert names[0] == "REDIS_URL"
        assert "hidden" not in str(refused.value)
        assert "short" not in str(refused.value)


def test_a_wrong_url_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSHTYPED_REDIS_URL", "redis://me:hidden@host:port")
    for call in (current_plan, plan):
        with pytest.raises(RedisUrlError, match="RUSHTYPED_REDIS_URL holds a URL") as caught:
            call()
        assert "hidden" not in str(caught.value)
    assert settings().n_workers is None


def test_a_secret_comes_from_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert secret() is None
    monkeypatch.setenv("RUSHTYPED_SECRET", "")
    assert secret() is None
    monkeypatch.setenv("RUSHTYPED_SECRET", "0123456789abcdef")
    assert secret() == "0123456789abcdef"
    assert SECRET_VARIABLE == "RUSHTYPED_SECRET"
    assert "0123456789abcdef" not in repr(current_plan())


def test_a_short_secret_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSHTYPED_SECRET", "0123456789abcde")
    for call in (secret, settings, current_plan, plan):
        with pytest.raises(
            InvalidArgumentError, match="at least 16 characters but has 15"
        ) as found:
            call()
        assert "0123456789abcde" not in str(found.value)


def test_a_plan_shows_what_it_sets_and_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    assert repr(plan(n_workers=2, log_levels={"a": "info"})) == (
        "Plan(n_workers=2, log_levels={'a': 20})"
    )
    remove_plan()
    monkeypatch.setenv("REDIS_URL", "redis://me:hidden@host:1/0?password=hidden")
    assert repr(current_plan()) == "Plan(redis='redis://me:***@host:1/0', worker_type='local')"
    assert repr(Plan(redis="me:hidden@host")) == "Plan(redis='<str>')"
