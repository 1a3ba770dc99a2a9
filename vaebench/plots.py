"""Figures: frame in, figure out; nothing is computed here."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vaebench.files import whole
from vaebench.palette import Look
from vaebench.words import METRICS, NATS

STYLE = {
    "figure.dpi": 150,
    "savefig.bbox": "tight",
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 8.5,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "axes.linewidth": 0.8,
    "xtick.major.width": 0.8,
    "ytick.major.width": 0.8,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e5e5e5",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # embedded TrueType: text stays text
    "svg.fonttype": "none",
}


def label(metric: str) -> str:
    """A metric with its unit."""
    return f"{METRICS[metric]} (nats per example)" if metric in NATS else METRICS[metric]


def panels(columns: int, *, width: float = 3.6, height: float = 2.8) -> tuple[Figure, list[Axes]]:
    """A figure of ``columns`` axes in a row."""
    figure = Figure(figsize=(width * columns, height), layout="constrained")
    axes = figure.subplots(1, columns, squeeze=False)
    return figure, list(axes[0])


def intervals(
    summary: pd.DataFrame, metric: str, look: Look, truths: dict[str, dict[str, float]]
) -> Figure:
    """Mean and interval of a test metric, strategy by strategy, one panel a data set."""
    rows = summary[summary["metric"] == metric]
    groups = list(rows.groupby(["dataset", "model"], sort=False))
    figure, axes = panels(
        max(1, len(groups)), height=0.9 + 0.28 * max(3, rows["strategy"].nunique())
    )
    for axis, ((dataset, model), group) in zip(axes, groups, strict=False):
        for place, row in enumerate(group.itertuples()):
            errors = None
            if pd.notna(row.low):
                errors = [[row.mean - row.low], [row.high - row.mean]]
            _point(axis, row.mean, place, errors, row.strategy, look)
        axis.set_yticks(range(len(group)), group["strategy"])
        axis.set_ylim(len(group) - 0.5, -0.5)
        axis.set_xlabel(label(metric))
        axis.set_title(f"{dataset}, {model}")
        axis.xaxis.set_major_locator(MaxNLocator(5))
        if metric in truths.get(dataset, {}):
            axis.axvline(truths[dataset][metric], color="#555555", linestyle="--", linewidth=1)
            axis.annotate(
                "best possible",
                (truths[dataset][metric], 0.02),
                xycoords=("data", "axes fraction"),
                xytext=(-3, 0),
                textcoords="offset points",
                rotation=90,
                ha="right",
                va="bottom",
                fontsize=7,
                color="#555555",
            )
    return _finished(figure, axes, len(groups))


def differences(summary: pd.DataFrame, control: str, look: Look) -> Figure:
    """Difference to the control and its interval, in the main metric of each data set."""
    # the first metric of each data set: NDCG@100 of a ranking, the ELBO of pictures
    main = summary.groupby(["dataset", "model"], sort=False)["metric"].transform("first")
    rows = summary[(summary["metric"] == main) & summary["difference"].notna()]
    groups = list(rows.groupby(["dataset", "model"], sort=False))
    figure, axes = panels(
        max(1, len(groups)), height=0.9 + 0.28 * max(3, rows["strategy"].nunique())
    )
    for axis, ((dataset, model), group) in zip(axes, groups, strict=False):
        axis.axvline(0, color="#555555", linewidth=1)
        for place, row in enumerate(group.itertuples()):
            bounds = None
            if pd.notna(row.difference_low):
                bounds = [
                    [row.difference - row.difference_low],
                    [row.difference_high - row.difference],
                ]
            _point(axis, row.difference, place, bounds, row.strategy, look)
        axis.set_yticks(range(len(group)), group["strategy"])
        axis.set_ylim(len(group) - 0.5, -0.5)
        axis.set_xlabel(f"{label(group['metric'].iloc[0])}, difference to {control}")
        axis.set_title(f"{dataset}, {model}")
        axis.xaxis.set_major_locator(MaxNLocator(5))
    return _finished(figure, axes, len(groups))


def curves(traces: pd.DataFrame, look: Look) -> Figure:
    """The validation metric that selects, against updates: median over seeds, band of all seeds."""
    ranked = "validation_ndcg@100" in traces
    traces = traces.assign(
        score=traces["validation_ndcg@100"].where(
            traces["validation_ndcg@100"].notna(), traces["validation_elbo"]
        )
        if ranked
        else traces["validation_elbo"]
    )
    groups = list(traces.groupby(["dataset", "model"], sort=False))
    figure, axes = panels(max(1, len(groups)))
    for axis, ((dataset, model), group) in zip(axes, groups, strict=False):
        _lines(axis, group, "score", look)
        is_ranking = ranked and group["validation_ndcg@100"].notna().any()
        axis.set_ylabel(
            "Validation NDCG@100" if is_ranking else "Validation ELBO (nats per example)"
        )
        axis.set_title(f"{dataset}, {model}")
        if not is_ranking:  # the first epochs are far below and would flatten the rest
            axis.set_ylim(bottom=group["score"].quantile(0.1))
    return _finished(figure, axes, len(groups), look, traces)


def beta(traces: pd.DataFrame, look: Look) -> Figure:
    """β as used: mean of each epoch, band from the 5 % to the 95 % quantile of its values."""
    groups = list(traces.groupby(["dataset", "model"], sort=False))
    figure, axes = panels(max(1, len(groups)))
    for axis, ((dataset, model), group) in zip(axes, groups, strict=False):
        for strategy, rows in group.groupby("strategy", sort=False):
            over_seeds = rows.groupby("updates")[["beta", "beta_q05", "beta_q95"]].mean()
            colour = look.colour(str(strategy))
            axis.plot(over_seeds.index, over_seeds["beta"], color=colour, label=strategy)
            axis.fill_between(
                over_seeds.index,
                over_seeds["beta_q05"],
                over_seeds["beta_q95"],
                color=colour,
                alpha=0.12,
                linewidth=0,
            )
        axis.set_ylabel("β")
        axis.set_xlabel("updates")
        axis.set_title(f"{dataset}, {model}")
    return _finished(figure, axes, len(groups), look, traces)


def rate_distortion(table: pd.DataFrame, look: Look) -> Figure:
    """Test distortion against test rate, one point a cell; lines of equal ELBO have slope −1.

    Alemi et al. 2018, arXiv:1711.00464.
    """
    done = table[table["status"] == "done"]
    groups = list(done.groupby(["dataset", "model"], sort=False))
    figure, axes = panels(max(1, len(groups)))
    for axis, ((dataset, model), group) in zip(axes, groups, strict=False):
        for strategy, rows in group.groupby("strategy", sort=False):
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
                axis.annotate(f"ELBO {-total:g}", (total - top, top), fontsize=6, color="#888888")
        axis.set_xlim(low, high)
        axis.set_ylim(bottom, top)
        axis.set_xlabel("Rate (nats per example)")
        axis.set_ylabel("Distortion (nats per example)")
        axis.set_title(f"{dataset}, {model}", pad=14)
    return _finished(figure, axes, len(groups), look, table)


def save(figure: Figure, stem: Path) -> None:
    """Write ``stem.pdf`` (vector) and ``stem.png``."""
    for ending in (".pdf", ".png"):
        # no creation date: the same results make the same bytes
        metadata = {"CreationDate": None} if ending == ".pdf" else None
        with whole(stem.with_suffix(ending)) as path:
            figure.savefig(path, metadata=metadata)


def use_style() -> None:
    """The style of all figures; call once per process."""
    sns.set_theme(style="ticks", rc=STYLE)
    mpl.use("agg")


def _point(
    axis: Axes,
    value: float,
    place: int,
    errors: list[list[float]] | None,
    strategy: str,
    look: Look,
) -> None:
    """One strategy's value with its interval, at height ``place``."""
    axis.errorbar(
        value,
        place,
        xerr=errors,
        fmt=look.marker(strategy),
        color=look.colour(strategy),
        capsize=2.5,
        markersize=5,
    )


def _lines(axis: Axes, group: pd.DataFrame, column: str, look: Look) -> None:
    sns.lineplot(
        group,
        x="updates",
        y=column,
        hue="strategy",
        palette=look.palette,
        estimator="median",
        errorbar=("pi", 100),
        legend=False,
        ax=axis,
        linewidth=1.2,
        err_kws={"alpha": 0.12, "linewidth": 0},
    )


def _finished(
    figure: Figure,
    axes: Sequence[Axes],
    groups: int,
    look: Look | None = None,
    frame: pd.DataFrame | None = None,
) -> Figure:
    """Say so where there is nothing to draw; one legend below all panels."""
    if not groups:
        axes[0].set_axis_off()
        axes[0].text(0.5, 0.5, "no cell finished", ha="center", va="center")
    elif look is not None and frame is not None:
        present = [name for name in look.order if name in set(frame["strategy"])]
        handles = [
            mpl.lines.Line2D(
                [], [], color=look.colour(name), marker=look.marker(name), ms=4, label=name
            )
            for name in present
        ]
        figure.legend(
            handles=handles, loc="outside lower center", ncols=min(4, len(handles)), fontsize=8
        )
    return figure
