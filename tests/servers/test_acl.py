"""A user by the rule of `rushtyped acl` may do in one network everything, and elsewhere nothing."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import redis

from rushtyped import Network, Worker
from rushtyped.access import FAST, SEARCH, SENT, access_rule, commands_called
from rushtyped.cli import main
from rushtyped.errors import InvalidNetworkIdError, RushTypedError, ServerAccessError
from rushtyped.keys import new_network_id
from tests.contents import check_one_state
from tests.models import Params, Scores, points, serve
from tests.servers import binaries
from tests.servers.acl import PASSWORD, USER, as_user, set_user, url_of_user
from tests.servers.cluster import ClusterDeployment
from tests.servers.process import SAVE_NOTHING, ServerProcess
from tests.servers.study import ask_everything
from tests.waiting import wait_until

SOURCE = Path(__file__).parents[2] / "src/rushtyped"
WITHOUT_RIGHTS = {b"auth", b"hello", b"quit", b"reset"}
"""What everybody may send: no rule can deny it."""
DENIED = r"(?i)no permissions|ACL failure|can't (run|access)|command not allowed"
PROGRAMS: dict[str, Callable[[], Path]] = {
    "valkey": binaries.valkey,
    "redis": binaries.redis_of_debian,
}


@pytest.fixture(scope="module", params=PROGRAMS)
def server(request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    with (
        tempfile.TemporaryDirectory(prefix="rushtyped-") as directory,
        ServerProcess(
            Path(directory), binary=PROGRAMS[request.param](), options=SAVE_NOTHING
        ) as server,
    ):
        yield server


@pytest.fixture
def admin(server: ServerProcess) -> Iterator[Any]:
    with server.client() as client:
        yield client
        client.acl_deluser(USER)
        client.flushall()
        client.acl_log_reset()


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSHTYPED_SECRET", "s" * 64)


def commands_of(rule: str) -> list[str]:
    return [word.removeprefix("+") for word in rule.split() if word.startswith("+")]


def refused(admin: Any, network_id: str) -> set[str]:
    """Name the commands that the user was denied, and keys of the network."""
    return {
        entry["object"]
        for entry in admin.acl_log()
        if entry["reason"] == "command" or network_id in entry["object"]
    }


def test_the_user_may_do_everything_in_the_network(
    server: ServerProcess, admin: Any, network_id: str
) -> None:
    set_user(server, access_rule(network_id))
    ask_everything(url_of_user(server), network_id)
    # there is another way to fetch; verify says that it has not searched
    assert refused(admin, network_id) == {"sort", "scan"}


def test_with_all_options_nothing_is_refused(
    server: ServerProcess, admin: Any, network_id: str
) -> None:
    set_user(server, access_rule(network_id, fast=True, search=True, cluster=True))
    ask_everything(url_of_user(server), network_id)
    assert refused(admin, network_id) == set()
    sorts = admin.info("commandstats")["cmdstat_sort"]
    assert sorts["calls"] > sorts["rejected_calls"] + sorts["failed_calls"]


def test_workers_of_the_user_run_as_processes(
    server: ServerProcess, admin: Any, network_id: str
) -> None:
    set_user(server, access_rule(network_id))
    with Network[Params, Scores](network_id, redis=url_of_user(server)) as network:
        network.push_tasks(points(20))
        ended, _ = network.start_local_workers(serve, n_workers=2, heartbeat_period=1.0)
        wait_until(lambda: network.n_finished_tasks == 20, description="the queue is worked off")
        network.stop_workers("kill", worker_ids=[ended])
        wait_until(lambda: network.n_running_workers == 1, description="one worker is killed")
        network.stop_workers("terminate")
        wait_until(lambda: network.n_running_workers == 0, description="the other one ends")
        assert sorted(network.fetch_finished_tasks()["y"]) == [float(x) for x in range(20)]
        set_user(server, "~* +@all")  # to look behind
        check_one_state(network)
    assert refused(admin, network_id) <= {"sort"}


def test_the_rule_is_that_of_what_is_sent_and_called(
    server: ServerProcess, admin: Any, network_id: str
) -> None:
    set_user(server, access_rule(network_id))
    sent: set[str] = set()
    called: set[str] = set()
    admin.script_flush()
    with admin.monitor() as monitor:
        ask_everything(url_of_user(server), network_id)
        admin.echo("the end")
        for line in takewhile(lambda line: line["command"] != "ECHO the end", monitor.listen()):
            words = line["command"].upper().split()
            name = "|".join(words[:2]) if words[0] == "SCRIPT" else words[0]
            (called if line["client_type"] == "lua" else sent).add(name)
    # a connection begins with AUTH, and that of the admin who watches with CLIENT
    assert sent - {"AUTH", "CLIENT"} == {*SENT}
    assert called == commands_called()


SEND_NOTHING = ("access.py", "cli", "dashboard", "demo", "plots", "testing")
"""Parts of the source that have words of commands for other purposes."""


def test_every_command_that_the_source_names_is_in_the_table(admin: Any) -> None:
    raw_replies(admin)
    known = {name.decode().upper() for name in admin.execute_command("COMMAND", "LIST")}
    named: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        if path.relative_to(SOURCE).parts[0] in SEND_NOTHING:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                named.add(node.value)
    assert "EVALSHA" in named
    table = {name.partition("|")[0] for name in (*SENT, *FAST, *SEARCH)}
    assert named & known <= table | {"COMMAND"}, "COMMAND is a word of the command line"


def arities(admin: Any) -> dict[tuple[str, ...], int]:
    """Say of each command, with its subcommand where there are any, how many words it takes."""
    found: dict[tuple[str, ...], int] = {}
    for name, arity, *rest in admin.execute_command("COMMAND", "INFO"):
        subcommands = rest[7] if len(rest) > 7 else []
        for each, words, *_ in subcommands:
            found[tuple(each.decode().split("|"))] = abs(words)
        if not subcommands:
            found[name.decode(),] = abs(arity)
    return found


def raw_replies(client: Any) -> None:
    """Have a client return what the server says, and not what it makes of it."""
    client.response_callbacks.clear()


def test_redis_6_2_knows_every_command_of_the_rule(admin: Any) -> None:
    raw_replies(admin)
    newest: tuple[int, ...] = ()
    for command in commands_of(access_rule("x", search=True, cluster=True)):
        name, described = admin.execute_command("COMMAND", "DOCS", command)
        assert name.decode() == command
        since = described[described.index(b"since") + 1].decode()
        newest = max(newest, tuple(map(int, since.split(".")[:2])))
    assert newest == (6, 2)


def test_every_other_command_is_denied(server: ServerProcess, admin: Any, network_id: str) -> None:
    rule = access_rule(network_id)
    set_user(server, rule)
    raw_replies(admin)
    allowed = set(commands_of(rule))
    denied = 0
    with as_user(server) as user:
        for name, n_words in arities(admin).items():
            if "|".join(name) in allowed or name[0].encode() in WITHOUT_RIGHTS:
                continue
            words = (*name, *[f"rush:{{{network_id}}}:all"] * max(0, n_words - len(name)))
            with pytest.raises(redis.exceptions.ResponseError, match=DENIED):
                user.execute_command(*words)
            denied += 1
    assert denied > 250


@pytest.mark.parametrize(
    "words",
    [
        ("GET", "KEY"),
        ("SET", "KEY", "1"),
        ("LMOVE", "KEY", "rush:{mine}:queue", "LEFT", "LEFT"),
        ("LMOVE", "rush:{mine}:queue", "KEY", "LEFT", "LEFT"),
        ("RENAME", "rush:{mine}:all", "KEY"),
        ("XREAD", "STREAMS", "KEY", "0"),
        ("BLPOP", "KEY", "0.01"),
        ("UNLINK", "KEY"),
    ],
)
@pytest.mark.parametrize("key", ["rush:{other}:queue", "rush:{mine2}:all", "rush:{min", "other"])
def test_the_keys_of_others_are_denied(
    server: ServerProcess, admin: Any, words: tuple[str, ...], key: str
) -> None:
    set_user(server, access_rule("mine"))
    with as_user(server) as user, pytest.raises(redis.exceptions.NoPermissionError):
        user.execute_command(*(key if word == "KEY" else word for word in words))


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize(
    "body",
    [
        "return redis.call('GET', KEYS[1] or 'rush:{other}:meta')",
        "return redis.call('SET', KEYS[1] or 'rush:{other}:meta', '1')",
        "return redis.call('SORT', 'rush:{mine}:all', 'GET', 'rush:{other}:task:*->xs')",
        "return redis.call('FLUSHALL')",
        "return redis.call('PUBLISH', 'channel', '1')",
    ],
)
def test_a_script_of_the_user_does_not_reach_further(
    server: ServerProcess, admin: Any, body: str, declared: bool
) -> None:
    set_user(server, access_rule("mine"))
    admin.set("rush:{other}:meta", "theirs")
    keys = ["rush:{other}:meta"] if declared else []
    with as_user(server) as user:
        sha = user.script_load(body)
        with pytest.raises(redis.exceptions.ResponseError, match=DENIED):
            user.evalsha(sha, len(keys), *keys)
    assert admin.get("rush:{other}:meta") == b"theirs"


def test_another_network_is_denied_by_one_clear_error(
    server: ServerProcess, admin: Any, network_id: str
) -> None:
    set_user(server, access_rule(network_id))
    other = new_network_id()
    Network[Params, Scores](other, redis=server.url).push_tasks(points(1))
    for join in (Network[Params, Scores], Worker[Params, Scores], Network.open):
        with pytest.raises(ServerAccessError, match="allow this user the commands and keys") as e:
            join(other, redis=url_of_user(server))
        assert PASSWORD not in str(e.value)


def check_needed(server: ServerProcess, command: str) -> None:
    """Fail unless something breaks for a user who lacks one command of the rule."""
    network_id = new_network_id()
    rule = access_rule(network_id).split()
    rule.remove(f"+{command}")
    set_user(server, " ".join(rule))
    with server.client() as admin:
        admin.script_flush()
    with pytest.raises(ServerAccessError):
        ask_everything(url_of_user(server), network_id)


@pytest.mark.parametrize("command", ["evalsha", "script|load", "blmove", "hset", "multi", "exec"])
def test_without_one_command_something_breaks(
    server: ServerProcess, admin: Any, command: str
) -> None:
    check_needed(server, command)


@pytest.mark.slow
@pytest.mark.parametrize("command", commands_of(access_rule("ID")))
def test_without_any_command_something_breaks(
    server: ServerProcess, admin: Any, command: str
) -> None:
    check_needed(server, command)


def test_clients_of_a_cluster_need_the_rule_for_it(network_id: str, tmp_path: Path) -> None:
    with ClusterDeployment(tmp_path / "cluster") as cluster:
        url = cluster.url.replace("//", f"//{USER}:{PASSWORD}@")
        for node in cluster.nodes:
            set_user(node, access_rule(network_id))
        with pytest.raises(RushTypedError):
            ask_everything(url, network_id)
        for node in cluster.nodes:
            set_user(node, access_rule(network_id, cluster=True))
        ask_everything(url, network_id)


def test_the_rule_is_one_line_that_an_acl_file_takes(
    server: ServerProcess, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["acl", "x", "--user", "joe", "--fast", "--search", "--cluster"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("user joe on resetkeys resetchannels ~rush:{x}:* %R~* -@all +")
    (tmp_path / "users.acl").write_text(line.replace(" on ", " on >secret ") + "\n")
    options = {**SAVE_NOTHING, "aclfile": str(tmp_path / "users.acl")}
    with (
        tempfile.TemporaryDirectory(prefix="rushtyped-") as directory,
        ServerProcess(Path(directory), binary=server._binary, options=options) as own,
    ):
        ask_everything(url_of_user(own, "joe", "secret"), "x")


def test_the_command_prints_what_setuser_takes(server: ServerProcess, admin: Any) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rushtyped", "acl", "x"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    (line,) = done.stdout.splitlines()
    assert line.startswith("on resetkeys resetchannels ~rush:{x}:* -@all +blmove +")
    assert re.search("(?i)pass|>|#", done.stdout) is None
    admin.execute_command("ACL", "SETUSER", USER, f">{PASSWORD}", *line.split())
    ask_everything(url_of_user(server), "x")
    user = admin.acl_getuser(USER)
    assert user["channels"] in ([], "", [b""])
    assert user["keys"] in ("~rush:{x}:*", ["~rush:{x}:*"], [b"~rush:{x}:*"])


@pytest.mark.parametrize("network_id", ["", "a b", "x}:*~*{", "é", "x" * 129, "a*"])
def test_an_illegal_network_id_is_refused(
    network_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InvalidNetworkIdError):
        access_rule(network_id)
    assert main(["acl", network_id]) == 1
    shown = capsys.readouterr()
    assert (shown.out, shown.err[:37]) == ("", "rushtyped: network_id must be 1 to 12")


@pytest.mark.parametrize("user", ["", "a b", "a\n~*", "a\tb"])
def test_a_user_that_an_acl_file_cannot_name_is_refused(
    user: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["acl", "x", "--user", user]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "--user must be a name without white space" in shown.err
