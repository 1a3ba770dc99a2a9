"""What training did: learning curves, β as used, the plane of rate and distortion."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vaebench.plots import blocks, legend, nothing
from vaebench.plots.far import far
from vaebench.plots.layout import plain, wrapped
from vaebench.plots.palette import Look
from vaebench.words import METRICS, NATS


def curves(traces: pd.DataFrame, look: Look) -> Figure:
    """The validation metric that selects, against updates: median over seeds, band of all seeds."""
    if traces.empty:
        return nothing()
    traces = traces.assign(score=scores(traces))
    groups = blocks(traces)
    if not groups:
        return nothing()
    found = plain(len(groups))
    for axis, ((dataset, model), group) in zip(found.axes, groups, strict=True):
        for strategy, rows in group.groupby("strategy", sort=False):
            over_seeds = rows.groupby("updates")["score"].agg(["median", "min", "max"])
            line_and_band(axis, over_seeds, str(strategy), look)
        found.label(axis, "updates")
        found.ticks(axis)
        names = list(dict.fromkeys(group["selecting"].dropna()))
        unit = " (nats per example)" if set(names) <= set(NATS) else ""
        metric = f"Validation {' or '.join(METRICS.get(n, n) for n in names)}{unit}"
        high = found.figure.get_figheight() / -(-len(groups) // 2) - 1
        axis.set_ylabel(wrapped(metric, high, found.size), fontsize=found.size - 0.5)
        found.title(axis, f"{dataset}, {model}")
        if unit:  # the first epochs are far below and would flatten the rest
            axis.set_ylim(bottom=group["score"].quantile(0.1))
    return legend(found.figure, look, traces["strategy"], lines=True)


def scores(traces: pd.DataFrame) -> pd.Series:
    """Of each epoch, the validation metric that selects in its cell (column ``selecting``)."""
    found = pd.Series(float("nan"), index=traces.index)
    for name, rows in traces.groupby("selecting", sort=False):
        found[rows.index] = rows[f"validation_{name}"]
    return found


def beta(traces: pd.DataFrame, look: Look) -> Figure:
    """β as used: mean of each epoch, band from the 5 % to the 95 % quantile of its values."""
    groups = blocks(traces)
    if not groups:
        return nothing()
    found = plain(len(groups))
    for axis, ((dataset, model), group) in zip(found.axes, groups, strict=True):
        for strategy, rows in group.groupby("strategy", sort=False):
            over_seeds = rows.groupby("updates")[["beta", "beta_q05", "beta_q95"]].mean()
            line_and_band(axis, over_seeds, str(strategy), look)
        axis.set_ylabel("β", fontsize=found.size - 0.5)
        found.label(axis, "updates")
        found.ticks(axis)
        found.title(axis, f"{dataset}, {model}")
    return legend(found.figure, look, traces["strategy"], lines=True)


def line_and_band(axis: Axes, over_seeds: pd.DataFrame, strategy: str, look: Look) -> None:
    """The first column as a line over the index, the other two as a band."""
    middle, low, high = (over_seeds[name] for name in over_seeds)
    colour = look.colour(strategy)
    axis.plot(middle.index, middle, color=colour, linestyle=look.line(strategy), linewidth=1.3)
    axis.fill_between(middle.index, low, high, color=colour, alpha=0.12, linewidth=0)


def rate_distortion(table: pd.DataFrame, look: Look) -> Figure:
    """Test distortion against test rate, one point a cell; lines of equal ELBO have slope −1.

    Alemi et al. 2018, arXiv:1711.00464. Rates far above all others (six times the range between the
    quartiles above the third) are named at the edge.
    """
    done = table[(table["status"] == "done") & table["rate"].notna() & table["distortion"].notna()]
    groups = blocks(done)
    if not groups:
        return nothing()
    found = plain(len(groups))
    for axis, ((dataset, model), group) in zip(found.axes, groups, strict=True):
        off, cut = far(group["rate"], high=True), list[str]()  # β = 0: the plane would be one line
        if off.any():
            names = ", ".join(dict.fromkeys(group.loc[off, "strategy"]))
            mean = group.loc[off, "rate"].mean()
            cut.append(f"{names}: rate {mean:.0f} ▸")
        for strategy, rows in group[~off].groupby("strategy", sort=False):
            axis.scatter(
                rows["rate"],
                rows["distortion"],
                color=look.colour(str(strategy)),
                marker=look.marker(str(strategy)),
                s=22,
                alpha=0.8,
                label=strategy,
            )
        axis.margins(0.1)
        low, high = axis.get_xlim()
        bottom, top = axis.get_ylim()
        for total in MaxNLocator(6).tick_values(low + bottom, high + top):
            axis.plot([low, high], [total - low, total - high], color="#cccccc", lw=0.7, zorder=0)
            if low < total - top < high:
                number = f"{-total:g}".replace("-", "−")
                axis.text(
                    total - top, top, number, ha="center", va="bottom", fontsize=6, c="#888888"
                )
        axis.set_xlim(low, high)
        axis.set_ylim(bottom, top)
        found.ticks(axis)
        found.label(axis, "rate (nats per example)")
        axis.set_ylabel("distortion\n(nats per example)", fontsize=found.size - 0.5)
        found.title(axis, "\n".join([f"{dataset}, {model}", *cut]), pad=12)
    return legend(found.figure, look, done["strategy"])
