"""Each public member of the classes that users hold has a right use that both checkers accept."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from pydantic import BaseModel

from rushtyped import Condition, Network, Plan, Task, TaskRecord, Worker

CLASSES: tuple[type, ...] = (Network, Worker, Task, TaskRecord, Condition, Plan)
RIGHT = sorted((Path(__file__).parent / "right").glob("*.py"))


def members(kind: type) -> set[str]:
    """Name what a class offers itself, without what pydantic adds."""
    names = {*dir(kind), *getattr(kind, "model_fields", ())}
    inherited = dir(BaseModel) if issubclass(kind, BaseModel) else ()
    return {name for name in names - set(inherited) if not name.startswith("_")}


def uses(source: str, kind: str) -> set[str]:
    """Name the members that functions use of a parameter whose annotation is the class."""
    used = set()
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        parameters = {
            parameter.arg
            for parameter in (*function.args.args, *function.args.kwonlyargs)
            if parameter.annotation is not None
            and ast.unparse(parameter.annotation).partition("[")[0] == kind
        }
        for node in ast.walk(function):
            match node:
                case ast.Attribute(ast.Name(name), member) if name in parameters:
                    used.add(member)
    return used


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_public_member_has_a_right_use(kind: type) -> None:
    used = {member for path in RIGHT for member in uses(path.read_text(), kind.__name__)}
    assert members(kind) - used == set()


def test_members_and_uses_are_found() -> None:
    source = "def f(task: Task[A, B], worker: Worker): task.finish(worker.n_tasks); other.fail"
    assert uses(source, "Task") == {"finish"}
    assert uses(source, "Worker") == {"n_tasks"}
    assert members(Task) == {"attempt", "fail", "finish", "key", "xs", "xs_extra"}
    assert members(Condition) == {"from_exception", "message", "traceback", "type"}
