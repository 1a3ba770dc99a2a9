"""Strategies side by side: means, differences, groups of users."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vaebench.cells.folder import NONE
from vaebench.plots import COLUMN, blocks, label, legend, nothing, panels
from vaebench.plots.palette import Look

FEW, TOO_MANY = 4, 8
"""So few means have none far from the rest; so many strategies cannot be told apart in a group."""

ALPHA = 0.05
"""Below this adjusted p a number has a star."""


def intervals(rows: pd.DataFrame, look: Look, truths: Mapping[str, Mapping[str, float]]) -> Figure:
    """Mean and interval of a test metric, strategy by strategy, one panel a data set.

    ``rows`` are of one metric a data set.
    """
    groups = compared(blocks(rows[(rows["strategy"] != NONE) & rows["mean"].notna()]))
    if not groups:
        return nothing("no data set has this metric")
    figure, axes = panels(len(groups), height=heights(groups))
    for axis, ((dataset, model), group) in zip(axes, groups, strict=True):
        points(axis, group, look)
        strategies(axis, group)
        metric = str(group["metric"].iloc[0])
        axis.set_xlabel(label(metric))
        axis.set_title(f"{dataset}, {model}")
        if metric in truths.get(dataset, {}):
            best = truths[dataset][metric]
            axis.axvline(best, color="#555555", linestyle="--", linewidth=1)
            axis.annotate(
                "best possible",
                (best, 0.02),
                xycoords=("data", "axes fraction"),
                xytext=(-3, 0),
                textcoords="offset points",
                rotation=90,
                ha="right",
                va="bottom",
                fontsize=7,
                color="#555555",
            )
    return figure


Groups = list[tuple]  # type: ignore[type-arg]


def compared(groups: Groups) -> Groups:
    """Those in which something is compared; a model with one strategy is shown beside others."""
    return [group for group in groups if len(group[1]) > 1] or groups


def points(axis: Axes, rows: pd.DataFrame, look: Look) -> None:
    """Means with intervals, a line each; what is far below all others is named at the edge.

    Far: six times the range between the quartiles below the first one. Drawn to scale it would
    make the others one point.
    """
    first, third = rows["mean"].quantile([0.25, 0.75])
    far = rows["mean"] < first - 6 * (third - first) if len(rows) > FEW else rows["mean"].isna()
    for place, (row, off) in enumerate(zip(rows.itertuples(), far, strict=True)):
        if off:
            axis.annotate(
                f"◂ {row.mean:.4g}",
                (0.01, place),
                xycoords=("axes fraction", "data"),
                va="center",
                fontsize=7,
                color=look.colour(row.strategy),
            )
        else:
            point(axis, row.mean, place, (row.low, row.high), row.strategy, look)


def differences(results: pd.DataFrame, control: str, look: Look) -> Figure:
    """Difference to the control and its joint interval, in the primary metric of each data set."""
    if results.empty:
        return nothing()
    groups = blocks(results[results["primary"] & results["difference"].notna()])
    if not groups:
        return nothing("nothing was compared with the control")
    figure, axes = panels(len(groups), height=heights(groups))
    for axis, ((dataset, model), group) in zip(axes, groups, strict=True):
        axis.axvline(0, color="#555555", linewidth=1)
        for place, row in enumerate(group.itertuples()):
            bounds = (row.joint_low, row.joint_high)
            point(axis, row.difference, place, bounds, row.strategy, look)
        strategies(axis, group)
        axis.set_xlabel(f"{label(group['metric'].iloc[0])}, difference to {control}", loc="right")
        axis.set_title(f"{dataset}, {model}")
    return figure


def models(frame: pd.DataFrame, look: Look) -> Figure:
    """Mean and interval of all models and baselines, the best on top, one panel a data set."""
    if frame.empty:
        return nothing("no data set has a second model or a baseline")
    groups = blocks(frame[frame["primary"]], ["dataset", "metric"])
    figure, axes = panels(len(groups), height=heights(groups))
    for axis, ((dataset, metric), group) in zip(axes, groups, strict=True):
        rows = group.sort_values("mean", ascending=False, kind="stable")
        points(axis, rows, look)
        strategies(axis, rows.assign(strategy=[named(row) for row in rows.itertuples()]))
        axis.set_xlabel(label(metric))
        axis.set_title(dataset)
    return figure


def named(row: Any) -> str:  # noqa: ANN401 (a row of pandas)
    """A baseline by its name, a VAE with its strategy."""
    return row.model if row.strategy == NONE else f"{row.model}, {row.strategy}"


def activity(groups_of_users: pd.DataFrame, control: str, look: Look) -> Figure:
    """Difference to the control by quartile of |x_u|, one panel and metric a data set."""
    if groups_of_users.empty:
        return nothing("no data set has users to group")
    chosen = groups_of_users["ranking"] & groups_of_users["difference"].notna()
    rows = groups_of_users[chosen]
    groups = blocks(rows)
    if not groups:
        return nothing("nothing was compared with the control")
    if max(block["strategy"].nunique() for _, block in groups) > TOO_MANY:
        return activity_map(groups, control)
    figure, axes = panels(len(groups), height=2.5)
    for axis, ((dataset, model), block) in zip(axes, groups, strict=True):
        axis.axhline(0, color="#555555", linewidth=1)
        shown = list(dict.fromkeys(block["strategy"]))
        for place, strategy in enumerate(shown):
            mine = block[block["strategy"] == strategy]
            shift = 0.7 * ((place + 0.5) / len(shown) - 0.5)
            axis.errorbar(
                mine["group"] + shift,
                mine["difference"],
                yerr=[
                    mine["difference"] - mine["joint_low"],
                    mine["joint_high"] - mine["difference"],
                ],
                fmt=look.marker(strategy),
                color=look.colour(strategy),
                capsize=1.5,
                markersize=3.5,
                linewidth=1,
            )
        names = block.drop_duplicates("group")
        axis.set_xticks(names["group"], [f"{row.fewest}–{row.most}" for row in names.itertuples()])
        axis.grid(visible=False, axis="x")
        axis.set_xlabel("interactions of the user, by quartile")
        metric = label(str(block["metric"].iloc[0]))
        axis.set_ylabel(f"{metric}, difference\nto {control}")
        axis.set_title(f"{dataset}, {model}")
    return legend(figure, look, rows["strategy"])


def activity_map(groups: Groups, control: str) -> Figure:
    """The same as colours and numbers, for more strategies than eyes can follow."""
    height = [0.9 + 0.17 * block["strategy"].nunique() for _, block in groups]
    figure, axes = panels(len(groups), width=1.5 * COLUMN, height=height)
    for axis, ((dataset, model), block) in zip(axes, groups, strict=True):
        order = list(dict.fromkeys(block["strategy"]))
        table = block.pivot_table(index="strategy", columns="group", values="difference").loc[order]
        names = block.drop_duplicates("group").set_index("group").loc[table.columns]
        # a strategy that is its control in all but name has no p
        adjusted = block.pivot_table("p_holm", "strategy", "group", dropna=False).loc[order]
        most = 1.6 * table.abs().to_numpy().max()  # light enough for black numbers
        axis.imshow(table, cmap="PuOr", vmin=-most, vmax=most, aspect="auto")
        for y, strategy in enumerate(order):
            for x, group in enumerate(table.columns):
                star = "*" if adjusted.loc[strategy, group] < ALPHA else ""
                text = f"{table.loc[strategy, group]:+.4f}{star}"
                axis.text(x, y, text, ha="center", va="center", fontsize=7)
        axis.set_xticks(
            range(len(names)), [f"{row.fewest}–{row.most}" for row in names.itertuples()]
        )
        axis.set_yticks(range(len(order)), order)
        axis.grid(visible=False)
        axis.tick_params(length=0)
        axis.set_xlabel("interactions of the user, by quartile")
        metric = label(str(block["metric"].iloc[0]))
        axis.set_title(f"{dataset}, {model}: {metric}, difference to {control}")
    return figure


def point(
    axis: Axes,
    value: float,
    place: int,
    bounds: tuple[float, float],
    strategy: str,
    look: Look,
) -> None:
    """One strategy's value with its interval, where it has one, at height ``place``."""
    known = pd.notna(bounds[0])
    axis.errorbar(
        value,
        place,
        xerr=[[value - bounds[0]], [bounds[1] - value]] if known else None,
        fmt=look.marker(strategy),
        color=look.colour(strategy),
        capsize=2.5,
        markersize=5,
    )


def strategies(axis: Axes, group: pd.DataFrame) -> None:
    """Names on the vertical axis, the first on top."""
    axis.set_yticks(range(len(group)), group["strategy"])
    axis.set_ylim(len(group) - 0.5, -0.5)
    axis.xaxis.set_major_locator(MaxNLocator(5))


def heights(groups: Groups) -> list[float]:
    """Inches of each panel with a line a strategy."""
    return [0.9 + 0.2 * max(3, len(group)) for _, group in groups]
