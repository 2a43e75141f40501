"""The measures as a page of the documentation."""

from __future__ import annotations

from collections.abc import Sequence

from tests.benchmarks.measure import OURS, Bar, Measure
from tests.benchmarks.samples import Quartiles

_PREFIXES = ((1.0, "s", 1.0), (1e-3, "ms", 1e3), (0.0, "µs", 1e6))
_THOUSAND = 1000

HEADING = """# Benchmarks

Written by `make bench`. rushtyped, the least that the same work takes by plain redis-py (the floor)
and its peers are measured in turns, in one run, on the same server and the same cores. Figures are
medians over the rounds; in brackets are the quartiles of the ratio, which is taken within each
round. A bar is what the ratio, or the figure, is to keep.
"""
HEAD = ("| measure | rushtyped | others | ratio | bar | |", "|---|---|---|---|---|---|")


def page(measures: Sequence[Measure], machine: str, more: Sequence[str] = ()) -> str:
    """Format all measures, with the machine that they are of, and what comes below."""
    missed = [measure.name for measure in measures if not all_met(measure)]
    verdict = "Each bar is met." if not missed else f"Missed: {'; '.join(missed)}."
    rows = [row for measure in measures for row in _rows(measure)]
    notes = [f"- {'; '.join(names)}: {note}" for note, names in _noted(measures).items()]
    lines = (HEADING, machine, "", verdict, "", *HEAD, *rows, "", *notes, "", *more)
    return "\n".join(lines).rstrip() + "\n"


def _noted(measures: Sequence[Measure]) -> dict[str, list[str]]:
    """Gather the measures that have a note in common."""
    names: dict[str, list[str]] = {}
    for measure in measures:
        if measure.note:
            names.setdefault(measure.note, []).append(measure.name)
    return names


def all_met(measure: Measure) -> bool:
    """Whether a measure keeps to its bars."""
    return all(is_met for _, _, is_met in measure.verdicts())


def shown(figure: float, unit: str) -> str:
    """Format a figure with its unit."""
    if unit == "s":
        times, name = next((times, name) for least, name, times in _PREFIXES if figure >= least)
        return f"{_short(figure * times)} {name}"
    return f"{_short(figure)} {unit}"


def _short(figure: float) -> str:
    return f"{figure:,.0f}" if abs(figure) >= _THOUSAND else f"{figure:.3g}"


def _rows(measure: Measure) -> list[str]:
    middles = {
        name: shown(Quartiles.of(found).middle, measure.unit)
        for name, found in measure.figures.items()
    }
    ours = middles.pop(OURS, "")
    others = [f"{name} {figure}" for name, figure in middles.items()]
    others += [f"{name}: {reason}" for name, reason in measure.missing.items()]
    start = (measure.name, ours, "; ".join(others))
    verdicts = [_verdict(*verdict, measure.unit) for verdict in measure.verdicts()]
    rows = [(*start, *(verdicts[0] if verdicts else ("", "", "")))]
    rows += [("", "", "", *verdict) for verdict in verdicts[1:]]
    return ["| " + " | ".join(cells) + " |" for cells in rows]


def _verdict(bar: Bar, found: Quartiles, is_met: bool, unit: str) -> tuple[str, str, str]:
    limit = bar.most if bar.most is not None else bar.least
    assert limit is not None, "a bar has a limit"
    if bar.by is None:
        figure = f"{bar.of}: {shown(found.middle, unit)}"
        asked = shown(limit, unit)
    else:
        figure = f"{bar.of} / {bar.by}: {found.middle:.3g} ({found.low:.3g} to {found.high:.3g})"
        asked = f"{limit:g}"
    sign = "at most" if bar.most is not None else "more than"
    return figure, f"{sign} {asked}", "met" if is_met else "**missed**"
