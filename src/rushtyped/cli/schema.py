"""The commands `rushtyped schema`: what networks have recorded, and what is written to Redis."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from rushtyped.cli.columns import Schemas, recorded_columns
from rushtyped.cli.difference import Difference, differences
from rushtyped.cli.opened import open_network
from rushtyped.cli.output import print_json, print_table, say
from rushtyped.cli.parameters import AsJson, NetworkId, RedisUrl, examples
from rushtyped.errors import CorruptDataError, InvalidArgumentError, UnreadableFileError
from rushtyped.lua import load_script, script_names
from rushtyped.printable import printable
from rushtyped.schema import parse_schemas
from rushtyped.wire import RECORDS, json_schema

DIFFERENT = 3
"""Exit code where two schemas differ; 1 and 2 are those of errors."""
COLUMNS = ("column", "group", "dtype", "required")

Directory = Annotated[
    Path, typer.Argument(metavar="DIRECTORY", help="Where to; made if it is not there.")
]
Scripts = Annotated[
    bool,
    typer.Option(
        "--scripts",
        help="Write the Lua script of each transition as well, complete as a server takes it.",
    ),
]
Other = Annotated[
    str,
    typer.Argument(
        metavar="FILE_OR_ID",
        help="A file of schema show --json, where there is one of this name, else a network.",
    ),
]


def add_commands(app: typer.Typer) -> None:
    """Add the commands to those of the command line."""
    group = typer.Typer(
        name="schema",
        help="Look at the schemas of networks, and of the stored format.",
        epilog=examples("rushtyped schema show branin"),
    )
    group.command(
        "export", epilog=examples("rushtyped schema export", "rushtyped schema export --scripts to")
    )(export_command)
    group.command(
        "show",
        epilog=examples(
            "rushtyped schema show branin", "rushtyped schema show branin --json > branin.json"
        ),
    )(show_command)
    group.command(
        "diff",
        epilog=examples(
            "rushtyped schema diff branin branin-2", "rushtyped schema diff branin branin.json"
        ),
    )(diff_command)
    app.add_typer(group)


def export_command(*, directory: Directory = Path("schemas"), scripts: Scripts = False) -> None:
    """Write the JSON Schema of each kind of stored record."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in _files(scripts=scripts):
            (directory / name).write_text(text, encoding="utf-8")
            print(directory / name)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise InvalidArgumentError(
            f"DIRECTORY must be one that can be written to but {error.filename!r} cannot: "
            f"{error.strerror}"
        ) from error


def _files(*, scripts: bool) -> Iterator[tuple[str, str]]:
    for name in RECORDS:
        yield f"{name}.json", json.dumps(json_schema(name), indent=2, sort_keys=True) + "\n"
    if scripts:
        for name in script_names():
            yield f"{name}.lua", load_script(name).source.decode()


def show_command(network_id: NetworkId, *, redis: RedisUrl = None, as_json: AsJson = False) -> None:
    """Show the columns of a network, or its JSON Schemas."""
    with open_network(network_id, redis) as network:
        if as_json:
            print_json(network.schemas)
        else:
            print_table(COLUMNS, recorded_columns(network))


def diff_command(
    network_id: NetworkId, other: Other, *, redis: RedisUrl = None, as_json: AsJson = False
) -> None:
    """Show in what the schemas of two networks differ.

    Prints a line for each word of a field that differs: the network's, and the other one.

    The exit code is 0 where they are the same, 3 where they differ, 1 for an error.
    """
    with open_network(network_id, redis) as network:
        left = network.schemas
    found = differences(left, _schemas_of(other, redis))
    for each in found:
        if as_json:
            print_json(each._asdict())
        else:
            print(_line(each))
    if found:
        raise typer.Exit(DIFFERENT)
    say(f"network {network_id!r} and {other!r} have the same schemas")


def _schemas_of(other: str, redis: str | None) -> Schemas:
    path = Path(other)
    if not path.is_file():
        with open_network(other, redis) as network:
            return network.schemas
    try:
        return parse_schemas(path.read_bytes())
    except (OSError, CorruptDataError) as error:
        raise UnreadableFileError(
            f"{other!r} is no file that `rushtyped schema show --json` has written: {error}"
        ) from error


def _line(found: Difference) -> str:
    sides = ("-" if side is None else json.dumps(side) for side in (found.left, found.right))
    left, right = map(printable, sides)
    return f"{printable(found.place)}: {printable(found.word)} {left} | {right}"
