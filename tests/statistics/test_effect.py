"""The interval of the effect size, near and far."""

import math

import pytest
import scipy.stats

from vaebench.statistics.effect import effect_interval


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("t", [6.5, 12.0, 25.0])
def test_far_bounds_are_those_of_the_noncentral_t(t: float, seeds: int) -> None:
    """Both ways to invert the distribution, where both can."""
    low, high = effect_interval(-t, seeds, 0.9)
    for bound, share in ((-high, 0.95), (-low, 0.05)):
        ncp = bound * math.sqrt(seeds)
        assert scipy.stats.nct.cdf(t, seeds - 1, ncp) == pytest.approx(share, abs=2e-4)


def test_seeds_that_hardly_differ_have_bounds_at_once() -> None:
    """With t of a million: the bounds are those of the standard deviation alone."""
    low, high = effect_interval(1e6, 5, 0.95)
    spread = [1e6 * math.sqrt(scipy.stats.chi2.ppf(q, 4) / 4 / 5) for q in (0.025, 0.975)]
    assert [low, high] == pytest.approx(spread, rel=1e-5)
