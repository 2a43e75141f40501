"""The command `rushtyped acl`: the rule of a user who may work in one network only."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from rushtyped.access import access_rule
from rushtyped.cli.output import say
from rushtyped.cli.parameters import examples
from rushtyped.errors import InvalidArgumentError

_USER = re.compile(r"[^\s\x00]+")

Id = Annotated[str, typer.Argument(metavar="ID", help="Name of the network.")]
User = Annotated[
    str | None,
    typer.Option("--user", metavar="NAME", help="Print a line for an ACL file, for this user."),
]
Fast = Annotated[
    bool,
    typer.Option(
        "--fast",
        help="Allow SORT, which fetches faster, and with it reading all keys (Redis 7.0, Valkey).",
    ),
]
Search = Annotated[
    bool,
    typer.Option(
        "--search",
        help="Allow SCAN, so that verify finds keys that nothing refers to; it names all keys.",
    ),
]
Cluster = Annotated[
    bool, typer.Option("--cluster", help="Allow what clients of a Redis Cluster ask for.")
]


def add_commands(app: typer.Typer) -> None:
    """Add the command to those of the command line."""
    app.command(
        "acl",
        help=_HOW,
        short_help="Print the ACL rule of a user for one network.",
        epilog=examples(
            "redis-cli ACL SETUSER ada '>PASSWORD' $(rushtyped acl branin)",
            "rushtyped acl branin --user ada >> users.acl",
        ),
    )(acl_command)


_HOW = """\
Print the rule of a user who may do in one network what this version does, and nothing else.

Without --user it is what ACL SETUSER takes behind the name of a user. With --user it is a line for
the server's ACL file (aclfile); ACL LOAD reads it. The rule holds no password: add >PASSWORD, or
#SHA256 for its digest, behind the name, and give the user and the password to the workers in the
URL of RUSHTYPED_REDIS_URL. Other databases than 0 need +select, too."""


def acl_command(
    network_id: Id,
    *,
    user: User = None,
    fast: Fast = False,
    search: Search = False,
    cluster: Cluster = False,
) -> None:
    """Print the rule."""
    rule = access_rule(network_id, fast=fast, search=search, cluster=cluster)
    if user is None:
        print(f"on {rule}")
        return
    if not _USER.fullmatch(user):
        raise InvalidArgumentError(
            f"--user must be a name without white space but is {user!r}: an ACL file has "
            "no way to write it"
        )
    print(f"user {user} on {rule}")
    say(f"add >PASSWORD or #SHA256 of a password behind 'user {user} on'")
