"""From what a user gives as `redis=` to connections, with our timeouts and without secrets."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.connection import parse_url
from redis.retry import Retry
from redis.sentinel import Sentinel

from rushtyped.embedded import embedded_directory, use_embedded_server
from rushtyped.errors import InvalidArgumentError, InvalidTypeError, RedisUrlError

EMBEDDED = "embedded"
SOCKET_TIMEOUT = 15.0
"""Seconds without a reply after which a connection counts as lost; longer than any block."""
CONNECT_TIMEOUT = 5.0
URL_VARIABLES = ("RUSHTYPED_REDIS_URL", "REDIS_URL")

_SCHEMES = (
    *("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel"),
    *("redis+cluster", "rediss+cluster"),
)
_SENTINEL_PORT = 26379
_REDIS_PORT = 6379

_URL_SCHEMES: dict[type[Any], str] = {
    redis.Connection: "redis",
    redis.SSLConnection: "rediss",
    redis.UnixDomainSocketConnection: "unix",
}
_CREDENTIALS = ("username", "password")
_IN_QUERIES = (
    *("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_cert_reqs", "ssl_check_hostname"),
    *("ssl_ciphers", "ssl_keyfile", "ssl_min_version", "ssl_password"),
)
_IN_QUERIES_OF_SEVERAL = (
    *("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_cert_reqs", "ssl_check_hostname"),
    *("ssl_keyfile", "ssl_password"),
)
_OF_SENTINELS = ("sentinel_username", "sentinel_password")
_CLIENTS_OWN = ("connection_pool", "himport_registry", "maint_notifications", "orig_")
_NOT_IN_URLS = ("credential_provider", "redis_connect_func", "sentinel_manager")

AnyClient = redis.Redis | redis.RedisCluster


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the server is and how to talk to it; can be pickled, and shows no password."""

    address: str
    """What may be shown of it."""
    url: str = field(default="", repr=False)
    directory: Path | None = None
    """The data directory, where it is the embedded server."""
    client_type: type[redis.Redis] | type[redis.RedisCluster] | None = None
    connection_type: type[Any] = field(default=redis.Connection, repr=False)
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    socket_timeout: float = SOCKET_TIMEOUT

    def client(self) -> AnyClient:
        """Make a new redis-py client; starts the embedded server where it is needed."""
        settings = _settings(self.socket_timeout)
        if self.directory is not None:
            path = str(use_embedded_server(self.directory))
            return redis.Redis(unix_socket_path=path, **settings)
        if self.url:
            return _client_of_url(self.url, settings)
        return self._client_like_the_given(settings)

    def as_url(self) -> tuple[str, bool]:
        """Write it as a URL that `redis=` takes, and tell whether that holds a secret.

        Raises InvalidArgumentError for a client that has what no URL can say.
        """
        if self.directory is not None:
            return EMBEDDED, False
        url = self.url or _url_of_options(self)
        parts = urlsplit(url)
        in_query = "password" in unquote(parts.query)
        return url, in_query or ":" in parts.netloc.rpartition("@")[0]

    def without_use(self) -> Endpoint:
        """Return the way to the embedded server that neither starts it nor keeps it running."""
        if self.directory is None:
            return self
        path = use_embedded_server(self.directory)
        return replace(self, url=f"unix://{quote(str(path))}", directory=None)

    def _client_like_the_given(self, settings: dict[str, Any]) -> AnyClient:
        options = {**self.options, **settings}
        if self.client_type is redis.RedisCluster:
            return redis.RedisCluster(**options)
        if "sentinel_manager" in options:
            return _master(options.pop("sentinel_manager"), options.pop("service_name"), options)
        pool = redis.ConnectionPool(connection_class=self.connection_type, **options)
        return redis.Redis(connection_pool=pool)


Server = str | redis.Redis | redis.RedisCluster | Endpoint
"""What `redis=` takes: a URL, "embedded", or a client whose settings are taken over."""


def resolve_endpoint(given: Server | None = None) -> Endpoint:
    """Find the server: as given, else by RUSHTYPED_REDIS_URL, REDIS_URL, else the embedded one.

    Raises RedisUrlError or InvalidTypeError for what cannot be used; nothing is contacted yet.
    """
    if given is None:
        variable = next(filter(os.environ.get, URL_VARIABLES), None)
        given = EMBEDDED if variable is None else os.environ[variable]
        if variable is not None and given != EMBEDDED:
            return _endpoint_of_url(given, variable)
    if given == EMBEDDED:
        directory = embedded_directory()
        return Endpoint(address=f"embedded server in {str(directory)!r}", directory=directory)
    if isinstance(given, Endpoint):
        return given
    if isinstance(given, str):
        return _endpoint_of_url(given, "redis=")
    if isinstance(given, redis.RedisCluster):
        return _endpoint_of_cluster(given)
    if isinstance(given, redis.Redis):
        return _endpoint_of_client(given)
    raise InvalidTypeError(
        "redis= must be a URL, a redis.Redis or redis.RedisCluster client, or 'embedded' "
        f"but is a {type(given).__module__}.{type(given).__name__}"
    )


def _settings(socket_timeout: float) -> dict[str, Any]:
    """Options of every connection; the retries are ours, since only we know what is repeatable."""
    return {
        "protocol": 2,
        "decode_responses": False,
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": socket_timeout,
    }


def _endpoint_of_client(client: redis.Redis) -> Endpoint:
    pool: Any = client.connection_pool
    options = _own_options(pool.connection_kwargs)
    if hasattr(pool, "sentinel_manager"):
        options |= {"sentinel_manager": pool.sentinel_manager, "service_name": pool.service_name}
        address = f"service {pool.service_name!r} of a sentinel"
    elif "path" in options:
        address = f"unix://{options['path']}"
    else:
        address = f"{options.get('host', 'localhost')}:{options.get('port', _REDIS_PORT)}"
    return Endpoint(
        address=address,
        client_type=redis.Redis,
        connection_type=pool.connection_class,
        options=options,
    )


def _endpoint_of_cluster(client: redis.RedisCluster) -> Endpoint:
    options = _own_options(client.nodes_manager.connection_kwargs)
    options["startup_nodes"] = list(client.nodes_manager.startup_nodes.values())
    nodes = ", ".join(sorted(node.name for node in options["startup_nodes"]))
    for name in ("host", "port", "path"):
        options.pop(name, None)
    return Endpoint(address=f"cluster of {nodes}", client_type=redis.RedisCluster, options=options)


def _own_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what a client has put there for its own connections."""
    return {
        name: value
        for name, value in options.items()
        if not name.startswith(_CLIENTS_OWN) and type(value) is not object
    }


def _url_of_options(endpoint: Endpoint) -> str:
    """Write the settings of a client as a URL."""
    options = {name: value for name, value in endpoint.options.items() if value is not None}
    is_cluster = endpoint.client_type is redis.RedisCluster
    if is_cluster:  # a function of its own, which each such client has
        options.pop("redis_connect_func", None)
    odd = [
        name
        for name, value in options.items()
        if value and not _fits_url(name, is_cluster=is_cluster)
    ]
    if odd or endpoint.connection_type not in _URL_SCHEMES:
        raise InvalidArgumentError(
            f"the client of {endpoint.address} cannot be written as a URL "
            f"({', '.join(odd) or endpoint.connection_type.__name__}): give redis= as a URL"
        )
    user, password = (quote(str(options.get(name, "")), safe="") for name in _CREDENTIALS)
    access = f"{user}:{password}@" if password else f"{user}@" if user else ""
    if is_cluster:
        nodes = ",".join(node.name for node in options["startup_nodes"])
        return f"redis+cluster://{access}{nodes}"
    query = {name: _in_query(options[name]) for name in _IN_QUERIES if name in options}
    if endpoint.options.get("ssl_cert_reqs", "") is None:
        query["ssl_cert_reqs"] = "none"
    scheme = _URL_SCHEMES[endpoint.connection_type]
    if scheme == "unix":
        place = quote(str(Path(options["path"]).absolute()))
        query["db"] = str(options.get("db", 0))
    else:
        host, port = options.get("host", "localhost"), options.get("port", _REDIS_PORT)
        place = f"{f'[{host}]' if ':' in host else host}:{port}/{options.get('db', 0)}"
    return f"{scheme}://{access}{place}?{urlencode(query)}".rstrip("?")


def _fits_url(name: str, *, is_cluster: bool) -> bool:
    """Whether a URL can say an option, or need not: TLS must never be lost on the way."""
    if name.startswith("ssl") or name == "connection_class":
        return name in _IN_QUERIES and not is_cluster
    return name not in _NOT_IN_URLS


def _in_query(value: object) -> str:
    if isinstance(value, ssl.VerifyMode):
        return value.name.removeprefix("CERT_").lower()
    return str(int(value)) if isinstance(value, ssl.TLSVersion) else str(value)


def _endpoint_of_url(url: str, source: str) -> Endpoint:
    endpoint = Endpoint(address=_shown(url, source), url=url)
    try:
        if urlsplit(url).scheme == "unix" and not urlsplit(url).path.strip("/"):
            raise ValueError("it names no socket: unix:///path/to/socket")
        if urlsplit(url).scheme in ("redis", "rediss", "unix"):
            redis.Redis.from_url(url).connection_pool.make_connection()
        else:
            _cluster_nodes(url)
            _query_options(url)
    except (ValueError, TypeError) as error:
        raise RedisUrlError(
            f"{source} holds a URL that cannot be used, {endpoint.address!r}: {error}"
        ) from None
    return endpoint


def _shown(url: str, source: str) -> str:
    """Write a URL without its password and query, or raise RedisUrlError."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = SplitResult("", "", "", "", "")
    if parts.scheme not in _SCHEMES:
        raise RedisUrlError(
            f"{source} must be a URL that begins with {'://, '.join(_SCHEMES)}:// "
            f"but begins with {parts.scheme!r}: write it as redis://user:password@host:6379/0"
        )
    behind = parts.path + parts.fragment + ("" if "@" in parts.netloc else parts.query)
    if "@" in behind and (parts.scheme != "unix" or ("@" not in parts.netloc and parts.netloc)):
        raise RedisUrlError(
            f"{source} holds a URL with an @ behind its host, {parts.scheme}://***: in a user or "
            "a password, write / as %2F, ? as %3F, # as %23 and @ as %40"
        )
    user, at, hosts = parts.netloc.rpartition("@")
    name = unquote(user.partition(":")[0])
    return f"{parts.scheme}://{f'{name}:***' if at else ''}{at}{hosts}{parts.path}"


def _client_of_url(url: str, settings: dict[str, Any]) -> AnyClient:
    makers: dict[str, Callable[[str, dict[str, Any]], AnyClient]] = {
        "sentinel": _sentinel_client,
        "cluster": _cluster_client,
    }
    scheme, _, kind = urlsplit(url).scheme.partition("+")
    if kind:
        return makers[kind](url, settings)
    if scheme != "unix":
        settings["socket_connect_timeout"] = CONNECT_TIMEOUT
    return redis.Redis.from_url(url, **settings)


def _credentials(parts: SplitResult) -> dict[str, Any]:
    user, at, _ = parts.netloc.rpartition("@")
    if not at:
        return {}
    name, _, password = user.partition(":")
    return {"username": unquote(name) or None, "password": unquote(password) or None}


def _hosts(parts: SplitResult, default_port: int) -> list[tuple[str, int]]:
    hosts = []
    for each in parts.netloc.rpartition("@")[2].split(","):
        host, colon, port = each.rpartition(":")
        if not (host if colon else port):
            raise ValueError("it names no host")
        hosts.append((host, int(port)) if colon else (port, default_port))
    return hosts


def _cluster_nodes(url: str) -> list[tuple[str, int]]:
    """List the hosts of a sentinel or cluster URL; ValueError for what is wrong with it."""
    parts = urlsplit(url)
    if parts.scheme.endswith("+cluster"):
        return _hosts(parts, _REDIS_PORT)
    service, _, database = parts.path.strip("/").partition("/")
    if not service:
        raise ValueError("it names no service: redis+sentinel://host:26379/service")
    if database and not database.isdecimal():
        raise ValueError(f"its database must be a number but is {database!r}")
    return _hosts(parts, _SENTINEL_PORT)


def _query_options(url: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Read options for TLS and credentials for the sentinels from the query of such a URL.

    ValueError for what is neither: it would be ignored, and TLS must not be lost so.
    """
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    is_tls = parts.scheme.startswith("rediss+")
    access = {name: query.pop(name) for name in _OF_SENTINELS if name in query}
    known = _IN_QUERIES_OF_SEVERAL if is_tls else ()
    odd = [*(set(query) - set(known)), *(access if parts.scheme.endswith("+cluster") else ())]
    if odd:
        raise ValueError(
            f"its query has {', '.join(sorted(odd))}, which {parts.scheme} does not know"
            + ("" if is_tls else f": for TLS, write rediss{parts.scheme[5:]}")
        )
    parse: Any = parse_url  # redis-py leaves it untyped
    tls = parse(f"rediss://?{urlencode(query)}")
    del tls["connection_class"]
    return {"ssl": True, **tls} if is_tls else {}, access


def _sentinel_client(url: str, settings: dict[str, Any]) -> AnyClient:
    """Understand redis+sentinel://user:password@host:port,host:port/service/db, and with TLS."""
    parts = urlsplit(url)
    service, _, database = parts.path.strip("/").partition("/")
    tls, credentials = _query_options(url)
    access = {name.removeprefix("sentinel_"): value for name, value in credentials.items()}
    sentinel: Any = Sentinel  # redis-py leaves it untyped
    manager = sentinel(
        _cluster_nodes(url), sentinel_kwargs={**_settings(CONNECT_TIMEOUT), **tls, **access}
    )
    options = {"db": int(database or 0), **_credentials(parts), **settings, **tls}
    return _master(manager, service, options)


def _master(sentinel: Any, service: str, options: dict[str, Any]) -> AnyClient:
    client: redis.Redis = sentinel.master_for(service, **options)
    return client


def _cluster_client(url: str, settings: dict[str, Any]) -> AnyClient:
    """Understand redis+cluster://user:password@host:port,host:port, and with TLS."""
    make_node: Any = ClusterNode  # redis-py leaves it untyped
    nodes = [make_node(host, port) for host, port in _cluster_nodes(url)]
    options = {**_credentials(urlsplit(url)), **settings, **_query_options(url)[0]}
    return redis.RedisCluster(startup_nodes=nodes, **options)
