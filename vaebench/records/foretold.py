"""Data sets that came later: did the prediction intervals of the others hold?

An interval for what a new data set will show is a promise that can be broken. A record that is in
no sum is measured against it, strategy by strategy. Pairs of one new data set share its control and
its users, so they are not independent; of one unit with the others they are no test at all, and
are counted apart.
"""

from collections.abc import Sequence

import pandas as pd

from vaebench.records.compared import GROUP, Over
from vaebench.statistics import prediction

COLUMNS = [*GROUP, "dataset", "unit", "strategy", "difference", "predicted_low", "predicted_high"]
COLUMNS += ["width", "inside", "unrelated"]


def foretold(over: Sequence[Over], new: pd.DataFrame) -> pd.DataFrame:
    """A row a registered strategy and new data set, columns :data:`COLUMNS`.

    ``width`` is that of the interval; ``unrelated``: the data set's unit is none of the others'.

    Args:
        over: what the data sets that count say; groups without a headline predict nothing.
        new: :func:`vaebench.records.compared.contrasts` of the new records.
    """
    rows = []
    for each in over:
        known = each.registered[each.registered["headline"]].set_index("strategy")
        mine = new
        for key, value in zip(GROUP, each.group, strict=True):
            mine = mine[mine[key] == value]
        for row in mine[mine["label"].isin(known.index)].itertuples():
            low, high = known.loc[row.label, ["predicted_low", "predicted_high"]].astype(float)
            names = dict(zip(GROUP, each.group, strict=True))
            names |= {"dataset": row.dataset, "unit": row.unit, "strategy": row.label}
            found = {"difference": row.difference, "predicted_low": low, "predicted_high": high}
            found |= {"width": high - low, "inside": bool(low <= row.difference <= high)}
            rows.append(names | found | {"unrelated": row.unit not in each.units})
    return pd.DataFrame(rows, columns=COLUMNS)


def left_out(table: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Each unit by the others: as :func:`foretold`, ``dataset`` being the unit that was left out.

    The intervals come from one unit fewer than the published ones, so they are somewhat wider.
    Units are shared between the rows: this is a check of the method, not so many new data sets.

    Args:
        table: :func:`vaebench.records.compared.contrasts` of the records that count.
        confidence: of the intervals.
    """
    rows = []
    nothing = not table["registered"].any()
    for group, part in table[table["registered"] | nothing].groupby(GROUP, sort=False):
        units = dict(zip(part["dataset"], part["unit"], strict=True))
        each = prediction.by_units(part.assign(strategy=part["label"]), units)
        order = list(dict.fromkeys(each["strategy"]))
        for unit in dict.fromkeys(each["unit"]):
            others, mine = each[each["unit"] != unit], each[each["unit"] == unit]
            told = prediction.predictions(others, order, confidence).set_index("strategy")
            told = told[told["headline"].astype(bool)]
            for row in mine[mine["strategy"].isin(told.index)].itertuples():
                low, high = told.loc[row.strategy, ["predicted_low", "predicted_high"]].astype(
                    float
                )
                names = dict(zip(GROUP, group, strict=True)) | {"dataset": unit, "unit": unit}
                names |= {"strategy": row.strategy, "difference": row.difference}
                names |= {"predicted_low": low, "predicted_high": high, "width": high - low}
                inside = bool(low <= row.difference <= high)
                rows.append(names | {"inside": inside, "unrelated": True})
    return pd.DataFrame(rows, columns=COLUMNS)


def shares(found: pd.DataFrame) -> pd.DataFrame:
    """A row a group and new data set: pairs, how many are inside, the mean width."""
    keys = [*GROUP, "dataset", "unrelated"]
    if found.empty:
        return pd.DataFrame(columns=[*keys, "pairs", "inside", "share", "width"])
    table = found.groupby(keys, sort=False).agg(
        pairs=("inside", "size"), inside=("inside", "sum"), width=("width", "mean")
    )
    return table.assign(share=table["inside"] / table["pairs"]).reset_index()
