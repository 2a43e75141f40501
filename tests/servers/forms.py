"""The forms in which servers are run, each as a URL that `redis=` takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import pytest

from tests.servers.acl import AclServer
from tests.servers.binaries import redis_of_debian
from tests.servers.certificates import Authority
from tests.servers.cluster import ClusterDeployment
from tests.servers.ports import free_port
from tests.servers.process import SAVE_NOTHING, ServerProcess
from tests.servers.sentinel import SentinelDeployment


class Form(StrEnum):
    """What the tests run against."""

    VALKEY = "valkey"
    """The embedded server."""
    REDIS = "redis"
    """Debian's Redis, on a Unix socket."""
    CLUSTER = "cluster"
    """Three primaries, on ports."""
    SENTINEL = "sentinel"
    """A primary and its replica, found by sentinels."""
    TLS = "tls"
    """Debian's Redis, with TLS and certificates of clients."""
    ACL = "acl"
    """A user who may do no more than the library does."""


class Deployment(Protocol):
    """Servers that run as long as the context lasts."""

    @property
    def url(self) -> str:
        """What `redis=` takes."""
        ...


def _valkey(directory: Path) -> ServerProcess:
    return ServerProcess(directory, options=SAVE_NOTHING)


def _redis(directory: Path) -> ServerProcess:
    return ServerProcess(directory, binary=redis_of_debian(), options=SAVE_NOTHING)


def _tls(directory: Path) -> ServerProcess:
    return ServerProcess(
        directory,
        binary=redis_of_debian(),
        port=free_port(),
        options=SAVE_NOTHING,
        tls=Authority(directory / "certificates"),
    )


_MAKERS: Mapping[Form, Callable[[Path], AbstractContextManager[Deployment]]] = {
    Form.VALKEY: _valkey,
    Form.REDIS: _redis,
    Form.CLUSTER: ClusterDeployment,
    Form.SENTINEL: SentinelDeployment,
    Form.TLS: _tls,
    Form.ACL: AclServer,
}


@contextmanager
def open_form(form: Form, directory: Path) -> Iterator[str]:
    """Run servers of a form, and give their URL; skips the test where their program is missing."""
    with pytest.MonkeyPatch.context() as patch, _MAKERS[form](directory) as deployment:
        if form is Form.TLS:  # each connection would read the system's authorities, for 20 ms
            for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
                patch.setenv(name, str(directory))
        yield deployment.url
