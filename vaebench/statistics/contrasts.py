"""One strategy against another: three tests of one difference, and its size."""

import math

import numpy as np
import pandas as pd

from vaebench.statistics.effect import effect_size
from vaebench.statistics.equivalence import equivalence
from vaebench.statistics.layout import NO_SPREAD, Layout, Student, common_of, means, overall
from vaebench.statistics.superiority import superiority

COLUMNS = [
    "difference",
    "difference_low",
    "difference_high",
    "relative",
    "effect",
    "p",
    "p_crossed",
    "p_seeds",
    "p_users",
    "error",
    "freedom",
    "error_seeds",
    "margin",
    "p_equivalence",
    "superior",
    "superior_low",
    "superior_high",
    "pairs",
    "paired_examples",
    "test",
    "note",
]
"""What :func:`contrast` says about a pair."""

BOTH, SEEDS = "crossed and seeds", "seeds alone"
"""``test``: what ``p`` is the larger of; a metric with one value a cell has no examples."""


def paired(treated: pd.DataFrame, control: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The values of both over the examples and the seeds that both have: (U, S) each."""
    same = treated.index.equals(control.index) and treated.columns.equals(control.columns)
    if same and common_of(control) is None:
        return treated.to_numpy(), control.to_numpy()
    examples = treated.index.intersection(control.index)
    seeds = treated.columns.intersection(control.columns)
    a, b = treated.loc[examples, seeds].to_numpy(), control.loc[examples, seeds].to_numpy()
    if common_of(control) is None:
        return a, b
    neither = np.isnan(a) | np.isnan(b)
    there = ~neither.all(0)
    return np.where(neither, np.nan, a)[:, there], np.where(neither, np.nan, b)[:, there]


def contrast(
    treated: pd.DataFrame, control: pd.DataFrame, confidence: float, margin: float = math.nan
) -> dict[str, object]:
    """Everything said about ``treated`` − ``control``; both are examples × seeds.

    - ``difference``: the mean of d_us = y_us − y'_us over the seeds and examples that both have;
    - ``p``: the larger of ``p_crossed``, the crossed t with standard error ``error`` and
      ``freedom``, and ``p_seeds``, the paired t on seed means with ``error_seeds`` and degrees of
      freedom ``pairs`` − 1; ``difference_low, difference_high``: the wider interval (see
      :class:`Layout`); ``test`` says whether both were made;
    - ``p_users``: paired t on example means, conditional on these trained models;
    - ``effect``: d_z across seeds, corrected for their number (:func:`effect_size`);
    - ``relative``: the difference over the absolute mean of the control;
    - ``p_equivalence``: the difference lies within ±``margin`` (:func:`equivalence`);
    - ``superior`` with its bounds: P(A > B) over seeds (:func:`superiority`);
    - ``pairs``, ``paired_examples``: the common seeds and examples it is of;
    - ``note``: why there is no test, or empty.

    No p-value is better than a wrong one: with fewer than two common seeds or examples, or
    differences that do not vary, the tests are NaN and the note says why. Where both have a single
    row, the metric has one value a cell and the seeds' t stands alone.

    Args:
        treated: finite values, examples × seeds.
        control: likewise; paired by the labels of rows and columns.
        confidence: level of the intervals.
        margin: differences within ± this are called equivalent; NaN: not asked.
    """
    a, b = paired(treated, control)
    differences, common = a - b, common_of(control)
    of_cells = max(len(treated), len(control)) == 1
    result: dict[str, object] = dict.fromkeys(COLUMNS, math.nan)
    examples = a.shape[0] if common is None or not a.size else round(np.isfinite(a).sum(0).mean())
    result |= {"pairs": a.shape[1], "paired_examples": examples, "margin": margin, "test": ""}
    note = why_not(differences.shape, of_cells=of_cells)
    if not differences.size:
        return result | {"note": note}
    scale = max(np.nanmax(np.abs(a)), np.nanmax(np.abs(b)))
    layout = Layout.of(differences, float(scale), common=common)
    level = abs(overall(b, common))
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
    share, share_low, share_high = superiority(means(a, common), means(b, common), confidence)

    def p(claim: Student) -> float:
        return claim.two_sided() if claim.error > NO_SPREAD * scale else math.nan

    return result | {
        "difference_low": low,
        "difference_high": high,
        "effect": effect_size(layout.by_seed) if layout.by_seed in layout.claims else math.nan,
        "p": layout.two_sided(),
        "p_crossed": p(layout.crossed),
        "p_seeds": p(layout.by_seed),
        "p_users": p(layout.by_example),
        "error": layout.crossed.error,
        "freedom": layout.crossed.freedom,
        "error_seeds": layout.by_seed.error,
        "p_equivalence": equivalence(layout, margin),
        "superior": share,
        "superior_low": share_low,
        "superior_high": share_high,
        "test": SEEDS if of_cells else BOTH,
        "note": "",
    }


def why_not(shape: tuple[int, int], *, of_cells: bool = False) -> str:
    """Why so many common examples and seeds allow no test; empty if they do.

    Args:
        shape: common examples and seeds.
        of_cells: the metric has one value a cell, so that there are no examples to count.
    """
    examples, seeds = shape
    counts = ((seeds, "seed"),) if of_cells else ((seeds, "seed"), (examples, "test example"))
    for count, what in counts:
        if count == 0:
            return f"no {what} in common: no test"
        if count == 1:
            return f"a single {what} in common: no test"
    return ""
