"""Over data sets: the critical-difference diagram and performance profiles."""

import pandas as pd
import scikit_posthocs
from matplotlib.figure import Figure

from vaebench.plots import COLUMN, blocks, legend, nothing, panels
from vaebench.plots.palette import Look
from vaebench.words import METRICS

ONE = "fewer than two data sets: nothing to compare across"
FEW = "too few data sets to tell ranks apart: see the table"


def ranks(frame: pd.DataFrame, nemenyi: pd.DataFrame, confidence: float, look: Look) -> Figure:
    """Critical-difference diagram (Demšar 2006); bars join what Nemenyi cannot tell apart.

    Where there is no test there is no diagram.
    """
    groups = blocks(frame[frame["critical"].notna()] if len(frame) else frame, ("metric", "model"))
    if not groups:
        return nothing(FEW if len(frame) else ONE)
    most = max(len(rows) for _, rows in groups)
    figure, axes = panels(len(groups), height=1.0 + 0.16 * most)
    for axis, ((metric, model), rows) in zip(axes, groups, strict=True):
        mean = rows.set_index("strategy")["rank"]
        chosen = (nemenyi["metric"] == metric) & (nemenyi["model"] == model)
        scikit_posthocs.critical_difference_diagram(
            mean,
            square(nemenyi[chosen], list(mean.index)),
            ax=axis,
            alpha=1 - confidence,
            color_palette=look.palette,
            label_props={"fontsize": 8},
            label_fmt_left="{label} ({rank:.2f})",
            label_fmt_right="({rank:.2f}) {label}",
            elbow_props={"linewidth": 1},
            marker_props={"s": 16},
            text_h_margin=0.02,
        )
        axis.grid(visible=False)
        first = rows.iloc[0]
        test = f"CD = {first['critical']:.2f} ranks"
        name = METRICS.get(metric, metric) + ("" if model == "all" else f", {model}")
        axis.set_title(f"{name}: N = {first['datasets']} data sets, {test}", pad=12, fontsize=8.5)
    return figure


def square(pairs: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Pairs' p-values as a symmetric matrix with 1 where there is none."""
    matrix = pd.DataFrame(1.0, index=names, columns=names)
    for pair in pairs.itertuples():
        matrix.loc[pair.a, pair.b] = matrix.loc[pair.b, pair.a] = pair.p
    return matrix


def profiles(frame: pd.DataFrame, look: Look) -> Figure:
    """Share of runs above each score (Agarwal et al. 2021): further up and right is better."""
    groups = blocks(frame, ("metric", "model"))
    if not groups:
        return nothing(ONE)
    figure, axes = panels(len(groups), height=0.75 * COLUMN)
    for axis, ((metric, model), rows) in zip(axes, groups, strict=True):
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
        axis.set_xlabel("score τ (1 = mean of the control)")
        axis.set_ylabel("share of runs above τ")
        name = METRICS.get(metric, metric) + ("" if model == "all" else f", {model}")
        axis.set_title(f"{name}: {rows['datasets'].max()} data sets")
    return legend(figure, look, frame["strategy"], lines=True)
