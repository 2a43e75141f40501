"""From the words of a command line to an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rushtyped.cli import worker
from rushtyped.errors import RushTypedError
from rushtyped.printable import printable_lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, that of this process where none is given; return its exit code.

    0 is done, 1 an error, 2 wrong use, 3 that something wrong was found, 130 an interrupt.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        if words[:1] == ["worker"]:
            return worker.run(words[1:])
        from rushtyped.cli.app import run  # noqa: PLC0415 - a worker starts without Typer and Rich

        return run(words, owns_process=arguments is None)
    except RushTypedError as error:
        print(f"rushtyped: {printable_lines(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
