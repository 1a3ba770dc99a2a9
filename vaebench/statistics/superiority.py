"""P(A > B): how often a new run of one strategy beats a new run of another."""

import numpy as np
from scipy.special import betaincinv

MEANINGFUL = 0.75
"""P(A > B) from which an improvement is worth talking about (Bouthillier et al. 2021)."""


def superiority(a: np.ndarray, b: np.ndarray, confidence: float) -> tuple[float, float, float]:
    """P(A > B) over seeds with its interval; a tie counts one half.

    Bouthillier et al. 2021 (arXiv:2103.03098), §4. Runs are paired by seed. The interval is that of
    Clopper & Pearson 1934, exact for independent pairs without ties: with five seeds even five wins
    leave it at [.48, 1], as the sign test has p = .0625 then. (The bootstrap interval of the paper
    collapses to a point there.)

    Args:
        a: (S,) seed means of A.
        b: (S,) likewise of B.
        confidence: level of the interval.
    """
    wins = float((a > b).sum() + 0.5 * (a == b).sum())
    return wins / len(a), *exact(wins, len(a), confidence)


def exact(wins: float, trials: float, confidence: float) -> tuple[float, float]:
    """Clopper and Pearson's bounds of a share; also between whole numbers."""
    tail = (1 - confidence) / 2
    low = float(betaincinv(wins, trials - wins + 1, tail)) if wins > 0 else 0.0
    high = float(betaincinv(wins + 1, trials - wins, 1 - tail)) if wins < trials else 1.0
    return low, high
