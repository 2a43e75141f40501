"""Joining a network: the server is fit, the wire format is known, the schemas agree."""

from __future__ import annotations

import re

from loguru import logger

from rushtyped.channel import Channel
from rushtyped.errors import SchemaMismatchError, ServerVersionError
from rushtyped.keys import new_token
from rushtyped.schema import Models, SchemaMatch, compare_schemas, schema_json
from rushtyped.store import Store

WIRE_VERSION = "1"
"""Version of everything that is stored; a change that old readers cannot read raises it."""
OLDEST_SERVER = (6, 2)
_VERSION = re.compile(rb"redis_version:(\d+)\.(\d+)")
_EVICTION = re.compile(rb"maxmemory_policy:(\S+)")


def check_server(channel: Channel) -> None:
    """Contact the server for the first time; once, since a wrong address does not heal.

    Raises ServerUnreachableError, ServerAccessError or ServerVersionError; warns where the server
    may evict keys.
    """
    info = channel.probe()
    version = _VERSION.search(info)
    if version and tuple(map(int, version.groups())) < OLDEST_SERVER:
        raise ServerVersionError(
            f"{channel.endpoint.address} is Redis {b'.'.join(version.groups()).decode()} but 6.2 "
            "or newer is needed: upgrade it, or use Valkey"
        )
    policy = _EVICTION.search(info)
    if policy and policy[1] != b"noeviction":
        logger.warning(
            "{} has maxmemory-policy {}: it may delete tasks. Set it to noeviction",
            channel.endpoint.address,
            policy[1].decode(),
        )


def join_network(store: Store, models: Models) -> bytes:
    """Agree on the schemas with those who were here first, and return the network's epoch.

    Raises SchemaMismatchError with a line for each field that differs.
    """
    declared = schema_json(models)
    joined = store.join(WIRE_VERSION, new_token(), declared)
    if joined.version != WIRE_VERSION.encode():
        raise SchemaMismatchError(
            f"the network is stored in version {joined.version.decode()!r} of the wire format but "
            f"this is version {WIRE_VERSION!r}: use the version of rushtyped that wrote it"
        )
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
