"""What one training for all β says: the best β by activity, and a dial turned for each user."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

RESAMPLES = 2_000

FINE = 200
"""Steps of a dial between the smallest and the largest β, when its place is chosen."""


def best_by_activity(
    values: np.ndarray,
    betas: Sequence[float],
    sizes: np.ndarray,
    *,
    groups: int = 5,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """The β with the highest mean, in each group of users of similar activity.

    Groups are cut at quantiles of n_u; users of the same n_u share a group. The intervals are
    percentiles of the best β over resampled users of the group: they cover the choice of the users,
    and neither that of the training seed nor the difference of the dial from separate trainings.

    Args:
        values: (K, U), higher is better, by β and user; users with a NaN do not count.
        betas: (K,) ascending.
        sizes: (U,) n_u.
        groups: how many.
        confidence: of the intervals.
        resamples: R.
        seed: of the draws.

    Returns:
        A row a group: ``users``, ``fewest``, ``median`` and ``most`` interactions, ``beta`` with
        ``low`` and ``high``, ``value`` at the group's best β, and ``at_common``, that at the best β
        of all users together.
    """
    counted = ~np.isnan(values).any(0)
    values, sizes = values[:, counted], sizes[counted]
    bounds = np.quantile(sizes, np.linspace(0, 1, groups + 1)[1:-1])
    group = np.searchsorted(bounds, sizes)
    common = _best(values.mean(1)[None], betas)[0]
    random = np.random.default_rng(seed)
    rows = []
    for number in np.unique(group):
        inside = group == number
        some, count = values[:, inside], int(inside.sum())
        mean = some.mean(1)
        best = _best(mean[None], betas)[0]
        drawn = random.multinomial(count, np.full(count, 1 / count), resamples)
        tail = (1 - confidence) / 2
        low, high = np.quantile(_best(drawn @ some.T / count, betas), [tail, 1 - tail])
        rows.append(
            {
                "users": count,
                "fewest": sizes[inside].min(),
                "median": np.median(sizes[inside]),
                "most": sizes[inside].max(),
                "beta": best,
                "low": low,
                "high": high,
                "value": _between(mean, betas, best),
                "at_common": _between(mean, betas, common),
            }
        )
    return pd.DataFrame(rows)


def _best(means: np.ndarray, betas: Sequence[float]) -> np.ndarray:
    """Where each of R curves (R, K) over log β is highest, (R,).

    At the top of the parabola through the best point and its neighbours; at an end, the end.
    """
    places, log = np.arange(len(means)), np.log(betas)
    if len(log) < 3:  # noqa: PLR2004 (a parabola)
        return np.asarray(betas)[means.argmax(1)]
    top = means.argmax(1)
    middle = top.clip(1, len(log) - 2)
    x = [log[middle + step] for step in (-1, 0, 1)]
    y = [means[places, middle + step] for step in (-1, 0, 1)]
    left, right = (x[1] - x[0]) * (y[1] - y[2]), (x[1] - x[2]) * (y[1] - y[0])
    bend = left - right
    move = ((x[1] - x[0]) * left - (x[1] - x[2]) * right) / np.where(bend == 0, 1, 2 * bend)
    refined = np.where(bend == 0, x[1], (x[1] - move).clip(x[0], x[2]))
    return np.exp(np.where(top == middle, refined, log[top]))


def _between(mean: np.ndarray, betas: Sequence[float], beta: float) -> float:
    """The curve (K,) at ``beta``: a parabola in log β through the nearest three points."""
    log, place = np.log(betas), np.log(beta)
    first = int(np.abs(log - place).argmin()) - 1
    near = slice(max(0, min(first, len(log) - 3)), max(0, min(first, len(log) - 3)) + 3)
    through = np.polynomial.Polynomial.fit(log[near], mean[near], len(log[near]) - 1)
    return float(through(place))


@dataclass(frozen=True)
class Turned:
    """A dial β_i = at · (n_i / typical)^exponent, and its mean on the users that chose it."""

    at: float
    exponent: float
    typical: float
    value: float


def turned_by_activity(
    values: np.ndarray,
    betas: Sequence[float],
    sizes: np.ndarray,
    exponents: Sequence[float],
) -> Turned:
    """The dial with the highest mean over these users; between two of ``betas`` values are linear.

    Choose on validation users and report others: the best of many is too good on those that chose.

    Args:
        values: (K, U), higher is better; users with a NaN do not count.
        betas: (K,) ascending; no dial leaves their range.
        sizes: (U,) n_u, in what the model is shown.
        exponents: p to try; 0 is one β for all. Of equal means the first wins.
    """
    counted = ~np.isnan(values).any(0)
    values, sizes = values[:, counted], sizes[counted]
    log, typical = np.log(betas), float(sizes.mean())
    users, found = np.arange(values.shape[1]), []
    for exponent in exponents:
        for start in np.linspace(log[0], log[-1], FINE + 1):
            shift = exponent * np.log(np.maximum(sizes, 1) / typical)
            place = (start + shift).clip(log[0], log[-1])
            above = np.searchsorted(log, place).clip(1, len(log) - 1)
            share = (place - log[above - 1]) / (log[above] - log[above - 1])
            mean = ((1 - share) * values[above - 1, users] + share * values[above, users]).mean()
            found.append(Turned(float(np.exp(start)), exponent, typical, float(mean)))
    return max(found, key=lambda each: each.value)
