"""Many tests at once: Holm for the planned contrasts, Benjamini & Hochberg for exploration."""

import numpy as np
import pandas as pd
import scipy.stats


def holm(p: pd.Series) -> pd.Series:
    """Holm's step-down adjustment of one family (1979): the chance of any false rejection ≤ α.

    The i-th smallest of m becomes max_{j ≤ i} min(1, (m − j + 1)·p_(j)). NaN stays NaN and does not
    count: what was not tested costs nothing. (statsmodels' multipletests agrees, but collects
    garbage in every call: a second for each family of a large study.)
    """
    adjusted = p.astype(float).copy()
    ordered = adjusted.dropna().sort_values()
    steps = np.arange(len(ordered), 0, -1)
    adjusted[ordered.index] = np.maximum.accumulate(np.minimum(1, steps * ordered))
    return adjusted


def benjamini_hochberg(p: pd.Series) -> pd.Series:
    """Benjamini & Hochberg's adjustment (1995): the expected share of false findings ≤ α.

    Only for exploration. NaN stays NaN and does not count.
    """
    adjusted = p.astype(float).copy()
    tested = adjusted.notna()
    if tested.any():
        adjusted[tested] = scipy.stats.false_discovery_control(adjusted[tested])
    return adjusted
