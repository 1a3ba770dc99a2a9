"""P(A > B) against scipy's exact binomial interval."""

import numpy as np
import pytest
import scipy.stats

from vaebench.statistics.superiority import superiority


@pytest.mark.parametrize(("wins", "seeds"), [(0, 5), (3, 5), (5, 5), (14, 20)])
def test_its_interval_is_clopper_and_pearsons(wins: int, seeds: int) -> None:
    a = np.r_[np.ones(wins), -np.ones(seeds - wins)]
    share, low, high = superiority(a, np.zeros(seeds), 0.9)
    expected = scipy.stats.binomtest(wins, seeds).proportion_ci(0.9, method="exact")
    assert share == wins / seeds
    assert (low, high) == pytest.approx((expected.low, expected.high))


def test_a_tie_is_half_a_win() -> None:
    assert superiority(np.array([1.0, 0.0]), np.array([0.0, 0.0]), 0.95)[0] == 0.75
    assert superiority(np.zeros(4), np.zeros(4), 0.95)[0] == 0.5


def test_five_wins_of_five_are_not_yet_more_than_chance() -> None:
    assert superiority(np.ones(5), np.zeros(5), 0.95)[1] < 0.5
    assert superiority(np.ones(6), np.zeros(6), 0.95)[1] > 0.5
