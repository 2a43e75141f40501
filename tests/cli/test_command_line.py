"""What holds for every command: help, exit codes, pipes, and how little is imported."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from rushtyped.cli.app import make_app
from tests.cli.conftest import Run
from tests.cli.running import COMMAND, rushtyped
from tests.models import ParamNetwork
from tests.servers.process import ServerProcess

HEAVY = {"polars", "sklearn", "numpy", "starlette"}


def commands_of(group: Any, *path: str) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands_of(command, *path, name)
        else:
            yield (*path, name)


COMMANDS = list(commands_of(typer.main.get_command(make_app())))


def imported_by(*arguments: str) -> set[str]:
    """List the packages that a command has imported when it ends."""
    words = ", ".join(map(repr, arguments))
    code = (
        "import sys\n"
        "from rushtyped.cli import main\n"
        f"try:\n    main([{words}])\nexcept SystemExit:\n    pass\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stderr.split())


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_help_of_each_command_has_an_example(words: tuple[str, ...], run: Run) -> None:
    done = run(*words, "--help")
    assert done.code == 0
    examples = re.split(r"Examples?:\n", done.out)[1].splitlines()
    assert 1 <= len(examples) <= 2
    for example in examples:
        assert f"rushtyped {' '.join(words)}" in example


@pytest.mark.parametrize("words", [words for words in COMMANDS if words != ("worker",)])
def test_every_option_and_argument_is_explained(words: tuple[str, ...]) -> None:
    command: Any = typer.main.get_command(make_app())
    for word in words:
        command = command.commands[word]
    for parameter in command.params:
        assert parameter.help, f"{' '.join(words)} {parameter.name} has no help"


def test_the_help_lists_all_commands_in_whole_sentences(run: Run) -> None:
    out = run("--help").out
    for words in COMMANDS:
        assert re.search(rf"^ +{words[0]} +[A-Z].*[^.]\.$", out, re.MULTILINE)


def test_help_and_errors_are_plain_in_a_pipe() -> None:
    for words in (["tasks", "--help"], ["tasks", "--nope"]):
        done = rushtyped(*words, FORCE_COLOR="1", GITHUB_ACTIONS="true")
        text = done.stdout + done.stderr
        assert text.isascii()
        assert "\x1b" not in text


def test_the_help_imports_nothing_heavy() -> None:
    found = imported_by("--help")
    assert not found & HEAVY
    assert {"typer", "rushtyped"} <= found


def test_a_worker_starts_without_what_only_other_commands_need() -> None:
    found = imported_by("worker", "--network-id", "x", "--loop", "y", "--worker-id", "a b")
    assert not found & (HEAVY | {"typer", "rich"})
    assert "rushtyped" in found


def test_the_version_is_that_of_the_package(run: Run) -> None:
    done = run("--version")
    assert (done.code, done.err) == (0, "")
    assert re.fullmatch(r"rushtyped \d+\.\d+\.\d+\S*\n", done.out)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "Missing command"),
        (["nope"], "No such command 'nope'"),
        (["info"], "Missing argument 'ID'"),
        (["info", "x", "--nope"], "No such option: --nope"),
        (["tasks", "x", "--format", "xml"], "'xml' is not one of"),
        (["tasks", "x", "--limit", "-1"], "Invalid value for '--limit': Input should be greater"),
        (["tasks", "x", "--output", "y"], "a table goes to standard output"),
        (["retry", "x"], "give the keys of tasks, or --all"),
        (["retry", "x", "y", "--all"], "give the keys of tasks, or --all"),
        (["logs", "x", "--level", "loud"], "'loud' is no level"),
        (["dashboard", "--port", "-1"], "Invalid value for '--port': Input should be greater"),
        (["schema"], "Missing command"),
    ],
)
def test_wrong_use_is_named_and_ends_with_2(words: list[str], complaint: str, run: Run) -> None:
    done = run(*words)
    assert (done.code, done.out) == (2, "")
    first, hint = done.err.splitlines()
    assert first.startswith("rushtyped: ")
    assert complaint in first
    assert re.fullmatch(r"Try 'rushtyped.* --help'\.", hint)


@pytest.mark.parametrize("command", ["info", "tasks", "workers", "logs", "watch", "stop", "verify"])
def test_an_unknown_network_is_an_error(command: str, redis_url: str, run: Run) -> None:
    done = run(command, "nowhere", "--redis", redis_url)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("rushtyped: there is no network 'nowhere'")


def test_an_error_has_no_traceback_and_shows_no_password() -> None:
    done = rushtyped("list", "--redis", "redis://ada:open-sesame@localhost:1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("rushtyped: redis://ada:***@localhost:1 did not answer")
    assert done.stderr.count("\n") == 1
    assert "open-sesame" not in done.stderr


@pytest.mark.parametrize("variable", ["RUSHTYPED_REDIS_URL", "REDIS_URL"])
def test_the_environment_names_the_server(
    variable: str, study: ParamNetwork, redis_url: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, redis_url)
    done = run("info", study.network_id, "--json")
    assert json.loads(done.out)["network_id"] == study.network_id


@pytest.mark.parametrize("words", [["--help"], ["tasks", "ID", "--format", "csv"]])
def test_a_closed_pipe_is_silent(words: list[str], study: ParamNetwork, redis_url: str) -> None:
    process = subprocess.Popen(
        [*COMMAND, *(study.network_id if word == "ID" else word for word in words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "REDIS_URL": redis_url},
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr as messages:
        assert messages.read() == b""
    assert process.wait(30) == 0


def completions(words: str, **environment: str) -> list[str]:
    """Ask as bash does."""
    done = rushtyped(
        _RUSHTYPED_COMPLETE="complete_bash",
        COMP_WORDS=words,
        COMP_CWORD=str(len(words.split(" ")) - 1),
        **environment,
    )
    return done.stdout.split()


def test_ids_of_networks_are_completed(study: ParamNetwork, redis_url: str) -> None:
    beginning = study.network_id[:6]
    found = completions(f"rushtyped info --redis {redis_url} {beginning}")
    assert study.network_id in found
    assert all(each.startswith(beginning) for each in found)


def test_completion_neither_waits_for_a_server_nor_starts_one(tmp_path: Path) -> None:
    assert completions("rushtyped info x", REDIS_URL="redis://localhost:1") == []
    assert completions("rushtyped info x", RUSHTYPED_EMBEDDED_DIR=str(tmp_path / "new")) == []
    assert list(tmp_path.iterdir()) == []


def test_warnings_of_the_library_are_messages(own_server: ServerProcess) -> None:
    with own_server.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
    done = rushtyped("list", "--redis", own_server.url)
    assert done.returncode == 0
    assert all(line.startswith("rushtyped: ") for line in done.stderr.splitlines())
    assert "allkeys-lru" in done.stderr
