"""A fault proxy as a process, which cuts commands at random until its standard input ends.

    python -m tests.faults.proxy_process --listen PLACE --server PLACE [--seed N] [--rate SHARE]

A place is the path of a Unix socket, or host:port; port 0 picks a free one. The first line that it
writes is its URL, once it listens; the last one says how many commands came by, and how many were
cut.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.faults.proxy import Address, FaultProxy
from tests.faults.proxy_faults import RandomCuts

ROOT = Path(__file__).parents[2]


def read_address(text: str) -> Address:
    """Read a path, or host:port."""
    host, colon, port = text.rpartition(":")
    return (host, int(port)) if colon and port.isdigit() else Path(text)


def write_address(address: Address) -> str:
    """Write an address as the command line takes it."""
    return str(address) if isinstance(address, Path) else f"{address[0]}:{address[1]}"


@contextmanager
def proxy_process(
    server: Address, listen: Address, *, seed: int, rate: float, spared: Sequence[str] = ()
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run a proxy as a process for the length of a block; give its URL and the process."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.faults.proxy_process"),
            *("--listen", write_address(listen), "--server", write_address(server)),
            *("--seed", str(seed), "--rate", str(rate), "--spared", *spared),
        ],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield process.stdout.readline().strip(), process
    finally:
        process.stdin.close()
        try:
            process.wait(20)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def main() -> int:
    """Run until standard input ends or SIGTERM comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", type=read_address, required=True)
    parser.add_argument("--server", type=read_address, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--spared", nargs="*", default=[])
    given = parser.parse_args()
    cuts = RandomCuts(given.seed, given.rate, frozenset(given.spared))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with FaultProxy(given.server, given.listen, random_cuts=cuts) as proxy:
        print(proxy.url, flush=True)
        try:
            sys.stdin.read()
        finally:
            print(f"{len(proxy.passed)} commands, {proxy.n_injected} cut", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
