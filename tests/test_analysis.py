"""Statistics against independent formulas, and the words for the cases without an answer."""

import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import statsmodels.formula.api as smf
from statsmodels.stats.anova import anova_lm

from vaebench.analysis import compare, contrast, crossed_interval, holm


def crossed(
    random: np.random.Generator, users: int, seeds: int, user: float, seed: float, noise: float
) -> np.ndarray:
    """Y = 1 + a_u + b_s + e_us."""
    effects = user * random.normal(size=(users, 1)) + seed * random.normal(size=(1, seeds))
    return 1 + effects + noise * random.normal(size=(users, seeds))


def test_interval_agrees_with_the_analysis_of_variance_of_statsmodels() -> None:
    y = crossed(np.random.default_rng(0), 30, 5, 1.0, 0.8, 0.5)
    long = pd.DataFrame(
        [(u, s, y[u, s]) for u in range(30) for s in range(5)], columns=["u", "s", "y"]
    )
    squares = anova_lm(smf.ols("y ~ C(u) + C(s)", long).fit())["mean_sq"]
    df = anova_lm(smf.ols("y ~ C(u) + C(s)", long).fit())["df"]
    combined = squares["C(u)"] + squares["C(s)"] - squares["Residual"]
    freedom = combined**2 / (squares**2 / df).sum()
    half = scipy.stats.t.ppf(0.975, freedom) * math.sqrt(combined / y.size)
    assert crossed_interval(y, 0.95) == pytest.approx((y.mean(), y.mean() - half, y.mean() + half))


@pytest.mark.parametrize(("user", "seed"), [(1.0, 0.0), (1.0, 0.1), (0.5, 0.5), (0.0, 1.0)])
def test_interval_covers_new_seeds_and_new_users(user: float, seed: float) -> None:
    """Coverage of 95 % intervals in 1,000 studies: at least .95 − 4 binomial standard errors."""
    random = np.random.default_rng(7)
    covered = 0
    for _ in range(1_000):
        _, low, high = crossed_interval(crossed(random, 50, 5, user, seed, 0.5), 0.95)
        covered += low <= 1 <= high
    assert covered / 1_000 > 0.95 - 4 * math.sqrt(0.95 * 0.05 / 1_000)


def test_paired_t_is_calibrated_where_the_user_level_test_is_not() -> None:
    """No true difference, seeds that vary, the same users: tested over seeds and over users."""
    random, rejected, by_users = np.random.default_rng(3), 0, 0
    studies = 400
    for _ in range(studies):
        users = crossed(random, 300, 1, 0.2, 0.0, 0.0)  # the same users for both strategies
        a, b = (users + crossed(random, 300, 5, 0.0, 0.03, 0.05) for _ in range(2))
        primary = contrast(pd.Series(a.mean(0)), pd.Series(b.mean(0)), 0.95)
        rejected += primary["p"] < 0.05
        by_users += scipy.stats.ttest_rel(a.mean(1), b.mean(1)).pvalue < 0.05
    tolerance = 4 * math.sqrt(0.05 * 0.95 / studies)
    assert rejected / studies < 0.05 + tolerance
    assert by_users / studies > 0.3, "the simulation must show what the primary test avoids"


def test_contrast_is_students_formula() -> None:
    a, b = pd.Series([1.0, 2, 4, 7]), pd.Series([0.5, 2.5, 3, 5])
    d = (a - b).to_numpy()
    error = d.std(ddof=1) / 2
    found = contrast(a, b, 0.9)
    half = scipy.stats.t.ppf(0.95, 3) * error
    assert found["difference"] == d.mean()
    assert (found["difference_low"], found["difference_high"]) == pytest.approx(
        (d.mean() - half, d.mean() + half)
    )
    assert found["p"] == pytest.approx(2 * scipy.stats.t.sf(abs(d.mean() / error), 3))
    assert found["effect"] == pytest.approx(d.mean() / d.std(ddof=1))


def test_contrast_pairs_by_seed_and_drops_the_lonely() -> None:
    a, b = pd.Series({0: 1.0, 1: 2.0, 2: 3.5}), pd.Series({2: 3.0, 1: 1.0, 9: 100.0})
    assert contrast(a, b, 0.95)["difference"] == 0.75
    assert contrast(a, b, 0.95)["pairs"] == 2


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ({0: 1.0}, {0: 2.0}),  # a single seed
        ({0: 1.0, 1: 2.0}, {5: 1.0, 6: 2.0}),  # no seed in common
        ({0: 1.0, 1: 2.0}, {0: 1.0, 1: 2.0}),  # identical results
        ({0: 0.3, 1: 0.4}, {0: 0.1, 1: 0.2}),  # a constant difference, but for rounding
    ],
)
def test_no_p_value_is_better_than_a_wrong_one(a: dict[int, float], b: dict[int, float]) -> None:
    found = contrast(pd.Series(a), pd.Series(b), 0.95)
    assert math.isnan(found["p"])
    assert math.isnan(found["effect"])


def test_holm_steps_down_and_ignores_what_was_not_tested() -> None:
    p = pd.Series([0.01, math.nan, 0.04, 0.03])
    assert holm(p).tolist() == pytest.approx([0.03, math.nan, 0.06, 0.06], nan_ok=True)


def test_one_seed_has_a_mean_and_no_interval() -> None:
    mean, low, high = crossed_interval(np.array([[1.0], [3.0]]), 0.95)
    assert mean == 2
    assert math.isnan(low)
    assert math.isnan(high)


def test_compare_keeps_the_order_of_the_study_and_tests_all_but_the_control() -> None:
    random = np.random.default_rng(1)
    values = {name: pd.DataFrame(random.normal(size=(20, 3))) for name in "abc"}
    table = compare(values, ["c", "missing", "a", "b"], "a", 0.95)
    assert table["strategy"].tolist() == ["c", "a", "b"]
    assert table["p"].isna().tolist() == [False, True, False]
    assert (table["seeds"] == 3).all()
    assert (table["examples"] == 20).all()


def test_without_its_control_a_family_has_means_and_no_contrast() -> None:
    table = compare({"b": pd.DataFrame(np.eye(3))}, ["b"], "a", 0.95)
    assert table["p_holm"].isna().all()
    assert table["mean"].item() == pytest.approx(1 / 3)
