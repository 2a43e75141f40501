"""The line that worker_script() writes, run by shells, and the command that it calls."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import socket
import ssl
import string
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import redis
from loguru import logger
from redis.sentinel import Sentinel

from rushtyped import InvalidArgumentError, Network
from rushtyped.connect import resolve_endpoint
from rushtyped.embedded import _server_binary
from rushtyped.keys import NetworkKeys
from tests.launch import hosted_loops, loops
from tests.models import ParamNetwork, Params, Scores, points, serve, work_off
from tests.servers.process import ServerProcess
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
SECRET = "a secret that only the test knows"
sentinel: Any = Sentinel  # redis-py leaves it untyped
SHELLS = [
    shell
    for shell in (["sh"], ["dash"], ["bash", "--posix"], ["busybox", "sh"])
    if shutil.which(shell[0])
]
ODD = """a 'b' "c" $HOME $(touch x) `touch y` \\n & ; | > z * ? # ! ~ {1,2} %s é ā\u0081 日本 -x"""
OPTIONS = (
    *("--network-id", "--loop", "--worker-id", "--import", "--retry-timeout"),
    *("--heartbeat-period", "--heartbeat-expire", "--log-levels", "--log-buffer-size"),
    *("--log-limit", "--message-log", "--output-log", "--order-from-stdin"),
)


def shell(
    line: str, *command: str, directory: Path | str = ROOT, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a line that a shell gets on its standard input."""
    return subprocess.run(
        command or ("sh",),
        input=line,
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `rushtyped worker` with these arguments."""
    return subprocess.run(
        [sys.executable, "-m", "rushtyped", "worker", *arguments],
        stdin=subprocess.DEVNULL,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def messages_of(network: ParamNetwork) -> list[str]:
    records = network.read_tasks(network.failed_tasks)
    return [record.condition.message for record in records if record.condition]


def endpoint_settings(server: Any) -> dict[str, Any]:
    """List what decides where and how a connection is made."""
    client = redis.Redis.from_url(server) if isinstance(server, str) else server
    pool = client.connection_pool
    names = ("host", "port", "path", "db", "username", "password")
    options = {
        name: value
        for name, value in pool.connection_kwargs.items()
        if (name in names or name.startswith("ssl")) and value not in (None, False)
    }
    default = {} if "path" in options else {"port": 6379}
    return {"class": pool.connection_class, **default, **options}


@pytest.mark.parametrize("words", SHELLS, ids=" ".join)
def test_the_line_starts_one_worker_each_time_it_is_run(
    network: ParamNetwork, words: list[str]
) -> None:
    network.push_tasks(points(4))
    line = network.worker_script(work_off)
    assert len(line.splitlines()) == 1
    done = shell(f"{line} &\n{line}\nwait\n", *words)
    assert (done.returncode, done.stdout) == (0, "")
    assert network.n_finished_tasks == 4
    assert network.n_terminated_workers == 2


@pytest.mark.parametrize("words", SHELLS, ids=" ".join)
@pytest.mark.parametrize("name", [ODD, f"{ODD}\n\u2028\x85\x01\udcff.", "\u2028 \x85", "-n", "a=b"])
def test_odd_names_reach_the_worker_as_they_are(
    redis_url: str, tmp_path: Path, words: list[str], name: str
) -> None:
    folder = tmp_path / name.replace("/", " ")
    folder.mkdir()
    here = folder / "python 'x' $y"
    here.symlink_to(sys.prefix)
    python = here / "bin" / "python"
    (tmp_path / "here").mkdir()
    with Network[Params, Scores]("-odd", redis=redis_url) as network:
        network.reset()
        line = network.worker_script(
            loops.talk, message_log=folder, output_log=folder, python=str(python)
        )
        line.encode()
        assert len(line.splitlines()) == 1
        done = shell(line, *words, directory=tmp_path / "here")
        assert done.returncode == 0, done.stderr
        assert network.n_finished_tasks == 1
        (worker_id,) = network.worker_ids
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        (f"message_{worker_id}.log", f"output_{worker_id}.log", here.name)
    )
    assert list((tmp_path / "here").iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted((folder.name, "here"))


@pytest.mark.parametrize("words", SHELLS, ids=" ".join)
def test_a_relative_python_with_an_equals_sign_is_no_assignment(
    network: ParamNetwork, tmp_path: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUSHTYPED_SECRET", SECRET)
    network.push_tasks(points(1))
    (tmp_path / "a=b").symlink_to(sys.prefix)
    line = network.worker_script(work_off, python="a=b/bin/python", credentials=False)
    variable, _, line = line.partition(" ")
    url = variable.removeprefix("RUSHTYPED_REDIS_URL=")
    done = shell(line, *words, directory=tmp_path, RUSHTYPED_REDIS_URL=url)
    assert done.returncode == 0, done.stderr
    assert network.n_finished_tasks == 1


@pytest.mark.parametrize("words", SHELLS, ids=" ".join)
@pytest.mark.parametrize("secret", [f"-{string.punctuation} é", f"{ODD}\n\t{string.punctuation}"])
def test_a_secret_of_the_environment_reaches_the_worker(
    network: ParamNetwork, words: list[str], secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUSHTYPED_SECRET", secret)
    network.push_tasks(points(1))
    line = network.worker_script(work_off)
    assert len(line.splitlines()) == 1
    monkeypatch.delenv("RUSHTYPED_SECRET")
    assert shell(line, *words).returncode == 0
    assert network.n_finished_tasks == 1


@pytest.mark.parametrize("secret", [f"{SECRET}\n", f"{SECRET}\n\n"])
def test_a_secret_that_no_shell_can_pass_on_is_named_but_not_shown(
    network: ParamNetwork, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUSHTYPED_SECRET", secret)
    with pytest.raises(InvalidArgumentError, match="RUSHTYPED_SECRET cannot be passed") as caught:
        network.worker_script(serve)
    assert SECRET not in str(caught.value)
    assert "RUSHTYPED_SECRET" not in network.worker_script(serve, credentials=False)


@pytest.mark.parametrize("kind", ["url", "raw url", "client"])
def test_every_password_reaches_the_server(
    own_server: ServerProcess, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = string.punctuation + " é"
    with redis.Redis.from_url(own_server.url) as client:
        client.config_set("requirepass", password)
    server: Any
    match kind:
        case "url":
            server = f"unix://:{quote(password, safe='')}@{own_server.socket}"
        case "raw url":  # with all that may stand in a URL as it is
            raw = quote(password, safe="!$&'()*+,;=-._~")
            server = f"unix://:{raw}@{own_server.socket}"
        case _:
            server = redis.Redis(unix_socket_path=str(own_server.socket), password=password)
    with Network[Params, Scores]("passwords", redis=server) as network:
        network.push_tasks(points(1))
        done = shell(network.worker_script(work_off))
        assert (done.returncode, network.n_finished_tasks) == (0, 1)
        assert resolve_endpoint(server).as_url()[1]
    client.close()


def test_without_credentials_the_line_holds_none(
    own_server: ServerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    with redis.Redis.from_url(own_server.url) as client:
        client.config_set("requirepass", "pass-word")
    url = f"unix://:pass-word@{own_server.socket}"
    with Network[Params, Scores]("credentials", redis=url) as network:
        with pytest.raises(InvalidArgumentError, match="needs RUSHTYPED_SECRET to be set here"):
            network.worker_script(work_off, credentials=False)
        monkeypatch.setenv("RUSHTYPED_SECRET", SECRET)
        network.push_tasks(points(1))
        line = network.worker_script(work_off, credentials=False)
        assert "RUSHTYPED" not in line
        assert "pass-word" not in line
        assert SECRET not in line
        done = shell(line, RUSHTYPED_SECRET=SECRET, RUSHTYPED_REDIS_URL=url)
        assert (done.returncode, network.n_finished_tasks) == (0, 1)


def test_the_logged_line_hides_what_is_secret(own_server: ServerProcess) -> None:
    with redis.Redis.from_url(own_server.url) as client:
        client.config_set("requirepass", "pass-word")
    seen: list[str] = []
    handler = logger.add(lambda message: seen.append(message.record["message"]), level="INFO")
    url = f"unix://:pass-word@{own_server.socket}"
    with Network[Params, Scores]("redacted", redis=url) as network:
        line = network.worker_script(serve)
        secret = network._secret
    logger.remove(handler)
    (logged,) = [each for each in seen if each.startswith("Worker script")]
    assert logged.startswith("Worker script: RUSHTYPED_REDIS_URL='***' RUSHTYPED_SECRET='***' ")
    assert logged.endswith(line.partition(" -m ")[2])
    assert "pass-word" in line
    assert "pass-word" not in logged
    assert secret in line
    assert secret not in logged


def test_neither_secret_nor_password_is_among_the_arguments(own_server: ServerProcess) -> None:
    with redis.Redis.from_url(own_server.url) as client:
        client.config_set("requirepass", "pass-word")
    url = f"unix://:pass-word@{own_server.socket}"
    with Network[Params, Scores]("arguments", redis=url) as network:
        line = network.worker_script(loops.sleep_in_task)
        process = subprocess.Popen(["sh"], stdin=subprocess.PIPE, cwd=ROOT)
        assert process.stdin is not None
        process.stdin.write(f"{line}\n".encode())
        process.stdin.close()
        wait_until(lambda: network.n_running_tasks == 1, description="the task runs")
        (pid,) = network.worker_info["pid"]
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes()
        network.stop_workers("kill")
        assert process.wait(30) != 0
    assert b"arguments" in arguments
    assert network._secret.encode() not in arguments
    assert b"pass-word" not in arguments


SERVERS: dict[str, Any] = {
    "url": "redis://user:p%40ss@host:7000/3",
    "password in query": "redis://host:7000/3?p%61ssword=p",
    "tls url": "rediss://:p@host:7000/3?ssl_cert_reqs=none",
    "socket url": "unix:///a%20b/c.sock?db=2",
    "client": redis.Redis(host="host", port=7000, db=3, username="u@:/", password="p?#%"),
    "client of a user": redis.Redis(host="host", username="user"),
    "client over IPv6": redis.Redis(host="::1", port=7000),
    "client of a socket": redis.Redis(unix_socket_path="/a b/c?%.sock", db=2, password="p"),
    "client of a URL": redis.Redis.from_url("rediss://user:p%40@host/5"),
    "tls client": redis.Redis(
        host="host",
        ssl=True,
        ssl_ca_certs="/a b/ca.pem",
        ssl_certfile="/c&d.pem",
        ssl_keyfile="/k=k.pem",
        ssl_password="p+ %",
        ssl_check_hostname=False,
        ssl_cert_reqs="optional",
        ssl_ciphers="ECDHE+AESGCM:!aNULL",
    ),
    "tls client of enums": redis.Redis(
        ssl=True, ssl_check_hostname=False, ssl_cert_reqs=ssl.CERT_REQUIRED
    ),
    "tls client without checks": redis.Redis(
        ssl=True, ssl_check_hostname=False, ssl_cert_reqs="none"
    ),
    "tls client of a version": redis.Redis(ssl=True, ssl_min_version=ssl.TLSVersion.TLSv1_3),
}
HOLD_SECRETS = (
    *("url", "password in query", "tls url", "client", "client of a socket", "client of a URL"),
    "tls client",
)


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_written_as_a_url_is_the_same_server(name: str) -> None:
    url, shows_secret = resolve_endpoint(SERVERS[name]).as_url()
    found, expected = endpoint_settings(url), endpoint_settings(SERVERS[name])
    if isinstance(expected.get("ssl_cert_reqs"), ssl.VerifyMode):
        expected["ssl_cert_reqs"] = "required"
    assert found == expected
    assert shows_secret == (name in HOLD_SECRETS)


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://user:p@host:26379,other/main/3?sentinel_password=q",
        "redis+cluster://user:p@host:7000,other:7001",
    ],
)
def test_urls_of_sentinels_and_clusters_stay_as_they_are(url: str) -> None:
    assert resolve_endpoint(url).as_url() == (url, True)


def test_a_socket_is_written_with_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    client = redis.Redis(unix_socket_path="own.sock")
    assert resolve_endpoint(client).as_url() == (f"unix://{tmp_path}/own.sock?db=0", False)


@pytest.mark.parametrize(
    ("client", "named"),
    [
        (
            redis.Redis(credential_provider=redis.UsernamePasswordCredentialProvider("u", "p-w")),
            "credential_provider",
        ),
        (redis.Redis(ssl=True, ssl_ca_data="data of a CA, p-w"), "ssl_ca_data"),
        (redis.Redis(ssl=True, ssl_validate_ocsp=True), "ssl_validate_ocsp"),
        (
            redis.Redis(ssl=True, ssl_include_verify_flags=[ssl.VerifyFlags.VERIFY_X509_STRICT]),
            "ssl_include_verify_flags",
        ),
        (sentinel([("host", 26379)]).master_for("main", password="p-w"), "sentinel_manager"),
    ],
    ids=lambda given: given if isinstance(given, str) else "client",
)
def test_a_client_that_no_url_can_say_is_refused(client: Any, named: str) -> None:
    with pytest.raises(InvalidArgumentError, match="cannot be written as a URL") as caught:
        resolve_endpoint(client).as_url()
    assert named in str(caught.value)
    assert "p-w" not in str(caught.value)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def cluster_node(tmp_path: Path) -> Iterator[int]:
    """Port of a cluster of one node."""
    port = free_port()
    words = ["--port", str(port), "--cluster-enabled", "yes", "--save", "", "--bind", "127.0.0.1"]
    process = subprocess.Popen(
        [_server_binary(), *words, "--cluster-port", str(free_port()), "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )
    client: Any = redis.Redis(port=port)

    def is_up() -> bool:
        with contextlib.suppress(redis.RedisError):
            info = client.execute_command("CLUSTER INFO")
            text = info if isinstance(info, dict) else {}
            if text.get("cluster_slots_assigned") == "0":
                client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
            return bool(text.get("cluster_state") == "ok")
        return False

    wait_until(is_up, description="the cluster is up")
    client.close()
    yield port
    process.kill()
    process.wait()


@pytest.mark.parametrize("kind", ["url", "client"])
def test_workers_of_a_cluster(cluster_node: int, kind: str) -> None:
    url = f"redis+cluster://127.0.0.1:{cluster_node}"
    server = url if kind == "url" else redis.RedisCluster(host="127.0.0.1", port=cluster_node)
    with Network[Params, Scores]("cluster", redis=server) as network:
        network.push_tasks(points(2))
        line = network.worker_script(work_off)
        assert f"RUSHTYPED_REDIS_URL={url} " in line
        done = shell(line)
        assert (done.returncode, network.n_finished_tasks) == (0, 2), done.stderr
    if isinstance(server, redis.RedisCluster):
        server.close()


def test_a_cluster_over_tls_is_refused() -> None:
    endpoint = resolve_endpoint("redis+cluster://host:7000")
    for name, value in (
        ("ssl", True),
        ("ssl_ca_certs", "ca.pem"),
        ("connection_class", redis.SSLConnection),
    ):
        over_tls = replace(endpoint, url="", client_type=redis.RedisCluster, options={name: value})
        with pytest.raises(InvalidArgumentError, match=name):
            over_tls.as_url()


def test_the_embedded_server_is_named_by_its_directory(
    server_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUSHTYPED_EMBEDDED_DIR", str(server_directory))
    with Network[Params, Scores]("by-directory", redis="embedded") as network:
        network.reset()
        network.push_tasks(points(1))
        line = network.worker_script(work_off)
        assert line.startswith(
            f"RUSHTYPED_REDIS_URL=embedded RUSHTYPED_EMBEDDED_DIR={server_directory} "
        )
        monkeypatch.delenv("RUSHTYPED_EMBEDDED_DIR")
        assert shell(line).returncode == 0
        assert network.n_finished_tasks == 1


def test_an_empty_python_is_refused(network: ParamNetwork) -> None:
    with pytest.raises(InvalidArgumentError, match="python must be the path of an interpreter"):
        network.worker_script(serve, python="")


def test_times_are_passed_on_exactly(redis_url: str) -> None:
    network = Network[Params, Scores]("exact", redis=redis_url, retry_timeout=1234567.25)
    line = network.worker_script(serve, heartbeat_period=1.0000001, heartbeat_expire=86399.125)
    assert " --retry-timeout=1234567.25 --heartbeat-period=1.0000001 " in line
    assert " --heartbeat-expire=86399.125 " in line


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"RUSHTYPED_SECRET": "another secret than that"}, "is not signed with this worker's"),
        ({"RUSHTYPED_SECRET": ""}, "RUSHTYPED_SECRET is not set where worker"),
        ({"RUSHTYPED_SECRET": "short"}, "RUSHTYPED_SECRET must have at least 16 characters"),
        ({"RUSHTYPED_REDIS_URL": "unix:///nowhere/x.sock"}, "did not answer"),
        ({"RUSHTYPED_REDIS_URL": "http://user:pass-word@host"}, "must be a URL that begins"),
    ],
)
def test_a_worker_that_cannot_start_says_so_in_one_message(
    network: ParamNetwork, change: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUSHTYPED_SECRET", SECRET)
    line = network.worker_script(serve, credentials=False).partition(" -m rushtyped worker ")[2]
    url = resolve_endpoint(network._endpoint).as_url()[0]
    variables = {"RUSHTYPED_REDIS_URL": url, "RUSHTYPED_SECRET": SECRET, **change}
    done = command(*line.split()[:2], "--retry-timeout=0", **variables)
    check_one_message(done, expected, codes=(1,))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "worker needs --network-id and --loop"),
        (["--network-id=n"], "worker needs --network-id and --loop"),
        (["--network-id=n", f"--loop={64 * '0'}"], "network 'n' holds no loop 0000"),
        (["--network-id=a b", "--loop=x"], "A-Z a-z 0-9"),
        (["--worker-id=a b"], "'a b'"),
        (["--import="], "imports"),
        (["--retry-timeout=soon"], "--retry-timeout: invalid float value"),
        (["--retry-timeout=-1"], "--retry-timeout must be at least 0 s but is -1"),
        (["--retry-timeout=nan"], "--retry-timeout must be at least 0 s but is nan"),
        (["--heartbeat-period=0.1"], "heartbeat_period must be at least 1 s"),
        (["--heartbeat-period=9", "--heartbeat-expire=8"], "heartbeat_expire must be at least"),
        (["--heartbeat-expire=nan"], "heartbeat_expire must be at least"),
        (["--log-levels={"], "--log-levels must be a JSON object"),
        (["--log-levels=[]"], "log_levels must map names of loggers to levels"),
        (['--log-levels={"": "LOUD"}'], "log_levels[''] must be a level"),
        (["--log-buffer-size=-1"], "log_buffer_size must be at least 0"),
        (["--log-limit=0"], "log_limit must be at least 1"),
        (["--message-log=/dev/null/x"], "message_log must be a directory"),
        (["--output-log=/proc"], "cannot be written in '/proc'"),
        (["--order-from-stdin"], "the order of this worker ended early"),
        (["--no-such-option"], "unrecognized arguments: --no-such-option"),
    ],
    ids=lambda given: " ".join(given)[:40] if isinstance(given, list) else "",
)
def test_wrong_options_are_named_in_one_message(
    redis_url: str, arguments: list[str], expected: str
) -> None:
    wrong = {word.partition("=")[0] for word in arguments}
    rest = (
        [] if wrong <= {"--network-id", "--loop"} and "a b" not in str(arguments) else ["--loop=x"]
    )
    if rest and "--network-id" not in wrong:
        rest.append("--network-id=n")
    done = command(*arguments, *rest, RUSHTYPED_REDIS_URL=redis_url, RUSHTYPED_SECRET=SECRET)
    check_one_message(done, expected, codes=(1, 2))


def check_one_message(
    done: subprocess.CompletedProcess[str], expected: str, codes: tuple[int, ...]
) -> None:
    assert done.returncode in codes
    assert done.stdout == ""
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert "pass-word" not in done.stderr
    assert SECRET not in done.stderr
    lines = [line for line in done.stderr.splitlines() if not line.startswith((" ", "usage:"))]
    assert len(lines) == 1, done.stderr


def test_a_log_file_that_cannot_be_opened_is_named(network: ParamNetwork, tmp_path: Path) -> None:
    (tmp_path / "message_w1.log").mkdir()
    line = network.worker_script(serve, message_log=tmp_path)
    done = shell(f"{line} --worker-id=w1")
    check_one_message(done, "'message_w1.log' cannot be written in", codes=(1,))


def test_the_help_explains_every_option() -> None:
    done = command("--help")
    assert done.returncode == 0
    entries = done.stdout.partition("options:")[2].split("\n  -")
    explained = {entry.split()[0].lstrip("-,"): entry.split() for entry in entries if entry.strip()}
    for option in OPTIONS:
        words = explained[option.lstrip("-")]
        assert len(words) > 4, f"{option} has no help"
    assert len(explained) == len(OPTIONS) + 1
    assert "RUSHTYPED_SECRET" in done.stdout
    assert "RUSHTYPED_REDIS_URL" in done.stdout


def test_sigterm_ends_the_worker_after_its_task(network: ParamNetwork) -> None:
    line = network.worker_script(loops.count_seconds)
    process = subprocess.Popen(["sh", "-c", f"exec env {line}"], cwd=ROOT)
    wait_until(lambda: network.n_running_tasks == 1, description="the task runs")
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert network.n_finished_tasks == network.n_tasks == 1
    assert network.worker_info["reason"].to_list() == ["ended"]


def test_sigterm_before_the_worker_has_registered_ends_it_well(
    network: ParamNetwork, tmp_path: Path
) -> None:
    module = tmp_path / "slow_to_import.py"
    module.write_text(
        "from pathlib import Path\n"
        "from tests.launch.hosted_loops import wait_for\n"
        f"Path({str(tmp_path / 'begun')!r}).touch()\n"
        f"wait_for({str(tmp_path / 'go')!r})\n"
    )
    loop = functools.partial(hosted_loops.touch, marker=str(tmp_path / "marker"))
    line = network.worker_script(loop, imports=["slow_to_import"])
    process = subprocess.Popen(
        ["sh", "-c", f"exec env {line}"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    wait_until((tmp_path / "begun").exists, description="the worker starts")
    process.send_signal(signal.SIGTERM)
    (tmp_path / "go").touch()
    assert process.wait(30) == 0
    assert (network.n_running_workers, network.n_tasks) == (0, 0)


def test_a_worker_of_an_unknown_network_leaves_nothing(redis_url: str) -> None:
    done = command(
        "--network-id=nobody", "--loop=x", RUSHTYPED_REDIS_URL=redis_url, RUSHTYPED_SECRET=SECRET
    )
    check_one_message(done, "network 'nobody' holds no loop x", codes=(1,))
    with redis.Redis.from_url(redis_url) as client:
        assert list(client.scan_iter(f"{NetworkKeys('nobody').prefix}*")) == []
