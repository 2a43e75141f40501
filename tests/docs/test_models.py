"""The page about models: its tables say what is so."""

from __future__ import annotations

import collections
import collections.abc
import datetime as dt
import decimal
import enum
import ipaddress
import pathlib
import re
import typing
import uuid
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl
import pydantic
import pytest

from rushtyped.dtypes import column_type
from rushtyped.errors import UnsupportedFieldError
from rushtyped.frames import column_dtype

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"


class Point(pydantic.BaseModel):
    x: float
    y: float


class Rbf(pydantic.BaseModel):
    kernel: Literal["rbf"]
    gamma: float


class Poly(pydantic.BaseModel):
    kernel: Literal["poly"]
    degree: int


MODULES: list[Any] = [collections, collections.abc, dt, decimal, enum, ipaddress, pathlib]
NAMES = {
    name: value for module in (*MODULES, typing, uuid, npt) for name, value in vars(module).items()
}
NAMES |= {name: getattr(pydantic, name) for name in pydantic.__all__ if name[0].isupper()}
NAMES |= {"numpy": np, "Colour": Colour, "Point": Point, "Rbf": Rbf, "Poly": Poly}


def rows(heading: str) -> list[tuple[list[str], str]]:
    """List the rows of the table below a heading: the code on the left, and the right side."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0].replace("\\|", "\0")
    found = re.findall(r"^\| (.+?) \| (.+?) \|$", section, re.MULTILINE)[1:]
    return [
        ([code.replace("\0", "|") for code in re.findall(r"`(.+?)`", left)], right)
        for left, right in found
    ]


@pytest.mark.parametrize(("annotations", "column"), rows("Types of fields"))
def test_the_types_of_fields_have_the_columns_of_the_table(
    annotations: list[str], column: str
) -> None:
    dtype = eval(column.strip("`"), vars(pl))
    for annotation in annotations:
        if annotation != "Enum":  # said of Colour
            assert column_dtype(column_type(eval(annotation, NAMES))) == dtype


@pytest.mark.parametrize(
    "annotation",
    [
        annotation
        for annotations, _ in rows("What is refused")
        for annotation in annotations
        if annotation not in ("TypedDict", "NamedTuple", "None", "T | None")
    ],
)
def test_what_is_said_to_be_refused_is_refused(annotation: str) -> None:
    with pytest.raises(UnsupportedFieldError):
        column_type(eval(annotation, NAMES))


def test_every_table_is_read() -> None:
    assert len(rows("Types of fields")) == 21
    assert len(rows("What is refused")) == 12
