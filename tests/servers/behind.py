"""A plain client that may do everything, behind the back of the network under test."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import redis

from rushtyped.connect import Endpoint, resolve_endpoint
from rushtyped.keys import NetworkKeys

_CREDENTIALS = re.compile(r"//([^/@]*@)?")
AnyTasks = Any  # a Network or a Worker of any models


def url_of(url: str, credentials: str = "") -> str:
    """Write the URL of a server with other credentials: user, or user:password."""
    return _CREDENTIALS.sub(f"//{credentials}@" if credentials else "//", url, count=1)


def client_behind(tasks: AnyTasks) -> Any:
    """Give a client of the server that holds a network."""
    return client_of(tasks._endpoint, tasks.network_id)


def client_of(server: str | Endpoint, network_id: str) -> Any:
    """Give a client of the server that holds a network, as the server's own default user.

    It is an Any: redis-py leaves open what its calls return.
    """
    endpoint = resolve_endpoint(server)
    if endpoint.url:
        endpoint = replace(endpoint, url=url_of(endpoint.url))
    made = endpoint.client()
    client: Any = made
    if isinstance(made, redis.RedisCluster):
        return client.get_redis_connection(client.get_node_from_key(NetworkKeys(network_id).meta))
    return client
