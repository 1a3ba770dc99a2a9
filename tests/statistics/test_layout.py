"""The crossed layout against the analysis of variance of statsmodels and by coverage."""

import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import statsmodels.formula.api as smf
from statsmodels.stats.anova import anova_lm

from vaebench.statistics.layout import Layout


def crossed(
    random: np.random.Generator, users: int, seeds: int, user: float, seed: float, noise: float
) -> np.ndarray:
    """Y = 1 + a_u + b_s + e_us."""
    effects = user * random.normal(size=(users, 1)) + seed * random.normal(size=(1, seeds))
    return 1 + effects + noise * random.normal(size=(users, seeds))


def test_it_agrees_with_the_analysis_of_variance_of_statsmodels() -> None:
    y = crossed(np.random.default_rng(0), 30, 5, 1.0, 0.8, 0.5)
    long = pd.DataFrame(
        [(u, s, y[u, s]) for u in range(30) for s in range(5)], columns=["u", "s", "y"]
    )
    table = anova_lm(smf.ols("y ~ C(u) + C(s)", long).fit())
    squares, df = table["mean_sq"], table["df"]
    combined = squares["C(u)"] + squares["C(s)"] - squares["Residual"]
    freedom = combined**2 / (squares**2 / df).sum()
    error = math.sqrt(combined / y.size)
    half = scipy.stats.t.ppf(0.975, freedom) * error
    whole = Layout.of(y)
    layout = whole.crossed
    assert layout.half(0.95) == pytest.approx(half)
    t = y.mean() / error
    assert layout.two_sided() == pytest.approx(2 * scipy.stats.t.sf(abs(t), freedom))
    assert layout.above(0.9) == pytest.approx(scipy.stats.t.sf((y.mean() - 0.9) / error, freedom))
    assert layout.below(0.9) == pytest.approx(1 - layout.above(0.9))
    assert whole.components == pytest.approx(
        (
            (squares["C(u)"] - squares["Residual"]) / 5,
            (squares["C(s)"] - squares["Residual"]) / 30,
            squares["Residual"],
        )
    )


@pytest.mark.parametrize(("user", "seed"), [(1.0, 0.0), (1.0, 0.1), (0.5, 0.5), (0.0, 1.0)])
def test_its_interval_covers_new_seeds_and_new_users(user: float, seed: float) -> None:
    """Coverage of 95 % intervals in 1,000 studies: at least .95 − 4 binomial standard errors."""
    random = np.random.default_rng(7)
    covered = 0
    for _ in range(1_000):
        low, high = Layout.of(crossed(random, 50, 5, user, seed, 0.5)).interval(0.95)
        covered += low <= 1 <= high
    assert covered / 1_000 > 0.95 - 4 * math.sqrt(0.95 * 0.05 / 1_000)


def test_with_seeds_alone_it_is_students_interval_over_seed_means() -> None:
    y = np.tile([[1.0, 2.0, 4.0]], (6, 1))  # users do not differ
    expected = scipy.stats.t.interval(0.9, 2, y.mean(), np.std([1, 2, 4], ddof=1) / math.sqrt(3))
    assert Layout.of(y).interval(0.9) == pytest.approx(expected)
    assert Layout.of(y).freedom == pytest.approx(2)


def test_one_example_leaves_the_seeds() -> None:
    y = np.array([[1.0, 2.0, 4.0]])
    expected = scipy.stats.ttest_1samp(y[0], 0)
    assert Layout.of(y).interval(0.9) == pytest.approx(tuple(expected.confidence_interval(0.9)))
    assert Layout.of(y).two_sided() == pytest.approx(expected.pvalue)


@pytest.mark.parametrize("shape", [(1, 1), (5, 1), (0, 3)])
def test_one_seed_has_no_variance(shape: tuple[int, int]) -> None:
    layout = Layout.of(np.random.default_rng(0).normal(size=shape))
    assert all(map(math.isnan, layout.interval(0.95)))
    assert math.isnan(layout.two_sided())


def test_rounding_is_not_variation() -> None:
    y = np.full((4, 3), 0.1) + np.arange(12).reshape(4, 3) * 1e-17
    assert not Layout.of(y).varies
    assert Layout.of(y).interval(0.95) == (y.mean(), y.mean())
    assert math.isnan(Layout.of(y).two_sided())
