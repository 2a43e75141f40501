"""The reference: every public name is in it, with all that its reader has to know."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from rushtyped import Network, Worker
from tests.docs.raised import has_source, raised_by
from tests.docs.site import ROOT, Site

pytestmark = pytest.mark.timeout(180)
PARTS = ("rushtyped", "rushtyped.plots", "rushtyped.testing", "rushtyped.dashboard")
OVERVIEW = (ROOT / "docs/reference/index.md").read_text(encoding="utf-8")
OF_EVERY_CALL = set(
    re.findall(r"`(\w+Error)`", OVERVIEW.partition("## What every call may raise")[2])
)
UNITS = set(re.findall(r"`(\w+)` seconds", OVERVIEW))
"""Parameters whose unit the overview gives once for all."""
SHOWN_AS = {"rushtyped.plan": "rushtyped.plan.plan"}
"""The function has the name of a package; its anchor is written by hand."""
METHODS = (classmethod, staticmethod)
PROPERTIES = (property, functools.cached_property)


class Public(NamedTuple):
    """A public name, and what it stands for."""

    name: str
    value: Any
    owner: type | None = None

    @property
    def function(self) -> Any:
        """What is called: a function, or what makes an instance of a class."""
        if inspect.isclass(self.value):
            made = vars(self.value).get("__init__")
            return None if dataclasses.is_dataclass(self.value) else made
        if isinstance(self.value, PROPERTIES):
            return getattr(self.value, "fget", None) or getattr(self.value, "func", None)
        return getattr(self.value, "__func__", self.value)

    @property
    def doc(self) -> str:
        """What is said of it."""
        return inspect.getdoc(self.value) or ""

    @property
    def said(self) -> str:
        """What is said of it, and of what it names in backticks to say the same."""
        named = (NAMED.get(name, "") for name in re.findall(r"`(\w+)`", self.doc))
        return "\n".join([self.doc, *named])


def is_ours(thing: Any) -> bool:
    return str(getattr(thing, "__module__", "")).startswith("rushtyped")


def members(name: str, owner: type) -> Iterator[Public]:
    """List the public methods and properties of a class, inherited ones of the package too."""
    for each in dir(owner):
        holder = next((cls for cls in owner.__mro__ if each in vars(cls)), None)
        if each.startswith("_") or not is_ours(holder):
            continue
        value = vars(holder)[each]
        if inspect.isfunction(value) or isinstance(value, (*METHODS, *PROPERTIES)):
            yield Public(f"{name}.{each}", value, owner)


def public_names() -> Iterator[Public]:
    for part in PARTS:
        module = importlib.import_module(part)
        for name in module.__all__:
            value = getattr(module, name)
            yield Public(f"{part}.{name}", value)
            if inspect.isclass(value) and is_ours(value):
                yield from members(f"{part}.{name}", value)


NAMES = list(public_names())
NAMED = {each.name.rpartition(".")[2]: each.doc for each in reversed(NAMES)}
CALLS = [each for each in NAMES if is_ours(each.function) and has_source(each.function)]


def ids(each: Public) -> str:
    return each.name


@pytest.fixture(scope="module")
def sources(site: Site) -> dict[str, str]:
    """Links to the source, by the name below whose heading they stand."""
    pages = [page for name, page in site.all_pages() if re.fullmatch(r"reference/\w+\.html", name)]
    links = [link for page in pages for link in page.links]
    return {link.within: link.href for link in links if link.href.startswith("source/")}


@pytest.mark.parametrize("each", NAMES, ids=ids)
def test_a_public_name_is_in_the_reference_with_a_link_to_its_source(
    each: Public, site: Site, sources: dict[str, str]
) -> None:
    headings = [name for page in PAGES for name in site.page(page).names]
    assert each.name in headings
    shown = SHOWN_AS.get(each.name, each.name)
    path, _, line = sources[shown].removeprefix("source/").partition(".html#L-")
    lines = source_lines(path.removesuffix(".py"))
    name = each.name.rpartition(".")[2]
    assert any(re.search(rf"\b{name}\b", found) for found in lines[int(line) - 1 : int(line) + 29])


PAGES = [
    path.relative_to(ROOT / "docs").with_suffix(".html").as_posix()
    for path in sorted((ROOT / "docs/reference").glob("*.md"))
]


@functools.cache
def source_lines(module: str) -> list[str]:
    path = ROOT / "src" / (module.replace(".", "/") + ".py")
    return path.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    "each",
    [each for each in NAMES if is_ours(each.value) or each.owner],
    ids=ids,
)
def test_a_public_name_says_what_it_is(each: Public) -> None:
    doc = each.doc
    assert doc
    assert doc[0].isupper()
    assert re.search(r"[.:_-]$", doc.partition("\n\n")[0])


@pytest.mark.parametrize("each", CALLS, ids=ids)
def test_a_call_names_the_errors_that_are_its_own(each: Public) -> None:
    owner = each.value if inspect.isclass(each.value) else each.owner
    unnamed = raised_by(each.function, owner) - OF_EVERY_CALL
    assert {error for error in unnamed if error not in each.said} == set()


@pytest.mark.parametrize("each", CALLS, ids=ids)
def test_a_call_says_shapes_and_units(each: Public) -> None:
    signature = inspect.signature(each.function)
    returned = str(signature.return_annotation)
    if "DataFrame" in returned:
        assert re.search(r"column", each.said, re.IGNORECASE), "of which columns is the frame?"
    if "list[str]" in returned:
        assert re.search(r"\bkeys?\b|\bids?\b|names", each.said, re.IGNORECASE), "a list of what?"
    if "bytes" in returned or "float" in returned:
        assert re.search(r"second|bytes|event|from", each.doc), "in which unit?"
    for name, parameter in signature.parameters.items():
        if "float" in str(parameter.annotation) and name not in UNITS:
            assert "second" in each.said, f"in which unit is {name}?"
        if "size" in name or "bytes" in name:
            assert "bytes" in each.said or "records" in each.said, f"in which unit is {name}?"


def test_errors_of_every_call_are_those_of_the_package() -> None:
    errors = importlib.import_module("rushtyped.errors")
    assert {"ServerUnreachableError", "InvalidArgumentError"} <= OF_EVERY_CALL
    assert {name for name in OF_EVERY_CALL if not hasattr(errors, name)} == set()


def test_errors_are_found_through_what_a_call_calls() -> None:
    assert "WorkerStoppedError" in raised_by(Worker.running_task, Worker)
    assert "UnknownTaskError" in raised_by(Network.read_tasks, Network)
    assert "UnknownTaskError" in raised_by(Worker.finish_tasks, Worker)
    assert raised_by(Network.reset_cache, Network) == set()


@pytest.mark.parametrize("option", ["--redis", "rushtyped verify", "rushtyped demo", "--seed"])
def test_the_command_line_is_in_the_reference(option: str, site: Site) -> None:
    assert option in " ".join(site.page("reference/command-line.html").text)
