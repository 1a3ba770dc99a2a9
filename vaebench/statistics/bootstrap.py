"""Bootstrap intervals: resample seeds and examples, assume no distribution."""

import math
from collections.abc import Sequence

import numpy as np
import scipy.stats

RESAMPLES = 2_000
"""Resamples of an interval."""

VALUES_AT_ONCE = 4_000_000
"""At most so many weights of examples are held at a time (32 MB)."""


def two_way(
    blocks: Sequence[np.ndarray], resamples: int = RESAMPLES, seed: int = 0
) -> list[np.ndarray]:
    """Resampled means of crossed data: examples and seeds are drawn independently.

    The pigeonhole bootstrap (Owen 2007, arXiv:0712.1111): ȳ* = Σ_us w_u v_s y_us/(U·S) with
    multinomial counts w of the examples and v of the seeds. All blocks see the same draws of
    examples, so that means of several strategies may be compared resample by resample.

    Args:
        blocks: arrays (U, S_k) with the same U ≥ 1; S_k ≥ 1 may differ.
        resamples: R.
        seed: of the draws.

    Returns:
        (R,) means for each block.
    """
    examples = len(blocks[0])
    random = np.random.default_rng(seed)
    draws = {
        seeds: random.multinomial(seeds, np.full(seeds, 1 / seeds), resamples)
        for seeds in sorted({block.shape[1] for block in blocks})
    }
    stacked = np.hstack(blocks)
    totals = np.empty((resamples, stacked.shape[1]))
    step = max(1, VALUES_AT_ONCE // examples)
    for first in range(0, resamples, step):
        rows = min(step, resamples - first)
        chosen = random.integers(examples, size=(rows, examples))
        chosen += np.arange(rows)[:, None] * examples
        weights = np.bincount(chosen.ravel(), minlength=rows * examples)
        totals[first : first + rows] = weights.reshape(rows, examples).astype(float) @ stacked
    means, start = [], 0
    for block in blocks:
        seeds = block.shape[1]
        part = totals[:, start : start + seeds]
        means.append((part * draws[seeds]).sum(1) / (examples * seeds))
        start += seeds
    return means


def expanded(
    resampled: np.ndarray, confidence: float, freedom: float, runs: float | None = None
) -> tuple[float, float]:
    """The expanded percentile interval (Hesterberg 2015, The American Statistician 69(4)).

    A percentile interval over few seeds is too narrow: it has a normal's quantiles, and the factor
    (S − 1)/S in its variance. Taking the percentiles at Φ(∓√((ν + 1)/ν) · t_ν) gives it Student's
    length. Hesterberg's ν is S − 1; where examples matter more than seeds that is too wide, so ν is
    the contrast's degrees of freedom (:attr:`Layout.freedom`), which is S − 1 where seeds rule.

    Args:
        resampled: (R,) means from :func:`two_way`.
        confidence: level.
        freedom: ν; NaN (a single seed): no interval, NaN.
        runs: n, of which the resamples' variance lacks the factor n/(n − 1); by default ν + 1.
    """
    if math.isnan(freedom):
        return math.nan, math.nan
    t = scipy.stats.t.ppf((1 + confidence) / 2, freedom)
    count = freedom + 1 if runs is None else runs
    tail = float(scipy.stats.norm.sf(math.sqrt(count / (count - 1)) * t))
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return float(low), float(high)


def stratified(
    runs: Sequence[np.ndarray], resamples: int = RESAMPLES, seed: int = 0
) -> list[np.ndarray]:
    """Resampled runs, stratum by stratum: (n,) becomes (R, n), drawn with replacement.

    Agarwal et al. 2021 (arXiv:2108.13264), §4.1: strata are data sets, runs are seeds.
    """
    random = np.random.default_rng(seed)
    return [values[random.integers(len(values), size=(resamples, len(values)))] for values in runs]
