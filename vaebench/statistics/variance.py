"""Where does the variance come from: the split, the initial weights, the batch order, the noise?

A study can vary one source at a time (Bouthillier et al. 2021, arXiv:2103.03098, §3): cells that
agree in everything but that source are compared. Which cells those are is read from the cells'
own files: the split's seed from the data set's card, the streams from ``training.vary``.
"""

import math

import pandas as pd
import scipy.stats

from vaebench.words import FIXED, STREAMS

SOURCES = {
    "split": "split",
    "weights": "initial weights",
    "batches": "batch order",
    "noise": "dropout and z noise",
}
"""Sources of variance with their names in print."""

WHAT = ["data", "model", "strategy", "training"]
"""What cells must share before their difference is one of randomness."""


def within(cells: pd.DataFrame, source: str) -> tuple[float, int, int]:
    """The variance of ``value`` among cells that differ in ``source`` alone.

    Pooled over all sets of such cells: Σ SS/Σ df.

    Args:
        cells: a column a source, whose entries name the level, and ``value``; cells that agree in
            all sources are the same cell.
        source: one of the columns.

    Returns:
        variance, degrees of freedom, cells that entered; NaN, 0, 0 where no two cells differ so.
    """
    others = [name for name in SOURCES if name != source]
    distinct = cells.drop_duplicates(list(SOURCES))
    squares, freedom, used = 0.0, 0, 0
    for _, rows in distinct.groupby(others, sort=False):
        if len(rows) > 1:
            squares += float(((rows["value"] - rows["value"].mean()) ** 2).sum())
            freedom += len(rows) - 1
            used += len(rows)
    return (squares / freedom if freedom else math.nan), freedom, used


def together(cells: pd.DataFrame) -> tuple[float, int, int]:
    """The variance among cells of one split in which all streams differ, as in a usual study."""
    squares, freedom, used = 0.0, 0, 0
    free = cells[~(cells[list(STREAMS)] == FIXED).any(axis=1)]
    for _, rows in free.drop_duplicates(list(SOURCES)).groupby("split", sort=False):
        alone = rows
        for stream in STREAMS:  # a level that two cells share is not drawn anew in each
            alone = alone[~alone[stream].duplicated(keep=False)]
        if len(alone) > 1:
            squares += float(((alone["value"] - alone["value"].mean()) ** 2).sum())
            freedom += len(alone) - 1
            used += len(alone)
    return (squares / freedom if freedom else math.nan), freedom, used


def shares(cells: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """One row a (:data:`WHAT`, metric) and source: its variance and its share of their sum.

    Args:
        cells: :data:`WHAT`, a column for each of :data:`SOURCES`, ``metric``, ``value``: see
            :meth:`vaebench.cells.reading.Cells.sources`.
        confidence: level of the interval of the variance, SS/χ², for normal values.

    Returns:
        ``data, model, strategy, training, metric, source, variance, low, high, freedom, cells,
        share``; the source “streams together” has no share: it is what a usual study sees, to
        compare the sum with. Empty where no two cells differ in one source alone.
    """
    rows = []
    for names, block in cells.groupby([*WHAT, "metric"], sort=False):
        found = {source: within(block, source) for source in SOURCES}
        if not any(freedom for _, freedom, _ in found.values()):
            continue
        total = sum(variance for variance, freedom, _ in found.values() if freedom)
        found["streams together"] = together(block)
        for source, (variance, freedom, used) in found.items():
            if freedom:
                low, high = (
                    freedom * variance / scipy.stats.chi2.ppf(q, freedom)
                    for q in ((1 + confidence) / 2, (1 - confidence) / 2)
                )
                share = variance / total if source in SOURCES and total > 0 else math.nan
                row = [*names, source, variance, low, high, freedom, used, share]
                rows.append(row)
    columns = [*WHAT, "metric", "source", "variance", "low", "high", "freedom", "cells", "share"]
    return pd.DataFrame(rows, columns=columns)
