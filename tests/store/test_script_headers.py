"""What the head of a script says holds for its body, and for those who call it."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import NamedTuple

import pytest

from rushtyped import lua
from rushtyped.expiry_store import ExpiryStore
from rushtyped.lease_store import LeaseStore, Renewal
from rushtyped.log_store import LogStore
from rushtyped.lua import load_script, script_names
from rushtyped.verification import Verifier
from rushtyped.worker_store import Verdict, WorkerStore
from tests.store.stored import StoredNetwork

TYPES = {b"hash", b"list", b"set", b"zset", b"string", b"stream"}
INCLUDES = (
    *("announce", "append", "check_fields", "clock", "expire", "last_event", "network"),
    "verdict",
)
FEW_VALUES = {
    ("register_worker", "unpack(ARGV, 4)"),  # the fields of a record
    ("restore_worker", "unpack(ARGV, 5)"),
    ("read_hashes", "unpack(ARGV, 3, 2 + n)"),  # the fields asked for
    ("read_hashes", "unpack(fields)"),
    ("import_tasks", "unpack(ARGV, i + 3, last)"),  # the fields of a task
    ("verify_tasks", "unpack(it.problems)"),  # three for each index at most
}
CHUNKED = (
    r"unpack\(KEYS, \d+, \d+\)",
    r"unpack\(ARGV, i, i \+ \d\)",
    r"unpack\(values, first, math\.min\(first \+ 999, #values\)\)",
)
FORBIDDEN = re.compile(r"KEYS|FLUSH.*|SCAN|EVAL.*|PUBLISH|RANDOMKEY|CONFIG|SHUTDOWN")


class Header(NamedTuple):
    """The comment at the head of a script."""

    summary: str
    keys: dict[int, tuple[str, str]]
    arguments: dict[int, str]
    rest: int | None
    includes: set[str]
    kinds: list[str]


def read(name: str) -> str:
    return files(lua).joinpath(f"{name}.lua").read_text(encoding="utf-8")


def split(name: str) -> tuple[list[str], str]:
    """Split a script into the lines of its header and its body without comments and strings."""
    lines = read(name).splitlines()
    n_head = next(i for i, line in enumerate(lines) if not line.startswith("--"))
    body = "\n".join(line.split("--")[0] for line in lines[n_head:])
    return lines[:n_head], body


def header(name: str) -> Header:
    lines, _ = split(name)
    keys, arguments, kinds = {}, {}, []
    rest, includes = None, set()
    for line in lines[1:]:
        if match := re.fullmatch(r"-- KEYS\[(\d+)\] (\S+) (\w+)", line):
            keys[int(match[1])] = (match[2], match[3])
            kinds.append("KEYS")
        elif match := re.fullmatch(r"-- ARGV\[(\d+)(\.\.\.)?\] (.+)", line):
            arguments[int(match[1])] = match[3]
            assert rest is None, "nothing can follow what takes all the rest"
            rest = int(match[1]) if match[2] else None
            kinds.append("ARGV")
        elif re.fullmatch(r"-- Returns .+", line):
            kinds.append("Returns")
        elif match := re.fullmatch(r"-- include ([a-z_]+(?:, [a-z_]+)*)", line):
            includes = set(match[1].split(", "))
            kinds.append("include")
        else:
            assert re.fullmatch(r"--   \S.*", line), f"{line!r} is none of the known lines"
    includes |= set(re.findall(r"^-- include ([a-z_]+)$", read(name), re.MULTILINE))
    return Header(lines[0], keys, arguments, rest, includes, kinds)


def literals(pattern: str, text: str) -> set[int]:
    return {int(number) for number in re.findall(pattern, text)}


def used_keys(body: str) -> set[int]:
    used = literals(r"KEYS\[(\d+)\]", body)
    for first, last in re.findall(r"unpack\(KEYS, (\d+), (\d+)\)", body):
        used |= set(range(int(first), int(last) + 1))
    return used


def assigned(body: str) -> set[str]:
    """Find the names that are assigned to outside a declaration."""
    code = re.sub(r"'[^']*'", "''", body)
    found = set()
    for fragment in re.split(r"\n|;|\bthen\b|\bdo\b|\belse\b", code):
        match = re.match(r"\s*([A-Za-z_][^=~<>(){}]*?)\s*=(?!=)", fragment)
        if match and not re.match(r"(local|for)\b", match[1]):
            found |= {re.split(r"[.\[\s]", target.strip())[0] for target in match[1].split(",")}
    return found


def declared(body: str) -> set[str]:
    found: set[str] = set()
    for names in re.findall(r"\blocal ((?!function\b)[\w, ]+)", body):
        found |= {name.strip() for name in names.split(",")}
    for names in re.findall(r"\bfor ([\w, ]+?) (?:in|=)", body):
        found |= {name.strip() for name in names.split(",")}
    for names in re.findall(r"\bfunction\s*\w*\(([\w, ]*)\)", body):
        found |= {name.strip() for name in names.split(",")}
    return found


def include(name: str) -> str:
    return read(f"include/{name}")


@pytest.mark.parametrize("name", script_names())
def test_it_begins_with_one_sentence(name: str) -> None:
    assert re.fullmatch(r"-- [A-Z][^.]+\.", header(name).summary)


@pytest.mark.parametrize("name", script_names())
def test_keys_arguments_and_reply_are_described_in_this_order(name: str) -> None:
    head = header(name)
    order = ["KEYS", "ARGV", "Returns", "include"]
    assert head.kinds == sorted(head.kinds, key=order.index)
    assert head.kinds.count("Returns") == 1
    assert list(head.keys) == list(range(1, len(head.keys) + 1))
    assert list(head.arguments) == list(range(1, len(head.arguments) + 1))
    assert {kind.encode() for _, kind in head.keys.values()} <= TYPES


@pytest.mark.parametrize("name", script_names())
def test_the_keys_described_are_those_used(name: str) -> None:
    _, body = split(name)
    assert used_keys(body) == set(header(name).keys)


@pytest.mark.parametrize("name", script_names())
def test_the_arguments_described_are_those_used(name: str) -> None:
    _, body = split(name)
    head = header(name)
    single = set(head.arguments) - {head.rest}
    used = literals(r"ARGV\[(\d+)\]", body)
    assert single <= used
    assert used <= set(head.arguments)
    if head.rest is not None:
        assert re.search(rf"(= |ARGV, ){head.rest}\b", body), "the rest is read from elsewhere"


@pytest.mark.parametrize("name", script_names())
def test_keys_get_names_before_anything_else(name: str) -> None:
    lines = split(name)[1].splitlines()
    last = max((i for i, line in enumerate(lines) if "KEYS" in line), default=-1)
    binding = r"local [\w, ]+ = ((KEYS|ARGV)\[\d+\]|unpack\(KEYS, )"
    assert [line for line in lines[: last + 1] if not re.match(binding, line)] == []


@pytest.mark.parametrize("name", script_names())
def test_what_is_included_is_what_is_called(name: str) -> None:
    _, body = split(name)
    called = {each for each in INCLUDES if re.search(rf"(?<![\w.]){each}\(", body)}
    assert called == header(name).includes


def test_the_includes_are_all_known() -> None:
    folder = files(lua).joinpath("include")
    assert sorted(entry.name for entry in folder.iterdir()) == [f"{name}.lua" for name in INCLUDES]


@pytest.mark.parametrize("name", [*script_names(), *(f"include/{name}" for name in INCLUDES)])
def test_nothing_is_global(name: str) -> None:
    body = "\n".join(line.split("--")[0] for line in read(name).splitlines())
    visible = body + "".join(include(each) for each in INCLUDES)
    assert assigned(body) <= declared(visible)
    assert re.findall(r"(?<!local )\bfunction \w+", body) == []


@pytest.mark.parametrize("name", script_names())
def test_commands_are_in_upper_case_and_harmless(name: str) -> None:
    source = load_script(name).source.decode()
    commands = re.findall(r"(?:redis\.call|append)\('([^']*)'", source)
    assert commands
    assert [command for command in commands if not re.fullmatch("[A-Z]+", command)] == []
    assert [command for command in commands if FORBIDDEN.fullmatch(command)] == []
    calls = re.findall(r"redis\.(\w+)\(([^,)]*)", source)
    assert {function for function, _ in calls} == {"call"}
    assert {first for _, first in calls if not first.startswith("'")} <= {"command"}


@pytest.mark.parametrize("name", script_names())
def test_unpack_never_meets_its_limit(name: str) -> None:
    source = load_script(name).source.decode()
    found = re.findall(r"unpack\((?:[^()]|\([^()]*\))*\)", source)
    assert len(found) == len(re.findall(r"\bunpack\b(?=\()", source))
    unbounded = {call for call in found if not any(re.fullmatch(each, call) for each in CHUNKED)}
    assert {(name, call) for call in unbounded} <= FEW_VALUES


def test_scripts_and_python_agree_on_what_replies_mean() -> None:
    texts = [include("verdict"), *(split(name)[1] for name in script_names())]
    numbers: dict[str, int] = {}
    for names, values in re.findall(r"local ([A-Z, ]+) = ([\d, ]+)", "\n".join(texts)):
        pairs = zip(names.split(", "), values.split(", "), strict=True)
        for name, value in pairs:
            assert numbers.setdefault(name, int(value)) == int(value)
    assert numbers == {**Verdict.__members__, **Renewal.__members__}


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("local a = 1\na = 2", set()),
        ("b = 2", {"b"}),
        ("if x then c = 1 end", {"c"}),
        ("local a\na, d = 1, 2", {"d"}),
        ("for i = 1, 2 do e[i] = 1 end", {"e"}),
        ("if a == 1 or b <= 2 then return x == 1 end", set()),
        ("local t = {}\nt[#t + 1] = ARGV[i]", set()),
    ],
)
def test_a_global_is_found(body: str, names: set[str]) -> None:
    assert assigned(body) - declared(body) == names


def use_every_script(net: StoredNetwork) -> WorkerStore:
    """Call all that runs a script, but for what ends it; leave as many keys as can be."""
    store = net.store
    store.join("1", "e1", b"schemas")
    store.set_budget(9, 100.0)
    store.claim_columns("xs_extra", ["note"])
    store.write_hashes(["note"], [("h", b"1")], guarded=False)
    store.store_loop("abc", b"signed")
    LogStore(store).push("w1", 1, 100, [b"line"])
    worker = net.worker("w1")
    net.push("a", "b")
    net.push_finished("x")
    net.push_failed("f", "g")
    store.import_tasks([("i", "queued", "3", "xs", b"X", "attempt", b"1", "created_at", b"5")])
    net.push_running(worker, "r", "s")
    store.indexes.read_hashes(["a"], ["xs"])
    worker.pop_task(0)
    net.move_to_pending(worker)
    LeaseStore(store).renew({"w1": 15.0})
    LeaseStore(store).lost()
    LeaseStore(store).served_for("w1")
    store.stop_workers("kill", ())
    worker.check()
    store.progress()
    worker.finish_tasks("r", "Y", "")
    store.fail_tasks("w1", "t1", [("s", b"C")])
    store.retry_tasks("t2", ["f"])
    restoration = worker.restore_with(store.epoch() or b"", b"C")
    restoration.restore()
    restoration._restore_tasks(())
    ExpiryStore(store).set(1000.0)
    net.client.rpush(store.keys.queue, "x")
    net.client.sadd(store.keys.worker("w1").tasks, "x")
    assert len(Verifier(store, b"C").verify(repair=True)) == 2
    return worker


def check_keys(net: StoredNetwork) -> set[str]:
    """Hold the keys of each script sent so far against its header; return their names."""
    ids = {"<id>": "w1", "<sha256>": "abc"}
    for script, (n_keys, *rest) in net.channel.history:
        assert isinstance(n_keys, int)
        head = header(script.name)
        names = [re.sub("<.+?>", lambda mark: ids[mark[0]], name) for name, _ in head.keys.values()]
        assert rest[:n_keys] == [net.keys.prefix + name for name in names]
        for name, (_, kind) in zip(names, head.keys.values(), strict=True):
            assert net.client.type(net.keys.prefix + name) in (kind.encode(), b"none")
        if head.arguments.get(1) == "prefix of the network's keys":
            assert rest[n_keys] == net.keys.prefix
        if head.rest is None:
            assert len(rest) == n_keys + len(head.arguments)
    used = {script.name for script, _ in net.channel.history}
    net.channel.history.clear()
    return used


def test_callers_pass_the_keys_described(net: StoredNetwork) -> None:
    worker = use_every_script(net)
    used = check_keys(net)
    net.settle(worker)
    used |= check_keys(net)
    net.store.reset("e2", workers=True)
    used |= check_keys(net)
    assert sorted(used) == script_names()
