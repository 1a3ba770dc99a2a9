"""The mean over seeds and its interval, as long as there is no table of results."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

TWO = 2
"""Values from which on there is an interval."""


@dataclass(frozen=True)
class Mean:
    """The mean of ``count`` values, and its interval; nan where one value has none."""

    count: int
    mean: float
    low: float = math.nan
    high: float = math.nan


def mean_over_seeds(values: Sequence[float], confidence: float) -> Mean:
    """Student's interval of the mean: m ± t_{n−1, (1+confidence)/2} · s / √n.

    It is over seeds alone, for users and a split like these; the tables of a study, which know the
    test examples as well, have intervals over both.

    Args:
        values: one a seed, at least one.
        confidence: of the interval, as in .95.

    Example:
        >>> mean_over_seeds([1.0, 2.0, 3.0], 0.95)
        Mean(count=3, mean=2.0, low=-0.484..., high=4.484...)
    """
    y = np.asarray(values, dtype=float)
    count, mean = len(y), float(y.mean())
    if count < TWO:
        return Mean(count, mean)
    half = float(stdtrit(count - 1, (1 + confidence) / 2) * y.std(ddof=1) / math.sqrt(count))
    return Mean(count, mean, mean - half, mean + half)
