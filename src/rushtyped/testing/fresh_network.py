"""A network for one test: empty at first, looked through after the test, and gone then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from rushtyped.channel import Channel
from rushtyped.connect import resolve_endpoint
from rushtyped.keys import NetworkKeys, new_network_id
from rushtyped.models import TaskState
from rushtyped.network import Network
from rushtyped.tasks import RETRY_TIMEOUT
from rushtyped.testing.stored_keys import delete_network, find_names, names_of

AnyNetwork = Network[Any, Any, Any, Any]
_ALL_NETWORKS = "rush:*"
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class FreshNetwork:
    """A network that a test uses, and the keys of others that the server held before."""

    network: AnyNetwork
    channel: Channel
    before: frozenset[str] | None
    """None where others use the server too, whose keys come and go."""

    def leftovers(self, *, unsettled: bool) -> list[str]:
        """Say what a test has left behind, with `unsettled` also which tasks, a line each."""
        found = find_names(self.channel, _ALL_NETWORKS)
        own = _own(self.network, found)
        others = set() if self.before is None else found - own - self.before
        lines = [
            _line("keys of other networks that were not there before", others),
            _line("keys that the network does not know of", own - self._known_names()),
        ]
        if unsettled:
            listed = self.network.tasks_with_state([TaskState.QUEUED, TaskState.RUNNING])
            lines += [_line(f"{state} tasks", keys) for state, keys in listed.items()]
        return [line for line in lines if line]

    def _known_names(self) -> set[str]:
        network, keys = self.network, NetworkKeys(self.network.network_id)
        return names_of(
            network.network_id,
            task_keys=[*network.tasks, *self._members("SMEMBERS", keys.hashes)],
            worker_ids=[*network.worker_ids, *self._members("HKEYS", keys.logs)],
            digests=self._members("SMEMBERS", keys.loops),
        )

    def _members(self, command: str, name: str) -> list[str]:
        return [member.decode() for member in self.channel.call(command, name)]


@contextmanager
def fresh_network(
    network_type: type[AnyNetwork], url: str, *, is_shared: bool
) -> Iterator[FreshNetwork]:
    """Make a network of a new name; in the end stop its workers and delete all that it has.

    `is_shared` tells that others use the server at the same time.
    """
    network = network_type(new_network_id(), redis=url)
    keys = NetworkKeys(network.network_id)
    channel = Channel(resolve_endpoint(url), keys.meta, RETRY_TIMEOUT)
    with ExitStack() as stack:
        stack.callback(channel.close)
        stack.callback(delete_network, channel, network.network_id)
        stack.enter_context(network)
        stack.callback(network.stop_workers, "kill")
        found = find_names(channel, _ALL_NETWORKS)
        before = None if is_shared else frozenset(found - _own(network, found))
        yield FreshNetwork(network, channel, before)


def _own(network: AnyNetwork, names: Iterable[str]) -> set[str]:
    prefix = NetworkKeys(network.network_id).prefix
    return {name for name in names if name.startswith(prefix)}


def _line(what: str, names: Iterable[str]) -> str:
    listed = sorted(names)
    if not listed:
        return ""
    more = f" and {len(listed) - _MOST_NAMED} more" if len(listed) > _MOST_NAMED else ""
    return f"{what} ({len(listed)}): {', '.join(listed[:_MOST_NAMED])}{more}"
