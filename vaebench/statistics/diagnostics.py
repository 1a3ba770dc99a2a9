"""What the latents do: a row a strategy, means over seeds of what every cell recorded."""

import pandas as pd

COLUMNS = {
    "beta_selected": "β, selected epoch",
    "beta_last": "β at the end",
    "rate": "rate",
    "active_units": "active",
    "collapsed": "collapsed",
    "mutual_information": "I(x; z)",
    "mutual_information_cap": "its cap",
    "marginal_kl": "marginal KL",
}
"""Columns of ``cells.csv`` with their names in print; a cell without one has NaN."""


def diagnostics(cells: pd.DataFrame, order: list[str]) -> pd.DataFrame:
    """One row a (data set, model, strategy): ``seeds`` and the mean, ``_min`` and ``_max`` of each.

    The mutual information I_q(x; z) is estimated among the B test examples of a cell and cannot
    exceed log B, its cap: near the cap it says “at least”. Cells that did not finish are left out;
    columns that no cell has (a model without rate) are NaN.

    Args:
        cells: see :meth:`vaebench.cells.reading.Cells.table`.
        order: strategies in the order wanted.
    """
    done = cells[cells["status"] == "done"]
    known = done.reindex(columns=["dataset", "model", "strategy", *COLUMNS])
    known = known.astype(dict.fromkeys(COLUMNS, float))
    rows = []
    for (dataset, model), block in known.groupby(["dataset", "model"], sort=False):
        for strategy in order:
            mine = block[block["strategy"] == strategy]
            if len(mine):
                row = {"dataset": dataset, "model": model, "strategy": strategy, "seeds": len(mine)}
                for name in COLUMNS:
                    row |= {name: mine[name].mean(), f"{name}_min": mine[name].min()}
                    row[f"{name}_max"] = mine[name].max()
                rows.append(row)
    spread = [f"{name}{end}" for name in COLUMNS for end in ("", "_min", "_max")]
    return pd.DataFrame(rows, columns=["dataset", "model", "strategy", "seeds", *spread])
