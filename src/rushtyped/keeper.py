"""Keep the embedded server alive while somebody uses it, and stop it after the last one left.

`rushtyped.embedded` runs this file as a detached script. It imports nothing but the standard
library, and little of that, because it stays in memory as long as the server does.

Who lives is known from locks alone, which the kernel drops with their holders: `keeper.lock` is
inherited from the process that started the keeper, `server.lock` is handed on to the server, and
whoever holds a shared lock on `users.lock` is a user. No file has to be removed after a crash.
"""

# pathlib would add a tenth to the memory that a keeper takes.
# ruff: noqa: PTH108, PTH110, PTH116, PTH118, PTH123
from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import socket
import sys
import threading
import time

SERVER_CONFIG = (
    ("port", "0"),
    ("unixsocketperm", "700"),
    ("daemonize", "no"),
    ("loglevel", "warning"),
    ("logfile", ""),
    ("save", ""),
    ("appendonly", "yes"),
    ("appendfsync", "everysec"),
    ("maxmemory-policy", "noeviction"),
    ("hash-max-listpack-entries", "512"),
    ("hash-max-listpack-value", "1024"),
)
USERS_GONE = b"u"
SERVER_GONE = b"s"
FIRST_PAUSE = 0.002
LONGEST_PAUSE = 0.05
CHECK_PERIOD = 2.0
RESTART_LIMIT = 5
RESTART_PERIOD = 60.0
SHUTDOWN_PATIENCE = 0.5
STOP_STEPS = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))


class Keeper:
    """One server in one directory: started or adopted, watched, restarted, stopped."""

    def __init__(self, directory: str, socket_path: str, server: str, status: int) -> None:
        self._directory = directory
        self._socket_path = socket_path
        self._server = server
        self._status = status
        self._users = os.open(self._path("users.lock"), os.O_RDWR)
        self._events, self._notify = os.pipe()
        self._child: int | None = None
        self._freed = -1
        self._restarts: list[float] = []

    def run(self) -> int:
        """Serve until the users are gone or the server cannot be kept alive; return the status."""
        signal.signal(signal.SIGTERM, lambda *_: os.write(self._notify, USERS_GONE))
        threading.Thread(target=self._await_no_users, daemon=True).start()
        self._start_or_adopt()
        pause, answered = FIRST_PAUSE, False
        while True:
            event = self._next_event(CHECK_PERIOD if answered else pause)
            if event == USERS_GONE:
                return self._stop()
            if event == SERVER_GONE:
                if (code := self._after_death(had_answered=answered)) is not None:
                    return code
                pause, answered = FIRST_PAUSE, False
            elif answered:
                if not self._is_at_home():
                    return 0
            elif answered := self._ask(b"PING\r\n").startswith(b"+PONG"):
                self._report("ready")
            else:
                pause = min(pause * 1.5, LONGEST_PAUSE)

    def _path(self, name: str) -> str:
        return os.path.join(self._directory, name)

    def _next_event(self, timeout: float) -> bytes:
        readable, _, _ = select.select([self._events], [], [], timeout)
        return os.read(self._events, 1) if readable else b""

    def _await_no_users(self) -> None:
        fcntl.flock(self._users, fcntl.LOCK_EX)
        os.write(self._notify, USERS_GONE)

    def _await_no_server(self, lock: int) -> None:
        fcntl.flock(lock, fcntl.LOCK_EX)
        self._freed = lock
        os.write(self._notify, SERVER_GONE)

    def _start_or_adopt(self) -> None:
        lock = os.open(self._path("server.lock"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            _log("found a server that had lost its keeper")
        else:
            self._start(lock)
        self._watch_server()

    def _start(self, lock: int) -> None:
        """Start a server that holds the lock from its first moment to its last."""
        _remove(self._path("server.pid"))
        config, feed = os.pipe()
        os.write(feed, self._config())
        os.close(feed)
        os.set_inheritable(lock, True)  # noqa: FBT003 - positional only
        try:
            self._child = os.posix_spawn(
                self._server,
                [self._server, "-"],
                os.environ,
                file_actions=[(os.POSIX_SPAWN_DUP2, config, 0)],
                setsigmask=[],
            )
        except OSError as error:
            self._report(f"{self._server!r} cannot be run: {error.strerror}")
            sys.exit(1)
        finally:
            os.close(config)
            os.close(lock)

    def _watch_server(self) -> None:
        lock = os.open(self._path("server.lock"), os.O_RDWR)
        threading.Thread(target=self._await_no_server, args=(lock,), daemon=True).start()

    def _config(self) -> bytes:
        own = (
            ("dir", self._directory),
            ("unixsocket", self._socket_path),
            ("pidfile", self._path("server.pid")),
        )
        lines = (f"{name} ".encode() + _quoted(value) for name, value in SERVER_CONFIG + own)
        return b"\n".join(lines) + b"\n"

    def _ask(self, command: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1.0)
            try:
                connection.connect(self._socket_path)
                connection.sendall(command)
                return connection.recv(64)
            except OSError:
                return b""

    def _after_death(self, *, had_answered: bool) -> int | None:
        """Start the server again, or return the status with which to give up."""
        ending = self._reap()
        if ending == 0:
            _log("the server was told to stop")
            return 0
        now = time.monotonic()
        self._restarts = [at for at in self._restarts if now - at < RESTART_PERIOD]
        never_ran = not (had_answered or self._restarts or ending is None)
        if never_ran or len(self._restarts) >= RESTART_LIMIT:
            self._report(f"the server ended with status {ending}")
            return 1
        _log(f"the server ended with status {ending} and is started again")
        self._restarts.append(now)
        self._start(self._freed)
        self._watch_server()
        return None

    def _reap(self) -> int | None:
        """Return the exit status (minus the signal that killed it), None for an adopted server."""
        if self._child is None:
            return None
        _, status = os.waitpid(self._child, 0)
        self._child = None
        return os.waitstatus_to_exitcode(status)

    def _is_at_home(self) -> bool:
        """Restart a server whose socket was removed; end one whose directory was."""
        try:
            replaced = not os.path.samestat(
                os.stat(self._path("users.lock")), os.fstat(self._users)
            )
        except FileNotFoundError:
            replaced = True
        if replaced or not os.path.exists(self._socket_path):
            # Not SIGTERM: an orderly end removes the socket, which may be another server's by now.
            self._kill(signal.SIGKILL)
        return not replaced

    def _stop(self) -> int:
        """Stop the server: at once by a command, else by signals, which it looks at less often."""
        if not self._is_at_home():
            return 0
        self._ask(b"SHUTDOWN\r\n")
        if self._has_ended(SHUTDOWN_PATIENCE):
            return 0
        for number, patience in STOP_STEPS:
            self._kill(number)
            if self._has_ended(patience):
                return 0
        _log("the server does not stop")
        return 1

    def _has_ended(self, patience: float) -> bool:
        deadline = time.monotonic() + patience
        while (left := deadline - time.monotonic()) > 0:
            if self._next_event(left) == SERVER_GONE:
                return True
        return False

    def _kill(self, number: int) -> None:
        pid = self._child or _read_pid(self._path("server.pid"))
        with contextlib.suppress(ProcessLookupError):
            if pid is not None:
                os.kill(pid, number)

    def _report(self, message: str) -> None:
        """Tell the process that started this keeper, if it still listens; only the first time."""
        if message != "ready":
            _log(message)
        if self._status < 0:
            return
        with contextlib.suppress(OSError):
            os.write(self._status, message.encode(errors="backslashreplace"))
        os.close(self._status)
        self._status = -1


def _quoted(value: str) -> bytes:
    """Quote a value for Valkey's configuration, whatever bytes it holds."""
    return b'"' + b"".join(b"\\x%02x" % byte for byte in os.fsencode(value)) + b'"'


def _read_pid(path: str) -> int | None:
    try:
        with open(path, "rb") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _log(message: str) -> None:
    sys.stderr.write(f"{os.getpid()}:K {time.strftime('%d %b %Y %H:%M:%S')} {message}\n")


def main(directory: str, socket_path: str, server: str, lock: str, status: str) -> int:
    """Detach from the starting process and keep the server."""
    os.ftruncate(int(lock), 0)
    if pid := os.fork():
        os.pwrite(int(lock), f"process {pid} on host {os.uname().nodename}".encode(), 0)
        os._exit(0)  # an orphan is reaped by init, not by the process that started it
    os.umask(0o077)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for descriptor in (int(lock), int(status)):
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - positional only
    return Keeper(directory, socket_path, server, int(status)).run()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
