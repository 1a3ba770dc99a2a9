"""What of the data explains β? Activity of users, spread of n_u, and the best β of each data set.

The unit is the data set (releases of one collection once); within a data set, the replicate.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from vaebench.statistics.layout import TWO, Layout
from vaebench.statistics.multiplicity import holm

FEWEST = 4
"""Units from which on a line has a residual to speak of."""

MOST_EXACT = 8
"""Units up to which all permutations are tried."""

DRAWN = 20_000
"""Permutations that are drawn of more units."""


def slope(x: np.ndarray, y: np.ndarray, confidence: float) -> dict[str, float]:
    """The least-squares line of y on x: ``slope, low, high, p, units`` by Student's t_{K−2}."""
    count = len(x)
    found: dict[str, float] = {"units": count}
    spread = float(((x - x.mean()) ** 2).sum()) if count else 0.0
    if count < FEWEST or spread == 0:
        return found | dict.fromkeys(("slope", "low", "high", "p"), math.nan)
    b = float(((x - x.mean()) * (y - y.mean())).sum() / spread)
    residual = y - y.mean() - b * (x - x.mean())
    error = math.sqrt(float((residual**2).sum()) / (count - 2) / spread)
    half = float(stdtrit(count - 2, (1 + confidence) / 2)) * error
    p = float(2 * stdtr(count - 2, -abs(b) / error)) if error > 0 else 0.0
    return found | {"slope": b, "low": b - half, "high": b + half, "p": p}


def grows(x: np.ndarray, y: np.ndarray) -> float:
    """One-sided permutation p that y does not grow with x, by the correlation; exact up to 8 units.

    Of more, :data:`DRAWN` permutations of a fixed stream, the observed order among them.
    """
    count = len(x)
    if count < FEWEST or np.ptp(x) == 0 or np.ptp(y) == 0:
        return math.nan
    centred, observed = x - x.mean(), float(((x - x.mean()) * y).sum())
    if count <= MOST_EXACT:
        orders = np.array(list(itertools.permutations(range(count))))
    else:
        rng = np.random.default_rng(count)
        orders = np.array([np.arange(count), *(rng.permutation(count) for _ in range(DRAWN))])
    sums = (y[orders] * centred).sum(1)
    return float((sums >= observed - 1e-12 * abs(observed)).mean())


def activity_slope(
    differences: Sequence[np.ndarray],
    interactions: Sequence[np.ndarray],
    confidence: float,
    common: float = 1.0,
) -> dict[str, float]:
    """Does the difference of a strategy depend on the user's activity, within a data set?

    In each replicate, the slope of the users' differences on log₂ n_u: what doubling n_u adds. The
    mean slope is judged as every other mean, by both tests of
    :meth:`vaebench.statistics.layout.Layout.nested`, with the slopes in the place of replicate
    means and their variance by the users' sampling (heteroscedastic, HC1) in that of s_w²/U.

    Args:
        differences: a replicate each, of the same users as ``interactions``; NaN where none.
        interactions: n_u.
        confidence: level.
        common: the share of users that two replicates have in common; 1 of one test part.

    Returns:
        ``slope, low, high, p, replicates, users``.
    """
    slopes, variances, users = [], [], 0
    for d, n in zip(differences, interactions, strict=True):
        known = np.isfinite(d) & (n > 0)
        x, y = np.log2(n[known]), d[known]
        spread = float(((x - x.mean()) ** 2).sum()) if len(x) else 0.0
        if len(x) < FEWEST or spread == 0:
            continue
        b = float(((x - x.mean()) * (y - y.mean())).sum() / spread)
        residual = y - y.mean() - b * (x - x.mean())
        squares = float((((x - x.mean()) * residual) ** 2).sum())
        slopes.append(b)
        variances.append(squares / spread**2 * len(x) / (len(x) - 2))
        users += len(x)
    count = len(slopes)
    found: dict[str, float] = {"replicates": count, "users": users}
    if count < TWO:
        mean = float(np.mean(slopes)) if slopes else math.nan
        return found | {"slope": mean, "low": math.nan, "high": math.nan, "p": math.nan}
    mean, size = float(np.mean(slopes)), round(users / count)
    within, between = size * float(np.mean(variances)), size * float(np.var(slopes, ddof=1))
    squares_of_users = (1 + count * common) * within
    layout = Layout(mean, size, count, squares_of_users, between, within, abs(mean))
    low, high = layout.interval(confidence)
    return found | {"slope": mean, "low": low, "high": high, "p": layout.two_sided()}


def predictors(
    best: Mapping[str, float], shapes: pd.DataFrame, candidates: Sequence[str], confidence: float
) -> pd.DataFrame:
    """Which shape of the data predicts log₁₀ of the best β?

    A line on each candidate; its root mean squared error where each unit in turn is left out of the
    fit, beside that of no candidate (the mean of the others).

    Args:
        best: unit → log₁₀ of its best β.
        shapes: units × candidates.
        candidates: the registered ones.
        confidence: of the slopes' intervals.

    Returns:
        A row a candidate, and one called ``none``: ``shape, slope, low, high, p, p_holm, units,
        left_out`` (the error, in decades).
    """
    units = [unit for unit in best if unit in shapes.index]
    y = np.array([best[unit] for unit in units])
    rows: list[dict[str, Any]] = [
        {"shape": "none", "units": len(y), "left_out": _left_out(None, y)}
    ]
    for name in candidates:
        x = shapes.loc[units, name].to_numpy(float)
        rows.append({"shape": name, **slope(x, y, confidence), "left_out": _left_out(x, y)})
    table = pd.DataFrame(rows).reindex(
        columns=["shape", "slope", "low", "high", "p", "units", "left_out"]
    )
    table["p_holm"] = holm(table["p"].astype(float))
    return table


def _left_out(x: np.ndarray | None, y: np.ndarray) -> float:
    """Root mean squared error of each y by the line, or the mean, through the others."""
    if len(y) < FEWEST:
        return math.nan
    errors = []
    for out in range(len(y)):
        others = np.arange(len(y)) != out
        guess = y[others].mean()
        if x is not None and np.ptp(x[others]) > 0:
            centred = x[others] - x[others].mean()
            b = (centred * y[others]).sum() / (centred**2).sum()
            guess += b * (x[out] - x[others].mean())
        errors.append(y[out] - guess)
    return float(np.sqrt(np.mean(np.square(errors))))


def rule_losses(curves: pd.DataFrame, grid: Sequence[float]) -> pd.DataFrame:
    """What one β for every data set loses, chosen on the others.

    The curve of a unit is the mean over its replicates of the scores, linear in log β between
    trials and level beyond the ends. The rule's log β is the point of ``grid`` with the least mean
    loss over the other units.

    Args:
        curves: ``unit, replicate, log_beta, score``; the axis may be β / mean n_u.
        grid: points of the axis.

    Returns:
        ``unit, best, score, rule, loss``: the unit's own best point and its score, the rule's
        point, what it loses.
    """
    points = np.asarray(grid, float)
    units = list(dict.fromkeys(curves["unit"]))
    levels = np.array([curve(curves[curves["unit"] == unit], points) for unit in units])
    losses = levels.max(1, keepdims=True) - levels
    rows = []
    for place, unit in enumerate(units):
        others = np.delete(losses, place, 0)
        rule = int(others.mean(0).argmin()) if len(others) else 0
        own = int(levels[place].argmax())
        rows.append([unit, points[own], levels[place, own], points[rule], losses[place, rule]])
    return pd.DataFrame(rows, columns=["unit", "best", "score", "rule", "loss"])


def curve(part: pd.DataFrame, points: np.ndarray) -> np.ndarray:
    """The mean over replicates of ``score`` at ``points`` of ``log_beta``, linear in between."""
    each = [np.interp(points, *_sorted(one)) for _, one in part.groupby("replicate", sort=False)]
    return np.asarray(np.mean(each, axis=0))


def _sorted(one: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    ordered = one.sort_values("log_beta", kind="stable")
    return ordered["log_beta"].to_numpy(float), ordered["score"].to_numpy(float)
