"""The files of the project hold nothing of the machine that they were written on."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MADE = {".git", ".venv", "__pycache__", "build", "dist"}
MOST_BYTES = 1_000_000
# The patterns are put together so that this file does not match itself.
INDEX_HOSTS = ("pypi" + ".org", "python" + "hosted.org", "npm" + "js.org", "conda" + ".anaconda")
MACHINE_FOLDERS = ("work", "root", "home", "Users", "opt")
MADE_UP_USER = "ada"
INDEX = re.compile(r"//[\w.-]*(" + "|".join(map(re.escape, INDEX_HOSTS)) + r")|file:" + r"//")
OPTION = re.compile(r"--(extra-)?index" + r"-url|--find" + r"-links|--trusted" + r"-host")
MACHINE_PATH = re.compile(
    r"(?<![\w.~})/-])/(" + "|".join(MACHINE_FOLDERS) + r")/" + f"(?!{MADE_UP_USER}\\b)" + r"[\w.]"
)
PIN = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*==\d[\w.]*( ; python_(full_)?version [<>=]+ '[\d.]+')?")


def project_files() -> list[Path]:
    """List what git tracks or would track, or all files that are not made, without git."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
        paths = [ROOT / os.fsdecode(name) for name in set(listed.split(b"\0")) if name]
    except (OSError, subprocess.CalledProcessError):
        paths = [path for path in ROOT.rglob("*") if not is_made(path.relative_to(ROOT))]
    return sorted(path for path in paths if path.is_file())


def is_made(path: Path) -> bool:
    return any(part in MADE or re.fullmatch(r"\.venv-.*|\..*_cache", part) for part in path.parts)


def leaks(text: str) -> list[str]:
    """Find addresses of package indexes, options that name one, and paths of a machine."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        found += [
            f"{number}: {line.strip()}"
            for pattern in (INDEX, OPTION, MACHINE_PATH)
            if pattern.search(line)
        ]
    return found


def read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""  # a picture


def normalised(requirement: str) -> str:
    match = re.match(r"[\w.-]+", requirement)
    assert match is not None
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def test_no_file_names_a_package_index_or_a_path_of_a_machine() -> None:
    files = project_files()
    assert ROOT / "pyproject.toml" in files
    found = {str(path.relative_to(ROOT)): leaks(read_text(path)) for path in files}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_no_file_is_large() -> None:
    assert [path for path in project_files() if path.stat().st_size > MOST_BYTES] == []


def test_constraints_are_pins_sorted_and_without_repeats() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not PIN.fullmatch(line)] == []
    names = [line.partition("==")[0] for line in lines]
    assert names == sorted(set(names))


def test_every_declared_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {normalised(name) for name in project["dependencies"]}
    for requirements in project["optional-dependencies"].values():
        declared |= {normalised(name) for name in requirements}
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert declared - {line.partition("==")[0] for line in lines} == {"rushtyped"}


@pytest.mark.parametrize("path", [".ci/run"])
def test_scripts_can_be_run(path: str) -> None:
    assert os.access(ROOT / path, os.X_OK)


@pytest.mark.parametrize(
    "line",
    [
        "url = https://pypi" + ".org/simple",
        "https://files.python" + "hosted.org/packages/x.whl",
        "redis @ file:" + "///tmp/redis.whl",
        "pip install --extra-index" + "-url $X redis",
        'path = "/wo' + 'rk/main"',
        "cd /ro" + "ot/.cache",
        "#!/ho" + "me/me/bin/python",
    ],
)
def test_a_leak_is_found(line: str) -> None:
    assert leaks(f"first\n{line}") == [f"2: {line}"]


@pytest.mark.parametrize(
    "line",
    [
        "pip install rushtyped",
        "/home/ada/.local",
        "redis://localhost:6379/0",
        "src/work/x",
        "docs/home/start.md",
    ],
)
def test_plain_lines_are_no_leak(line: str) -> None:
    assert leaks(line) == []
