"""One strategy against another: three tests of one difference, and its size."""

import math

import numpy as np
import pandas as pd
from scipy.special import stdtr

from vaebench.statistics.equivalence import equivalence
from vaebench.statistics.layout import NO_SPREAD, Layout
from vaebench.statistics.superiority import superiority

COLUMNS = [
    "difference",
    "difference_low",
    "difference_high",
    "relative",
    "effect",
    "p",
    "freedom",
    "p_seeds",
    "p_users",
    "margin",
    "p_equivalence",
    "superior",
    "superior_low",
    "superior_high",
    "pairs",
    "paired_examples",
    "note",
]
"""What :func:`contrast` says about a pair."""


def paired(treated: pd.DataFrame, control: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The values of both over the examples and the seeds that both have: (U, S) each."""
    if treated.index.equals(control.index) and treated.columns.equals(control.columns):
        return treated.to_numpy(), control.to_numpy()
    examples = treated.index.intersection(control.index)
    seeds = treated.columns.intersection(control.columns)
    return treated.loc[examples, seeds].to_numpy(), control.loc[examples, seeds].to_numpy()


def contrast(
    treated: pd.DataFrame, control: pd.DataFrame, confidence: float, margin: float = math.nan
) -> dict[str, object]:
    """Everything said about ``treated`` − ``control``; both are examples × seeds.

    - ``difference, difference_low, difference_high, p, freedom``: the crossed test (primary): t on
      the mean of d_us = y_us − y'_us with the variance of :class:`Layout`;
    - ``p_seeds``: paired t on seed means, for these examples (:func:`paired_t`);
    - ``p_users``: paired t on example means, conditional on these trained models;
    - ``effect``: Cohen's d_z, the mean difference over its standard deviation across seeds;
    - ``relative``: the difference over the absolute mean of the control;
    - ``p_equivalence``: the difference lies within ±``margin`` (:func:`equivalence`);
    - ``superior`` with its bounds: P(A > B) over seeds (:func:`superiority`);
    - ``pairs``, ``paired_examples``: the common seeds and examples it stands on;
    - ``note``: why there is no test, or empty.

    No p-value is better than a wrong one: with fewer than two common seeds or examples, or
    differences that do not vary, the tests are NaN and the note says why.

    Args:
        treated: finite values, examples × seeds.
        control: likewise; paired by the labels of rows and columns.
        confidence: level of the intervals.
        margin: differences within ± this are called equivalent; NaN: not asked.
    """
    a, b = paired(treated, control)
    differences = a - b
    result: dict[str, object] = dict.fromkeys(COLUMNS, math.nan)
    result |= {"pairs": a.shape[1], "paired_examples": a.shape[0], "margin": margin}
    note = why_not(differences.shape)
    if not differences.size:
        return result | {"note": note}
    scale = max(np.abs(a).max(), np.abs(b).max())
    layout = Layout.of(differences, float(scale))
    level = abs(float(b.mean()))
    result |= {
        "difference": layout.mean,
        "relative": layout.mean / level if level else math.nan,
    }
    if note:
        return result | {"note": note}
    if not layout.varies:
        identical = abs(layout.mean) <= NO_SPREAD * scale
        what = "identical results" if identical else "the difference does not vary"
        return result | {"note": f"{what}: no test"}
    low, high = layout.interval(confidence)
    by_seed = differences.mean(0)
    spread = by_seed.std(ddof=1)
    share, share_low, share_high = superiority(a.mean(0), b.mean(0), confidence)
    return result | {
        "difference_low": low,
        "difference_high": high,
        "effect": layout.mean / spread if spread > NO_SPREAD * scale else math.nan,
        "p": layout.two_sided(),
        "freedom": layout.freedom,
        "p_seeds": paired_t(by_seed, float(scale)),
        "p_users": paired_t(differences.mean(1), float(scale)),
        "p_equivalence": equivalence(layout, margin),
        "superior": share,
        "superior_low": share_low,
        "superior_high": share_high,
        "note": "",
    }


def paired_t(differences: np.ndarray, scale: float) -> float:
    """Student's t of paired differences against 0, two-sided; NaN if they do not vary.

    Over seed means it speaks of new seeds on these examples, over example means of new examples
    under these trained models.

    Args:
        differences: (n,).
        scale: the size of the values behind them.
    """
    count = len(differences)
    spread = float(differences.std(ddof=1)) if count > 1 else 0.0
    if spread <= NO_SPREAD * scale:
        return math.nan
    return float(2 * stdtr(count - 1, -abs(float(differences.mean())) * math.sqrt(count) / spread))


def why_not(shape: tuple[int, int]) -> str:
    """Why so many common examples and seeds allow no test; empty if they do."""
    examples, seeds = shape
    for count, what in ((seeds, "seed"), (examples, "test example")):
        if count == 0:
            return f"no {what} in common: no test"
        if count == 1:
            return f"a single {what} in common: no test"
    return ""
