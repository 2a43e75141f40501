"""Neither the server's password nor the secret that loops are signed with is seen anywhere."""

from __future__ import annotations

import base64
import concurrent.futures
import os
import subprocess
import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
import redis
from loguru import logger

from rushtyped import Network, Worker, current_plan, plan, remove_plan
from rushtyped.connect import resolve_endpoint
from rushtyped.errors import RushTypedError
from tests.launch import hosted_loops, loops
from tests.launch.test_engines import HomeMade, dask_client, dask_cluster
from tests.models import ParamNetwork, Params, Scores, points, serve
from tests.servers.process import ServerProcess
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
PASSWORD = "pass/word:of @server"
SECRET = "a secret that only the test knows"
EVERYTHING = {"": "TRACE"}


def forms_of(secret: str) -> list[bytes]:
    """List the ways in which a secret may be written down."""
    plain = secret.encode()
    forms = [plain, quote(secret).encode(), quote(secret, safe="").encode()]
    forms += [plain.hex().encode(), base64.b64encode(plain).rstrip(b"=")]
    if not secret.strip("0123456789abcdef"):  # a fresh one is itself bytes in hexadecimal
        raw = bytes.fromhex(secret)
        forms += [raw, base64.b64encode(raw).rstrip(b"=")]
    return forms


@dataclass
class Watch:
    """Looks at the arguments of this process's descendants until it is told to stop."""

    seen: dict[int, bytes] = field(default_factory=dict)
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.stopped.wait(0.02):
            for process in psutil.Process().children(recursive=True):
                try:
                    arguments = Path(f"/proc/{process.pid}/cmdline").read_bytes()
                except OSError:
                    continue
                self.seen[process.pid] = self.seen.get(process.pid, b"") + b"\n" + arguments


@pytest.fixture
def watch() -> Iterator[Watch]:
    """A watch that runs as long as the test does."""
    watch = Watch()
    thread = threading.Thread(target=watch.run)
    thread.start()
    yield watch
    watch.stopped.set()
    thread.join()


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Everything that is logged in this process."""
    seen: list[str] = []
    handler = logger.add(
        lambda message: seen.append(f"{message} {message.record['extra']}"),
        level="TRACE",
        diagnose=False,
    )
    yield seen
    logger.remove(handler)


@pytest.fixture
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a server with a password."""
    server = ServerProcess(tmp_path_factory.mktemp("own"))
    server.start()
    wait_until(server.answers, description="the server answers")
    with redis.Redis.from_url(server.url) as client:
        client.config_set("requirepass", PASSWORD)
    yield f"unix://:{quote(PASSWORD, safe='')}@{server.socket}"
    server.kill()


def dump(network: ParamNetwork) -> bytes:
    """Read the content of every key of the server."""
    client = network.connector
    return b"".join(key + b"\n" + client.dump(key) for key in client.scan_iter(count=1000))


def values_of(network: ParamNetwork) -> list[str]:
    """Write out what users read: conditions, reasons and logs, uncompressed."""
    frames = (network.fetch_tasks(fields=["condition", "times"]), network.worker_info)
    return [str(frame.rows()) for frame in (*frames, network.read_log())]


def errors_of(network: ParamNetwork, url: str) -> list[str]:
    """Raise errors that concern the server and the loop; write them with their tracebacks."""
    seen = []
    wrong = url.replace("unix://:", "unix://nobody:")
    for server in (wrong, f"{url}-not-there", url.replace("unix", "http")):
        try:
            Network[Params, Scores]("other", redis=server, retry_timeout=0.0)
        except RushTypedError as error:
            seen.append("".join(traceback.format_exception(error)))
    assert len(seen) == 3
    return seen


def check_all(seen: dict[str, bytes], secrets: dict[str, str]) -> None:
    for name, secret in secrets.items():
        for form in forms_of(secret):
            places = [place for place, content in seen.items() if form in content]
            assert not places, f"the {name} is seen as {form!r} in {places}"


@pytest.mark.parametrize("kind", ["a fresh secret", "RUSHTYPED_SECRET"])
def test_nothing_shows_the_password_or_the_secret(  # noqa: PLR0917 - they are fixtures
    url: str,
    watch: Watch,
    logged: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    kind: str,
) -> None:
    if kind == "RUSHTYPED_SECRET":
        monkeypatch.setenv("RUSHTYPED_SECRET", SECRET)
    engine = HomeMade()
    with Network[Params, Scores]("secrets", redis=url) as network:
        secret = network._secret
        shown = [repr(network), str(network)]
        network.start_local_workers(
            hosted_loops.tell_secrets,
            n_workers=1,
            log_levels=EVERYTHING,
            message_log=tmp_path,
            output_log=tmp_path,
        )
        network.start_workers(
            hosted_loops.tell_secrets,
            executor=engine,
            n_workers=1,
            log_levels=EVERYTHING,
            message_log=tmp_path,
        )
        line = network.worker_script(
            hosted_loops.tell_secrets, log_levels=EVERYTHING, message_log=tmp_path
        )
        shell = subprocess.Popen(["sh"], stdin=subprocess.PIPE, cwd=ROOT)
        assert shell.stdin is not None
        shell.stdin.write(f"{line}\n".encode())
        shell.stdin.close()
        wait_until(lambda: network.n_running_tasks == 3, description="all three workers run")
        wait_until(lambda: shell.pid in watch.seen, description="the shell was looked at")
        pids = set(network.worker_info["pid"])
        wait_until(lambda: pids <= watch.seen.keys(), description="all workers were looked at")
        network.push_tasks(points(1))  # upon which the loops fail
        wait_until(lambda: network.n_terminated_workers == 3, description="all have failed")
        assert shell.wait(30) == 1
        network.print_log()
        worker = Worker[Params, Scores]("secrets", redis=url)
        shown += [repr(worker), repr(worker.__dict__), *values_of(network)]
        worker.set_terminated()
        shown += [repr(resolve_endpoint(url)), repr(network._endpoint), *errors_of(network, url)]
        shown += [repr(each) for each in network._crew.engines] + [repr(engine.calls)]
        plan(redis=url)
        shown += [repr(current_plan()), str(current_plan())]
        remove_plan()
        network.wait_until_done(timeout=30.0)
        assert network.n_failed_tasks == 6
        stored = dump(network)
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(written) == 4
    assert sum(b"this loop fails" in content for content in written.values()) == 3
    everything = {
        "the log of this process": "\n".join(logged).encode(),
        "standard error and output": "".join(capfd.readouterr()).encode(),
        "the database": stored,
        **{f"the arguments of process {pid}": words for pid, words in watch.seen.items()},
        **{f"text {n} that is shown": text.encode() for n, text in enumerate(shown)},
        **{f"file {name}": content for name, content in written.items()},
    }
    assert b"No connection" in everything["the log of this process"]
    assert b"This worker runs" in everything["the log of this process"]
    check_all(everything, {"password": PASSWORD, "secret": secret})


def test_the_check_finds_each_form_of_a_secret() -> None:
    for secret in (SECRET, "00ff" * 16):
        for form in forms_of(secret):
            with pytest.raises(AssertionError, match="the secret is seen as"):
                check_all({"here": b"..." + form + b"..."}, {"secret": secret})


def test_the_environment_of_helping_processes_holds_no_secret(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUSHTYPED_SECRET", SECRET)
    monkeypatch.setenv("RUSHTYPED_REDIS_URL", url)
    with Network[Params, Scores]("environment") as network:
        network.start_local_workers(loops.sleep_in_task, n_workers=1)
        wait_until(lambda: network.n_running_tasks == 1, description="the task runs")
        (pid,) = network.worker_info["pid"]
        nursery = psutil.Process(pid).parent()
        assert nursery is not None
        helpers = [nursery, *nursery.children(recursive=True)]
        assert len(helpers) == 3
        environments = {
            str(each.pid): Path(f"/proc/{each.pid}/environ").read_bytes() for each in helpers
        }
    check_all(environments, {"password": PASSWORD, "secret": SECRET})


@pytest.mark.filterwarnings("ignore::ResourceWarning:distributed")
def test_dask_shows_no_secret_of_its_calls(
    url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with (
        dask_cluster(
            n_workers=1, threads_per_worker=1, dashboard_address=":0", local_directory=str(tmp_path)
        ) as cluster,
        dask_client(cluster) as client,
        Network[Params, Scores]("dask", redis=url) as network,
    ):
        secret = network._secret
        ids = network.start_workers(
            loops.sleep_in_task, executor=client.get_executor(), n_workers=2
        )
        wait_until(lambda: network.n_running_tasks == 1, description="one task runs")
        shown = [client.processing(), client.call_stack(), client.story(*client.processing())]
        shown += [client.scheduler_info(), client.who_has(), cluster, client]
        (pid,) = network.worker_info["pid"]
        os.kill(pid, 9)
        hosted = {each.worker_id: each for each in network._crew.engines}[ids[0]]
        wait_until(lambda: hosted.has_ended, description="Dask has noticed")
        shown += [client.get_worker_logs(), client.get_scheduler_logs(), cluster.get_logs()]
        shown += [client.get_events(), repr(hosted.future), hosted.problem]
        assert "host_worker" in str(shown)
    shown += capfd.readouterr()
    seen = {f"{n}: {each!s:.40}": str(each).encode() for n, each in enumerate(shown)}
    check_all(seen, {"password": PASSWORD, "secret": secret})
    assert all(PASSWORD.encode() not in each.read_bytes() for each in files_below(tmp_path))


def files_below(directory: Path) -> Iterator[Path]:
    yield from (path for path in directory.rglob("*") if path.is_file())


def test_a_wrong_password_is_not_shown_by_a_worker(url: str, tmp_path: Path) -> None:
    with Network[Params, Scores]("wrong", redis=url) as network:
        line = network.worker_script(serve)
        password = quote(PASSWORD, safe="")
        wrong = line.replace(password, "wrong-word")
        assert wrong != line
        done = subprocess.run(
            ["sh"], input=wrong, text=True, capture_output=True, cwd=ROOT, check=False, timeout=60
        )
        assert done.returncode == 1
        assert "refused the access" in done.stderr
        assert "Traceback" not in done.stderr
        check_all({"message": done.stderr.encode()}, {"wrong": "wrong-word", "s": network._secret})


def test_engines_that_run_in_this_process_leave_its_environment_alone(url: str) -> None:
    before = dict(os.environ)
    with Network[Params, Scores]("untouched", redis=url) as network:
        with concurrent.futures.ThreadPoolExecutor(1) as executor:
            network.start_workers(loops.finish_one, executor=executor, n_workers=1)
            network.wait_until_done(timeout=30.0)
        assert network.n_finished_tasks == 1
    assert dict(os.environ) == before
