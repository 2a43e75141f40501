"""What a user of the server must be allowed who works in one network, and nothing else."""

from __future__ import annotations

import re

from rushtyped.keys import NetworkKeys
from rushtyped.lua import load_script, script_names

SENT = (
    *("BLMOVE", "BLPOP", "EVALSHA", "EXEC", "EXISTS", "GET", "HGET", "HGETALL", "HMGET", "HSCAN"),
    *("INFO", "LINDEX", "LLEN", "LMOVE", "LRANGE", "MULTI", "SCARD", "SCRIPT|LOAD", "SET"),
    *("SMEMBERS", "SSCAN", "TYPE", "XREAD", "XREVRANGE", "ZCARD", "ZRANGE", "ZRANGEBYSCORE"),
    "ZSCAN",
)
"""Commands that are sent as such, and cannot be done without."""
FAST = ("SORT",)
"""What makes fetches of many tasks faster, for those who may read every key."""
SEARCH = ("HKEYS", "SCAN")
"""What lets `verify` find keys that nothing refers to; it shows the names of all keys."""
CLUSTER = ("CLUSTER|SLOTS", "COMMAND")
"""What redis-py asks a cluster for."""

# In a script a command is the first argument of a call: of redis.call, or of a function that
# hands it on.
_CALLED = re.compile(r"\(\s*'([A-Z]+)'")


def commands_called() -> set[str]:
    """Name the commands that the scripts call."""
    sources = (load_script(name).source.decode() for name in script_names())
    return {command for source in sources for command in _CALLED.findall(source)}


def access_rule(
    network_id: str, *, fast: bool = False, search: bool = False, cluster: bool = False
) -> str:
    """Write the rule of a user for one network, as ACL SETUSER takes it; it has no password.

    `fast` adds what makes fetches faster, which is the right to read all keys of the server,
    `search` what lets `verify` find keys that nothing refers to, and `cluster` what a client of a
    Redis Cluster asks for. Raises InvalidNetworkIdError.
    """
    more = ((FAST, fast), (SEARCH, search), (CLUSTER, cluster))
    commands = commands_called().union(SENT, *(names for names, wanted in more if wanted))
    keys = [f"~{NetworkKeys(network_id).prefix}*", *(["%R~*"] if fast else [])]
    allowed = (f"+{command.lower()}" for command in sorted(commands))
    return " ".join(("resetkeys", "resetchannels", *keys, "-@all", *allowed))
