"""What mypy and basedpyright report on code that uses the installed package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

CHECKERS = ("mypy", "basedpyright")
CACHE = Path(__file__).parents[2] / ".mypy_cache" / "uses"
"""What mypy has found out about installed packages, for all its runs here."""


class Report(NamedTuple):
    """One complaint; `path` is relative to the project, `message` may have several lines."""

    path: str
    line: int
    rule: str
    message: str
    checker: str

    def __str__(self) -> str:
        """Write it as the checker does on a terminal."""
        rule = f" [{self.rule}]" if self.checker == "mypy" else f" ({self.rule})"
        head, *rest = self.message.split("\n")
        lines = [head + rule, *rest] if self.checker == "mypy" else [self.message + rule]
        return "\n".join(lines)


Reports = list[Report]
Rules = dict[tuple[str, int], set[str]]


def run(project: Path, *arguments: str, **environment: str) -> str:
    """Return what a checker prints; status 1 means findings, more a breakdown."""
    result = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=project,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert result.returncode in {0, 1}, result.stdout + result.stderr
    return result.stdout


def run_mypy(project: Path) -> Reports:
    """Check a project as `mypy --strict` does."""
    options = ("--strict", "--explicit-package-bases", "--python-version", "3.11")
    cached = ("--config-file", "", "--cache-dir", str(CACHE))
    lines = run(project, "mypy", *cached, *options, "--output", "json", ".")
    reports = [json.loads(line) for line in lines.splitlines()]
    return [
        Report(
            os.path.normpath(report["file"]),
            report["line"],
            report["code"],
            "\n".join(filter(None, [report["message"], report["hint"]])),
            "mypy",
        )
        for report in reports
        if report["severity"] == "error"
    ]


def run_basedpyright(project: Path, strict: Sequence[str] = ()) -> Reports:
    """Check a project as pyright does by default, and some of its folders as in strict mode."""
    settings = {"typeCheckingMode": "standard", "strict": list(strict), "pythonVersion": "3.11"}
    (project / "pyrightconfig.json").write_text(json.dumps(settings))
    output = run(project, "basedpyright", "--outputjson", "--pythonpath", sys.executable)
    root = project.resolve()
    return [
        Report(
            str(Path(report["file"]).resolve().relative_to(root)),
            report["range"]["start"]["line"] + 1,
            report.get("rule", "syntax"),
            report["message"],
            "basedpyright",
        )
        for report in json.loads(output)["generalDiagnostics"]
        if report["severity"] in {"error", "warning"}
    ]


def rules_of(reports: Iterable[Report]) -> Rules:
    """Group the rules by file and line."""
    rules: Rules = defaultdict(set)
    for report in reports:
        rules[report.path, report.line].add(report.rule)
    return rules


def verify_types(package: str, folder: Path) -> dict[str, Any]:
    """Ask basedpyright of which symbols of a package in a folder the type is known."""
    output = run(
        folder,
        *("basedpyright", "--verifytypes", package, "--ignoreexternal", "--outputjson"),
        *("--pythonpath", sys.executable),
        PYTHONPATH=str(folder),
    )
    found: dict[str, Any] = json.loads(output)["typeCompleteness"]
    return found
