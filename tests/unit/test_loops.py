"""Loops are packed whole or by name, signed, and refused where the signature is wrong."""

from __future__ import annotations

import hashlib
import hmac
import importlib
import os
import pickle
import random
import sys
import threading
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import uniform
from typing import Any, ClassVar, Literal

import cloudpickle
import msgpack
import pytest

from rushtyped import (
    AnyExtra,
    CorruptDataError,
    InvalidArgumentError,
    InvalidTypeError,
    LoopLoadError,
    RushTypedError,
    Tasks,
    TooLargeError,
    UntrustedLoopError,
    Worker,
    Xs,
    Ys,
)
from rushtyped.loops import (
    Loop,
    PackedLoop,
    check_loop,
    name_of,
    new_secret,
    pack_loop,
    unpack_loop,
)
from rushtyped.schema import Models
from rushtyped.wire import LoopEnvelope
from tests.models import Params, Scores, search

MODELS = Models(Params, Scores, AnyExtra, AnyExtra)
PYTHON = f"cpython {sys.version_info.major}.{sys.version_info.minor}"


class OtherParams(Xs):
    z: float


class OtherScores(Ys):
    w: float


def unpack(signed: bytes, secret: bytes) -> tuple[Models, Loop]:
    """Unpack what is there, as if the worker had been told to run just that."""
    return unpack_loop(signed, secret, digest=hashlib.sha256(signed).hexdigest())


def test_a_loop_that_can_be_imported_travels_by_name() -> None:
    packed = pack_loop(search, MODELS, b"secret")
    assert len(packed.signed) < 300
    assert unpack(packed.signed, b"secret") == (MODELS, search)


def test_a_closure_travels_whole() -> None:
    offset = 41
    packed = pack_loop(lambda _: offset + 1, MODELS, b"secret")
    models, loop = unpack(packed.signed, b"secret")
    assert (models, loop(None)) == (MODELS, 42)


class Mark:
    """Makes a directory when it is unpickled."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.directory),)


def marked(worker: Worker[Params, Scores], mark: object, data: bytes = b"") -> None: ...


def sign(envelope: bytes, secret: bytes = b"secret") -> bytes:
    """Sign as pack_loop does, but anything."""
    return hmac.digest(secret, envelope, "sha256") + envelope


FORGERIES: dict[str, Callable[[bytes], bytes]] = {
    "other secret": lambda signed: sign(signed[32:], b"other"),
    "empty secret": lambda signed: sign(signed[32:], b""),
    "changed payload": lambda signed: signed[:-1] + bytes([signed[-1] ^ 1]),
    "changed name": lambda signed: signed.replace(b"marked", b"harked", 1),
    "changed signature": lambda signed: bytes([signed[0] ^ 1]) + signed[1:],
    "other hash": lambda signed: hashlib.sha256(signed[32:]).digest() + signed[32:],
    "no signature": lambda signed: signed[32:],
    "truncated by one": lambda signed: signed[:-1],
    "truncated to its signature": lambda signed: signed[:32],
    "truncated in its signature": lambda signed: signed[:31],
    "lengthened": lambda signed: signed + b"\0",
    "empty": lambda _: b"",
}


@pytest.mark.parametrize("flaw", FORGERIES)
def test_a_loop_without_the_right_signature_is_refused_unread(flaw: str, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    signed = pack_loop(partial(marked, mark=Mark(mark)), MODELS, b"secret").signed
    with pytest.raises(UntrustedLoopError, match="not signed with this worker's secret"):
        unpack(FORGERIES[flaw](signed), b"secret")
    assert not mark.exists()
    unpack(signed, b"secret")
    assert mark.exists()


def test_another_signed_loop_under_the_digest_is_refused_unread(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    older = pack_loop(partial(marked, mark=Mark(mark)), MODELS, b"secret")
    ordered = pack_loop(search, MODELS, b"secret")
    with pytest.raises(UntrustedLoopError, match=f"expected the SHA-256 {ordered.digest}"):
        unpack_loop(older.signed, b"secret", digest=ordered.digest)
    assert not mark.exists()
    assert unpack_loop(ordered.signed, b"secret", digest=ordered.digest) == (MODELS, search)


def test_the_digest_is_that_of_what_is_stored() -> None:
    packed = pack_loop(search, MODELS, b"secret")
    assert packed.digest == hashlib.sha256(packed.signed).hexdigest()


def test_no_error_shows_the_secret() -> None:
    signed = pack_loop(search, MODELS, b"secret").signed
    with pytest.raises(UntrustedLoopError) as caught:
        unpack(signed, b"hunter2")
    assert "hunter2" not in f"{caught.value!r}{caught.value.__cause__!r}"
    assert b"hunter2".hex() not in str(caught.value)


def test_the_envelope_of_what_can_be_imported_is_as_described() -> None:
    envelope = msgpack.unpackb(pack_loop(search, MODELS, b"secret").signed[32:])
    assert envelope.keys() == {"version", "name", "payload"}
    assert (envelope["version"], envelope["name"]) == (1, "tests.models:search")
    assert pickle.loads(envelope["payload"]) == (tuple(MODELS), search)


def test_the_envelope_of_code_names_what_can_run_it() -> None:
    envelope = msgpack.unpackb(pack_loop(lambda _: None, MODELS, b"secret").signed[32:])
    assert envelope.keys() == {"version", "name", "python", "cloudpickle", "payload"}
    assert envelope["python"] == PYTHON
    assert envelope["cloudpickle"] == cloudpickle.__version__
    LoopEnvelope.model_validate(envelope, strict=True)


def large(n: int = 2000) -> Loop:
    return partial(marked, mark=None, data=b"x" * n)


def data_of(loop: Any) -> bytes:
    data: bytes = loop.keywords["data"]
    return data


def test_a_large_loop_goes_to_a_file_and_its_reference_to_redis(tmp_path: Path) -> None:
    packed = pack_loop(
        large(), MODELS, b"secret", max_object_size=1024, large_objects_path=tmp_path
    )
    [file] = tmp_path.iterdir()
    assert msgpack.unpackb(packed.signed[32:]) == {
        "version": 1,
        "name": "tests.unit.test_loops:marked",
        "file": str(file),
        "sha256": file.name,
    }
    assert hashlib.sha256(file.read_bytes()).hexdigest() == file.name
    models, loop = unpack_loop(packed.signed, b"secret", digest=packed.digest)
    assert (models, data_of(loop)) == (MODELS, b"x" * 2000)


def test_what_is_small_enough_makes_no_file(tmp_path: Path) -> None:
    place = tmp_path / "objects"
    packed = pack_loop(search, MODELS, b"secret", max_object_size=1024, large_objects_path=place)
    assert packed == pack_loop(search, MODELS, b"secret")
    assert not place.exists()


def test_the_limit_is_that_of_what_goes_to_redis(tmp_path: Path) -> None:
    packed = pack_loop(large(), MODELS, b"secret")
    size = len(packed.signed)
    assert pack_loop(large(), MODELS, b"secret", max_object_size=size) == packed
    with pytest.raises(TooLargeError) as caught:
        pack_loop(large(), MODELS, b"secret", max_object_size=size - 1)
    assert str(caught.value) == (
        f"worker_loop 'tests.unit.test_loops:marked' takes {size} bytes with its arguments, and at "
        f"most {size - 1} may go to Redis: set plan(large_objects_path=...) to a directory that "
        "the manager and its workers share, or have the loop load its data itself"
    )
    by_file = pack_loop(
        large(), MODELS, b"secret", max_object_size=size - 1, large_objects_path=tmp_path
    )
    assert data_of(unpack(by_file.signed, b"secret")[1]) == b"x" * 2000


@pytest.mark.parametrize("size", [1024, 2250])
def test_the_same_large_loop_takes_one_file(tmp_path: Path, size: int) -> None:
    def pack() -> PackedLoop:
        return pack_loop(
            large(), MODELS, b"secret", max_object_size=size, large_objects_path=tmp_path
        )

    first = pack()
    [file] = tmp_path.iterdir()
    inode = file.stat().st_ino
    assert pack() == first
    assert [path.stat().st_ino for path in tmp_path.iterdir()] == [inode]


def test_a_large_closure_goes_to_a_file_too(tmp_path: Path) -> None:
    data = b"x" * 2000
    packed = pack_loop(
        lambda _: data, MODELS, b"secret", max_object_size=1024, large_objects_path=tmp_path
    )
    assert unpack(packed.signed, b"secret")[1](None) == data


def test_a_large_loop_whose_file_is_missing_cannot_be_loaded(tmp_path: Path) -> None:
    packed = pack_loop(
        large(), MODELS, b"secret", max_object_size=1024, large_objects_path=tmp_path
    )
    next(tmp_path.iterdir()).unlink()
    with pytest.raises(LoopLoadError, match=r"test_loops:marked' lies in .* No such file .* share"):
        unpack(packed.signed, b"secret")


def test_a_large_loop_whose_file_was_exchanged_is_refused_unread(tmp_path: Path) -> None:
    mark, objects = tmp_path / "mark", tmp_path / "objects"
    packed = pack_loop(large(), MODELS, b"secret", max_object_size=1024, large_objects_path=objects)
    next(objects.iterdir()).write_bytes(
        pickle.dumps((tuple(MODELS), partial(marked, mark=Mark(mark))))
    )
    with pytest.raises(UntrustedLoopError, match=r"test_loops:marked' lies in .* something else"):
        unpack(packed.signed, b"secret")
    assert not mark.exists()


@pytest.mark.parametrize("size", [None, 1024])
@pytest.mark.parametrize("order", ["C", "F"])
def test_large_arrays_of_any_shape_are_packed(
    tmp_path: Path, size: int | None, order: Literal["C", "F"]
) -> None:
    numpy: Any = pytest.importorskip("numpy")
    matrix = numpy.arange(20_000.0).reshape(200, 100).copy(order)
    packed = pack_loop(
        partial(marked, mark=[matrix, matrix[::2], bytearray(100_000)]),
        MODELS,
        b"secret",
        max_object_size=size,
        large_objects_path=tmp_path,
    )
    loop: Any = unpack(packed.signed, b"secret")[1]
    whole, half, zeros = loop.keywords["mark"]
    assert (whole.tolist(), half.tolist()) == (matrix.tolist(), matrix[::2].tolist())
    assert zeros == bytearray(100_000)


@pytest.mark.parametrize("size", [0, -1, 1023])
def test_an_object_size_below_that_of_a_reference_is_refused(size: int) -> None:
    with pytest.raises(
        InvalidArgumentError, match=f"max_object_size must be .* 1024 but is {size}"
    ):
        pack_loop(search, MODELS, b"secret", max_object_size=size)


def peak_of(call: Callable[[], object]) -> int:
    """Measure how many bytes a call allocates at most at a time."""
    tracemalloc.start()
    call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_a_large_argument_is_copied_as_often_as_it_must(tmp_path: Path) -> None:
    n = 2**25
    loop = large(n)
    to_file = partial(pack_loop, max_object_size=1024, large_objects_path=tmp_path)
    by_file = to_file(loop, MODELS, b"secret").signed
    whole = pack_loop(loop, MODELS, b"secret").signed
    assert peak_of(lambda: to_file(loop, MODELS, b"secret")) < 0.1 * n
    assert peak_of(lambda: pack_loop(loop, MODELS, b"secret")) < 2.3 * n  # pickled, then signed
    assert peak_of(lambda: unpack(by_file, b"secret")) < 2.1 * n  # read, then loaded
    assert peak_of(lambda: unpack(whole, b"secret")) < 2.1 * n


def test_a_large_array_is_not_copied_on_its_way_to_a_file(tmp_path: Path) -> None:
    numpy: Any = pytest.importorskip("numpy")
    loop = partial(marked, mark=numpy.ones((2**11, 2**11)))
    to_file = partial(pack_loop, max_object_size=1024, large_objects_path=tmp_path)
    to_file(loop, MODELS, b"secret")
    assert peak_of(lambda: to_file(loop, MODELS, b"secret")) < 2**22


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_loop_beyond_what_redis_stores_goes_to_a_file(tmp_path: Path) -> None:
    loop = large(513 * 2**20)
    with pytest.raises(TooLargeError, match="at most 536870912 may go to Redis"):
        pack_loop(loop, MODELS, b"secret")
    with pytest.raises(TooLargeError, match="at most 536870912 may go to Redis"):
        pack_loop(loop, MODELS, b"secret", max_object_size=2**40)
    packed = pack_loop(loop, MODELS, b"secret", large_objects_path=tmp_path)
    assert len(packed.signed) < 1024
    assert len(data_of(unpack(packed.signed, b"secret")[1])) == 513 * 2**20


MODULE = """
from functools import partial
from rushtyped import Tasks, Worker, Xs, Ys

class Params(Xs):
    x: float

class Scores(Ys):
    y: float

def search(worker: Worker[Params, Scores]) -> None: ...
"""


class Elsewhere:
    """A module that is one here, and another or none where its loop is loaded."""

    name = "study_elsewhere"

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._file = directory / f"{self.name}.py"
        monkeypatch.syspath_prepend(directory)
        self._write(MODULE)
        module = importlib.import_module(self.name)
        models = Models(module.Params, module.Scores, AnyExtra, AnyExtra)
        self.signed = pack_loop(module.search, models, b"secret").signed

    def _write(self, source: str | None) -> None:
        if source is None:
            self._file.unlink()
        else:
            self._file.write_text(source)
        sys.modules.pop(self.name, None)
        importlib.invalidate_caches()

    def load(self, source: str | None) -> LoopLoadError:
        """Load the loop where the module is another, and give the error."""
        self._write(source)
        with pytest.raises(LoopLoadError) as caught:
            unpack(self.signed, b"secret")
        message = str(caught.value)
        assert message.startswith("worker_loop 'study_elsewhere:search' cannot be loaded here: ")
        return caught.value


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # it would hide a quick change
    return Elsewhere(tmp_path, monkeypatch)


def test_a_module_that_cannot_be_imported_is_named(elsewhere: Elsewhere) -> None:
    error = elsewhere.load(None)
    assert "ModuleNotFoundError: No module named 'study_elsewhere'. Install the" in str(error)
    assert "PYTHONPATH" in str(error)
    assert isinstance(error.__cause__, ModuleNotFoundError)


@pytest.mark.parametrize(
    ("source", "cause", "reason"),
    [
        (MODULE.replace("search", "find"), AttributeError, "attribute 'search'"),
        (MODULE.replace("class Scores", "class Points"), NameError, "'Scores'"),
        (MODULE + "Scores = 3", InvalidTypeError, "ys: expected a subclass of Ys, got 3"),
        (MODULE + "Params, Scores = Scores, Params", InvalidTypeError, "a subclass of Ys"),
        (MODULE + "search = 3", InvalidTypeError, "must be callable"),
        (MODULE.replace("]) ->", "], n: int) ->"), InvalidTypeError, "needs n"),
        (MODULE + "class Params(Xs): x: object", RushTypedError, "Params"),
        (MODULE + "import not_there", ModuleNotFoundError, "not_there"),
        (MODULE + "raise OSError('no licence')", OSError, "no licence"),
        (MODULE + "raise SystemExit('run me')", SystemExit, "run me"),
        (MODULE + "(", SyntaxError, "was never closed"),
    ],
)
def test_a_module_that_differs_is_told(
    elsewhere: Elsewhere, source: str, cause: type[BaseException], reason: str
) -> None:
    error = elsewhere.load(source)
    assert reason in str(error)
    assert isinstance(error.__cause__, cause)


def envelope_of(**changed: object) -> bytes:
    """Sign an envelope of a loop of this Python with some of it changed."""
    envelope = msgpack.unpackb(pack_loop(lambda _: None, MODELS, b"secret").signed[32:])
    return sign(msgpack.packb({**envelope, **changed}))


def test_code_of_another_python_is_not_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with pytest.raises(LoopLoadError, match=rf"by cpython 3\.10, whose code {PYTHON} cannot run"):
        unpack(envelope_of(python="cpython 3.10", payload=pickle.dumps(Mark(mark))), b"secret")
    assert not mark.exists()


def test_another_cloudpickle_is_named_where_it_matters() -> None:
    other = envelope_of(cloudpickle="2.0.0")
    assert unpack(other, b"secret")[0] == MODELS
    gone = envelope_of(cloudpickle="2.0.0", payload=b"ccloudpickle\n_make_gone\n.")
    here = cloudpickle.__version__
    with pytest.raises(LoopLoadError, match=rf"_make_gone.* by cloudpickle 2\.0\.0 .* is {here}"):
        unpack(gone, b"secret")
    same = envelope_of(payload=b"ccloudpickle\n_make_gone\n.")
    with pytest.raises(LoopLoadError, match=r"_make_gone.* must be the same here as"):
        unpack(same, b"secret")


@pytest.mark.parametrize("version", [0, 2, "1"])
def test_an_unknown_version_is_refused(version: object) -> None:
    message = f"has version {version!r}, this rushtyped reads 1: install the same rushtyped"
    with pytest.raises(LoopLoadError, match=message):
        unpack(envelope_of(version=version, new_field=True), b"secret")


@pytest.mark.parametrize(
    "envelope",
    [
        b"",
        b"\xc1",
        b"\x81\xa7version",
        *map(
            msgpack.packb,
            [
                None,
                [],
                {},
                {"version": 1},
                {"version": 1, "name": 3, "payload": b""},
                {"version": 1, "name": "m:f", "payload": "text"},
                {"version": 1, "name": "m:f"},
                {"version": 1, "name": "m:f", "file": "/objects/1"},
                {"version": 1, "name": "m:f", "file": "/objects/1", "sha256": "1"},
                {"version": 1, "name": "m:f", "payload": b"", "other": 1},
            ],
        ),
        msgpack.packb({"version": 1, "name": "m:f", "payload": b"N."}) + b"\0",
    ],
)
def test_what_is_signed_but_no_envelope_is_told(envelope: bytes) -> None:
    with pytest.raises(CorruptDataError, match="in Redis is signed, but"):
        unpack(sign(envelope), b"secret")


@pytest.mark.parametrize("payload", [b"", b"\x80", b"N.", b"(t.", pickle.dumps((MODELS,))])
def test_what_is_signed_but_no_pickle_of_a_loop_is_told(payload: bytes) -> None:
    with pytest.raises(LoopLoadError, match="cannot be loaded here"):
        unpack(envelope_of(payload=payload), b"secret")


def test_secrets_differ() -> None:
    assert len(new_secret()) == 32
    assert new_secret() != new_secret()


def test_global_random_generators_do_not_travel_with_their_state() -> None:
    from_random: Any = lambda _: uniform(0.0, 1.0)  # noqa: E731 - by value, as in a script
    signed = pack_loop(from_random, MODELS, b"secret").signed
    state = random.getstate()
    _, loop = unpack(signed, b"secret")
    random.setstate(state)
    expected = random.random()
    random.setstate(state)
    assert loop(None) == expected
    assert len(signed) < 2000


def test_numpy_generators_do_not_travel_with_their_state() -> None:
    numpy_random: Any = pytest.importorskip("numpy").random
    draw = numpy_random.random_sample
    _, loop = unpack(pack_loop(lambda _: draw(), MODELS, b"s").signed, b"s")
    numpy_random.seed(1)
    expected = numpy_random.random_sample()
    numpy_random.seed(1)
    assert loop(None) == expected


def takes_two(worker: Worker[Params, Scores], sigma: float) -> None: ...


def takes_others(worker: Worker[OtherParams, OtherScores]) -> None: ...


class OwnWorker(Worker[Params, Scores]):
    """A worker that nobody starts."""


def takes_own(worker: OwnWorker) -> None: ...


def takes_tasks(worker: Tasks[Params, Scores]) -> None: ...


@pytest.mark.parametrize(
    ("loop", "message"),
    [
        (3, "must be callable"),
        (takes_own, "takes a OwnWorker but is called with a plain Worker"),
        (takes_two, "needs sigma: bind others with functools.partial"),
        (lambda: None, "needs no argument at all"),
        (takes_others, r"takes a Worker\[OtherParams, OtherScores\] but this network has"),
        (partial(takes_others), r"takes a Worker\[OtherParams, OtherScores\]"),
    ],
)
def test_what_cannot_be_a_loop_is_refused(loop: Any, message: str) -> None:
    with pytest.raises(InvalidTypeError, match=message):
        check_loop(loop, MODELS)


@pytest.mark.parametrize(
    "loop", [search, partial(takes_two, sigma=1.0), takes_tasks, print, lambda _: 1]
)
def test_what_can_be_a_loop_is_accepted(loop: Any) -> None:
    check_loop(loop, MODELS)


class Holder:
    """Has an attribute."""

    def __init__(self, content: object) -> None:
        self.content = content

    def __call__(self, worker: Worker[Params, Scores]) -> None: ...

    def run(self, worker: Worker[Params, Scores]) -> None: ...


class Stubborn:
    """Fails in its own way to be pickled."""

    def __init__(self) -> None:
        self.lock = threading.Lock()

    def __reduce__(self) -> str:
        raise ValueError("not me")


LOCK = threading.Lock()
GLOBALS = {"LOCK": LOCK, "__name__": "__main__"}


def anything(*values: object) -> None: ...


def closure_of(content: object) -> Loop:
    return lambda _: content


def default_of(content: object) -> Loop:
    def loop(worker: Any, held: object = content, *, kept: object = None) -> None: ...

    return loop


@pytest.mark.parametrize(
    ("loop", "parts"),
    [
        (closure_of(LOCK), "closure variable 'content' (lock)"),
        (partial(marked, mark=LOCK), "bound argument 'mark' (lock)"),
        (partial(anything, None, LOCK), "bound argument 1 (lock)"),
        (partial(closure_of(LOCK), 1), "closure variable 'content' (lock)"),
        (Holder(LOCK), "attribute 'content' (lock)"),
        (Holder(LOCK).run, "attribute 'content' (lock)"),
        (eval("lambda _: [LOCK for _ in ()]", GLOBALS), "global variable 'LOCK' (lock)"),
        (default_of(LOCK), "default 0 (lock)"),
        (
            Holder([1, {"a": LOCK}]),
            "attribute 'content' (list): element 1 (dict): value of 'a' (lock)",
        ),
        (partial(marked, mark=Stubborn()), "bound argument 'mark' (Stubborn)"),
    ],
)
def test_the_part_that_cannot_be_pickled_is_named(loop: Loop, parts: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        pack_loop(loop, MODELS, b"secret")
    reason = "not me" if "Stubborn" in parts else "cannot pickle '_thread.lock' object"
    assert str(caught.value) == (
        f"worker_loop {name_of(loop)!r} cannot be sent to another process: {parts}: {reason}. "
        "Open files, connections and locks inside the loop, not outside"
    )


def test_a_model_that_cannot_be_pickled_is_named() -> None:
    class Local(Scores):
        lock: ClassVar[Any] = LOCK

    with pytest.raises(
        InvalidArgumentError,
        match=r"model Local \(FrozenModelType\): attribute 'lock' \(lock\): cannot",
    ):
        pack_loop(search, Models(Params, Local, AnyExtra, AnyExtra), b"secret")


def test_no_part_of_a_model_is_named_that_is_not_pickled() -> None:
    class Locked:
        lock = LOCK

    class Local(Locked, Scores): ...

    with pytest.raises(
        InvalidArgumentError, match=r"model Local \(FrozenModelType\): cannot pickle"
    ):
        pack_loop(search, Models(Params, Local, AnyExtra, AnyExtra), b"secret")


def test_the_search_for_the_part_at_fault_ends_in_a_circle() -> None:
    holder = Holder([LOCK])
    holder.content = [holder, LOCK]
    with pytest.raises(InvalidArgumentError, match=r"'content' \(list\): element 1 \(lock\): "):
        pack_loop(holder, MODELS, b"secret")


def test_a_partial_is_named_by_its_function() -> None:
    assert name_of(partial(takes_two, sigma=1.0)) == "tests.unit.test_loops:takes_two"
