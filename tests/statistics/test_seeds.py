"""Student's interval over seeds, against SciPy's own."""

import numpy as np
import pytest
import scipy.stats

from vaebench.statistics.seeds import Mean, mean_over_seeds


@pytest.mark.parametrize(("count", "confidence"), [(2, 0.95), (5, 0.9), (30, 0.99)])
def test_the_interval_is_that_of_a_t_test(count: int, confidence: float) -> None:
    values = np.random.default_rng(count).normal(3, 2, count)
    found = mean_over_seeds(list(values), confidence)
    wanted = scipy.stats.ttest_1samp(values, 0).confidence_interval(confidence)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))
    assert found.mean == pytest.approx(values.mean())
    assert found.count == count


def test_one_seed_has_no_interval() -> None:
    found = mean_over_seeds([2.0], 0.95)
    assert found == Mean(1, 2.0, found.low, found.high)
    assert np.isnan([found.low, found.high]).all()
