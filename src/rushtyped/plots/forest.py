"""Which xs matter for y."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import altair as alt
import polars as pl

from rushtyped.plots.axes import ordered
from rushtyped.plots.parallel import chosen_xs
from rushtyped.plots.tables import Source, finished_table
from rushtyped.plots.theme import ACCENT, TEXT, themed
from rushtyped.plots.thinning import thinned
from rushtyped.plots.titles import as_title
from rushtyped.plots.values import Kind, Values, values_of

_SEED: Final = 0
_TREES: Final = 100
_REPEATS: Final = 10
_LEAST_TASKS: Final = 10
_MOST_TASKS: Final = 2000
_NO_CATEGORY: Final = -1.0
_SCHEMA = {"x": pl.String, "importance": pl.Float64, "low": pl.Float64, "high": pl.Float64}


class _Importances(NamedTuple):
    frame: pl.DataFrame
    """A row for each x: importance, and one standard deviation below and above it."""
    notes: list[str]


def importance(source: Source, y: str | None = None) -> alt.LayerChart:
    """Draw how much each x matters for y, the first numeric one of ys by default.

    It is the permutation importance (Breiman 2001, "Random forests") of scikit-learn: a forest of
    100 trees learns y from the xs of three fourths of the finished tasks; the number is by how much
    its R² on the last fourth falls when the values of one x are shuffled among these, the mean of
    10 shuffles with their standard deviation. Near 0, the forest does not need this x; two xs that
    say the same share what they matter. The numbers mean as much as the R² below the title: near 0
    or below, nothing was learned. Seeds are fixed.

    Text, enums and bools go in as their position in order, missing values as one of their own;
    nested xs are left out, and tasks without a finite y. Of more than 2,000 tasks as many are taken
    evenly; fewer than 10 give an empty chart. The xs of a frame are its columns before `y`.
    """
    table = finished_table(source)
    name = table.y_name(y)
    columns = [values_of("xs", table.frame, each) for each in chosen_xs(table, name, None)]
    target = values_of("y", table.frame, name).series
    rows = pl.DataFrame([_encoded(each, str(place)) for place, each in enumerate(columns)])
    rows = thinned(rows.with_columns(y=target).drop_nulls("y"), _MOST_TASKS)
    found = _importances(rows, columns)
    names = [each.name for each in columns]
    return themed(_bars(found.frame, names), f"Importance for {as_title(name)}", found.notes)


def _encoded(values: Values, name: str) -> pl.Series:
    """Return ranks, which trees split as they do values, and nan only for missing numbers."""
    if values.kind is not Kind.CATEGORY:
        ranks = values.series.rank("dense").cast(pl.Float64)
        return ranks.fill_null(float("nan")).alias(name)
    places = {text: float(place) for place, text in enumerate(values.categories)}
    codes = values.series.replace_strict(places, default=None, return_dtype=pl.Float64)
    return codes.fill_null(_NO_CATEGORY).alias(name)


def _importances(rows: pl.DataFrame, columns: list[Values]) -> _Importances:
    if rows.height < _LEAST_TASKS:
        note = f"needs {_LEAST_TASKS} finished tasks with a finite y, and has {rows.height}"
        return _Importances(pl.DataFrame(schema=_SCHEMA), [note])
    means, deviations, score = _measured(rows)
    frame = pl.DataFrame(
        {"x": [each.name for each in columns], "importance": means, "deviation": deviations}
    )
    frame = frame.with_columns(
        low=pl.col("importance") - pl.col("deviation"),
        high=pl.col("importance") + pl.col("deviation"),
    )
    note = f"random forest of {rows.height:,} tasks, R² {score:.2f} on those held out"
    return _Importances(frame.select(*_SCHEMA), [note])


def _measured(rows: pl.DataFrame) -> tuple[list[float], list[float], float]:
    """Return mean and deviation of each column's importance, and the R² of the forest."""
    # scikit-learn takes a second to import, and the other charts do without it
    from sklearn.ensemble import RandomForestRegressor  # noqa: PLC0415
    from sklearn.inspection import permutation_importance  # noqa: PLC0415
    from sklearn.model_selection import train_test_split  # noqa: PLC0415

    x, y = rows.drop("y").rows(), rows["y"]
    scale = float(y.abs().max() or 0.0) or 1.0  # type: ignore[arg-type]  # R² does not change
    parts: list[Any] = train_test_split(x, (y / scale).to_list(), random_state=_SEED)
    learned, held_out, y_learned, y_held_out = parts
    forest = RandomForestRegressor(_TREES, random_state=_SEED).fit(learned, y_learned)
    result: Any = permutation_importance(
        forest, held_out, y_held_out, n_repeats=_REPEATS, random_state=_SEED
    )
    score = float(forest.score(held_out, y_held_out))
    return result.importances_mean.tolist(), result.importances_std.tolist(), score


def _bars(frame: pl.DataFrame, names: list[str]) -> alt.LayerChart:
    order = frame.sort("importance", descending=True)["x"].to_list() or names
    y = alt.Y(field="x", type="nominal", title=None, sort=None, scale=ordered(order))
    base = alt.Chart(frame).encode(y=y)
    tips = [
        alt.Tooltip(field="x", type="nominal"),
        alt.Tooltip(field="importance", type="quantitative", format=".4f"),
    ]
    bars = base.mark_bar(color=ACCENT, fillOpacity=0.7).encode(
        x=alt.X(
            field="importance", type="quantitative", title="fall of R² when shuffled", stack=False
        ),
        tooltip=tips,
    )
    spans = base.mark_rule(color=TEXT, strokeWidth=2).encode(
        x=alt.X(field="low", type="quantitative"), x2=alt.X2(field="high")
    )
    return alt.LayerChart(layer=[bars, spans])
