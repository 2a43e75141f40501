"""The embedded server is its user's alone: other users of the machine are refused."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import redis

from rushtyped import Network
from rushtyped.embedded import release_embedded_server, use_embedded_server
from rushtyped.errors import EmbeddedServerError
from rushtyped.large_objects import store_object
from rushtyped.private_directory import make_private
from tests.models import Params, Scores
from tests.servers.behind import client_behind
from tests.waiting import wait_until

SECRET = "a-value-that-nobody-else-may-see"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to act as another user")


def nobody() -> int:
    return pwd.getpwnam("nobody").pw_uid


@contextmanager
def as_nobody() -> Iterator[None]:
    """Act as another user of the machine, as far as files and sockets go."""
    os.seteuid(nobody())
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A directory below which everybody may look."""
    place = Path(tempfile.mkdtemp(prefix="rushtyped-"))
    place.chmod(0o755)
    yield place
    home = place / "data"
    release_embedded_server(home)
    wait_until(lambda: not (home / "valkey.sock").exists(), description="the server has ended")
    wait_until(lambda: not processes_of(home), description="server and keeper have ended")
    shutil.rmtree(place)


def processes_of(home: Path) -> list[int]:
    return [
        process.pid
        for process in psutil.process_iter(["cmdline", "cwd"])
        if str(home) in (process.info["cmdline"] or ()) or process.info["cwd"] == str(home)
    ]


def connect(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))


@needs_root
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_other_users_cannot_connect_whatever_the_umask(open_place: Path, mask: int) -> None:
    home = open_place / "data"
    with umask(mask):
        path = use_embedded_server(home)
    connect(path)
    with as_nobody():
        for call in (connect, Path.read_bytes, os.stat):
            with pytest.raises(PermissionError):
                call(path)
        with pytest.raises(PermissionError):
            list(home.iterdir())
    home.chmod(0o755)  # the socket is closed to others by itself
    with as_nobody(), pytest.raises(PermissionError):
        connect(path)
    for entry in home.rglob("*"):
        assert stat.S_IMODE(entry.lstat().st_mode) & 0o077 == 0, entry
        if entry.is_file():
            with as_nobody(), pytest.raises(PermissionError):
                entry.read_bytes()
    home.chmod(0o700)


def test_parents_that_are_made_are_closed_to_others_whatever_the_umask(tmp_path: Path) -> None:
    with umask(0):
        made = make_private(tmp_path / "a" / "b" / "data", known_by="users.lock")
    for directory in (made, made.parent, made.parent.parent):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o722, 0o755, 0o701])
def test_an_empty_directory_that_others_may_use_is_closed(tmp_path: Path, mode: int) -> None:
    home = tmp_path / "data"
    home.mkdir()
    home.chmod(mode)
    make_private(home, known_by="users.lock")
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


@needs_root
def test_a_directory_of_another_user_is_refused(open_place: Path) -> None:
    home = open_place / "data"
    home.mkdir(mode=0o777)
    os.chown(home, nobody(), -1)
    with pytest.raises(EmbeddedServerError, match=rf"belongs to user {nobody()}, not to 0"):
        use_embedded_server(home)


@needs_root
def test_a_link_of_another_user_is_refused(open_place: Path) -> None:
    target, home = open_place / "target", open_place / "data"
    target.mkdir(mode=0o700)
    home.symlink_to(target)
    os.chown(home, nobody(), -1, follow_symlinks=False)
    with pytest.raises(EmbeddedServerError, match=rf"belongs to user {nobody()}, not to 0"):
        use_embedded_server(home)
    home.unlink()


def test_a_place_where_all_may_replace_the_directory_is_refused(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    for home in (shared / "data", shared / "below" / "data"):
        with pytest.raises(EmbeddedServerError, match=r"shared', in which all users may replace"):
            use_embedded_server(home)
    shared.chmod(0o1777)  # as /tmp is
    assert make_private(shared / "data", known_by="users.lock").is_dir()


@pytest.mark.parametrize(
    "name", ["users.lock", "keeper.lock", "server.lock", "server.log", "server.pid", "valkey.sock"]
)
def test_a_link_that_others_put_into_an_open_directory_is_refused(
    tmp_path: Path, name: str
) -> None:
    home, victim = tmp_path / "data", tmp_path / "victim"
    victim.write_text("untouched")
    home.mkdir()
    (home / "users.lock").touch()
    home.chmod(0o777)
    (home / name).unlink(missing_ok=True)
    (home / name).symlink_to(victim)
    with pytest.raises(EmbeddedServerError, match="others may have put there"):
        use_embedded_server(home)
    assert victim.read_text() == "untouched"
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_a_hard_link_that_others_put_into_an_open_directory_is_refused(tmp_path: Path) -> None:
    home, victim = tmp_path / "data", tmp_path / "victim"
    victim.write_text("untouched")
    home.mkdir()
    (home / "users.lock").touch()
    home.chmod(0o777)
    (home / "server.log").hardlink_to(victim)
    with pytest.raises(EmbeddedServerError, match=r"holds 'server\.log', which others may have"):
        use_embedded_server(home)
    assert victim.read_text() == "untouched"


@needs_root
def test_data_that_others_put_into_an_open_directory_are_refused(open_place: Path) -> None:
    home = open_place / "data"
    home.mkdir()
    (home / "users.lock").touch()
    home.chmod(0o777)
    with as_nobody():
        (home / "appendonlydir").mkdir()
    with pytest.raises(EmbeddedServerError, match="holds 'appendonlydir', which others may have"):
        use_embedded_server(home)


@pytest.mark.parametrize("name", ["users.lock", "keeper.lock", "server.log"])
def test_links_in_place_of_locks_and_log_are_not_followed(tmp_path: Path, name: str) -> None:
    home, victim = tmp_path / "data", tmp_path / "victim"
    victim.write_text("untouched")
    home.mkdir(mode=0o700)
    (home / name).symlink_to(victim)
    with pytest.raises(EmbeddedServerError, match="cannot be used"):
        use_embedded_server(home)
    assert victim.read_text() == "untouched"
    release_embedded_server(home)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells of sockets on Linux only")
def test_nothing_of_it_listens_but_the_one_socket(open_place: Path) -> None:
    home = open_place / "data"
    path = use_embedded_server(home)
    listening = {
        str(connection.laddr)
        for pid in processes_of(home)
        for connection in psutil.Process(pid).net_connections(kind="all")
    }
    assert listening - {""} == {str(path)}


def test_the_log_of_the_server_holds_no_data(open_place: Path) -> None:
    home = open_place / "data"
    url = f"unix://{use_embedded_server(home)}"
    network = Network[Params, Scores]("private", redis=url)
    client = client_behind(network)
    network.push_tasks([Params(x1=1.0, x2=2.0)], xss_extra=[{SECRET: SECRET}])
    network.write_hashes(keys=["hash"], note=[SECRET])
    for wrong in (("GET", SECRET, SECRET), (SECRET,), ("EVAL", f"return {SECRET}()", "0")):
        with pytest.raises(redis.ResponseError):
            client.execute_command(*wrong)
    assert SECRET not in (home / "server.log").read_text()
    assert any(SECRET.encode() in file.read_bytes() for file in home.glob("appendonlydir/*incr*"))


def test_large_objects_are_closed_to_others_whatever_the_umask(tmp_path: Path) -> None:
    place = tmp_path / "objects"
    with umask(0):
        stored = store_object(place, "0" * 64, lambda sink: sink.write(b"content"))
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert stat.S_IMODE(stored.file.stat().st_mode) == 0o600
