"""The networks that are looked at, by id; and those there are on the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

import anyio.to_thread
from loguru import logger

from rushtyped import (
    InvalidNetworkIdError,
    Network,
    Progress,
    RushTypedError,
    ServerUnreachableError,
    UnknownNetworkError,
)
from rushtyped.connect import Endpoint
from rushtyped.dashboard.paced import Pacer
from rushtyped.dashboard.view import View
from rushtyped.dashboard.watched import OpenNetwork, Watched
from rushtyped.networks import list_networks

T = TypeVar("T")
Looked = tuple[Watched, Pacer]
"""Who looks at a network, and what keeps that which was made for it."""

PATIENCE = 1.0
"""Seconds for which a call tries to reach the server again; then the page says that it is away."""
MOST_NETWORKS = 1000
"""Networks that are listed."""
_SERVER_SHARE = 0.02  # of the server's time, for lists of all networks
_THREADS = 24


class Listed(NamedTuple):
    """A network, as a list of all shows it."""

    network_id: str
    progress: Progress
    n_terminated_workers: int


class Lookout:
    """Everything that one dashboard looks at; it belongs to one event loop."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.is_closed: bool = False
        self._watched: dict[str, Looked] = {}
        self._opening: dict[str, asyncio.Task[Looked]] = {}
        self._known: dict[str, OpenNetwork] = {}
        self._pacer = Pacer()
        self._limiter: anyio.CapacityLimiter | None = None

    @property
    def limiter(self) -> anyio.CapacityLimiter:
        """How many threads wait for the server at once: static files have others."""
        self._limiter = self._limiter or anyio.CapacityLimiter(_THREADS)
        return self._limiter

    async def watch(self, network_id: str) -> tuple[Watched, View]:
        """Look at a network; raise why that cannot be done.

        Raises UnknownNetworkError where there is none, ServerUnreachableError where the server
        does not answer.
        """
        watched, _ = await self._of(network_id)
        return watched, watched.look()

    async def pacer(self, network_id: str) -> Pacer:
        """Return what keeps that which was made for a network."""
        _, pacer = await self._of(network_id)
        return pacer

    async def in_thread(self, call: Callable[[], T]) -> T:
        """Run a call that may wait for the server."""
        return await anyio.to_thread.run_sync(call, limiter=self.limiter, abandon_on_cancel=True)

    async def networks(self) -> list[Listed]:
        """List the networks of the server; new ones are found only so often.

        To find them takes a look at all keys of the server.
        """
        find = partial(self.in_thread, self._find)
        ids = await self._pacer.get("ids", None, find, share=_SERVER_SHARE)
        read = partial(self.in_thread, partial(self._read, ids))
        return await self._pacer.get("networks", None, read, share=_SERVER_SHARE)

    def close(self) -> None:
        """Let go of all networks."""
        self.is_closed = True
        for watched, _ in self._watched.values():
            watched.stop()

    async def _of(self, network_id: str) -> Looked:
        """Return who looks at a network; whoever asks for it first has it opened for all."""
        found = self._watched.get(network_id)
        if found is not None and found[0].has_begun and not found[0].is_over:
            return found
        opening = self._opening.get(network_id)
        if opening is None:
            opening = asyncio.create_task(self._begin(network_id))
            self._opening[network_id] = opening
            opening.add_done_callback(lambda _: self._opening.pop(network_id, None))
        return await asyncio.shield(opening)

    async def _begin(self, network_id: str) -> Looked:
        self._drop_ended()
        again = partial(self._open, network_id)
        watched = Watched(await self.in_thread(again), again)
        self._watched[network_id] = looked = (watched, Pacer())
        await self.in_thread(watched.wait)
        return looked

    def _drop_ended(self) -> None:
        for network_id, (watched, _) in list(self._watched.items()):
            if watched.is_over:
                del self._watched[network_id]

    def _open(self, network_id: str) -> OpenNetwork:
        try:
            return Network.open(network_id, redis=self.endpoint, retry_timeout=PATIENCE)
        except InvalidNetworkIdError as error:
            raise UnknownNetworkError(str(error)) from error

    def _find(self) -> list[str]:
        return list_networks(redis=self.endpoint, retry_timeout=PATIENCE)[:MOST_NETWORKS]

    def _read(self, ids: Sequence[str]) -> list[Listed]:
        for gone in self._known.keys() - set(ids):
            del self._known[gone]
        return [line for network_id in ids if (line := self._listed(network_id)) is not None]

    def _listed(self, network_id: str) -> Listed | None:
        """Look at one network; one that cannot be read does not hide the others."""
        network = self._known.get(network_id)
        try:
            if network is None:
                network = self._known[network_id] = self._open(network_id)
            network.schemas  # noqa: B018 - raises where the network is not there any more
            return Listed(network_id, network.progress, network.n_terminated_workers)
        except UnknownNetworkError:
            return None
        except ServerUnreachableError:
            raise
        except RushTypedError as error:
            logger.warning("Network {} cannot be read: {}", network_id, error)
            return None
        finally:
            if network is not None:
                network.reconnect()  # the server has no connection for each of a thousand networks
