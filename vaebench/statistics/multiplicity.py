"""Many tests at once: Holm for the planned contrasts, Benjamini & Hochberg for exploration."""

import numpy as np
import pandas as pd
import scipy.stats


def step_down(p: np.ndarray) -> np.ndarray:
    """Holm's adjustment along the last axis: of the i-th smallest, max_{j ≤ i} (m − j + 1)·p_(j).

    At most 1. (statsmodels' multipletests agrees, but collects garbage in every call: a second for
    each family of a large study.)
    """
    order = p.argsort(axis=-1)
    steps = np.arange(p.shape[-1], 0, -1)
    ordered = np.minimum(1, steps * np.take_along_axis(p, order, axis=-1))
    adjusted = np.empty_like(ordered)
    np.put_along_axis(adjusted, order, np.maximum.accumulate(ordered, axis=-1), axis=-1)
    return adjusted


def holm(p: pd.Series) -> pd.Series:
    """Holm's step-down adjustment of one family (1979): the chance of any false rejection ≤ α.

    NaN stays NaN and does not count: what was not tested costs nothing.
    """
    adjusted = p.astype(float).copy()
    tested = adjusted.notna()
    adjusted[tested] = step_down(adjusted[tested].to_numpy())
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
