"""Figures over data sets: what a new one will show, curves of β, gains and shapes."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from vaebench.plots import COLUMN, legend, nothing, panels
from vaebench.plots.palette import Look

PALE = "#9ecae1"
DARK = "#08519c"
FAR = 6
"""Times the range between the quartiles of all means: a strategy so far off (β = 0) is named at the
edge, so that it does not make the others one point."""
MOST_LOSS = 0.3
"""Of all curves' largest loss: so much of the height shows; ends far above are cut."""


def predicted(table: pd.DataFrame, points: pd.DataFrame, unit: str) -> Figure:
    """Each strategy's mean difference, its joint interval, and what a new data set will show.

    Args:
        table: ``strategy, mean, joint_low, joint_high, predicted_low, predicted_high``.
        points: ``strategy, difference``, of the units.
        unit: of the differences, for the axis.
    """
    rows = table.sort_values("mean", ascending=False, kind="stable").reset_index(drop=True)
    figure, (axis,) = panels(1, width=1.7 * COLUMN, height=1.1 + 0.2 * max(3, len(rows)))
    axis.axvline(0, color="#555555", linewidth=1)
    first, third = rows["mean"].quantile([0.25, 0.75])
    far = (rows["mean"] - rows["mean"].median()).abs() > FAR * (third - first)
    for place, (row, off) in enumerate(zip(rows.itertuples(), far, strict=True)):
        if off:
            above = row.mean > third
            axis.annotate(
                f"{row.mean:+.4g} ▸" if above else f"◂ {row.mean:+.4g}",
                (0.99 if above else 0.01, place),
                xycoords=("axes fraction", "data"),
                ha="right" if above else "left",
                va="center",
                fontsize=7,
            )
            continue
        own = points.loc[points["strategy"] == row.strategy, "difference"]
        axis.hlines(place, row.predicted_low, row.predicted_high, color=PALE, linewidth=5)
        axis.hlines(place, row.joint_low, row.joint_high, color=DARK, linewidth=1.6)
        axis.plot(own, [place] * len(own), "|", color="#333333", markersize=6)
        axis.plot(row.mean, place, "o", color=DARK, markersize=4)
    axis.set_yticks(range(len(rows)), rows["strategy"])
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_xlabel(f"difference to the control{unit}")
    return figure


def curves(lines: pd.DataFrame) -> Figure:
    """What each β loses on validation, one panel an axis, one line a unit.

    Args:
        lines: ``axis, unit, at, loss``; ``at`` is log₁₀.
    """
    if lines.empty:
        return nothing("no trial of a strategy with one β")
    units = list(dict.fromkeys(lines["unit"]))
    look, titles = Look(units), list(dict.fromkeys(lines["axis"]))
    figure, axes = panels(len(titles), height=2.5)
    for axis, title in zip(axes, titles, strict=True):
        for unit in units:
            mine = lines[(lines["axis"] == title) & (lines["unit"] == unit)]
            shape: dict[str, Any] = {"color": look.colour(unit), "linestyle": look.line(unit)}
            axis.plot(10 ** mine["at"], mine["loss"], linewidth=1.3, **shape)
        axis.set_xscale("log")
        axis.set_ylim(bottom=0, top=max(1e-9, MOST_LOSS * lines["loss"].max()))
        axis.set_xlabel(title)
        axis.set_ylabel("loss to the unit's best")
    return legend(figure, look, units, lines=True)


def against(
    points: pd.DataFrame, x: str, y: str, words: Mapping[str, str], slope: float = math.nan
) -> Figure:
    """Units as points, with their names, and the line of a slope through the middle of them.

    Args:
        points: ``unit`` and the two columns.
        x: across.
        y: up.
        words: column → in print.
        slope: of y over x; NaN draws no line.
    """
    known = points.dropna(subset=[x, y]).astype({x: float, y: float})
    if known.empty:
        return nothing("no unit has both")
    figure, (axis,) = panels(1, width=1.4 * COLUMN, height=2.6)
    axis.plot(known[x], known[y], "o", color=DARK, markersize=4)
    for row in known.to_dict("records"):
        place = (row[x], row[y])
        axis.annotate(row["unit"], place, xytext=(3, 3), textcoords="offset points", fontsize=7)
    if math.isfinite(slope):
        ends = known[x].agg(["min", "max"])
        line = known[y].mean() + slope * (ends - known[x].mean())
        axis.plot(ends, line, color="#777777", linewidth=1, linestyle="--")
    axis.margins(x=0.15)
    axis.set_xlabel(words.get(x, x))
    axis.set_ylabel(words.get(y, y))
    return figure
