"""Be the process that forks local workers: `python -m rushtyped.launch`, as managers start it.

It is no command of the command line, whose imports each of the workers would bear.
"""

import sys

from rushtyped.launch.nursery import serve_manager
from rushtyped.launch.running import run_order


def main() -> int:
    """Serve the manager; in a forked worker, run its order. Return the exit code."""
    order = serve_manager(sys.stdin.fileno())
    return 0 if order is None else run_order(order)


sys.exit(main())
