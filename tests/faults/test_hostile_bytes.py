"""Whatever bytes are given to what reads stored data: a value, or an error of our own."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rushtyped import CorruptDataError, InvalidTaskError
from rushtyped.codec import decode_condition, encode_condition, pack_value, task_codec, unpack_value
from rushtyped.frames import build_readable
from rushtyped.loops import new_secret, unpack_loop
from rushtyped.loops.sign import signature_of
from rushtyped.models import AnyExtra, Condition
from rushtyped.schema import Models, compare_schemas, schema_json
from rushtyped.selection import ALL_FIELDS
from rushtyped.stored_schema import stored_models
from tests import models
from tests.faults.hostile import (
    TEXTS,
    check_text,
    mutations,
    nested,
    nested_extensions,
    payloads,
    withstands,
)
from tests.wire_dump import FIRST, Params, Scores, Start

ROOT = Path(__file__).parents[2]
MODELS = Models(Params, Scores, Start, AnyExtra)
CODEC = task_codec(MODELS)
XS, YS = CODEC.xs.encode(FIRST), CODEC.ys.encode(Scores(y=1.0))
FREE = {"a": 1, "b": [1.5, 2], "c": {"d": {1, 2}}, "e": (None, "x")}
EXTRA = CODEC.ys_extra.encode(AnyExtra(**FREE))
CONDITION = encode_condition(Condition(type="ValueError", message="bad"))
SECRET = new_secret()
SCHEMAS = schema_json(MODELS)

READERS: dict[str, tuple[Callable[[bytes], object], bytes]] = {
    "xs": (CODEC.xs.decode, XS),
    "ys": (CODEC.ys.decode, YS),
    "free values": (CODEC.ys_extra.decode, EXTRA),
    "values on the wire": (CODEC.ys_extra.decode_values, EXTRA),
    "condition": (decode_condition, CONDITION),
    "plain value": (unpack_value, pack_value(FREE)),
    "schemas": (stored_models, SCHEMAS),
    "schemas compared": (lambda data: compare_schemas(data, MODELS), SCHEMAS),
}
GOOD: dict[str, bytes | None] = {
    "key": b"0" * 24,
    "state": b"finished",
    "worker_id": b"w",
    "attempt": b"1",
    "xs": XS,
    "ys": YS,
    "xs_extra": None,
    "ys_extra": EXTRA,
    "condition": CONDITION,
    "created_at": b"1700000000000000",
    "started_at": None,
    "finished_at": b"1700000000000001",
}


def frame_of(field: str, damaged: bytes, n: int = 3) -> None:
    """Read a page with one damaged task; what is read of the others must be all of them."""
    columns = {name: [value] * n for name, value in GOOD.items()}
    columns["key"] = [b"good"] * n
    columns[field][1] = damaged
    read = build_readable(CODEC.schema, columns, ALL_FIELDS, with_state=True)
    assert read.frame["key"].to_list().count("good") >= n - 1
    assert set(read.reasons) <= {1}
    assert read.frame.height + len(read.reasons) == n
    check_text("".join(read.reasons.values()))
    read.frame.rows()  # each value is one that Python has


def read_all(data: bytes, field: str) -> None:
    frame_of(field, data)
    frame_of(field, data, n=20)


@pytest.mark.parametrize("reader", READERS)
def test_hostile_payloads_give_a_value_or_one_error(reader: str, tmp_path: Path) -> None:
    read, _ = READERS[reader]
    for data in payloads(tmp_path / "canary"):
        withstands(partial(read, data))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("reader", READERS)
def test_damaged_data_give_a_value_or_one_error(reader: str) -> None:
    read, valid = READERS[reader]
    for data in mutations(valid, 200, seed=1):
        withstands(partial(read, data))


@given(st.binary(max_size=200))
def test_arbitrary_bytes_give_a_value_or_one_error(data: bytes) -> None:
    for read, _ in READERS.values():
        withstands(partial(read, data))


@pytest.mark.slow
@settings(max_examples=5000)
@given(st.binary(max_size=2000))
def test_many_arbitrary_bytes_give_a_value_or_one_error(data: bytes) -> None:
    for read, _ in READERS.values():
        withstands(partial(read, data))


@pytest.mark.parametrize("field", ["xs", "ys_extra", "condition"])
def test_a_hostile_task_does_not_hide_the_others(field: str, tmp_path: Path) -> None:
    for data in payloads(tmp_path / "canary"):
        frame_of(field, data)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", msgpack.unpackb(XS))
def test_a_hostile_value_of_a_declared_field_does_not_hide_the_others(
    name: str, tmp_path: Path
) -> None:
    fields = msgpack.unpackb(XS)
    whole = msgpack.packb({other: value for other, value in fields.items() if other != name})
    head = b"\xde" + len(fields).to_bytes(2, "big") + whole[3:] + msgpack.packb(name)
    for data in payloads(tmp_path / "canary")[:70:2]:
        frame_of("xs", head + data)
        withstands(partial(CODEC.xs.decode, head + data))


@pytest.mark.parametrize("field", [name for name, value in GOOD.items() if value is not None])
def test_a_damaged_task_does_not_hide_the_others(field: str) -> None:
    valid = GOOD[field] or b""
    for data in (*mutations(valid, 40, seed=2), *TEXTS):
        frame_of(field, data)
    frame_of(field, b"\xff", n=20)


@pytest.mark.slow
@pytest.mark.parametrize("field", [name for name, value in GOOD.items() if value is not None])
def test_many_damaged_tasks_do_not_hide_the_others(field: str) -> None:
    for data in mutations(GOOD[field] or b"", 400, seed=3):
        read_all(data, field)


def test_all_tasks_of_a_page_may_be_damaged_in_all_fields() -> None:
    n = 2100
    codec = task_codec(Models(models.Params, models.Scores, AnyExtra, AnyExtra))
    good = {**GOOD, "xs": codec.xs.encode(models.points(1)[0])}
    fields = [name for name, value in good.items() if value is not None and name != "key"]
    columns: dict[str, list[bytes | None]] = {name: [value] * n for name, value in good.items()}
    for row in range(0, n, 5):
        columns[fields[row // 5 % len(fields)]][row] = b"\xff\xff"
    read = build_readable(codec.schema, columns, ALL_FIELDS, with_state=True)
    assert set(read.reasons) == set(range(0, n, 5))
    assert read.frame.height == n * 4 // 5


def test_what_is_pushed_may_be_nested_as_deeply_as_it_is_read() -> None:
    for make in (lambda value: [value], lambda value: {"a": value}, lambda value: (value,)):
        value: object = 1
        for _ in range(64):
            value = make(value)
        assert unpack_value(pack_value(value)) == value
        extra = CODEC.ys_extra.encode(AnyExtra(a=value))
        assert CODEC.ys_extra.decode(extra) == AnyExtra(a=value)
        frame_of("ys_extra", extra)
        with pytest.raises(InvalidTaskError, match="nested deeper than 64 levels"):
            pack_value(make(value))
        with pytest.raises(InvalidTaskError, match="nested deeper than 64 levels"):
            CODEC.ys_extra.encode(AnyExtra(a=make(value)))


@pytest.mark.parametrize(
    "value", [2**63, -(2**63) - 1, {1: 2}, {b"a": 1}, object(), float, {(): 1}]
)
def test_free_values_beyond_what_is_stored_are_refused(value: object) -> None:
    for given_value in (value, [value], {"a": value}, (value,)):
        with pytest.raises(InvalidTaskError):
            CODEC.ys_extra.encode(AnyExtra(a=given_value))


def test_a_value_that_contains_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InvalidTaskError, match="nested deeper than 64 levels"):
        CODEC.ys_extra.encode(AnyExtra(a=endless))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (nested(10_000), "nested deeper than 64 levels"),
        (nested_extensions(10_000), "nested deeper than 64 levels"),
        (b"\xdd\xff\xff\xff\xff", "4294967295 exceeds max_array_len"),
        (b"\xdf\xff\xff\xff\xff", "4294967295 exceeds max_map_len"),
        (b"\xdb\xff\xff\xff\xff", "incomplete"),
        (b"\xd4\x7f\x00", "unknown extension type 127"),
        (b"\xd4\x01\x00", "requires a buffer of 8 bytes"),
        (b"\x01\x02", "more follows after its end"),
        (b"\xcf" + b"\xff" * 8, "an int should fit in 64 bits"),
        (b"\x81\xc4\x01\xff\x02", "the keys of a dict should be str"),
        (b"\x81\x01\x02", "int is not allowed for map key"),
        (b"\xa1\xff", "text is not UTF-8"),
        (b"\xc1", "it is not msgpack"),
    ],
)
def test_the_reason_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(CorruptDataError, match=reason):
        unpack_value(data)


def test_the_last_of_names_that_are_given_twice_counts() -> None:
    assert unpack_value(b"\x82\xa1a\x01\xa1a\x02") == {"a": 2}


LIMITED = """
import resource, sys
from rushtyped import CorruptDataError
from rushtyped.codec import unpack_value, task_codec
from rushtyped.models import AnyExtra, Xs, Ys
from rushtyped.schema import Models
from tests.faults.hostile import payloads
from pathlib import Path

class Params(Xs):
    x: list[float]

class Scores(Ys):
    y: float

codec = task_codec(Models(Params, Scores, AnyExtra, AnyExtra))
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 64_000_000,) * 2)
for data in payloads(Path(sys.argv[1])):
    for read in (unpack_value, codec.xs.decode, codec.xs_extra.decode):
        try:
            read(data)
        except CorruptDataError:
            pass
print("survived")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and limits of Linux")
def test_hostile_payloads_take_little_memory(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "canary")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("survived\n", "", 0)
    assert list(tmp_path.iterdir()) == []


def test_signed_envelopes_that_are_none_are_refused_and_not_run(tmp_path: Path) -> None:
    for packed in payloads(tmp_path / "canary"):
        signed = signature_of(SECRET, packed) + packed
        assert not withstands(partial(unpack_loop, signed, SECRET, digest=_digest(signed)))
    assert list(tmp_path.iterdir()) == []


def test_unsigned_envelopes_are_refused_and_not_run(tmp_path: Path) -> None:
    for packed in (*payloads(tmp_path / "canary"), b"", bytes(31), bytes(32), bytes(33)):
        assert not withstands(partial(unpack_loop, packed, SECRET, digest=_digest(packed)))
    assert list(tmp_path.iterdir()) == []


def _digest(signed: bytes) -> str:
    return hashlib.sha256(signed).hexdigest()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
COLUMNS = st.sampled_from(
    ["Int64", "Float64?", "List(String?)", "Struct{a: Int64}", "Enum('a')", "Decimal(99, 99)"]
) | st.text(max_size=20)
NAMES = st.sampled_from(
    ["x", "model_config", "__class__", "_x", "key", "", "a b", "\x1b", "schema"]
)


@given(NAMES, COLUMNS, JSON)
def test_hostile_schemas_give_models_or_one_error(name: str, column: str, node: object) -> None:
    document = json.loads(SCHEMAS)
    document["xs"]["properties"][name] = {"column": column, "items": node, "properties": node}
    document["xs"]["order"].append(name)
    data = json.dumps(document).encode()
    withstands(partial(stored_models, data))
    withstands(partial(compare_schemas, data, MODELS))


def test_deeply_nested_schemas_are_refused() -> None:
    for text in ("[" * 100_000, '{"xs":' * 100_000, '{"xs":' + "[" * 5000 + "]" * 5000 + "}"):
        assert not withstands(partial(stored_models, text.encode()))
    document = json.loads(SCHEMAS)
    document["xs"]["properties"]["count"] = "HERE"
    for depth in (100, 300, 480, 900):
        node = '{"column":"Int64","anyOf":[' * depth + "{}" + "]}" * depth
        data = json.dumps(document).replace('"HERE"', node).encode()
        withstands(partial(stored_models, data))
        withstands(partial(compare_schemas, data, MODELS))
