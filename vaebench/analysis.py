"""Statistics: frames in, frames out.

The unit of observation is y[strategy, seed, example]. Tests over examples alone mislead: seeds vary
too, and a test that forgets them rejects a true null in 39-64 % of all studies of usual size. So
the primary test compares seed means, paired by seed (same split, weights, batches and noise).
"""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
import scipy.stats
from statsmodels.stats.multitest import multipletests

from vaebench.results import Cells
from vaebench.words import METRICS


def summary(cells: Cells, order: list[str], control: str, confidence: float) -> pd.DataFrame:
    """One row a (data set, model, metric, strategy): mean, interval, contrast to the control.

    Columns: ``mean, low, high`` over seeds and examples (:func:`crossed_interval`); ``seeds,
    examples``; ``difference, difference_low, difference_high, effect, p`` against the control
    (:func:`contrast`) over ``pairs`` seeds; ``p_holm`` within the (data set, model, metric).

    Args:
        cells: the study's cells.
        order: strategies in the order of the table.
        control: the strategy that the others are compared with.
        confidence: level of all intervals.
    """
    groups = dict.fromkeys((folder.parts[-4], folder.parts[-3]) for folder in cells.folders)
    frames = []
    for dataset, model in groups:
        for metric in METRICS:
            values = cells.values(dataset, model, metric)
            if values:
                rows = compare(values, order, control, confidence)
                rows.insert(0, "metric", metric)
                rows.insert(0, "model", model)
                rows.insert(0, "dataset", dataset)
                frames.append(rows)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def compare(
    values: Mapping[str, pd.DataFrame], order: list[str], control: str, confidence: float
) -> pd.DataFrame:
    """The rows of one family: all strategies of one data set, model and metric.

    Args:
        values: strategy → frame (examples × seeds).
        order: strategies in the order wanted; those without values are skipped.
        control: not tested against itself; without it there are no contrasts.
        confidence: level of the intervals.
    """
    rows = []
    for strategy in (name for name in order if name in values):
        frame = values[strategy]
        mean, low, high = crossed_interval(frame.to_numpy(), confidence)
        row: dict[str, object] = {
            "strategy": strategy,
            "mean": mean,
            "low": low,
            "high": high,
            "seeds": frame.shape[1],
            "examples": frame.shape[0],
        }
        if strategy != control and control in values:
            row |= contrast(frame.mean(), values[control].mean(), confidence)
        rows.append(row)
    columns = ["difference", "difference_low", "difference_high", "effect", "p", "pairs"]
    table = pd.DataFrame(rows).reindex(
        columns=["strategy", "mean", "low", "high", "seeds", "examples", *columns]
    )
    return table.assign(p_holm=holm(table["p"]))


def crossed_interval(y: np.ndarray, confidence: float) -> tuple[float, float, float]:
    """Mean and interval of y (examples × seeds) when both are random and crossed.

    y_us = μ + a_u + b_s + e_us. The variance of the grand mean is (MS_u + MS_s − MS_e)/(U·S), with
    Satterthwaite's degrees of freedom (Searle, Casella & McCulloch 1992, Variance Components, §4.3;
    Satterthwaite 1946). It covers new seeds and new examples alike.

    Returns:
        mean, low, high; the bounds are NaN with fewer than two seeds or examples.
    """
    mean = float(y.mean())
    users, seeds = y.shape
    if min(users, seeds) < 2:  # noqa: PLR2004 (no variance of one)
        return mean, math.nan, math.nan
    by_user, by_seed = y.mean(1), y.mean(0)
    ms_user = seeds * by_user.var(ddof=1)
    ms_seed = users * by_seed.var(ddof=1)
    residual = y - by_user[:, None] - by_seed[None, :] + mean
    ms_error = float((residual**2).sum()) / ((users - 1) * (seeds - 1))
    # the estimate may fall below what either factor alone accounts for; never report less than that
    combined = max(ms_user + ms_seed - ms_error, ms_user, ms_seed)
    if combined == 0:
        return mean, mean, mean
    parts = ms_user**2 / (users - 1) + ms_seed**2 / (seeds - 1)
    parts += ms_error**2 / ((users - 1) * (seeds - 1))
    half = scipy.stats.t.ppf((1 + confidence) / 2, combined**2 / parts)
    half *= math.sqrt(combined / (users * seeds))
    return mean, mean - half, mean + half


def contrast(treated: pd.Series, control: pd.Series, confidence: float) -> dict[str, float]:
    """The primary test: paired t on seed means, over the seeds that both have.

    ``effect`` is Cohen's d_z, the mean difference over its standard deviation across seeds. With
    fewer than two common seeds, or differences that do not vary, there is no test: NaN.

    Args:
        treated: seed → mean over examples.
        control: likewise.
        confidence: level of the interval.
    """
    both = pd.concat([treated, control], axis=1, join="inner").to_numpy()
    differences = both[:, 0] - both[:, 1]
    result = {
        "difference": float(differences.mean()) if len(both) else math.nan,
        "pairs": len(both),
    }
    spread = differences.std(ddof=1) if len(both) > 1 else 0.0
    scale = np.abs(both).max(initial=0.0)
    if spread <= 1e-12 * scale:  # rounding alone
        return result | dict.fromkeys(
            ("difference_low", "difference_high", "effect", "p"), math.nan
        )
    test = scipy.stats.ttest_rel(both[:, 0], both[:, 1])
    interval = test.confidence_interval(confidence)
    return result | {
        "difference_low": float(interval.low),
        "difference_high": float(interval.high),
        "effect": float(differences.mean() / spread),
        "p": float(test.pvalue),
    }


def holm(p: pd.Series) -> pd.Series:
    """Holm's step-down adjustment of one family; NaN stays NaN and does not count."""
    adjusted = p.astype(float).copy()
    tested = adjusted.notna()
    if tested.any():
        adjusted[tested] = multipletests(adjusted[tested], method="holm")[1]
    return adjusted
