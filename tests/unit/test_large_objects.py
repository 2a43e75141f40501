"""Large objects lie in files that are named by their content, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import resource
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from rushtyped import InvalidArgumentError, InvalidTypeError, LoopLoadError, UntrustedLoopError
from rushtyped.large_objects import (
    Sink,
    StoredObject,
    read_object,
    store_object,
)

CONTENT = b"content"
SHA256 = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"


def write_content(sink: Sink) -> None:
    for letter in CONTENT:
        sink.write(bytes([letter]))


def never(sink: Sink) -> None:
    pytest.fail("it lies there already")


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """Have the system refuse to let a file grow further."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_an_object_lies_in_a_file_named_by_its_digest(tmp_path: Path) -> None:
    stored = store_object(tmp_path, SHA256, write_content)
    assert stored == StoredObject(tmp_path / SHA256, SHA256)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(SHA256, CONTENT)]
    assert read_object(stored, "loop") == CONTENT


def test_the_name_is_that_of_what_was_written(tmp_path: Path) -> None:
    stored = store_object(tmp_path, "0" * 64, write_content)
    assert stored == StoredObject(tmp_path / SHA256, SHA256)
    assert read_object(stored, "loop") == CONTENT


def test_nobody_else_can_read_the_file_or_the_directory(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        stored = store_object(tmp_path / "a" / "b", SHA256, write_content)
    finally:
        os.umask(before)
    assert stat.S_IMODE(stored.file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


def test_a_directory_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    store_object(tmp_path, SHA256, write_content)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o750


def test_the_same_content_is_written_once(tmp_path: Path) -> None:
    first = store_object(tmp_path, SHA256, write_content)
    inode = first.file.stat().st_ino
    assert store_object(tmp_path, SHA256, never) == first
    assert first.file.stat().st_ino == inode


@pytest.mark.parametrize("damage", [b"", b"contenu", b"content and more"])
def test_a_damaged_file_is_written_anew(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / SHA256).write_bytes(damage)
    stored = store_object(tmp_path, SHA256, write_content)
    assert read_object(stored, "loop") == CONTENT


def test_many_can_store_the_same_at_once(tmp_path: Path) -> None:
    def store(_: int) -> StoredObject:
        return store_object(tmp_path, SHA256, write_content)

    with ThreadPoolExecutor(8) as executor:
        assert len(set(executor.map(store, range(64)))) == 1
    assert [path.name for path in tmp_path.iterdir()] == [SHA256]
    assert (tmp_path / SHA256).read_bytes() == CONTENT


def test_a_relative_directory_is_made_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert store_object("objects", SHA256, write_content).file == tmp_path / "objects" / SHA256


@pytest.mark.parametrize("n", [10_000, 1_000_000])
def test_nothing_is_left_when_the_disk_is_full_half_way(tmp_path: Path, n: int) -> None:
    refused = pytest.raises(
        InvalidArgumentError, match=r"cannot be written to large_objects_path .*File too large"
    )
    with refused, files_up_to(9_000):
        store_object(tmp_path, SHA256, lambda sink: [sink.write(b"x" * 5000) for _ in range(n)])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_nothing_is_left_when_the_object_cannot_be_made(
    tmp_path: Path, error: BaseException
) -> None:
    def write(sink: Sink) -> None:
        sink.write(b"half")
        raise error

    with pytest.raises(type(error)):
        store_object(tmp_path, SHA256, write)
    assert list(tmp_path.iterdir()) == []


def in_a_file(directory: Path) -> Path:
    (directory / "file").touch()
    return directory / "file" / "objects"


def as_a_file(directory: Path) -> Path:
    (directory / "file").touch()
    return directory / "file"


@pytest.mark.parametrize("make", [in_a_file, as_a_file, lambda _: "nul\0", lambda _: "\udcff"])
def test_a_directory_that_cannot_be_made_is_refused(
    tmp_path: Path, make: Callable[[Path], str | Path]
) -> None:
    with pytest.raises(InvalidArgumentError, match=r"that this user may write.*Choose another$"):
        store_object(make(tmp_path), SHA256, never)


def test_what_is_no_path_is_refused() -> None:
    with pytest.raises(InvalidTypeError, match=r"must be the path of a directory but is 3 \(int\)"):
        store_object(3, SHA256, never)  # type: ignore[arg-type]  # what a caller may get wrong


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_without_write_access_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InvalidArgumentError, match=r"that this user may write.*Permission denied"):
        store_object(tmp_path, SHA256, never)


def test_a_missing_file_says_that_the_directory_must_be_shared(tmp_path: Path) -> None:
    stored = StoredObject(tmp_path / SHA256, SHA256)
    with pytest.raises(LoopLoadError) as caught:
        read_object(stored, "worker_loop 'study:search'")
    assert str(caught.value) == (
        f"worker_loop 'study:search' lies in the file '{tmp_path / SHA256}', which cannot be read "
        "here: No such file or directory. large_objects_path must be one directory that the "
        "manager and all workers share under the same path, and its files must stay as long as "
        "workers start"
    )
    assert isinstance(caught.value.__cause__, FileNotFoundError)


@pytest.mark.parametrize("other", [b"", b"Content", b"content "])
def test_a_file_that_holds_something_else_is_refused(tmp_path: Path, other: bytes) -> None:
    stored = store_object(tmp_path, SHA256, write_content)
    stored.file.write_bytes(other)
    with pytest.raises(UntrustedLoopError, match=r"loop lies in .* holds something else") as caught:
        read_object(stored, "loop")
    assert SHA256 in str(caught.value)
    assert hashlib.sha256(other).hexdigest() in str(caught.value)
