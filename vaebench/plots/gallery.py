"""β(t) of every strategy as it was used: one small panel each.

vaebench gallery results/NAME/tables/traces.parquet OUT.png
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from vaebench.errors import DataError
from vaebench.plots import save, use_style

COLUMNS = 5


def gallery(traces: pd.DataFrame) -> Figure:
    """Mean β by epoch of the first data set, model and seed; the band holds 90 % of its values.

    Args:
        traces: one row a cell and epoch, see :meth:`vaebench.cells.reading.Cells.traces`.
    """
    first = traces.iloc[0]
    chosen = (traces["dataset"] == first["dataset"]) & (traces["model"] == first["model"])
    shown = traces[chosen & (traces["seed"] == traces["seed"].min())]
    groups = list(shown.groupby("strategy", sort=False))
    rows = -(-len(groups) // COLUMNS)
    figure = Figure(figsize=(1.75 * COLUMNS, 1.15 * rows + 0.2), layout="constrained")
    axes = list(figure.subplots(rows, COLUMNS, sharex=True, squeeze=False).flat)
    for axis, (strategy, trace) in zip(axes, groups, strict=False):
        axis.fill_between(
            trace["updates"], trace["beta_q05"], trace["beta_q95"], color="#56B4E9", alpha=0.35
        )
        axis.plot(trace["updates"], trace["beta"], color="#000000", linewidth=1.2)
        axis.set_title(strategy, fontsize=7.5, pad=3)
        axis.tick_params(labelsize=6.5)
        low, high = min(0.0, trace["beta_q05"].min()), trace["beta_q95"].max() or 1.0
        axis.set_ylim(low * 1.08, high * 1.08)
    for axis in axes[len(groups) :]:
        axis.set_visible(False)
    figure.supxlabel("updates", fontsize=8)
    figure.supylabel("β", fontsize=8)
    return figure


def main(arguments: Sequence[str]) -> None:
    """Read traces, write a figure."""
    parser = argparse.ArgumentParser(
        prog="vaebench gallery",
        description="Draw β(t) of every strategy as it was used.",
        epilog="example: vaebench gallery results/default/tables/traces.parquet beta.png",
    )
    parser.add_argument("traces", type=Path, help="tables/traces.parquet of a finished study")
    parser.add_argument("figure", type=Path, help="the picture to write")
    given = parser.parse_args(arguments)
    if not given.traces.is_file():
        raise DataError(f"{given.traces} is not there; allowed: the traces of a finished study")
    use_style()
    save(gallery(pd.read_parquet(given.traces)), given.figure.with_suffix(""))


if __name__ == "__main__":
    main(sys.argv[1:])
