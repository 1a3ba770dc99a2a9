"""The figures of the results, as pictures; their data are in CSV files."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from vaebench.plots import answer as plots
from vaebench.records import compared
from vaebench.statistics.prediction import by_units
from vaebench.statistics.shapes import slope

if TYPE_CHECKING:
    from vaebench.records.page import Results

WORDS = {
    "spread_n": "s.d. / mean of n_u",
    "mean_n": "log₁₀ mean n_u",
    "density": "log₁₀ density",
    "items": "log₁₀ items",
    "gini": "Gini coefficient of the items",
    "log_beta": "log₁₀ of the chosen β",
}
"""Columns of figures in print; shapes as they stand in lines."""


def figures(results: "Results") -> dict[str, Figure]:
    """Name → figure; the data of each are in a CSV."""
    found: dict[str, Figure] = {}
    for each in results.over:
        table = each.registered
        if table["headline"].any():
            kind, unit, block = each.group
            words = f" ({unit})" if unit else ""
            mine = results.counting[results.counting["label"].isin(table["strategy"])]
            for key, value in zip(compared.GROUP, each.group, strict=True):
                mine = mine[mine[key] == value]
            named = mine.assign(strategy=mine["label"])
            units = dict(zip(named["dataset"], named["unit"], strict=True))
            points = by_units(named, units)
            figure = plots.predicted(table[table["headline"]], points, words)
            found[f"predicted_{kind}_{block}"] = figure
    if len(results.curves):
        found["curves"] = plots.curves(compared.losses(results.curves))
    for asked in results.asked.values():
        strategy = str(asked.get("strategy"))
        if asked["kind"] == "gain_grows":
            gained = compared.gains(results.counting, results.shapes, strategy).reset_index()
            if len(gained):
                named = WORDS | {"difference": f"gain of {strategy}"}
                found[f"gains_{strategy}"] = _against(gained, asked["shape"], "difference", named)
        if asked["kind"] == "best_beta" and len(results.optima):
            table = results.predictors(asked).iloc[1:].dropna(subset="left_out")
            if len(table):
                shape = str(table.loc[table["left_out"].idxmin(), "shape"])
                known = compared.unit_shapes(results.shapes).reset_index()
                points = results.optima[["unit", "log_beta"]].merge(known, on="unit")
                found[f"shapes_{strategy}"] = _against(points, shape, "log_beta", WORDS)
    return found


def _against(points: pd.DataFrame, x: str, y: str, words: Mapping[str, str]) -> Figure:
    """One column over another, with the least-squares line of three units or more."""
    known = points.dropna(subset=[x, y])
    found = slope(known[x].to_numpy(float), known[y].to_numpy(float), 0.95)["slope"]
    return plots.against(points, x, y, words, found)
