"""Run the command line as a module: `python -m rushtyped`."""

import sys

from rushtyped.cli import main

sys.exit(main())
