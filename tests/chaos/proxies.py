"""Proxies of a chaos run, which cut connections within requests and replies."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.faults.proxy_process import proxy_process

CUTS_OF_PRODUCERS = 1 / 10
"""Share of the producers' calls that a proxy cuts; there are few, and each is a large one."""
FEWEST_CALLS = 60
"""Calls of managers and workers between two cuts by a proxy, and more in a large run."""
_SPARED = ("INFO",)
"""Never cut by a proxy: the first question of a new object is asked only once."""


class Proxy(NamedTuple):
    """A proxy that cuts connections."""

    url: str
    process: subprocess.Popen[str]

    def end(self) -> int:
        """End it; return how many calls it has cut, from its last line."""
        self.process.terminate()
        said = self.process.stdout.read() if self.process.stdout is not None else ""
        words = said.split()
        return int(words[-2]) if words[-1:] == ["cut"] else 0


def rates(tasks: int) -> dict[str, float]:
    """Share of the calls that the proxy of each role cuts."""
    return {"producer": CUTS_OF_PRODUCERS, "manager": 1 / max(FEWEST_CALLS, tasks // 250)}


@contextmanager
def cutting_proxy(
    server: Path, listen: Path, *, rate: float, rng: random.Random
) -> Iterator[Proxy]:
    """Run a proxy that cuts a share of the calls that come by."""
    seed = rng.randrange(1 << 30)
    with proxy_process(server, listen, seed=seed, rate=rate, spared=_SPARED) as (url, process):
        yield Proxy(url, process)
