"""Charts of a network: how far it is, who works, and what was found.

Each function takes a Network, a Worker, or a frame that one of them has fetched, and returns an
Altair chart. It shows itself in a notebook, and `chart.save("chart.png")` (or .svg, .html, .json)
needs no browser. Charts hold at most 5,000 marks however many tasks there are; larger networks are
aggregated or thinned out evenly. They can be read on light and on dark ground, and a state has the
same colour in all of them. Needs the extra `plots`.
"""

from rushtyped.plots import requirement as _requirement  # noqa: F401 - says what is missing
from rushtyped.plots.best import progress
from rushtyped.plots.crew import timeline, utilisation
from rushtyped.plots.forest import importance
from rushtyped.plots.history import states, throughput
from rushtyped.plots.parallel import parallel_coordinates
from rushtyped.plots.points import scatter
from rushtyped.plots.surface import contour
from rushtyped.plots.tables import Source
from rushtyped.plots.theme import MOST_MARKS, STATE_COLOURS

__all__ = [
    "MOST_MARKS",
    "STATE_COLOURS",
    "Source",
    "contour",
    "importance",
    "parallel_coordinates",
    "progress",
    "scatter",
    "states",
    "throughput",
    "timeline",
    "utilisation",
]
