"""A network that a command looks at."""

from __future__ import annotations

from rushtyped.cli import parameters
from rushtyped.models import Extra, Xs, Ys
from rushtyped.network import Network
from rushtyped.tasks import RETRY_TIMEOUT

AnyNetwork = Network[Xs, Ys, Extra, Extra]


def open_network(network_id: str, redis: str | None, *, patient: bool = False) -> AnyNetwork:
    """Join a network that exists, as a context manager.

    A patient one outlasts a restart of its server. Raises UnknownNetworkError where there is none
    of this name.
    """
    timeout = RETRY_TIMEOUT if patient else parameters.RETRY_TIMEOUT
    return Network.open(network_id, redis=redis, retry_timeout=timeout)
