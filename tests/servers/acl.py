"""A server with users who may do what the library needs, and nothing else."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import redis

from rushtyped.access import access_rule
from tests.servers.process import SAVE_NOTHING, ServerProcess

USER = "worker"
PASSWORD = "pass-word"


def url_of_user(server: ServerProcess, user: str = USER, password: str = PASSWORD) -> str:
    """Write the URL of a server on a socket with a user and a password."""
    return server.url.replace("unix://", f"unix://{user}:{password}@")


def set_user(server: ServerProcess, rule: str, user: str = USER) -> None:
    """Make a user by a rule, or change it: whatever it was allowed before is gone."""
    with server.client() as client:
        words = ("reset", "on", f">{PASSWORD}", *rule.split())
        client.execute_command("ACL", "SETUSER", user, *words)


def as_user(server: ServerProcess, user: str = USER) -> closing[Any]:
    """Give a plain client of a user, as an Any: redis-py leaves open what its calls return."""
    return closing(redis.Redis.from_url(url_of_user(server, user), protocol=2, driver_info=None))


class AclServer(ServerProcess):
    """A server whose URL names a user by the rule for one network, widened to all networks.

    The rule has what tests of round trips and of `verify` count on.
    """

    def __init__(self, directory: Path, *, binary: Path | None = None) -> None:
        rule = access_rule("ID", fast=True, search=True).replace("~rush:{ID}:*", "~rush:{*}:*")
        options = {**SAVE_NOTHING, "user": f"{USER} on >{PASSWORD} {rule}"}
        super().__init__(directory, binary=binary, options=options)

    @property
    def url(self) -> str:
        """What `redis=` takes, with the user and the password."""
        return f"unix://{USER}:{PASSWORD}@{self.socket}"

    @property
    def admin_url(self) -> str:
        """How the server's own default user reaches it."""
        return super().url
