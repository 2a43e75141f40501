"""Errors that a call raises itself, or by what it calls of the package: found in its source."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from rushtyped import RushTypedError

DEEPEST = 4
"""Calls that are followed, one within the other."""
MAKERS = ("_open", "__init__")
"""Methods that say of which class an attribute is."""


class Called(NamedTuple):
    """What is called, and of which class its `self` is."""

    thing: Any
    owner: type | None = None


def raised_by(function: Callable[..., Any], owner: type | None = None) -> set[str]:
    """Name the errors that a function raises; methods are those of the owner."""
    return {error.__name__ for error in _errors(inspect.unwrap(function), owner, DEEPEST)}


def has_source(function: Any) -> bool:
    """Say whether it is a function with a source, which what a decorator has made may lack."""
    try:
        return inspect.isfunction(function) and bool(_tree(inspect.unwrap(function)))
    except OSError:
        return False


@functools.cache
def _errors(function: Any, owner: type | None, depth: int) -> frozenset[type]:
    found: set[type] = set()
    for node in ast.walk(_tree(function)):
        if isinstance(node, ast.Call):
            called, of = _resolve(node.func, function.__globals__, owner)
            if inspect.isclass(called) and issubclass(called, RushTypedError):
                found.add(called)
            elif depth and _is_ours(called) and has_source(called):
                found |= _errors(inspect.unwrap(called), of, depth - 1)
    return frozenset(found)


@functools.cache
def _tree(function: Any) -> ast.AST:
    return ast.parse(textwrap.dedent(inspect.getsource(function)))


def _resolve(node: ast.expr, names: dict[str, Any], owner: type | None) -> Called:
    """Find what is called: a name, a name of a module, or a method of a known object."""
    match node:
        case ast.Name(name):
            return Called(names.get(name))
        case ast.Attribute(ast.Name(module), name) if inspect.ismodule(names.get(module)):
            return Called(getattr(names[module], name, None))
        case ast.Attribute(holder, name) if cls := _class_of(holder, names, owner):
            return Called(_method(cls, name), cls)
        case _:
            return Called(None)


def _class_of(node: ast.expr, names: dict[str, Any], owner: type | None) -> type | None:
    """Find the class of what holds a method, where the source says it."""
    found: Any = None
    match node:
        case ast.Name("self" | "cls"):
            found = owner
        case ast.Attribute(ast.Name("self"), str(name)) if owner:
            found = dict(_attributes(owner)).get(name)
        case ast.Call(ast.Name(name)):
            found = names.get(name)
        case _:
            pass
    return found if inspect.isclass(found) and _is_ours(found) else None


def _method(cls: type, name: str) -> Any:
    method = inspect.getattr_static(cls, name, None)
    return getattr(method, "__func__", method)


@functools.cache
def _attributes(owner: type) -> tuple[tuple[str, Any], ...]:
    """Tell the classes of a class's attributes, from where its methods make them."""
    makers = [vars(cls).get(name) for cls in reversed(owner.__mro__) for name in MAKERS]
    return tuple(found for maker in makers if has_source(maker) for found in _made_in(maker))


def _made_in(function: Any) -> Iterator[tuple[str, Any]]:
    for node in ast.walk(_tree(function)):
        match node:
            case ast.Assign([ast.Attribute(ast.Name("self"), name)], ast.Call(ast.Name(made))):
                yield name, function.__globals__.get(made)
            case ast.AnnAssign(ast.Attribute(ast.Name("self"), name), _, ast.Call(ast.Name(made))):
                yield name, function.__globals__.get(made)
            case _:
                pass


def _is_ours(thing: Any) -> bool:
    return str(getattr(thing, "__module__", "")).startswith("rushtyped")
