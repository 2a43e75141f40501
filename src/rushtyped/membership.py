"""Joining a network: the server is fit, the wire format is known, the schemas agree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from loguru import logger

from rushtyped.channel import Channel
from rushtyped.connect import Endpoint
from rushtyped.errors import SchemaMismatchError, ServerVersionError, UnknownNetworkError
from rushtyped.index_store import CHUNK
from rushtyped.keys import NetworkKeys, check_network_id, new_token
from rushtyped.lease_store import run_id_of
from rushtyped.packer import Packer
from rushtyped.schema import Models, SchemaMatch, compare_schemas, schema_json
from rushtyped.selection import unknown_tasks
from rushtyped.store import Joined, Store
from rushtyped.stored_schema import stored_models
from rushtyped.wire import WIRE_VERSION

OLDEST_SERVER = (6, 2)
_VERSION = re.compile(rb"redis_version:(\d+)\.(\d+)")
_EVICTION = re.compile(rb"maxmemory_policy:(\S+)")


def check_server(channel: Channel) -> None:
    """Contact the server for the first time; once, since a wrong address does not heal.

    Raises ServerUnreachableError, ServerAccessError or ServerVersionError; warns where the server
    may evict keys.
    """
    info = channel.probe()
    channel.run_id = run_id_of(info)
    version = _VERSION.search(info)
    if version and tuple(map(int, version.groups())) < OLDEST_SERVER:
        raise ServerVersionError(
            f"{channel.endpoint.address} is Redis {b'.'.join(version.groups()).decode()} but 6.2 "
            "or newer is needed: upgrade it, or use Valkey"
        )
    policy = _EVICTION.search(info)
    if policy and policy[1] != b"noeviction":
        # leases have a time to live, and so has all of a network that is to vanish
        every = policy[1].startswith(b"allkeys")
        logger.warning(
            "{} has maxmemory-policy {}: it may delete {}. Set it to noeviction",
            channel.endpoint.address,
            policy[1].decode(),
            "tasks"
            if every
            else "leases of live workers, which then count as lost, and networks that expire",
        )


class Membership:
    """A network as one of its users knows it: its schemas are agreed on, its epoch is known."""

    def __init__(
        self, store: Store, packer: Packer[Any, Any, Any, Any], network_id: str, *, declares: bool
    ) -> None:
        self._store = store
        self._packer = packer
        self._network_id = network_id
        self.declares = declares
        self._epoch: bytes | None = None
        self._joined = False
        store.when_vanished(self._rejoin)

    @property
    def epoch(self) -> bytes:
        """Epoch of the network when it was joined, empty where it has none."""
        return self._epoch or b""

    def join(self) -> None:
        """Agree on the schemas with those who were here first, unless that was done.

        Who declares no models records nothing. Raises SchemaMismatchError with a line for each
        field that differs.
        """
        if not self._joined:
            if self.declares:
                models = self._packer.codec.schema.models
                self._epoch = _join(self._store, schema_json(models), models)
            else:
                self._epoch = read_joined(self._store, self._network_id).epoch
            self._joined = True

    def note_reset(self, *, joined: bool) -> None:
        """Take note of a reset; `joined` where the schemas have stayed."""
        self._joined = self._joined and joined
        self._epoch = self._store.epoch()
        self._packer.forget_columns()

    def _rejoin(self) -> None:
        """Join what has begun, or begins now, in place of a network that has vanished."""
        logger.warning("Network {} has vanished: it begins anew", self._network_id)
        self._joined = False
        self.join()
        self._packer.claim_again()

    def check_many(self, keys: Sequence[str]) -> None:
        """Raise UnknownTaskError before the first of several chunks is written."""
        if len(keys) > CHUNK:
            states = self._store.indexes.read_hashes(keys, ["state"])["state"]
            self.check_known(keys, [0 if state else -1 for state in states])

    def check_known(self, keys: Sequence[str], found: Sequence[int]) -> None:
        """Raise UnknownTaskError where a script found no task (-1) for a key.

        After a reset by somebody else it only warns: the tasks of before are gone.
        """
        if -1 not in found:
            return
        if self._store.epoch() != self._epoch:
            logger.warning("Network {} was reset: tasks of before are gone", self._network_id)
            self.note_reset(joined=True)
            return
        unknown = [key for key, outcome in zip(keys, found, strict=True) if outcome == -1]
        raise unknown_tasks(self._network_id, unknown)


def read_joined(store: Store, network_id: str) -> Joined:
    """Read what the first user of a network has recorded.

    Raises UnknownNetworkError where nobody has, SchemaMismatchError for another wire format.
    """
    joined = store.joined()
    if joined is None:
        raise UnknownNetworkError(
            f"there is no network {network_id!r} on {store.channel.endpoint.address}: check the "
            "name and the server, or create it with Network[Params, Scores](...)"
        )
    _check_version(joined.version)
    return joined


def read_schemas(network_id: str, endpoint: Endpoint, retry_timeout: float) -> bytes:
    """Read the schemas of a network that nobody has joined here; raise what `read_joined` does."""
    keys = NetworkKeys(check_network_id(network_id))
    channel = Channel(endpoint, keys.meta, retry_timeout)
    try:
        channel.probe()  # tried once: a wrong address does not heal
        return read_joined(Store(channel, keys), network_id).schemas
    finally:
        channel.close()


def record_schemas(
    network_id: str, endpoint: Endpoint, retry_timeout: float, schemas: bytes
) -> None:
    """Create a network with schemas that another one has recorded, or agree with those there.

    Raises SchemaMismatchError where it holds data of other models.
    """
    keys = NetworkKeys(network_id)
    channel = Channel(endpoint, keys.meta, retry_timeout)
    try:
        check_server(channel)
        _join(Store(channel, keys), schemas, stored_models(schemas))
    finally:
        channel.close()


def _check_version(version: bytes) -> None:
    if version != WIRE_VERSION.encode():
        raise SchemaMismatchError(
            f"the network is stored in version {version.decode(errors='replace')!r} of the wire "
            f"format but this is version {WIRE_VERSION!r}: use the version of rushtyped that "
            "wrote it"
        )


def _join(store: Store, declared: bytes, models: Models) -> bytes:
    """Record the schemas or compare them with those recorded; return the network's epoch."""
    joined = store.join(WIRE_VERSION, new_token(), declared)
    _check_version(joined.version)
    while joined.schemas != declared:
        comparison = compare_schemas(joined.schemas, models)
        if comparison.match is SchemaMatch.SAME:
            break
        if comparison.match is SchemaMatch.DIFFERENT:
            raise SchemaMismatchError(
                "the network holds data of other models:\n  "
                + "\n  ".join(comparison.differences)
                + "\nDeclare the same models, or use another network_id"
            )
        stored = joined.schemas
        joined = store.join(WIRE_VERSION, new_token(), comparison.merged, known=stored)
        if joined.schemas == comparison.merged:
            break
    return joined.epoch
