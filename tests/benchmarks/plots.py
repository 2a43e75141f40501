"""The growth of time and memory as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from itertools import cycle
from math import ceil, floor, log10
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

from tests.benchmarks.growth import IN_LOOP, Point

WIDTH = 360
HEIGHTS = {"s": 380, "bytes": 150}
"""Pixels of a panel by unit."""
NAME_HEIGHT = 16
GRID = "#e4e4e4"
COLOURS = (
    *("#707070", "#0072b2", "#c14b00", "#00805d", "#aa3377", "#8c6d00"),
    *("#5b5bd6", "#a3181f", "#00798c", "#7a4f2a", "#222222"),
)
"""Dark enough for text on white."""
TICKS = {
    "s": "datum.value > 0.5 ? format(datum.value, ',') + ' s' : datum.value > 5e-4 ? "
    "round(datum.value * 1e3) + ' ms' : round(datum.value * 1e6) + ' µs'",
    "bytes": "datum.value > 5e8 ? datum.value / 1e9 + ' GB' : datum.value > 5e5 ? "
    "datum.value / 1e6 + ' MB' : datum.value / 1e3 + ' kB'",
}
"""Expressions of Vega that name a power of ten."""
LINES = {True: [1, 0], False: [5, 4]}
"""Dashes of what a worker's loop calls, and of all else."""


class Panel(NamedTuple):
    """What is drawn in one of the four corners."""

    points: list[Point]
    colours: dict[str, str]
    """By name of a line; the same name has the same colour in the panel beside it."""
    height: int
    lowest: int
    """Power of ten at the bottom."""
    highest: int

    def place(self, figure: float) -> float:
        """Pixels between the bottom and a figure."""
        return self.height * (log10(figure) - self.lowest) / (self.highest - self.lowest)

    def figure(self, place: float) -> float:
        """Return what lies so many pixels above the bottom."""
        return float(10 ** (self.lowest + place / self.height * (self.highest - self.lowest)))


def draw(points: Sequence[Point], path: Path) -> None:
    """Write log-log lines as an SVG: time above memory, by tasks beside by workers."""
    altair: Any = import_module("altair")  # only the benchmarks' extra has it
    kinds = dict.fromkeys(point.by for point in points)
    columns = (
        altair.vconcat(*(_drawn(altair, panel) for panel in _panels(points, by)), spacing=24)
        for by in kinds
    )
    title = altair.Title(
        "How time and memory grow with the tasks of a network, and with its workers",
        subtitle="Solid lines: what a worker calls in its loop. Dashed lines: all else.",
    )
    chart = altair.hconcat(*columns, spacing=30, title=title, background="white", padding=16)
    _in_style(chart).save(str(path))


def _in_style(chart: Any) -> Any:
    quiet = {"gridColor": GRID, "domainColor": GRID, "tickColor": GRID}
    chart = chart.configure(font="Helvetica, Arial, sans-serif").configure_view(stroke=None)
    chart = chart.configure_title(
        anchor="start", fontSize=17, subtitleFontSize=13, subtitleColor="#444444", offset=16
    )
    return chart.configure_axis(
        labelFontSize=12, titleFontSize=13, titleFontWeight="normal", **quiet
    )


def _panels(points: Sequence[Point], by: str) -> list[Panel]:
    """Take what grows with tasks or workers; the axis of a unit is the same beside each other."""
    panels = []
    for unit, height in HEIGHTS.items():
        of_unit = [point for point in points if point.unit == unit]
        own = [point for point in of_unit if point.by == by]
        if own:
            powers = [log10(point.figure) for point in of_unit]
            names = dict.fromkeys(_plain(point.what) for point in of_unit)
            colours = dict(zip(names, cycle(COLOURS), strict=False))
            panels.append(Panel(own, colours, height, floor(min(powers)), ceil(max(powers))))
    return panels


def _drawn(altair: Any, panel: Panel) -> Any:
    last = max(point.size for point in panel.points)
    lines = [
        {"what": _plain(what), "size": size, "figure": figure, "loop": what in IN_LOOP}
        for what, size, _, figure, _ in panel.points
    ]
    ends = {_plain(point.what): point.figure for point in panel.points if point.size == last}
    names = [
        {"what": what, "size": last, "figure": figure}
        for what, figure in _apart(panel, ends).items()
    ]
    x, y = _axes(altair, panel)
    colour = _scaled(altair.Color, "what:N", panel.colours, altair)
    dash = _scaled(altair.StrokeDash, "loop:N", LINES, altair)
    drawn, written = (
        altair.Chart(altair.Data(values=rows)).encode(x=x, y=y, color=colour)
        for rows in (lines, names)
    )
    return altair.layer(
        drawn.mark_line(strokeWidth=2).encode(strokeDash=dash),
        drawn.mark_point(filled=True, opacity=1, size=36),
        written.mark_text(align="left", baseline="middle", dx=9, fontSize=12).encode(text="what:N"),
        width=WIDTH,
        height=panel.height,
    )


def _axes(altair: Any, panel: Panel) -> tuple[Any, Any]:
    sizes = sorted({point.size for point in panel.points})
    powers = [10.0**power for power in range(panel.lowest, panel.highest + 1)]
    x = altair.X(
        "size:Q",
        scale=altair.Scale(type="log", domain=[sizes[0], sizes[-1]], nice=False),
        axis=altair.Axis(values=sizes, format=",", grid=False, title=panel.points[0].by),
    )
    y = altair.Y(
        "figure:Q",
        scale=altair.Scale(type="log", domain=[powers[0], powers[-1]], nice=False),
        axis=altair.Axis(values=powers, labelExpr=TICKS[panel.points[0].unit], title=None),
    )
    return x, y


def _scaled(channel: Any, field: str, values: Mapping[Any, Any], altair: Any) -> Any:
    """Encode a field by what a mapping has for each of its values; the names say which it is."""
    scale = altair.Scale(domain=list(values), range=list(values.values()))
    return channel(field, scale=scale, legend=None)


def _apart(panel: Panel, ends: Mapping[str, float]) -> dict[str, float]:
    """Move names, which stand where their lines end, apart by as little as keeps them legible."""
    names = sorted(ends, key=lambda name: ends[name])
    pools: list[list[float]] = []  # pooled adjacent violators, which least squares asks for
    for i, name in enumerate(names):
        pools.append([panel.place(ends[name]) - i * NAME_HEIGHT])
        while len(pools) > 1 and mean(pools[-2]) > mean(pools[-1]):
            last = pools.pop()
            pools[-1] += last
    offsets = [mean(pool) for pool in pools for _ in pool]
    return {
        name: panel.figure(offset + i * NAME_HEIGHT)
        for i, (name, offset) in enumerate(zip(names, offsets, strict=True))
    }


def _plain(what: str) -> str:
    return what.replace("`", "")
