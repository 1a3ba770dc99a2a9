"""Strategies side by side: means, differences, groups of users."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaebench.cells.folder import NONE
from vaebench.plots import blocks, label, legend, nothing
from vaebench.plots.far import far, name_at_edge
from vaebench.plots.layout import LETTER, Panels, listed, plain, titled, wrapped
from vaebench.plots.palette import Look

TOO_MANY = 8
"""So many strategies cannot be told apart in a group."""

ALPHA = 0.05
"""Below this adjusted p a number has a star."""


def intervals(rows: pd.DataFrame, look: Look, truths: Mapping[str, Mapping[str, float]]) -> Figure:
    """Mean and interval of a test metric, strategy by strategy, one panel a data set.

    ``rows`` are of one metric a data set.
    """
    groups = compared(blocks(rows[(rows["strategy"] != NONE) & rows["mean"].notna()]))
    if not groups:
        return nothing("no data set has this metric")
    found = lines_of(groups)
    for place, (axis, ((dataset, _), group)) in enumerate(zip(found.axes, groups, strict=True)):
        points(axis, group, look, found.size - 2)
        strategies(found, place, group["strategy"])
        metric = str(group["metric"].iloc[0])
        found.label(axis, label(metric))
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
    return found.figure


Groups = list[tuple]  # type: ignore[type-arg]


def compared(groups: Groups) -> Groups:
    """Those in which something is compared; a model with one strategy is shown beside others."""
    return [group for group in groups if len(group[1]) > 1] or groups


def lines_of(groups: Groups) -> Panels:
    """Panels with a line a strategy, and their titles."""
    titles, common = titled([keys for keys, _ in groups])
    found = listed([list(group["strategy"]) for _, group in groups], titles)
    found.figure.suptitle(common, fontsize=found.size)
    for axis, title in zip(found.axes, titles, strict=True):
        found.title(axis, title)
    return found


def points(axis: Axes, rows: pd.DataFrame, look: Look, size: float = 7) -> None:
    """Means with intervals, a line each; what is far below all others is named at the edge."""
    off = far(rows["mean"], low=True)  # the best is always drawn
    for place, (row, is_far) in enumerate(zip(rows.itertuples(), off, strict=True)):
        if is_far:
            name_at_edge(axis, f"{row.mean:.4g}", place, size, left=True)
        else:
            point(axis, row.mean, place, (row.low, row.high), row.strategy, look)


def differences(results: pd.DataFrame, control: str, look: Look) -> Figure:
    """Difference to the control and its joint interval, in the primary metric of each data set."""
    if results.empty:
        return nothing()
    groups = blocks(results[results["primary"] & results["difference"].notna()])
    if not groups:
        return nothing("nothing was compared with the control")
    found = lines_of(groups)
    for place, (axis, (_, group)) in enumerate(zip(found.axes, groups, strict=True)):
        axis.axvline(0, color="#555555", linewidth=1)
        margin = group["margin"].dropna() if "margin" in group else group["difference"][:0]
        bounds = group.assign(
            mean=group["difference"], low=group["joint_low"], high=group["joint_high"]
        )
        points(axis, bounds, look, found.size - 2)
        if len(margin):
            low, high = axis.get_xlim()
            axis.axvspan(-margin.iloc[0], margin.iloc[0], color="#0072B2", alpha=0.1, linewidth=0)
            axis.set_xlim(low, high)  # a wide margin must not make the points one
        strategies(found, place, group["strategy"])
        found.label(axis, f"{label(group['metric'].iloc[0])}, difference to {control}")
    return found.figure


def models(frame: pd.DataFrame, look: Look) -> Figure:
    """Mean and interval of all models and baselines, the best on top, one panel a data set."""
    if frame.empty:
        return nothing("no data set has a second model or a baseline")
    groups = [
        (keys, group.sort_values("mean", ascending=False, kind="stable"))
        for keys, group in blocks(frame[frame["primary"]], ["dataset", "metric"])
    ]
    called = [[named(row) for row in group.itertuples()] for _, group in groups]
    found = listed(called, [dataset for (dataset, _), _ in groups])
    for place, (axis, ((dataset, metric), group)) in enumerate(
        zip(found.axes, groups, strict=True)
    ):
        points(axis, group, look, found.size - 2)
        strategies(found, place, called[place])
        found.title(axis, dataset)
        found.label(axis, label(metric))
    return found.figure


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
    found = plain(len(groups), 2.5)
    for axis, ((dataset, model), block) in zip(found.axes, groups, strict=True):
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
        quartiles(axis, block.drop_duplicates("group"), found.size - 1.5)
        axis.grid(visible=False, axis="x")
        found.label(axis, "interactions of the user, by quartile")
        metric = label(str(block["metric"].iloc[0]))
        axis.set_ylabel(f"{metric}, difference\nto {control}", fontsize=found.size - 0.5)
        found.title(axis, f"{dataset}, {model}")
    return legend(found.figure, look, rows["strategy"])


def quartiles(axis: Axes, names: pd.DataFrame, size: float) -> None:
    """Groups of users by their numbers of interactions, in two lines each: a panel is narrow."""
    axis.tick_params(labelsize=size)
    spans = [f"{row.fewest}–\n{row.most}" for row in names.itertuples()]
    axis.set_xticks(list(names["group"]), spans)


def activity_map(groups: Groups, control: str) -> Figure:
    """The same as colours and numbers, for more strategies than eyes can follow."""
    orders = [list(dict.fromkeys(block["strategy"])) for _, block in groups]
    titles, common = titled([keys for keys, _ in groups])
    found = listed(orders, titles)
    found.figure.suptitle(common, fontsize=found.size)
    for place, (axis, (_, block)) in enumerate(zip(found.axes, groups, strict=True)):
        order = orders[place]
        table = block.pivot_table(index="strategy", columns="group", values="difference").loc[order]
        names = block.drop_duplicates("group").set_index("group").loc[table.columns]
        # a strategy that is its control in all but name has no p
        adjusted = block.pivot_table("p_holm", "strategy", "group", dropna=False).loc[order]
        sizes = pd.Series(table.abs().to_numpy().ravel())
        most = 1.6 * sizes[~far(sizes, high=True)].max()  # light enough for black numbers
        axis.imshow(table, cmap="PuOr", vmin=-most, vmax=most, aspect="auto")
        room = found.room / len(names)
        for y, strategy in enumerate(order):
            for x, group in enumerate(table.columns):
                star = "*" if adjusted.loc[strategy, group] < ALPHA else ""
                text = f"{table.loc[strategy, group]:+.4f}{star}"
                if len(text) * LETTER * 6.5 > room:  # its colour and star alone
                    text = star
                if text:
                    axis.text(x, y, text, ha="center", va="center", fontsize=6.5)
        strategies(found, place, order)
        quartiles(axis, names.assign(group=range(len(names))), found.size - 2)
        axis.grid(visible=False)
        axis.tick_params(length=0)
        found.title(axis, titles[place])
    wide = found.figure.get_figwidth()
    metrics = dict.fromkeys(label(str(block["metric"].iloc[0])) for _, block in groups)
    said = f"interactions of the user, by quartile; {', '.join(metrics)}, difference to {control}"
    found.figure.supxlabel(wrapped(said, wide, 8), fontsize=8)
    return found.figure


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


def strategies(found: Panels, place: int, names: Iterable[str]) -> None:
    """Names on the vertical axis, the first on top; marks alone where a panel beside has them."""
    axis, called = found.axes[place], list(names)
    found.ticks(axis)
    axis.set_yticks(range(len(called)), called if found.names[place] else [""] * len(called))
    axis.set_ylim(len(called) - 0.5, -0.5)
