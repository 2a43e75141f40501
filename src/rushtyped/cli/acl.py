"""The command `rushtyped acl`: the rule of a user who may work in one network only."""

from __future__ import annotations

import argparse
import re
import sys

from rushtyped.access import access_rule
from rushtyped.errors import InvalidArgumentError

_USER = re.compile(r"[^\s\x00]+")
_HOW = """\
Print the rule of a user who may do in one network what this version does, and nothing else.

Without --user it is what ACL SETUSER takes behind the name of a user. With --user it is a line for
the server's ACL file (aclfile); ACL LOAD reads it. The rule holds no password: add >PASSWORD, or
#SHA256 for its digest, behind the name, and give the user and the password to the workers in the
URL of RUSHTYPED_REDIS_URL. Other databases than 0 need +select, too."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to those of the command line."""
    acl = commands.add_parser(
        "acl",
        help="print the ACL rule of a user for one network",
        description=_HOW,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    acl.add_argument("network_id", metavar="ID", help="name of the network")
    acl.add_argument("--user", metavar="NAME", help="print a line for an ACL file, for this user")
    acl.add_argument(
        "--fast",
        action="store_true",
        help="allow SORT, which fetches faster, and with it reading all keys (Redis 7.0, Valkey)",
    )
    acl.add_argument(
        "--search",
        action="store_true",
        help="allow SCAN, so that verify finds keys that nothing refers to; it names all keys",
    )
    acl.add_argument(
        "--cluster", action="store_true", help="allow what clients of a Redis Cluster ask for"
    )
    acl.set_defaults(run=_run_acl)


def _run_acl(options: argparse.Namespace) -> int:
    rule = access_rule(
        options.network_id, fast=options.fast, search=options.search, cluster=options.cluster
    )
    if options.user is None:
        print(f"on {rule}")
        return 0
    if not _USER.fullmatch(options.user):
        raise InvalidArgumentError(
            f"--user must be a name without white space but is {options.user!r}: an ACL file has "
            "no way to write it"
        )
    print(f"user {options.user} on {rule}")
    print(
        f"rushtyped: add >PASSWORD or #SHA256 of a password behind 'user {options.user} on'",
        file=sys.stderr,
    )
    return 0
