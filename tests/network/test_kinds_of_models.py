"""Every kind of model works from end to end, or is refused when the network type is made."""

from __future__ import annotations

import collections
import dataclasses
import ipaddress
import pickle
import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum, Flag, IntEnum
from functools import cached_property
from typing import Annotated, Any, Generic, Literal, NamedTuple

import cloudpickle
import msgpack
import pytest
from pydantic import (
    AfterValidator,
    BaseModel,
    ByteSize,
    ConfigDict,
    Discriminator,
    Field,
    Json,
    PastDatetime,
    Secret,
    SecretStr,
    Tag,
    create_model,
)
from typing_extensions import TypeAliasType, TypedDict, TypeVar

from rushtyped import (
    CorruptDataError,
    InvalidTaskError,
    InvalidTypeError,
    Network,
    SchemaMismatchError,
    UnsupportedFieldError,
    Worker,
    Xs,
    Ys,
)
from rushtyped.keys import NetworkKeys
from tests.annotations import equal
from tests.kinds import KINDS, Conditional, GenericXs, Kernel, Kind, Linear, Periodic, Row
from tests.models import Params

T = TypeVar("T")
N = TypeVar("N", bound=float)
NETWORK: Any = Network
WORKER: Any = Worker
MANY = 20
"""More rows than frames are made of row by row."""


class GenericScores(Ys, Generic[T]):
    y: T


def with_field(annotation: Any, default: Any = ...) -> Any:
    """Make a model with one field."""
    return create_model("Made", __base__=Xs, x=(annotation, default))


def same(one: BaseModel, other: BaseModel) -> bool:
    names = type(other).model_fields
    return one == other and all(equal(one.__dict__[name], other.__dict__[name]) for name in names)


class Result(Ys):
    score: float


RESULT = Result(score=0.0)


def rows_of(frame: Any) -> list[Row]:
    rows: list[Row] = frame.drop("key").to_dicts()
    return rows


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_kind_of_model_comes_back(kind: Kind, redis_url: str, network_id: str) -> None:
    network = NETWORK[kind.model, Result](network_id, redis=redis_url)
    keys = network.push_finished_tasks(kind.instances, [RESULT] * len(kind.instances))
    assert rows_of(network.fetch_new_tasks(fields=["xs"])) == kind.rows
    xss = [record.xs for record in network.read_tasks(keys)]
    assert [type(xs) for xs in xss] == [kind.model] * len(keys)
    assert all(map(same, xss, kind.instances))
    network.push_tasks(xss * MANY)
    assert rows_of(network.fetch_queued_tasks(fields=["xs"])) == kind.rows * MANY
    worker = WORKER[kind.model, Result](network_id, redis=redis_url)
    assert same(worker.pop_task().xs, kind.instances[0])


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_kind_of_model_is_read_without_its_model(
    kind: Kind, redis_url: str, network_id: str
) -> None:
    network = NETWORK[kind.model, Result](network_id, redis=redis_url)
    keys = network.push_finished_tasks(kind.instances, [RESULT] * len(kind.instances))
    opened = Network.open(network_id, redis=redis_url)
    assert rows_of(opened.fetch_finished_tasks(fields=["xs"])) == kind.rows
    assert [record.key for record in opened.read_tasks(keys)] == keys


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_network_of_a_kind_of_model_can_be_pickled(kind: Kind) -> None:
    network_type = NETWORK[kind.model, Result]
    assert pickle.loads(cloudpickle.dumps(network_type)) is network_type


def test_an_instance_of_a_subclass_is_taken_for_its_base(redis_url: str, network_id: str) -> None:
    class Loud(Linear):
        @cached_property
        def loud(self) -> str:
            return self.kernel.upper()

    class More(Linear):
        more: int = 1

    class Whole(Conditional):
        @cached_property
        def n_parts(self) -> int:
            return 1 + len(self.several)

    network = Network[Conditional, Result](network_id, redis=redis_url)
    kernel = Loud.model_validate({"type": "lin"})
    assert kernel.loud == "LIN"
    plain = Conditional(plain=Linear())
    [key] = network.push_tasks([plain.model_copy(update={"plain": kernel})])
    assert network.read_tasks([key])[0].xs.plain == Linear.model_validate({"type": "lin"})
    with pytest.raises(InvalidTaskError, match="an instance of Linear or Periodic, got More"):
        network.push_tasks([plain.model_copy(update={"plain": More()})])
    whole = Whole(plain=Linear())
    assert whole.n_parts == 1
    [key] = network.push_tasks([whole])
    assert network.read_tasks([key])[0].xs == plain


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        (3, "Conditional.plain: it should be an instance of Linear or Periodic, got 3 (int)"),
        ({"type": "linear"}, "Conditional.plain: it should be an instance of Linear or Periodic"),
        (
            Linear().model_copy(update={"kernel": "periodic"}),
            "Conditional.plain.linear.kernel: Input should be 'linear' or 'lin', got 'periodic'",
        ),
        (
            Periodic(weight=1.0, period=1.0).model_copy(update={"weight": None}),
            "Conditional.plain.periodic.weight: Input should be a valid number, got None",
        ),
    ],
)
def test_what_is_no_member_of_a_union_is_refused(
    kernel: object, message: str, redis_url: str, network_id: str
) -> None:
    network = Network[Conditional, Result](network_id, redis=redis_url)
    xs = Conditional(plain=Linear()).model_copy(update={"plain": kernel})
    with pytest.raises(InvalidTaskError) as caught:
        network.push_tasks([xs])
    assert str(caught.value).startswith(message)
    assert network.n_tasks == 0


@pytest.mark.parametrize(
    "damage",
    [{"kernel": "cubic"}, {"kernel": None}, {"kernel": ["linear"]}, {}, None, 3],
    ids=["unknown tag", "no tag", "list as tag", "without its tag", "null", "number"],
)
@pytest.mark.parametrize("n", [1, MANY])
def test_a_stored_union_that_is_no_member_is_reported(
    damage: object, n: int, redis_url: str, network_id: str, warnings_seen: list[str]
) -> None:
    network = Network[Conditional, Result](network_id, redis=redis_url)
    keys = network.push_tasks([Conditional(plain=Linear())] * n)
    hash_name = f"{NetworkKeys(network_id).prefix}task:{keys[0]}"
    stored = msgpack.unpackb(network.connector.hget(hash_name, "xs"))  # type: ignore[arg-type]  # redis-py: or awaitable
    network.connector.hset(hash_name, "xs", msgpack.packb({**stored, "plain": damage}))
    with pytest.raises(CorruptDataError, match=r"Conditional\.plain"):
        network.read_tasks(keys)
    if damage is not None:  # a null is a null in a frame
        assert network.fetch_tasks()["key"].to_list() == keys[1:]
        (warning,) = warnings_seen
        assert re.search(rf"left out: task '{keys[0]}', xs: .*Conditional\.plain", warning)


def test_one_more_member_makes_another_schema(redis_url: str, network_id: str) -> None:
    class Cubic(BaseModel):
        kernel: Literal["cubic"] = Field(alias="type")

    few = with_field(Kernel)
    more = with_field(Annotated[Linear | Periodic | Cubic, Field(discriminator="kernel")])
    NETWORK[few, Result](network_id, redis=redis_url)
    with pytest.raises(SchemaMismatchError) as caught:
        NETWORK[more, Result](network_id, redis=redis_url)
    before = "Enum('linear', 'lin', 'periodic')"
    terms = "terms: List(Struct{key: String, value: Int64})?"
    fields = f"bias: Boolean?, weight: Float64?, {terms}, period: Float64?"
    assert (
        f"xs.x: stored Struct{{kernel: {before}, {fields}}}, declared "
        f"Struct{{kernel: {before[:-1]}, 'cubic'), {fields}}}"
    ) in str(caught.value)


def evaluated(network: Any, loop: Callable[[Any], object], xss: Sequence[Any]) -> list[Any]:
    """Have a worker process evaluate some xs; return the ys."""
    keys = network.push_tasks(xss)
    with network:
        network.wait_for_workers(worker_ids=network.start_local_workers(loop, n_workers=1))
        network.wait_for_tasks(keys, timeout=30)
    return [record.ys for record in network.read_tasks(keys)]


def test_processes_work_with_generic_models_made_in_functions(redis_url: str) -> None:
    class Here(Ys, Generic[T]):
        y: T

    def loop(worker: Any) -> None:
        for task in worker.queue(timeout=0.2):
            task.finish(GenericScores[int](y=int(task.xs.x)))

    def loop_here(worker: Any) -> None:
        for task in worker.queue(timeout=0.2):
            task.finish(Here[int](y=int(task.xs.x)))

    for scores, each in ((GenericScores[int], loop), (Here[int], loop_here)):
        network = NETWORK[GenericXs[float], scores](redis=redis_url)
        [ys] = evaluated(network, each, [GenericXs[float](x=2.0)])
        assert ys == scores(y=2)
        assert type(ys) is scores
        assert type(network).__name__ == f"Network[GenericXs[float], {scores.__name__}]"


@pytest.mark.parametrize("kind", [int, float, GenericXs[int], GenericXs[GenericXs[int]]])
def test_a_network_of_generic_models_can_be_pickled(kind: Any) -> None:
    network_type = NETWORK[Params, GenericScores[kind]]
    assert pickle.loads(pickle.dumps(network_type)) is network_type


def test_processes_work_with_unions(redis_url: str) -> None:
    def loop(worker: Worker[Conditional, Result]) -> None:
        for task in worker.queue(timeout=0.2):
            match task.xs.plain:
                case Periodic(period=period):
                    task.finish(Result(score=period))
                case Linear():
                    task.finish(Result(score=0.5))

    network = Network[Conditional, Result](redis=redis_url)
    xss = [Conditional(plain=Periodic(weight=1.0, period=1.0)), Conditional(plain=Linear())]
    assert evaluated(network, loop, xss) == [Result(score=0.0), Result(score=0.5)]


def test_an_old_row_gets_the_default_that_the_model_makes(redis_url: str, network_id: str) -> None:
    class Old(Xs):
        x: float

    class Checked(Old):
        doubled: Annotated[int, AfterValidator(lambda value: 2 * value)] = Field(
            default=3, validate_default=True
        )

    class Derived(Old):
        model_config = ConfigDict(validate_default=True)
        made: float = Field(default_factory=lambda given: -given["x"])
        text: int = Field(default="3", validate_default=True)

    [key] = Network[Old, Result](network_id, redis=redis_url).push_tasks([Old(x=1.0)])
    checked = Network[Checked, Result](network_id, redis=redis_url)
    assert checked.read_tasks([key])[0].xs.doubled == 6
    assert rows_of(checked.fetch_tasks(fields=["xs"])) == [{"x": 1.0, "doubled": 6}]
    derived = Network[Derived, Result](network_id, redis=redis_url)
    assert derived.read_tasks([key])[0].xs == Derived(x=1.0)
    assert rows_of(derived.fetch_tasks(fields=["xs"])) == [{"x": 1.0, "made": -1.0, "text": 3}]


def test_a_generic_instance_of_another_type_is_refused(redis_url: str, network_id: str) -> None:
    network: Any = Network[GenericXs[float], Result](network_id, redis=redis_url)
    with pytest.raises(InvalidTypeError, match=r"an instance of GenericXs\[float\], got GenericXs"):
        network.push_tasks([GenericXs[int](x=1)])
    with pytest.raises(InvalidTaskError, match=r"GenericXs\[float\]\.x: Input should be a valid"):
        network.push_tasks([GenericXs(x="a")])


@dataclasses.dataclass
class Data:
    x: int


class Typed(TypedDict):
    x: int


class Named(NamedTuple):
    x: int


class Level(IntEnum):
    LOW = 1


class Access(Flag):
    READ = 1


class Mixed(Enum):
    A = "a"
    B = 2


class Node(BaseModel):
    children: list[Node]


class Hen(BaseModel):
    egg: Egg | None


class Egg(BaseModel):
    hen: Hen | None


class Box(BaseModel, Generic[T]):
    held: T


class Bounded(BaseModel, Generic[N]):
    held: N


class Free(BaseModel):
    model_config = ConfigDict(extra="allow")
    x: int


class ByValue(BaseModel):
    model_config = ConfigDict(use_enum_values=True)
    x: int


class Kelvin(float):
    pass


class A(BaseModel):
    kind: Literal["a"]
    x: float


class B(BaseModel):
    kind: Literal["b"]
    y: int


class OtherX(BaseModel):
    kind: Literal["other"]
    x: int


class Numbered(BaseModel):
    kind: Literal[1]


class Unnamed(BaseModel):
    kind: Literal["unnamed", None]


class Deep(BaseModel):
    kind: Literal["deep"]
    z: complex


@dataclasses.dataclass
class DataMember:
    kind: Literal["data"]


class C(BaseModel):
    kind: Literal["c"]
    colour: Literal["red"]


class D(BaseModel):
    kind: Literal["c"]
    colour: Literal["blue"]


def by_kind(*members: Any) -> Any:
    union: Any = members[0]
    for member in members[1:]:
        union |= member
    return Annotated[union, Field(discriminator="kind")]


QUOTED: Any = TypeAliasType("QUOTED", "list[int]")
BY_FUNCTION = Annotated[
    Annotated[A, Tag("a")] | Annotated[B, Tag("b")],
    Discriminator(lambda given: given["kind"]),
]
BY_TWO_FIELDS = by_kind(A, Annotated[C | D, Field(discriminator="colour")])
NO_RULE = "no column type: no rule covers it"
ENDLESS = "no column type: it contains itself; a column has a fixed depth"
OPEN_TYPE = "it is a type variable; say what it stands for, as in Box[float], or give it a default"
REFUSED: Mapping[str, tuple[Any, str]] = {
    "dataclass": (Data, "Data has no column type: it is a dataclass; make it a pydantic BaseModel"),
    "TypedDict": (Typed, "Typed has no column type: it is a TypedDict; make it a pydantic Bas"),
    "NamedTuple": (Named, "Named has no column type: it is a NamedTuple; make it a pydantic Bas"),
    "IntEnum": (Level, "Level has no column type: its values are not strings; use a str Enum"),
    "Flag": (Access, "Access has no column type: its values are not strings; use a str Enum"),
    "Enum": (Mixed, "Mixed has no column type: its values are not strings; use a str Enum"),
    "Literal": (Literal["a", 1], "no column type: its values are not strings; use strings"),
    "Any": (Any, f"Any has {NO_RULE}; declare one type"),
    "Json of anything": (Json, f"Json has {NO_RULE}; say what it holds, as in Json[list[int]]"),
    "secret": (SecretStr, "SecretStr has no column type: it would be stored as plain text"),
    "generic secret": (Secret[int], "Secret[int] has no column type: it would be stored as plain"),
    "ByteSize": (ByteSize, "no column type: its values would come back as int; use int"),
    "subclass": (Kelvin, "no column type: its values would come back as float; use float"),
    "address": (ipaddress.IPv4Address, f"IPv4Address has {NO_RULE}; use str"),
    "time": (PastDatetime, f"PastDatetime has {NO_RULE}; use NaiveDatetime or AwareDatetime"),
    "deque": (collections.deque[int], f"collections.deque[int] has {NO_RULE}; use list[T]"),
    "default dict": (collections.defaultdict[str, int], f"{NO_RULE}; use dict[str, T]"),
    "function": (Callable[[], int], f"{NO_RULE}; store its name as str"),
    "None": (None, f"{NO_RULE}; leave it out"),
    "recursive model": (Node, f"Made.x.children: Node has {ENDLESS}"),
    "mutual recursion": (Hen, f"Made.x.egg.hen: Hen has {ENDLESS}"),
    "quoted alias": (QUOTED, "list[int] has no column type: it is a name in quotes; take the quo"),
    "type variable": (Box, f"Made.x.held: ~T has no column type: {OPEN_TYPE}"),
    "bounded type variable": (Bounded, "Made.x.held: ~N has no column type: it is a type variable"),
    "open model": (Free, 'Free has no column type: it has extra="allow"; declare its fields'),
    "use_enum_values": (ByValue, "ByValue has no column type: it has use_enum_values=True; use"),
    "scalars": (int | str, "no column type: a column holds one type; use one type, or T | None"),
    "model or scalar": (A | int, "no column type: a column holds one type"),
    "without discriminator": (
        A | B | None,
        (
            "nothing tells its members apart; add a discriminator, as in "
            'Annotated[A | B, Field(discriminator="kind")], and a field of that name to each '
            "member, as in kind: Literal['A']"
        ),
    ),
    "function as discriminator": (
        BY_FUNCTION,
        (
            "its discriminator is a function, and what is stored has fields only; name a field, "
            'as in Field(discriminator="kind"), and declare it as Literal["..."] in each member'
        ),
    ),
    "tag": (by_kind(Annotated[A, Tag("a")], B), "A has no column type: it has a Tag; 'kind' is it"),
    "two discriminators": (
        BY_TWO_FIELDS,
        "it has another discriminator than the union around it, 'kind'; tell all members apart by",
    ),
    "members that differ": (
        by_kind(A, B, OtherX),
        "its field 'x' is Float64 in A and Int64 in OtherX; give both one type, or other names",
    ),
    "number as tag": (
        by_kind(A, Numbered),
        "Made.x[Numbered].kind: typing.Literal[1] has no column type",
    ),
    "null as tag": (
        by_kind(A, Unnamed),
        "its tag 'kind' is Enum('unnamed')? in Unnamed; declare it as Literal",
    ),
    "field of a member": (by_kind(A, Deep), "Made.x[Deep].z: complex has no column type"),
    "dataclass as member": (
        by_kind(A, DataMember),
        "DataMember has no column type: it is no model; make each member a pydantic BaseModel",
    ),
}


@pytest.mark.parametrize(("annotation", "message"), REFUSED.values(), ids=REFUSED)
def test_a_field_that_cannot_be_stored_is_refused_with_place_reason_and_advice(
    annotation: Any, message: str
) -> None:
    for field in (annotation, list[annotation], dict[str, annotation]):
        with pytest.raises(UnsupportedFieldError) as caught:
            NETWORK[with_field(field), Result]
        assert str(caught.value).startswith("Made.x")
        assert message in str(caught.value)


class Open(Xs, Generic[T]):
    x: T


class Undefined(Xs):
    x: Missing  # type: ignore[name-defined]  # noqa: F821


class Itself(Xs):
    inner: Itself | None


class EnumValues(Xs):
    model_config = ConfigDict(use_enum_values=True)
    x: int


class Swapping(Xs):
    x: int = Field(alias="y")
    y: int = Field(alias="x")


REFUSED_MODELS: Sequence[tuple[Any, str]] = [
    (
        Open,
        (
            "Open.x: ~T has no column type: it is a type variable; say what it stands for, as in "
            "Open[float], or give it a default"
        ),
    ),
    (
        Undefined,
        (
            "Undefined: Undefined has no column type: it is not fully defined (name 'Missing' is "
            "not defined); define every name that its annotations use"
        ),
    ),
    (Itself, f"Itself.inner: Itself has {ENDLESS}"),
    (EnumValues, "EnumValues: EnumValues has no column type: it has use_enum_values=True; use a "),
    (
        Swapping,
        (
            "Swapping: Swapping has no column type: the alias of its field 'x' is the name of its "
            "field 'y'; rename the alias"
        ),
    ),
    (
        with_field(float, None),
        (
            "Made.x: float has no column type: its default None is no Float64; declare it as "
            "T | None, or give another default"
        ),
    ),
]


@pytest.mark.parametrize(("model", "message"), REFUSED_MODELS)
def test_a_model_that_cannot_be_stored_is_refused_with_reason_and_advice(
    model: Any, message: str
) -> None:
    with pytest.raises(UnsupportedFieldError) as caught:
        NETWORK[model, Result]
    assert str(caught.value).startswith(message)
