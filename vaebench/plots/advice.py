"""The figure of an advice: validation NDCG over log β; frames in, figure out."""

import pandas as pd
from matplotlib.figure import Figure

from vaebench.plots import COLUMN, panels
from vaebench.plots.palette import COLOURS, GREY

BAND = "#dbe7f3"
STYLES = ("--", ":", "-.", (0, (5, 1)), (0, (1, 3)))


def advice(points: pd.DataFrame, levels: pd.DataFrame, band: pd.DataFrame, metric: str) -> Figure:
    """One's own trials by rung, other ways as lines, and behind them what studies lead to expect.

    Args:
        points: ``beta, score, error, rung, share, chosen`` of constant β.
        levels: ``name, score`` of ways that have no β of their own.
        band: ``beta, middle, low, high`` of the studies; may be empty.
        metric: its name.
    """
    figure, (axis,) = panels(1, width=1.7 * COLUMN, height=3.2)
    if len(band):
        axis.fill_between(
            band["beta"], band["low"], band["high"], color=BAND, label="studies, 95 %", zorder=0
        )
        axis.plot(band["beta"], band["middle"], color=COLOURS[2], linewidth=1, zorder=1)
    for number, (_, rung) in enumerate(points.groupby("rung", sort=True)):
        rows = rung.sort_values("beta")
        axis.errorbar(
            rows["beta"],
            rows["score"],
            rows["error"],
            marker="os^D"[number % 4],
            markersize=4,
            linewidth=1,
            elinewidth=0.7,
            capsize=2,
            color=COLOURS[(0, 3, 4, 6)[number % 4]],
            label=f"constant β, {rows['share'].iloc[0]:.0%} of training",
        )
    for number, row in enumerate(levels.itertuples()):
        style = STYLES[number % len(STYLES)]
        axis.axhline(row.score, color=GREY, linewidth=1, linestyle=style, label=str(row.name))
    best = points[points["chosen"]]
    axis.scatter(
        best["beta"], best["score"], s=90, facecolors="none", edgecolors="#222222", zorder=4
    )
    axis.set_xscale("log")
    axis.set_xlabel("β")
    axis.set_ylabel(f"validation {metric.upper()}\n± 1 s.e. of the difference to the best")
    axis.legend(fontsize=6.5, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure
