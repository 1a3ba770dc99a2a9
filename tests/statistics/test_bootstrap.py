"""The two-way bootstrap against its closed form."""

import math

import numpy as np
import pytest
import scipy.stats

from vaebench.statistics import bootstrap
from vaebench.statistics.bootstrap import expanded, stratified, two_way


def pigeonhole_variance(y: np.ndarray) -> float:
    """Var(ȳ*) = Σ y_us y_vt Cov(w_u v_s, w_v v_t)/(US)² for independent multinomial counts."""
    users, seeds = y.shape

    def second(n: int) -> np.ndarray:  # E[w w'] of multinomial counts: 1 + covariance
        return 1 + np.eye(n) - 1 / n

    expected = np.einsum("us,vt,uv,st->", y, y, second(users), second(seeds))
    return float(expected / (users * seeds) ** 2 - y.mean() ** 2)


def test_its_variance_is_that_of_the_pigeonhole() -> None:
    y = np.random.default_rng(0).normal(size=(6, 4)) + np.arange(4) + np.arange(6)[:, None]
    means = two_way([y], 40_000)[0]
    assert means.mean() == pytest.approx(y.mean(), abs=4 * means.std() / 200)
    # a sample variance of 40,000 has a relative standard error of about √(2/40,000) = .007
    assert means.var() == pytest.approx(pigeonhole_variance(y), rel=0.03)


def test_blocks_share_the_examples_and_bounded_memory_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two strategies that differ by a constant differ by it in every resample."""
    y = np.random.default_rng(1).normal(size=(50, 3))
    one, two = two_way([y, y + 1], 64)
    assert two - one == pytest.approx(np.ones(64))
    monkeypatch.setattr(bootstrap, "VALUES_AT_ONCE", 64 * 50)
    assert two_way([y], 64)[0] == pytest.approx(one)


def test_expanded_percentiles_have_students_length() -> None:
    """Of the mean of S normal values it is about ± t·s/√S: √(S/(S − 1)) undoes the bias."""
    x = np.random.default_rng(2).normal(size=8)
    resampled = x[np.random.default_rng(3).integers(8, size=(40_000, 8))].mean(1)
    low, high = expanded(resampled, 0.95, 7)
    expected = 2 * scipy.stats.t.ppf(0.975, 7) * x.std(ddof=1) / math.sqrt(8)
    assert high - low == pytest.approx(expected, rel=0.06)
    plain = np.quantile(resampled, [0.025, 0.975])
    assert plain[1] - plain[0] < 0.85 * expected


def test_one_seed_has_no_interval() -> None:
    assert all(map(math.isnan, expanded(np.arange(9.0), 0.95, math.nan)))


def test_strata_are_resampled_within_themselves() -> None:
    strata = [np.zeros(3), np.ones(5)]
    zeros, ones = stratified(strata, 7)
    assert (zeros.shape, ones.shape) == ((7, 3), (7, 5))
    assert zeros.sum() == 0
    assert ones.sum() == 35
