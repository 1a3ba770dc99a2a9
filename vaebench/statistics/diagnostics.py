"""What the latents do: a row a strategy, means over seeds of what every cell recorded."""

import pandas as pd

COLUMNS = {
    "beta_selected": "β, selected epoch",
    "beta_last": "β at the end",
    "target": "target",
    "reached_selected": "reached, selected epoch",
    "reached": "reached at the end",
    "rate": "rate",
    "active_units": "active",
    "collapsed": "collapsed",
    "mutual_information": "I(x; z)",
    "mutual_information_cap": "its cap",
    "marginal_kl": "marginal KL",
}
"""Columns of ``cells.csv`` with their names in print; a cell without one has NaN."""

REACHED = 0.05
"""A target is reached if the last epoch's mean is within this share of it."""


def diagnostics(cells: pd.DataFrame, order: list[str]) -> pd.DataFrame:
    """One row a (data set, model, strategy): ``seeds`` and the mean, ``_min`` and ``_max`` of each.

    The mutual information I_q(x; z) is estimated among the B test examples of a cell and cannot
    exceed log B, its cap: near the cap it says “at least”. Cells that did not finish are left out;
    columns that no cell has (a model without rate) are NaN.

    Of a strategy with a target, ``target_of`` says what is driven to ``target`` nats, ``reached``
    what the last epoch of training had and ``reached_selected`` the epoch that was tested;
    ``missed`` counts the seeds whose last epoch was more than 5 % away from the target.

    Args:
        cells: see :meth:`vaebench.cells.reading.Cells.table`.
        order: strategies in the order wanted.
    """
    done = cells[cells["status"] == "done"]
    known = done.reindex(columns=["dataset", "model", "strategy", *COLUMNS])
    known = known.astype(dict.fromkeys(COLUMNS, float))
    known["target_of"] = done.get("target_of")
    known["missed"] = (known["reached"] / known["target"] - 1).abs() > REACHED
    rows = []
    for (dataset, model), block in known.groupby(["dataset", "model"], sort=False):
        for strategy in order:
            mine = block[block["strategy"] == strategy]
            if len(mine):
                row = {"dataset": dataset, "model": model, "strategy": strategy, "seeds": len(mine)}
                row |= {"target_of": mine["target_of"].iloc[0], "missed": mine["missed"].sum()}
                for name in COLUMNS:
                    row |= {name: mine[name].mean(), f"{name}_min": mine[name].min()}
                    row[f"{name}_max"] = mine[name].max()
                rows.append(row)
    spread = [f"{name}{end}" for name in COLUMNS for end in ("", "_min", "_max")]
    keys = ["dataset", "model", "strategy", "seeds", "target_of", "missed"]
    return pd.DataFrame(rows, columns=[*keys, *spread])
