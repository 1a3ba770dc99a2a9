"""Intervals that hold together, to stand beside p-values that were corrected together."""

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from vaebench.statistics.multiplicity import benjamini_hochberg


def half_widths(rows: pd.DataFrame, alpha: float) -> pd.Series:
    """Half the length of each difference's (1 − α) interval: the wider of crossed and seeds.

    Args:
        rows: ``error, freedom, error_seeds, pairs`` of :func:`vaebench.statistics.contrasts
            .contrast`; NaN where there is no test.
        alpha: of one interval.
    """
    known = rows[["error", "freedom", "error_seeds", "pairs"]].astype(float)
    crossed = stdtrit(known["freedom"], 1 - alpha / 2) * known["error"]
    seeds = stdtrit(known["pairs"] - 1, 1 - alpha / 2) * known["error_seeds"]
    halves = pd.Series(np.fmax(crossed, seeds), index=rows.index, dtype=float)
    return halves.where(rows["p"].astype(float).notna())


def joint(rows: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """``joint_low, joint_high``: Bonferroni's intervals, all m of them right at once with 1 − α.

    Each is of level 1 − α/m, m the tested rows. It excludes 0 where m·p < α, so Holm's p, which
    needs less after the first rejection, may decide where the interval still holds 0; intervals
    that agree with Holm in every case say nothing but the sign (Guilbaud 2008).
    """
    tested = max(1, int(rows["p"].notna().sum()))
    return bounds(rows, half_widths(rows, alpha / tested))


def reachable(rows: pd.DataFrame, alpha: float) -> pd.Series:
    """The smallest margin of equivalence that a contrast's standard errors can decide.

    Half the length of the (1 − 2α/m) interval, m the tested rows: Holm's first step declares
    |μ| < margin only where that interval lies within ±margin, which no smaller margin allows even
    if the measured difference is 0.
    """
    tested = max(1, int(rows["p"].notna().sum()))
    return half_widths(rows, 2 * alpha / tested)


def selected(rows: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """``joint_low, joint_high`` that agree with Benjamini and Hochberg's p.

    Of level 1 − max(1, R)·α/m, R of m rows found: it excludes 0 exactly where p_bh ≤ α, and of the
    intervals of what was found at most a share α is expected to miss (Benjamini & Yekutieli 2005).
    """
    tested = max(1, int(rows["p"].notna().sum()))
    found = max(1, int((benjamini_hochberg(rows["p"]) <= alpha).sum()))
    return bounds(rows, half_widths(rows, found * alpha / tested))


def bounds(rows: pd.DataFrame, halves: pd.Series) -> pd.DataFrame:
    """The difference ± ``halves``."""
    middle = rows["difference"].astype(float)
    return pd.DataFrame({"joint_low": middle - halves, "joint_high": middle + halves})
