"""Models of every kind that works, each with instances of it and what a frame shows of them."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from functools import cached_property
from typing import Annotated, Any, ClassVar, Final, Generic, Literal, NewType

from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasPath,
    Base64Str,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    Json,
    PastDate,
    PlainSerializer,
    PositiveInt,
    PrivateAttr,
    RootModel,
    StringConstraints,
    WrapValidator,
    alias_generators,
    computed_field,
    conlist,
    constr,
    create_model,
    field_serializer,
    field_validator,
    model_serializer,
    model_validator,
)
from typing_extensions import TypeAliasType, TypeVar, deprecated

from rushtyped import Xs

T = TypeVar("T")
D = TypeVar("D", default=float)
Row = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind of model: what is declared, instances, and their fields in a frame."""

    model: type[Xs]
    instances: list[Any]
    rows: list[Row]


KINDS: dict[str, Kind] = {}


def works(name: str, model: Any, *pairs: tuple[Any, Row]) -> None:
    """Enter a kind of model that works, with instances and the rows that they make."""
    KINDS[name] = Kind(model, [one for one, _ in pairs], [row for _, row in pairs])


class GenericXs(Xs, Generic[T]):
    x: T
    several: list[T] = []  # noqa: RUF012 - pydantic copies it


class Pair(BaseModel, Generic[T]):
    left: T
    right: T


class DefaultXs(Xs, Generic[D]):
    x: D


works(
    "generic",
    GenericXs[float],
    (GenericXs[float](x=1.0, several=[2.0]), {"x": 1.0, "several": [2.0]}),
    (GenericXs(x=1.5), {"x": 1.5, "several": []}),
)
works(
    "generic of a generic",
    GenericXs[Pair[int] | None],
    (
        GenericXs[Pair[int] | None](x=Pair[int](left=1, right=2)),
        {"x": {"left": 1, "right": 2}, "several": []},
    ),
    (GenericXs[Pair[int] | None](x=None), {"x": None, "several": []}),
)
works("generic with a default", DefaultXs, (DefaultXs(x=1.5), {"x": 1.5}))


class Base(Xs):
    x: float
    shared: int | None = None


class Other(Xs):
    y: str = "y"


class Narrowed(Base):
    x: int
    z: bool = True


class Both(Base, Other):
    pass


works(
    "subclass that narrows a field", Narrowed, (Narrowed(x=2), {"x": 2, "shared": None, "z": True})
)
works("two bases", Both, (Both(x=2.0), {"x": 2.0, "shared": None, "y": "y"}))


class Renamed(Base):
    """Adds no field: its instances are taken for those of Base."""

    @cached_property
    def double(self) -> float:
        return 2 * self.x


CACHED = Renamed(x=1.0)
assert CACHED.double == 2.0
works("cached property", Renamed, (CACHED, {"x": 1.0, "shared": None}))


class Holder(Xs):
    part: Base


works(
    "nested model of the network's own kind",
    Holder,
    (Holder(part=Base(x=1.0)), {"part": {"x": 1.0, "shared": None}}),
)


class Validated(Xs):
    x: Annotated[float, Field(gt=0), AfterValidator(math.log)]
    name: Annotated[str, Field(max_length=2)]
    ratio: Annotated[float, WrapValidator(lambda value, check: check(value) / 2), Field(le=1)]
    text: Annotated[int, BeforeValidator(int), Field(ge=0)]
    items: list[Annotated[int, Field(ge=0)]]
    upper: Annotated[str, StringConstraints(pattern="^[a-z]+$", to_upper=True)]

    @field_validator("name", mode="after")
    @classmethod
    def shout(cls, name: str) -> str:
        return name + "!"

    @field_validator("items", mode="wrap")
    @classmethod
    def negate(cls, items: Any, check: Any) -> list[int]:
        return [-item for item in check(items)]

    @model_validator(mode="before")
    @classmethod
    def complete(cls, given: Any) -> Any:
        return {"ratio": 2.0, **given}


works(
    "validators that change values beyond their constraints",
    Validated,
    (
        Validated.model_validate(
            {"x": 0.5, "name": "ab", "text": "7", "items": [1, 2], "upper": "abc"}
        ),
        {
            "x": math.log(0.5),
            "name": "ab!",
            "ratio": 1.0,
            "text": 7,
            "items": [-1, -2],
            "upper": "ABC",
        },
    ),
)


class Checked(Xs):
    low: float
    high: float

    @model_validator(mode="after")
    def ordered(self) -> Checked:
        if self.low > self.high:
            raise ValueError("low should be at most high")
        return self

    @model_validator(mode="wrap")
    @classmethod
    def swapped(cls, given: Any, check: Any) -> Any:
        low, high = given["low"], given["high"]
        return check({"low": min(low, high), "high": max(low, high)})


works("model validators", Checked, (Checked(low=2.0, high=1.0), {"low": 1.0, "high": 2.0}))


class Private(Xs):
    x: float
    _seen: list[float] = PrivateAttr(default_factory=list)
    _twice: float = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:  # noqa: ARG002 - pydantic's signature
        self._twice = 2 * self.x  # type: ignore[misc]  # frozen are the fields only


works("private attributes", Private, (Private(x=1.0), {"x": 1.0}))


class Aliased(Xs):
    model_config = ConfigDict(alias_generator=alias_generators.to_camel, validate_by_name=True)

    learning_rate: float
    n_trees: int = Field(alias="trees", default=3)
    depth: int = Field(validation_alias=AliasChoices("deep", AliasPath("limits", 0)), default=1)
    shown: int = Field(serialization_alias="displayed", default=2)


works(
    "aliases",
    Aliased,
    (
        Aliased.model_validate({"learningRate": 0.5, "trees": 4, "limits": [7]}),
        {"learning_rate": 0.5, "n_trees": 4, "depth": 7, "shown": 2},
    ),
    (
        Aliased.model_validate({"learning_rate": 0.5, "deep": 2}),
        {"learning_rate": 0.5, "n_trees": 3, "depth": 2, "shown": 2},
    ),
)


class Computed(Xs):
    x: float

    @computed_field  # type: ignore[prop-decorator]  # as pydantic documents it
    @property
    def half(self) -> float:
        return self.x / 2


works("computed field", Computed, (Computed(x=3.0), {"x": 3.0}))


class Defaults(Xs):
    x: float = 1.0
    names: list[str] = ["a"]  # noqa: RUF012 - pydantic copies it
    made: dict[str, int] = Field(default_factory=lambda: {"a": 1})
    derived: float = Field(default_factory=lambda given: 2 * given["x"])
    checked: int = Field(default="3", validate_default=True)


works(
    "defaults",
    Defaults,
    (
        Defaults(),
        {
            "x": 1.0,
            "names": ["a"],
            "made": [{"key": "a", "value": 1}],
            "derived": 2.0,
            "checked": 3,
        },
    ),
)


class Serialised(Xs):
    hidden: int = Field(exclude=True)
    rounded: Annotated[float, PlainSerializer(round)]
    name: str

    @field_serializer("name")
    def shown_name(self, name: str) -> str:
        return name.upper()

    @model_serializer
    def shown(self) -> str:
        return "nothing"


works(
    "serializers and excluded fields",
    Serialised,
    (Serialised(hidden=1, rounded=1.5, name="a"), {"hidden": 1, "rounded": 1.5, "name": "a"}),
)


class Names(RootModel[list[str]]):
    pass


class Rooted(Xs):
    names: Names


works("root model as a field", Rooted, (Rooted(names=Names(["a"])), {"names": {"root": ["a"]}}))


class Mutable(Xs):
    model_config = ConfigDict(frozen=False, validate_assignment=True)
    x: float


MUTABLE: Any = Mutable(x=1.0)
MUTABLE.x = 2.0
works("frozen=False", Mutable, (MUTABLE, {"x": 2.0}))


class Lenient(Xs):
    model_config = ConfigDict(
        extra="ignore",
        strict=True,
        str_to_upper=True,
        str_strip_whitespace=True,
        str_max_length=2,
        coerce_numbers_to_str=True,
        allow_inf_nan=False,
        protected_namespaces=(),
        use_attribute_docstrings=True,
        revalidate_instances="always",
        defer_build=True,
    )
    name: Annotated[str, Field(pattern="^[a-zß]+$")]
    model_size: float


works(
    "config",
    Lenient,
    (
        Lenient.model_validate({"name": " aß ", "model_size": 1.0, "more": 1}),
        {"name": "ASS", "model_size": 1.0},
    ),
)

Meters = NewType("Meters", float)
Grid = TypeAliasType("Grid", list[list[Meters]])
Same = TypeAliasType("Same", dict[str, T], type_params=(T,))
Fixed = TypeAliasType("Fixed", int, type_params=(T,))


class Shapes(Xs):
    grid: Grid
    same: Same[float]
    fixed: Fixed[str]
    union: Same[int | None] | None


works(
    "type aliases and new types",
    Shapes,
    (
        Shapes(grid=[[Meters(1.0)]], same={"a": 1.0}, fixed=1, union={"b": None}),
        {
            "grid": [[1.0]],
            "same": [{"key": "a", "value": 1.0}],
            "fixed": 1,
            "union": [{"key": "b", "value": None}],
        },
    ),
)


class Constants(Xs):
    kinds: ClassVar[list[str]] = ["a"]
    x: Final[float]
    y: Later


class Later(BaseModel):
    z: int


works(
    "class variables, final fields, forward references",
    Constants,
    (Constants(x=1.0, y=Later(z=1)), {"x": 1.0, "y": {"z": 1}}),
)


def local_model() -> Any:
    class Local(Xs):
        x: float

    return Local


LOCAL = local_model()
works("model of a function", LOCAL, (LOCAL(x=1.0), {"x": 1.0}))

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pydantic warns of names that shadow its methods

    class Shadowing(Xs):
        copy: int  # type: ignore[assignment]  # it shadows a method
        json: str  # type: ignore[assignment]
        dict: float  # type: ignore[assignment]
        schema: list[int]  # type: ignore[assignment]
        model_dump_ratio: float


works(
    "fields named like methods",
    Shadowing,
    (
        Shadowing(copy=1, json="a", dict=1.0, schema=[1], model_dump_ratio=0.5),
        {"copy": 1, "json": "a", "dict": 1.0, "schema": [1], "model_dump_ratio": 0.5},
    ),
)
LONG = "x" * 10_000
MAKE: Any = create_model
ODD = MAKE(
    "Odd",
    __base__=Xs,
    **dict.fromkeys(("größe", "速度", "a b", "", "1", "class", "🦀", LONG), (float, ...)),
)
ODD_ROW = {name: float(index) for index, name in enumerate(ODD.model_fields)}
works("any names", ODD, (ODD(**ODD_ROW), ODD_ROW))


class Deprecated(Xs):
    old: int = Field(default=1, deprecated="use new")
    new: Annotated[int, deprecated("soon")] = 2


works("deprecated fields", Deprecated, (Deprecated(), {"old": 1, "new": 2}))


class Level(Enum):
    LOW = "low"
    HIGH = "high"
    LEAST = "low"  # noqa: PIE796 - an alias of LOW


class Odds(Xs):
    parsed: Json[list[int]]
    encoded: Base64Str
    level: Level
    counted: PositiveInt
    finite: FiniteFloat
    few: conlist(int, max_length=2)  # type: ignore[valid-type]  # as pydantic documents it
    code: constr(to_lower=True, max_length=2)  # type: ignore[valid-type]
    day: PastDate
    waited: Annotated[timedelta, Field(ge=timedelta(0))]


works(
    "types of pydantic",
    Odds,
    (
        Odds.model_validate(
            {
                "parsed": "[1, 2]",
                "encoded": "YWI=",
                "level": Level.LEAST,
                "counted": 1,
                "finite": 1.0,
                "few": [1],
                "code": "AB",
                "day": date(2020, 1, 1),
                "waited": timedelta(1),
            }
        ),
        {
            "parsed": [1, 2],
            "encoded": "ab",
            "level": "low",
            "counted": 1,
            "finite": 1.0,
            "few": [1],
            "code": "ab",
            "day": date(2020, 1, 1),
            "waited": timedelta(1),
        },
    ),
)


class Linear(BaseModel):
    kernel: Literal["linear", "lin"] = Field(default="linear", alias="type")
    bias: bool = False
    weight: float | None = None
    terms: dict[str, int] = {}


class Periodic(BaseModel):
    model_config = ConfigDict(validate_by_name=True)

    kernel: Literal["periodic"] = Field(default="periodic", alias="type")
    weight: float
    period: Annotated[float, Field(gt=0), AfterValidator(math.log)]


Kernel = Annotated[Linear | Periodic, Field(discriminator="kernel")]
NamedKernel = TypeAliasType("NamedKernel", Kernel)
Choice = TypeAliasType(
    "Choice", Annotated[Linear | T, Field(discriminator="kernel")], type_params=(T,)
)


class Sum(BaseModel):
    kernel: Literal["sum"] = Field(default="sum", alias="type")
    parts: list[Kernel]


class Conditional(Xs):
    plain: Linear | Periodic = Field(discriminator="kernel")
    optional: Linear | Periodic | None = Field(default=None, discriminator="kernel")
    several: list[NamedKernel] = []  # noqa: RUF012
    table: dict[str, Annotated[NamedKernel | Sum, Field(discriminator="kernel")]] = {}  # noqa: RUF012
    pair: tuple[Kernel, Annotated[Kernel, "a note"]] | None = None
    chosen: Choice[Periodic] | None = None


def linear(**changes: Any) -> Row:
    row = {"kernel": "linear", "bias": False, "weight": None, "terms": [], "period": None}
    return {**row, **changes}


PERIODIC = Periodic(weight=1.0, period=0.5)
PERIODIC_ROW = linear(kernel="periodic", bias=None, weight=1.0, terms=None, period=math.log(0.5))
works(
    "unions",
    Conditional,
    (
        Conditional(plain=PERIODIC),
        {
            "plain": PERIODIC_ROW,
            "optional": None,
            "several": [],
            "table": [],
            "pair": None,
            "chosen": None,
        },
    ),
    (
        Conditional(
            plain=Linear(),
            optional=Linear(weight=2.0, terms={"a": 1}),
            several=[PERIODIC, Linear()],
            table={"a": Sum(parts=[PERIODIC]), "b": Linear()},
            pair=(Linear(), PERIODIC),
            chosen=PERIODIC,
        ),
        {
            "plain": linear(),
            "optional": linear(weight=2.0, terms=[{"key": "a", "value": 1}]),
            "several": [PERIODIC_ROW, linear()],
            "table": [
                {
                    "key": "a",
                    "value": {
                        **dict.fromkeys(PERIODIC_ROW),
                        "kernel": "sum",
                        "parts": [PERIODIC_ROW],
                    },
                },
                {"key": "b", "value": {**linear(), "parts": None}},
            ],
            "pair": [linear(), PERIODIC_ROW],
            "chosen": PERIODIC_ROW,
        },
    ),
)


class First(BaseModel):
    kind: Literal["first"] = "first"


class Second(First):
    kind: Literal["second"] = "second"  # type: ignore[assignment]  # another member of the union


class OfRelatives(Xs):
    x: Annotated[First | Second, Field(discriminator="kind")]


works(
    "union of a model and its subclass",
    OfRelatives,
    (OfRelatives(x=Second()), {"x": {"kind": "second"}}),
    (OfRelatives(x=First()), {"x": {"kind": "first"}}),
)
