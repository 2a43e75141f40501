"""What is stored as its text: UUIDs, paths and URLs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import PurePath
from string import ascii_letters, ascii_lowercase, digits
from typing import Annotated, Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from pydantic import TypeAdapter, UrlConstraints, ValidationError

from rushtyped.dtypes import ColumnType
from rushtyped.testing.strategies.constraints import Place, given, impossible

_SCHEMES = ("https", "http", "ftp", "ws", "file", "x-own")
_ANNOTATED: Any = Annotated  # put together at run time


def uuids(column: ColumnType) -> SearchStrategy[UUID]:
    """Draw UUIDs of any version, or of the one that a column asks for."""
    versions = given(column, "uuid_version")
    if not versions:
        return st.uuids(allow_nil=True)
    return st.uuids(version=4).map(partial(_as_version, versions[-1]))


def _as_version(version: int, uuid: UUID) -> UUID:
    return UUID(int=uuid.int & ~(0xF << 76) | version << 76)


_PARTS = st.text(st.characters(codec="utf-8", exclude_characters="/\\:\0"), min_size=1, max_size=8)
_ROOTS = st.sampled_from(["", "/", "../", "~/"])


def paths(column: ColumnType) -> SearchStrategy[PurePath]:
    """Draw paths that are the same when they are made of their own text."""
    make: Callable[[str], PurePath] = column.python
    texts = st.builds(
        lambda root, parts: root + "/".join(parts), _ROOTS, st.lists(_PARTS, max_size=4)
    )
    return texts.map(make).filter(lambda path: make(str(path)) == path)


_LABELS = st.from_regex(r"[a-z](?:[a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
_NAMES = st.lists(_LABELS, min_size=1, max_size=3).map(".".join)
_HOSTS = st.one_of(
    _NAMES,
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(lambda address: f"[{address}]"),
    st.just("müller.example"),
)
_WORDS = st.text(ascii_letters + digits + "-._~ü日", max_size=8)
_USERS = st.just("") | st.builds("{}:{}@".format, st.text(ascii_lowercase, min_size=1), _WORDS)
_PORTS = st.just("") | st.integers(1, 65_535).map(":{}".format)
_PATHS = st.lists(_WORDS, max_size=3).map(lambda words: "".join(f"/{word}" for word in words))
_QUERIES = st.just("") | st.builds("?{}={}".format, _WORDS, _WORDS)
_FRAGMENTS = st.just("") | _WORDS.map("#{}".format)


def urls(column: ColumnType, place: Place) -> SearchStrategy[Any]:
    """Draw URLs of the schemes that a class and a field allow."""
    of_field = [item for item in column.metadata if isinstance(item, UrlConstraints)]
    of_class = getattr(column.python, "_constraints", None)  # where pydantic has users put them
    constraints = [*of_field, *([of_class] if isinstance(of_class, UrlConstraints) else [])]
    allowed = [set(each.allowed_schemes) for each in constraints if each.allowed_schemes]
    schemes = sorted(set[str].intersection(*allowed)) if allowed else _SCHEMES
    if not schemes:
        raise impossible(column, place)
    lengths = [each.max_length for each in constraints if each.max_length is not None]
    texts = _short_texts(column, place, schemes, min(lengths)) if lengths else _texts(schemes)
    annotation = _ANNOTATED[(column.python, *of_field)] if of_field else column.python
    adapter: TypeAdapter[Any] = TypeAdapter(annotation)
    return texts.map(partial(_made, adapter)).filter(_is_made)


def _texts(schemes: Sequence[str]) -> SearchStrategy[str]:
    texts = st.builds(
        "{}://{}{}{}{}{}{}".format,
        st.sampled_from(schemes),
        *(_USERS, _HOSTS, _PORTS, _PATHS, _QUERIES, _FRAGMENTS),
    )
    if "file" in schemes:
        texts = st.builds("{}://{}/{}".format, st.just("file"), _PATHS, _WORDS) | texts
    return texts


def _short_texts(
    column: ColumnType, place: Place, schemes: Sequence[str], most: int
) -> SearchStrategy[str]:
    """Draw texts of a host and a path that are short enough also when written in full."""
    rooms = {scheme: most - len(f"{scheme}://h/") for scheme in schemes}
    fitting = [
        st.builds(
            f"{scheme}://{{}}/{{}}".format,
            st.text(ascii_lowercase, min_size=1, max_size=1 + room // 2),
            st.text(ascii_letters + digits, max_size=room - room // 2),
        )
        for scheme, room in rooms.items()
        if room >= 0
    ]
    if not fitting:
        raise impossible(column, place)
    return st.one_of(fitting)


def _made(adapter: TypeAdapter[Any], text: str) -> Any:
    """Make a URL; None where it, or how it is written in full, is not allowed."""
    try:
        return adapter.validate_python(str(adapter.validate_python(text)))
    except ValidationError:
        return None


def _is_made(url: object) -> bool:
    return url is not None
