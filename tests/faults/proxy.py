"""A way to a server on which commands and replies get lost, as a test tells it to.

It counts commands, whatever connection they come by. A fault strikes at a command of a number or a
name, once; all that came before it on the same connection has its reply first, so that the same
faults have the same outcome every time.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from tests.faults.proxy_faults import (
    CutReply,
    CutRequest,
    Delay,
    Fault,
    HalfOpen,
    RandomCuts,
    Refuse,
)
from tests.faults.proxy_frames import Frames, command_name

Address = Path | tuple[str, int]
"""A Unix socket, or a host and a port."""
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
T = TypeVar("T")

_CHUNK = 1 << 20
_PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Passed:
    """A command that came by."""

    name: str
    """A script has its own name."""
    request: int
    """Bytes of the request."""
    connection: int
    """Number of the client's connection."""
    reply: int = 0
    """Bytes of the server's reply; 0 where there was none."""


class FaultProxy:
    """Hands commands on to a server, in a thread of its own, and does what it is told to break."""

    def __init__(
        self, server: Address, listen: Address, *, random_cuts: RandomCuts | None = None
    ) -> None:
        self.address = listen
        self.server = server
        self.random_cuts = random_cuts
        self.passed: list[Passed] = []
        """What came by since `begin`, in order."""
        self.n_injected = 0
        """Faults that struck since `begin`; a delay of all commands does not count."""
        self._faults: list[Fault] = []
        self._counts: dict[str, int] = {}
        self._links: set[_Link] = set()
        self._n_connections = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._absence: asyncio.Task[None] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._listener = self._do(self._listen())

    @property
    def url(self) -> str:
        """What a client takes as the server's URL."""
        if isinstance(self.address, Path):
            return f"unix://{self.address}"
        return f"redis://{self.address[0]}:{self.address[1]}"

    @property
    def names(self) -> list[str]:
        """Names of the commands that came by since `begin`."""
        return [each.name for each in self.passed]

    def begin(self, *faults: Fault) -> None:
        """Count from here, and let these faults happen; those of before are forgotten."""
        self._do(self._begin(faults))

    def disconnect(self) -> None:
        """Close all connections."""
        self._do(self._disconnect())

    def close(self) -> None:
        """Close all connections and the listener, and end the thread."""
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE)
        self._loop.close()

    def __enter__(self) -> FaultProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _do(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_PATIENCE)

    async def _listen(self) -> asyncio.Server:
        if isinstance(self.address, Path):
            return await asyncio.start_unix_server(self._serve, self.address)
        server = await asyncio.start_server(self._serve, *self.address)
        self.address = server.sockets[0].getsockname()[:2]
        return server

    async def _begin(self, faults: tuple[Fault, ...]) -> None:
        at_once = [fault for fault in faults if isinstance(fault, Refuse) and fault.at is None]
        self._faults = [fault for fault in faults if fault not in at_once]
        self._counts = {}
        self.passed = []
        self.n_injected = len(at_once)
        if self._absence is not None and self._absence.cancel():
            await asyncio.gather(self._absence, return_exceptions=True)
            self._listener = await self._listen()
        for fault in at_once:
            self.refuse(fault)

    def refuse(self, fault: Refuse) -> None:
        """Close all connections, and listen again after a time."""
        self._listener.close()
        self._disconnect_all()
        self._absence = asyncio.create_task(self._listen_again(fault.seconds))
        self._keep(self._absence)

    async def _listen_again(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._listener = await self._listen()

    async def _disconnect(self) -> None:
        self._disconnect_all()

    def _disconnect_all(self) -> None:
        for link in list(self._links):
            link.close()

    async def _close(self) -> None:
        self._listener.close()
        self._disconnect_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._keep(asyncio.create_task(self._hand_on((reader, writer))))

    async def _hand_on(self, client: Streams) -> None:
        try:
            if isinstance(self.server, Path):
                server = await asyncio.open_unix_connection(self.server)
            else:
                server = await asyncio.open_connection(*self.server)
        except OSError:
            client[1].close()
            return
        self._n_connections += 1
        link = _Link(self, client, server, self._n_connections)
        self._links.add(link)
        try:
            await link.run()
        finally:
            link.close()
            self._links.discard(link)

    def note(self, frame: bytes, connection: int) -> tuple[int, list[Fault]]:
        """Count a command; return its number and the faults that are meant for it."""
        n, name = len(self.passed), command_name(frame)
        of_name = self._counts.get(name, 0)
        self._counts[name] = of_name + 1
        self.passed.append(Passed(name, len(frame), connection))
        meant: list[Fault] = []
        for fault in list(self._faults):
            at = fault.at
            if at is None:
                meant.append(fault)
            elif at.n == (n if at.name is None else of_name) and at.name in (None, name):
                self._faults.remove(fault)
                self.n_injected += 1
                meant.append(fault)
        cut = self.random_cuts and self.random_cuts.draw(n, name, len(frame))
        if cut:
            self.n_injected += 1
            meant.append(cut)
        return n, meant

    def note_reply(self, n: int, n_bytes: int) -> None:
        """Note the size of the reply to the n-th command."""
        if n < len(self.passed):  # not one of before `begin`
            self.passed[n] = replace(self.passed[n], reply=n_bytes)


class _Link:
    """The connection of a client, and the one that its commands are handed on by."""

    def __init__(self, proxy: FaultProxy, client: Streams, server: Streams, number: int) -> None:
        self._proxy = proxy
        self._number = number
        self._client = client
        self._server = server
        self._waiting: deque[tuple[int, list[Fault]]] = deque()
        self._answered = asyncio.Event()
        self._is_cut = False
        self._is_silent = False
        self._refusal: Refuse | None = None

    async def run(self) -> None:
        """Hand on until a side or a fault closes the connection."""
        sides = [asyncio.create_task(side) for side in (self._requests(), self._replies())]
        try:
            await asyncio.wait(sides, return_when=asyncio.FIRST_COMPLETED)
            if self._is_silent:
                await asyncio.Event().wait()
        finally:
            for side in sides:
                side.cancel()
            await asyncio.gather(*sides, return_exceptions=True)

    def close(self) -> None:
        """Close both sides."""
        self._client[1].close()
        self._server[1].close()

    async def _requests(self) -> None:
        frames = Frames()
        with contextlib.suppress(OSError):
            while chunk := await self._client[0].read(_CHUNK):
                for frame in frames.feed(chunk):
                    if self._is_silent or self._is_cut:
                        break
                    if not await self._request(frame):
                        return

    async def _request(self, frame: bytes) -> bool:
        """Hand a command on; False where the connection is to be closed."""
        n, faults = self._proxy.note(frame, self._number)
        for fault in faults:
            match fault:
                case CutRequest(_, byte):
                    await self._until_answered()
                    self._server[1].write(_first(frame, byte))
                    return False
                case HalfOpen(_, reaches_server):
                    await self._until_answered()
                    self._is_silent = True
                    if not reaches_server:
                        return True
                case Refuse(_, _, reaches_server) if not reaches_server:
                    await self._until_answered()
                    self._proxy.refuse(fault)
                    return False
                case Delay(seconds, _, _):
                    await asyncio.sleep(seconds)
                case _:
                    pass
        self._waiting.append((n, faults))
        self._server[1].write(frame)
        await self._server[1].drain()
        return True

    async def _until_answered(self) -> None:
        while self._waiting:
            self._answered.clear()
            await self._answered.wait()

    async def _replies(self) -> None:
        frames = Frames()
        with contextlib.suppress(OSError):
            while chunk := await self._server[0].read(_CHUNK):
                for frame in frames.feed(chunk):
                    if not await self._reply(frame):
                        return

    async def _reply(self, frame: bytes) -> bool:
        """Hand a reply on; False where the connection is to be closed."""
        n, faults = self._waiting.popleft()
        self._proxy.note_reply(n, len(frame))
        for fault in faults:
            match fault:
                case CutReply(_, byte):
                    self._is_cut = True
                    self._client[1].write(_first(frame, byte))
                case Refuse():
                    self._is_cut = True
                    self._refusal = fault
                case Delay(_, seconds, _):
                    await asyncio.sleep(seconds)
                case _:
                    pass
        if not (self._is_cut or self._is_silent):
            self._client[1].write(frame)
            await self._client[1].drain()
        self._answered.set()
        if not self._is_cut or self._waiting:
            return True  # what was sent together with the lost command is still done
        if self._refusal is not None:
            self._proxy.refuse(self._refusal)
        return False


def _first(frame: bytes, byte: int) -> bytes:
    """Take the first bytes of a frame, never all of it."""
    return frame[: min(byte if byte >= 0 else len(frame) + byte, len(frame) - 1)]
