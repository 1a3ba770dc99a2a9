"""From these data sets to a new one: a strategy's difference to the control over unrelated units.

The differences d_1 … d_K of K units are the sample; what they vary by, between units and by noise,
is their own standard deviation s_d, so that no standard error that misses something can make an
interval too short:

- the mean difference: d̄ ± t_{K−1}·s_d/√K, and its t-test;
- what a new unit **will show** when it is measured as these were:
  d̄ ± t_{K−1}·s_d·√(1 + 1/K);
- the new unit's **true** difference, noise taken off: see :func:`true_half`.

With K = 3, 4 there is no headline: a new measured difference of the same distribution lies between
the least and the largest of K with probability (K − 1)/(K + 1), whatever that distribution is.
``python -m vaebench.statistics.coverage`` has how often each of them holds.
"""

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import ndtr, stdtr, stdtrit
from scipy.stats import chi2

from vaebench.statistics.across import FEWEST_TESTED, ranks
from vaebench.statistics.multiplicity import holm

FEWEST = 2
"""Units with a spread."""

FEWEST_RANGE = 3
"""Units with a range worth printing."""

QUANTILES = 400
"""Of χ² for the noise that is taken off."""

COLUMNS = ["strategy", "units", "mean", "low", "high", "joint_low", "joint_high", "spread", "p"]
COLUMNS += ["p_holm", "predicted_low", "predicted_high", "true_low", "true_high", "least", "most"]
COLUMNS += ["within", "headline", "best"]


def mean_half(spread: ArrayLike, units: int, confidence: float) -> np.ndarray:
    """t_{K−1}·s_d/√K, half the interval of the mean difference; any shape."""
    t = stdtrit(units - 1, (1 + confidence) / 2)
    return np.asarray(t * np.asarray(spread, float) / math.sqrt(units))


def predicted_half(spread: ArrayLike, units: int, confidence: float) -> np.ndarray:
    """t_{K−1}·s_d·√(1 + 1/K), half the interval of what a new unit will show; any shape."""
    t = stdtrit(units - 1, (1 + confidence) / 2)
    return np.asarray(t * np.asarray(spread, float) * math.sqrt(1 + 1 / units))


def true_half(
    spread: ArrayLike,
    noise: ArrayLike,
    units: int,
    confidence: float,
    quantiles: int = QUANTILES,
) -> np.ndarray:
    """Half the interval of a new unit's true difference δ; any shape.

    The generalised pivot for a variance of which a known part is noise (Weerahandi 1993; Iyer, Wang
    & Mathew 2004): with S = (K − 1)·s_d² and v̄ the mean variance of the units' differences,
    τ²(c) = max(0, S/c − v̄) for c at the quantiles of χ²_{K−1}, and δ is a mixture of
    N(d̄, τ² + (τ² + v̄)/K). Where τ² is 0 the noise of d̄ is v̄/K.

    Args:
        spread: s_d.
        noise: v̄, from replicates.
        units: K.
        confidence: of the interval.
        quantiles: how many parts the mixture has.
    """
    total = (units - 1) * np.square(np.asarray(spread, float))[..., None]
    v = np.asarray(noise, float)[..., None]
    c = chi2.ppf((np.arange(quantiles) + 0.5) / quantiles, units - 1)
    between = np.maximum(0.0, total / c - v)
    sigma = np.sqrt(between + (between + v) / units)
    low, high = np.zeros(sigma.shape[:-1]), 40 * sigma.max(-1) + 1e-300
    for _ in range(60):
        middle = (low + high) / 2
        with np.errstate(invalid="ignore", divide="ignore"):
            inside = (2 * ndtr(middle[..., None] / sigma) - 1).mean(-1)
        short = inside < confidence
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return np.asarray((low + high) / 2)


def by_units(differences: pd.DataFrame, units: Mapping[str, str]) -> pd.DataFrame:
    """Differences of data sets → of units: releases of one collection count once, by their mean.

    Args:
        differences: ``dataset, strategy, difference, error``; ``error`` may be NaN.
        units: data set → unit; by default itself. An empty one counts as none (drawn data).

    Returns:
        ``unit, strategy, difference, error, datasets``. A unit without one of the data sets that
        others of its strategies have is the mean of those that are there.
    """
    unit = differences["dataset"].map(lambda name: units.get(name, name))
    known = differences.assign(unit=unit, variance=differences["error"] ** 2)[unit != ""]
    found = known.groupby(["unit", "strategy"], sort=False).agg(
        difference=("difference", "mean"),
        variance=("variance", lambda each: each.sum(skipna=False) / len(each) ** 2),
        datasets=("dataset", ", ".join),
    )
    table = found.reset_index()
    table["error"] = np.sqrt(table.pop("variance").astype(float))
    return table[["unit", "strategy", "difference", "error", "datasets"]]


def predictions(
    differences: pd.DataFrame,
    order: Collection[str],
    confidence: float,
    *,
    registered: Collection[str] | None = None,
    sign: int = 1,
) -> pd.DataFrame:
    """What units say of each strategy, a row a strategy, columns :data:`COLUMNS`.

    ``mean, low, high`` with the interval of its own; ``joint_low, joint_high`` that of level
    1 − α/m, m the registered strategies, so that all hold at once, also that of the one with the
    best mean; ``spread`` is s_d; ``p_holm`` is over the registered strategies; ``predicted_low``,
    ``predicted_high``, ``true_low``, ``true_high`` see above; ``least, most`` the extremes and
    ``within`` the probability that a new measured difference lies between them; ``headline``: there
    are enough units; ``best``: the highest registered mean.

    Args:
        differences: of units: ``unit, strategy, difference, error`` (:func:`by_units`).
        order: strategies in the order wanted.
        confidence: level of intervals.
        registered: those that corrections are over; by default all.
        sign: 1 where more is better, −1 where less is.
    """
    alpha = 1 - confidence
    rows = []
    names = [name for name in order if name in set(differences["strategy"])]
    family = [name for name in names if registered is None or name in registered]
    level = 1 - alpha / max(1, len(family))
    for name in names:
        mine = differences[differences["strategy"] == name]
        rows.append(_row(name, mine, confidence, level))
    table = pd.DataFrame(rows).reindex(columns=COLUMNS)
    inside = table["strategy"].isin(family)
    table["p_holm"] = holm(table["p"].where(inside).astype(float))
    means = (sign * table["mean"].astype(float)).where(inside & table["units"].ge(FEWEST_TESTED))
    table["best"] = (means == means.max()) & means.notna()
    return table


def _row(name: str, mine: pd.DataFrame, confidence: float, level: float) -> dict[str, Any]:
    d, errors = mine["difference"].to_numpy(float), mine["error"].to_numpy(float)
    count, mean = len(d), float(d.mean())
    row: dict[str, Any] = {"strategy": name, "units": count, "mean": mean}
    row |= {"headline": count >= FEWEST_TESTED, "best": False}
    if count < FEWEST:
        return row
    spread = float(d.std(ddof=1))
    half, wide = (float(mean_half(spread, count, each)) for each in (confidence, level))
    row |= {"spread": spread, "low": mean - half, "high": mean + half}
    row |= {"joint_low": mean - wide, "joint_high": mean + wide}
    row["p"] = _p(mean, spread, count)
    if count >= FEWEST_RANGE:
        row |= {"least": d.min(), "most": d.max(), "within": (count - 1) / (count + 1)}
    if count >= FEWEST_TESTED:
        ahead = float(predicted_half(spread, count, confidence))
        row |= {"predicted_low": mean - ahead, "predicted_high": mean + ahead}
        noise = float(np.mean(errors**2))
        if math.isfinite(noise):
            true = float(true_half(spread, noise, count, confidence))
            row |= {"true_low": mean - true, "true_high": mean + true}
    return row


def _p(mean: float, spread: float, units: int) -> float:
    """Student's two-sided p of a mean difference of 0."""
    if spread == 0:
        return 1.0 if mean == 0 else 0.0
    return float(2 * stdtr(units - 1, -abs(mean) * math.sqrt(units) / spread))


def log_ratios(means: pd.DataFrame, control: str) -> pd.DataFrame:
    """The declared sensitivity: log(y/c) instead of y − c, for metrics that are positive.

    Args:
        means: ``dataset, strategy, seed, mean``, a row a cell.
        control: whose mean of the same seed is c.

    Returns:
        ``dataset, strategy, difference, error`` over the common seeds; nothing of a data set with a
        mean that is not positive.
    """
    rows = []
    for dataset, part in means.groupby("dataset", sort=False):
        table = part.pivot_table(index="seed", columns="strategy", values="mean", sort=False)
        if control not in table or not (table.dropna() > 0).all(axis=None):
            continue
        logs = np.log(table)
        for name in (each for each in table if each != control):
            found = (logs[name] - logs[control]).dropna().to_numpy()
            if len(found):
                rows.append([dataset, name, found.mean(), standard_error(found)])
    return pd.DataFrame(rows, columns=["dataset", "strategy", "difference", "error"])


def standard_error(values: np.ndarray) -> float:
    """Of the mean of independent values; NaN of a single one."""
    return float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else math.nan


def friedman(differences: pd.DataFrame, control: str, alpha: float, sign: int = 1) -> Any:  # noqa: ANN401
    """:func:`vaebench.statistics.across.ranks` of all strategies and the control over units."""
    table = sign * differences.pivot_table(
        index="unit", columns="strategy", values="difference", sort=False
    )
    return ranks(table.assign(**{control: 0.0}), alpha)
