"""All commands, and how a run of one ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Annotated, Any

import loguru
import typer
from loguru import logger
from typer.core import TyperGroup
from typer.exceptions import TyperException

from rushtyped.cli import (
    acl,
    control,
    dashboard,
    demo,
    info,
    logs,
    networks,
    schema,
    server,
    study,
    tasks,
    verify,
    watch,
    workers,
)
from rushtyped.cli.output import in_terminal, say
from rushtyped.cli.parameters import examples

MODULES = (
    *(networks, info, tasks, workers, logs, watch, control, verify, study, schema),
    *(acl, server, dashboard, demo),
)


class _Commands(TyperGroup):
    """The commands; a reader that has seen enough ends them in silence."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Read the command line; help is printed meanwhile."""
        with _while_read():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        with _while_read():
            return super().invoke(ctx)


@contextmanager
def _while_read() -> Iterator[None]:
    """See that all has gone out in the end, and end well where nobody reads it."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None


def make_app() -> typer.Typer:
    """Make the application; its help has colours and boxes only in a terminal."""
    app = typer.Typer(
        name="rushtyped",
        cls=_Commands,
        help="A typed task network over Redis.",
        epilog=examples("rushtyped list", "rushtyped watch branin"),
        rich_markup_mode="rich" if in_terminal() else None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for module in MODULES:
        module.add_commands(app)
    app.command(
        "worker", help="Run a worker; worker_script() writes the whole line.", add_help_option=False
    )(_be_worker)
    return app


def run(words: Sequence[str], *, owns_process: bool) -> int:
    """Run a command; return its exit code."""
    if owns_process:  # not in a program that calls main(), whose logger is its own
        logger.remove()
        logger.add(_say_warning, level="WARNING", format="{message}")
    command = typer.main.get_command(make_app())
    try:
        code: int | None = command.main(words, prog_name="rushtyped", standalone_mode=False)
    except TyperException as error:
        say(error.format_message())
        if (path := getattr(getattr(error, "ctx", None), "command_path", None)) is not None:
            print(f"Try '{path} --help'.", file=sys.stderr)
        return error.exit_code
    return code or 0


def _say_warning(message: loguru.Message) -> None:
    say(message.record["message"])


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - as Typer calls it
    if wanted:
        print(f"rushtyped {version('rushtyped')}")
        raise typer.Exit


def _options(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None: ...


def _be_worker() -> None:
    """Stand in the list of commands; `main` has called the worker before this is looked at."""
