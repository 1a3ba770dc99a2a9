"""Charts in a page: Vega-Lite, packed so that a page stays small, drawn by ``charts.js``.

A chart names its data, which the page holds once: lists by column, and a column of words as numbers
of its different words.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from vaebench.cells.folder import NONE
from vaebench.plots.palette import DASHES, SHAPES, Look

DIGITS = 5
"""Significant digits of a value that the mouse shows."""

CONFIG: dict[str, Any] = {
    "mark": {"aria": False},  # a chart is one picture with a label; the tables have its numbers
    "font": "system-ui, sans-serif",
    "axis": {
        "aria": False,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelColor": "#1d1f23",
        "titleColor": "#1d1f23",
        "gridColor": "#e8eaee",
        "domainColor": "#7b818a",
        "tickColor": "#7b818a",
        "labelLimit": 170,
    },
    "view": {"stroke": None},
    "legend": {"disable": True},
}


@dataclass(frozen=True)
class Chart:
    """One panel of a figure.

    Attributes:
        name: its key in the page.
        title: above it.
        says: for who cannot see it.
        spec: Vega-Lite.
        data: names of the tables that it draws.
        renderer: how: ``svg``, or ``canvas`` for many points.
        note: what lies beyond the axes.
    """

    name: str
    title: str
    says: str
    spec: dict[str, Any]
    data: tuple[str, ...]
    renderer: str = "svg"
    note: str = ""


@dataclass(frozen=True)
class Charts:
    """All charts of a page by figure, and their tables."""

    figures: Mapping[str, Sequence[Chart]]
    data: Mapping[str, pd.DataFrame]

    def drawn(self, look: Look) -> dict[str, Any]:
        """What the page hands to ``charts.js``."""
        charts = [chart for figure in self.figures.values() for chart in figure]
        return {
            "charts": {
                chart.name: {"spec": chart.spec, "data": chart.data, "renderer": chart.renderer}
                for chart in charts
            },
            "data": {name: packed(frame) for name, frame in self.data.items()},
            "looks": {
                name: {
                    "colour": look.colour(name),
                    "shape": SHAPES[look.marker(name)],
                    "dash": DASHES[look.line(name)],
                }
                for name in look.order
                if name != NONE
            },
            "config": CONFIG,
        }


def packed(frame: pd.DataFrame) -> dict[str, Any]:
    """A table as lists by column; words as ``levels`` and ``codes``."""
    found: dict[str, Any] = {}
    for name, column in frame.items():
        if pd.api.types.is_numeric_dtype(column) and column.dtype != bool:
            found[str(name)] = [short(value) for value in column]
        else:
            codes, levels = pd.factorize(column.astype(str))
            found[str(name)] = {"levels": list(levels), "codes": codes.tolist()}
    return found


def short(value: float) -> float | int | None:
    """To :data:`DIGITS` significant digits; what is not finite is nothing."""
    if not math.isfinite(value):
        return None
    kept = float(f"{value:.{DIGITS}g}")
    return int(kept) if kept.is_integer() else kept
