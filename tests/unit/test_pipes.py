"""Records that go through pipes, in whatever pieces they arrive."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Iterator

import pytest

from rushtyped.pipes import Frames, frame, receive, receive_bytes, send

RECORDS: list[object] = ["first", {"n": 2}, b"", None, [1.5] * 1000]


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The two ends of a pipe."""
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        try:
            os.close(descriptor)
        except OSError:
            continue


def test_records_come_out_as_they_went_in(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    for record in RECORDS:
        send(writing, frame(record))
    assert [receive(reading) for _ in RECORDS] == RECORDS


def test_a_record_larger_than_the_pipe_goes_through(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    large = os.urandom(3_000_000)
    sender = threading.Thread(target=send, args=(writing, frame(large)))
    sender.start()
    assert receive(reading) == large
    sender.join()


def test_nothing_of_the_next_record_is_taken(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    send(writing, frame("first") + b"rest")
    assert pickle.loads(receive_bytes(reading)) == "first"
    assert os.read(reading, 100) == b"rest"


@pytest.mark.parametrize("cut", [0, 3, 8, -1])
def test_an_end_within_a_record_is_an_end(pipe: tuple[int, int], cut: int) -> None:
    reading, writing = pipe
    os.write(writing, frame("a record")[:cut])
    os.close(writing)
    with pytest.raises(EOFError, match="the other end of the pipe was closed"):
        receive(reading)


def test_sending_to_nobody_is_an_error(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    os.close(reading)
    with pytest.raises(BrokenPipeError):
        send(writing, frame("a record"))


@pytest.mark.parametrize("size", [1, 7, 8, 9, 64, 1 << 20])
def test_frames_give_each_record_once_it_is_complete(size: int) -> None:
    packed = b"".join(map(frame, RECORDS))
    frames = Frames()
    found = []
    for start in range(0, len(packed), size):
        found += frames.feed(packed[start : start + size])
    assert found == RECORDS


def test_frames_wait_for_the_last_byte() -> None:
    packed = frame("first") + frame("second")
    frames = Frames()
    assert frames.feed(packed[:-1]) == ["first"]
    assert frames.feed(b"") == []
    assert frames.feed(packed[-1:]) == ["second"]
