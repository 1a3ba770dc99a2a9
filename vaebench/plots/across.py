"""Over data sets: mean ranks with their critical difference, and performance profiles."""

import pandas as pd
from matplotlib.figure import Figure

from vaebench.plots import COLUMN, blocks, legend, nothing
from vaebench.plots.comparisons import point, strategies
from vaebench.plots.far import far
from vaebench.plots.layout import listed, plain
from vaebench.plots.palette import Look
from vaebench.words import METRICS

ONE = "fewer than two data sets: nothing to compare across"
ALIKE = "the ranks of no two strategies differ by more than the critical difference: see the table"
FEW = "too few data sets to tell ranks apart: see the table"


def ranks(frame: pd.DataFrame, confidence: float, look: Look) -> Figure:
    """Mean ranks, the best on top, each with half of the critical difference (Demšar 2006) around.

    Strategies whose bars overlap cannot be told apart. Where no bars are apart there is no diagram.
    """
    if frame.empty:
        return nothing(ONE)
    kept = frame[frame["critical"].notna()]
    if kept.empty:
        return nothing(FEW)
    groups = [
        (keys, rows.sort_values("rank", kind="stable"))
        for keys, rows in blocks(kept, ("metric", "model"))
        if decided(rows)
    ]
    if not groups:
        return nothing(ALIKE)
    titles = [ranked(keys[0], keys[1], rows.iloc[0]) for keys, rows in groups]
    found = listed([list(rows["strategy"]) for _, rows in groups], titles)
    for place, (axis, (_, rows)) in enumerate(zip(found.axes, groups, strict=True)):
        half = rows["critical"].iloc[0] / 2
        least = rows["rank"].iloc[0]
        axis.axvspan(least - half, least + half, color="#0072B2", alpha=0.1, linewidth=0)
        for line, row in enumerate(rows.itertuples()):
            point(axis, row.rank, line, (row.rank - half, row.rank + half), row.strategy, look)
        strategies(found, place, rows["strategy"])
        found.label(axis, f"mean rank (1 is best) ± CD/2, level {confidence:.0%}")
        found.title(axis, titles[place])
    return found.figure


def decided(rows: pd.DataFrame) -> bool:
    """Whether the best and the worst of a family are further apart than the critical difference."""
    return bool(rows["rank"].max() - rows["rank"].min() > rows["critical"].iloc[0])


def ranked(metric: str, model: str, first: pd.Series) -> str:
    """The title of a panel of ranks."""
    name = METRICS.get(metric, metric) + ("" if model == "all" else f", {model}")
    return f"{name}: N = {first['datasets']} data sets, CD = {first['critical']:.2f} ranks"


def profiles(frame: pd.DataFrame, look: Look) -> Figure:
    """Share of runs above each score (Agarwal et al. 2021): further up and right is better."""
    groups = blocks(frame, ("metric", "model"))
    if not groups:
        return nothing(ONE)
    found = plain(len(groups), 0.75 * COLUMN)
    for axis, ((metric, model), rows) in zip(found.axes, groups, strict=True):
        for strategy, mine in rows.groupby("strategy", sort=False):
            axis.step(
                mine["threshold"],
                mine["share"],
                where="post",
                color=look.colour(str(strategy)),
                linestyle=look.line(str(strategy)),
                linewidth=1.3,
            )
        axis.axvline(1, color="#555555", linewidth=0.8)
        falls = rows["threshold"][(rows["share"] > 0) & (rows["share"] < 1)]
        near = falls[~far(falls, low=True)]
        if len(near):  # beside one strategy that is far below, the others would be one line
            axis.set_xlim(near.min() - 0.002, near.max() + 0.002)
        found.ticks(axis)
        found.label(axis, "score τ (1 = mean of the control)")
        axis.set_ylabel("share of runs above τ", fontsize=found.size - 0.5)
        name = METRICS.get(metric, metric) + ("" if model == "all" else f", {model}")
        found.title(axis, f"{name}: {rows['datasets'].max()} data sets")
    return legend(found.figure, look, frame["strategy"], lines=True)
