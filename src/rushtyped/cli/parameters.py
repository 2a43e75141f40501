"""Arguments and options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rushtyped.cli.completion import complete_network_id

RETRY_TIMEOUT = 5.0
"""Seconds for which a command that looks once tries to reach the server."""

NetworkId = Annotated[
    str,
    typer.Argument(metavar="ID", help="Name of the network.", autocompletion=complete_network_id),
]
RedisUrl = Annotated[
    str | None,
    typer.Option(
        "--redis",
        metavar="URL",
        help="Server (RUSHTYPED_REDIS_URL, REDIS_URL, else the embedded one).",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
Workers = Annotated[
    list[str] | None,
    typer.Option("--worker", metavar="ID", help="Only this worker; may be given several times."),
]
InputFile = Annotated[Path, typer.Argument(metavar="FILE", help="Parquet file of an export.")]
OutputFile = Annotated[Path, typer.Argument(metavar="FILE", help="Parquet file to write.")]


def examples(*lines: str) -> str:
    """Write what stands at the end of a command's help."""
    title = "Example:" if len(lines) == 1 else "Examples:"
    return "\b\n" + "\n".join((title, *(f"  {line}" for line in lines)))
