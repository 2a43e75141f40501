"""The commands of `rushtyped`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from rushtyped.cli import acl, schema, verify, worker
from rushtyped.errors import RushTypedError
from rushtyped.printable import printable_lines

_DEMO_NEEDS = ("numpy", "scipy", "sklearn", "threadpoolctl")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except RushTypedError as error:
        print(f"rushtyped: {printable_lines(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rushtyped", description="A typed task network over Redis."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    worker.add_commands(commands)
    schema.add_commands(commands)
    verify.add_commands(commands)
    acl.add_commands(commands)
    demo = commands.add_parser("demo", help="tune a real model with asynchronous optimisation")
    demo.add_argument("--workers", type=int, default=2, metavar="N", help="worker processes (2)")
    demo.add_argument("--max-tasks", type=int, default=60, metavar="N", help="evaluations (60)")
    demo.add_argument("--seed", type=int, default=1, help="seed of all random numbers (1)")
    demo.add_argument("--redis", metavar="URL", help="server (REDIS_URL, else the embedded one)")
    demo.add_argument("--network-id", metavar="ID", help="name of the network (a new one)")
    demo.set_defaults(run=_run_demo)
    return parser


def _run_demo(options: argparse.Namespace) -> int:
    try:  # an optional extra, kept out of a worker's start-up
        from rushtyped.demo import Options, run_demo  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _DEMO_NEEDS:
            raise
        print(
            "rushtyped: the demo needs scikit-learn: pip install 'rushtyped[demo]'",
            file=sys.stderr,
        )
        return 1
    return run_demo(
        Options(
            workers=options.workers,
            max_tasks=options.max_tasks,
            seed=options.seed,
            redis=options.redis,
            network_id=options.network_id,
        )
    )
