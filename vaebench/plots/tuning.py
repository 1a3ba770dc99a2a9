"""Figures of the tuning stage: frame in, figure out; nothing is computed here."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from vaebench.cells.folder import NONE
from vaebench.plots import label
from vaebench.plots.palette import COLOURS, MARKERS, Look

COLUMNS = 4
"""Panels in a row."""

FEW_DECADES = 300
"""A ratio below which powers of ten alone are too few marks on an axis."""


def look_of(look: Look, strategy: str, name: str, baselines: list[str]) -> tuple[str, str]:
    """Colour and marker: the strategy's own; those of a baseline by its place."""
    if strategy != NONE:
        return look.colour(strategy), look.marker(strategy)
    place = baselines.index(name)
    return COLOURS[-1 - place % len(COLOURS)], MARKERS[-1 - place % len(MARKERS)]


def sensitivity(trials: pd.DataFrame, look: Look) -> Figure:
    """The validation metric against each option, all trials; the chosen one is ringed."""
    panels = list(trials.groupby(["dataset", "model", "label", "option"], sort=False))
    rows = max(1, -(-len(panels) // COLUMNS))
    figure = Figure(figsize=(2.6 * COLUMNS, 2.2 * rows), layout="constrained")
    axes = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    baselines = list(dict.fromkeys(trials.loc[trials["strategy"] == NONE, "label"]))
    for axis, ((dataset, _, name, option), group) in zip(axes, panels, strict=False):
        colour, marker = look_of(look, group["strategy"].iloc[0], name, baselines)
        axis.scatter(group["value"], group["score"], color=colour, marker=marker, s=16)
        best = group[group["chosen"]]
        axis.scatter(
            best["value"], best["score"], s=90, facecolors="none", edgecolors="#222222", zorder=3
        )
        positive = group["value"].min() > 0
        if positive and group["value"].max() > 20 * group["value"].min():  # a range of ratios
            axis.set_xscale("log")
            axis.xaxis.set_minor_formatter(NullFormatter())
            if group["value"].max() < FEW_DECADES * group["value"].min():
                axis.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
                axis.xaxis.set_major_formatter("{x:g}")
        axis.set_title(f"{dataset}, {name}")
        axis.set_xlabel(option)
        axis.set_ylabel(f"validation {label(group['metric'].iloc[0])}", fontsize=7)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    return figure


def budget(curves: pd.DataFrame, look: Look) -> Figure:
    """The expected best validation score after k trials, one panel a data set."""
    groups = list(curves.groupby("dataset", sort=False))
    figure = Figure(figsize=(4.6 * max(1, len(groups)), 3.2), layout="constrained")
    axes = figure.subplots(1, max(1, len(groups)), squeeze=False)[0]
    baselines = list(dict.fromkeys(curves.loc[curves["strategy"] == NONE, "label"]))
    for axis, (dataset, group) in zip(axes, groups, strict=False):
        for (_, name, strategy), rows in group.groupby(["model", "label", "strategy"], sort=False):
            colour, marker = look_of(look, str(strategy), str(name), baselines)
            axis.plot(
                rows["trials"],
                rows["expected"],
                color=colour,
                marker=marker,
                markersize=3.5,
                linestyle="--" if strategy == NONE else "-",
                label=name,
            )
        axis.set_xscale("log", base=2)
        axis.set_xlabel("trials")
        axis.set_ylabel(f"expected best validation\n{label(group['metric'].iloc[0])}")
        axis.set_title(str(dataset))
        axis.xaxis.set_major_formatter("{x:.0f}")
        axis.legend(fontsize=6.5, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure
