"""Effect size: the difference in standard deviations of the seeds, with what few seeds do to it."""

import math

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtr, chdtri, gammaln, nctdtrinc

from vaebench.statistics.layout import Student


def correction(freedom: float) -> float:
    """J = Γ(ν/2)/(√(ν/2)·Γ((ν − 1)/2)) (Hedges 1981): E(J·d_z) is the true d_z.

    Without it d_z is too large by a factor of 1.77, 1.25, 1.09 with 3, 5, 10 seeds. NaN for ν < 2:
    of two seeds d_z has no mean.
    """
    if freedom < 2:  # noqa: PLR2004 (Γ(0))
        return math.nan
    half = freedom / 2
    return float(np.exp(gammaln(half) - gammaln(half - 0.5)) / math.sqrt(half))


def effect_size(by_seed: Student) -> float:
    """Hedges' g_z = J·d_z with d_z = mean/s.d. across seeds.

    Args:
        by_seed: the paired t over seeds, see :attr:`Layout.by_seed`.
    """
    spread = by_seed.error * math.sqrt(by_seed.freedom + 1)
    return correction(by_seed.freedom) * by_seed.mean / spread


def effect_interval(t: float, seeds: float, confidence: float) -> tuple[float, float]:
    """Bounds of the true d_z: t = √S·d_z is noncentral t with ncp √S·δ and S − 1 df.

    Exact for normal seed means, by inversion (Steiger & Fouladi 1997). NaN where t is.

    Args:
        t: of the paired t over seeds.
        seeds: S ≥ 2.
        confidence: level.
    """
    if not math.isfinite(t):
        return math.nan, math.nan
    tail, size = (1 - confidence) / 2, abs(t)  # for t < 0 mirrored: scipy inverts t > 0 best
    low, high = (_noncentrality(size, seeds - 1, q) / math.sqrt(seeds) for q in (tail, 1 - tail))
    return (low, high) if t > 0 else (-high, -low)


FAR = 6.0
"""Above it scipy's inversion slows down, and where seeds hardly differ it does not end."""

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(80)
"""Of an expectation over a standard normal, Gauss and Hermite's; the weights' sum is √(2π)."""


def _noncentrality(t: float, freedom: float, share: float) -> float:
    """The ncp under which a noncentral t is above ``t`` > 0 with probability ``share``.

    T = (Z + ncp)/√(V/ν) is above t where ncp > t·√(V/ν) − Z, V ~ χ²_ν: the ``share`` quantile of
    that is wanted, whose distribution function is E_Z[F_χ²(ν·((x + Z)/t)²)].
    """
    if t <= FAR:
        return float(nctdtrinc(freedom, 1 - share, t))

    def excess(ncp: float) -> float:
        scaled = freedom * (np.clip(ncp - NODES, 0, None) / t) ** 2
        return float(WEIGHTS @ chdtr(freedom, scaled)) / math.sqrt(2 * math.pi) - share

    top = 10 + t * math.sqrt(chdtri(freedom, 1e-12) / freedom)
    return float(brentq(excess, -10, top, xtol=1e-9, rtol=1e-9))
