"""The command `rushtyped schema`: what is written to Redis, for those who write other clients."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from rushtyped.errors import InvalidArgumentError
from rushtyped.lua import load_script, script_names
from rushtyped.wire import RECORDS, json_schema


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to those of the command line."""
    schema = commands.add_parser("schema", help="describe what is written to Redis")
    actions = schema.add_subparsers(required=True, metavar="ACTION")
    export = actions.add_parser(
        "export",
        help="write the JSON Schema of each record to a directory",
        description="Write <record>.json, a JSON Schema (2020-12), for each kind of record.",
    )
    export.add_argument(
        "directory",
        nargs="?",
        default="schemas",
        metavar="DIRECTORY",
        help="where to; made if it is not there (schemas)",
    )
    export.add_argument(
        "--scripts",
        action="store_true",
        help="write the Lua script of each transition as well, complete as a server takes it",
    )
    export.set_defaults(run=_run_export)


def _run_export(options: argparse.Namespace) -> int:
    directory = Path(options.directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in _files(scripts=options.scripts):
            (directory / name).write_text(text, encoding="utf-8")
            print(directory / name)
    except OSError as error:
        raise InvalidArgumentError(
            f"DIRECTORY must be one that can be written to but {error.filename!r} cannot: "
            f"{error.strerror}"
        ) from error
    return 0


def _files(*, scripts: bool) -> Iterator[tuple[str, str]]:
    for name in RECORDS:
        yield f"{name}.json", json.dumps(json_schema(name), indent=2, sort_keys=True) + "\n"
    if scripts:
        for name in script_names():
            yield f"{name}.lua", load_script(name).source.decode()
