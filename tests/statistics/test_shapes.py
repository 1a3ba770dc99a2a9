"""What of the data explains β: closed forms, exact permutations, and what a rule loses."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from vaebench.statistics.shapes import (
    activity_slope,
    grows,
    predictors,
    rule_losses,
    slope,
)

X = np.array([0.5, 0.8, 1.1, 1.9, 2.4])
Y = np.array([0.1, 0.3, 0.2, 0.6, 0.5])


def test_a_slope_is_that_of_least_squares() -> None:
    found, known = slope(X, Y, 0.95), stats.linregress(X, Y)
    assert found["slope"] == pytest.approx(known.slope)
    assert found["p"] == pytest.approx(known.pvalue)
    half = stats.t.ppf(0.975, 3) * known.stderr
    assert found["high"] - found["slope"] == pytest.approx(half)
    assert math.isnan(slope(X[:3], Y[:3], 0.95)["p"])
    assert math.isnan(slope(np.ones(5), Y, 0.95)["slope"])


def test_growth_is_counted_over_all_orders() -> None:
    r = stats.pearsonr(X, Y).statistic
    orders = [stats.pearsonr(X, Y[list(o)]).statistic for o in itertools.permutations(range(5))]
    assert grows(X, Y) == pytest.approx(np.mean(np.array(orders) >= r - 1e-12))
    assert grows(X, np.sort(Y)) == pytest.approx(1 / math.factorial(5))
    assert grows(X, -np.sort(Y)) == 1.0
    many = np.arange(12.0)
    assert grows(many, many) == pytest.approx(1 / 20_001)


def test_growth_of_nothing_is_found_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    found = [grows(X, rng.standard_normal(5)) <= 0.05 for _ in range(400)]
    assert np.mean(found) < 0.08


def test_what_doubling_adds_is_found() -> None:
    rng = np.random.default_rng(0)
    n = [np.exp(rng.normal(3, 1, 400)) for _ in range(3)]
    d = [0.01 * np.log2(each) + 0.05 * rng.standard_normal(400) for each in n]
    d[0][7] = np.nan
    found = activity_slope(d, n, 0.95)
    assert found["users"] == 1199
    assert found["low"] < 0.01 < found["high"]
    assert found["p"] < 0.05
    slopes = [
        stats.linregress(np.log2(a)[np.isfinite(b)], b[np.isfinite(b)]).slope
        for a, b in zip(n, d, strict=True)
    ]
    assert found["slope"] == pytest.approx(np.mean(slopes))
    assert found["p"] >= stats.ttest_1samp(slopes, 0).pvalue - 1e-12
    assert math.isnan(activity_slope([], [], 0.95)["p"])
    alone = activity_slope(d, n, 0.95, common=0.0)
    assert alone["high"] - alone["low"] <= found["high"] - found["low"]


def test_a_slope_of_nothing_is_found_as_often_as_it_says() -> None:
    """Also where few users vary much and replicates do not differ but by them."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(300):
        n = [np.exp(rng.normal(3, 1, 80)) for _ in range(4)]
        d = [np.log2(each) * rng.standard_normal(80) for each in n]
        found.append(activity_slope(d, n, 0.95, common=0.1)["p"] < 0.05)
    assert np.mean(found) < 0.08


def test_a_predictor_is_judged_on_the_unit_left_out() -> None:
    best = {f"u{k}": 2.0 * k for k in range(5)}
    shapes = pd.DataFrame(
        {"right": np.arange(5.0), "wrong": [1.0, -1.0, 1.0, -1.0, 1.0]}, index=list(best)
    )
    table = predictors(best, shapes, ["right", "wrong"], 0.95).set_index("shape")
    assert table.loc["right", "left_out"] == pytest.approx(0.0, abs=1e-12)
    # the mean of the others misses each by 5/4 of its distance from the mean of all
    known = math.sqrt(np.mean((1.25 * (2.0 * np.arange(5) - 4)) ** 2))
    assert table.loc["none", "left_out"] == pytest.approx(known)
    assert table.loc["wrong", "left_out"] > known
    assert table.loc["right", "p_holm"] < 0.05


def test_a_rule_is_chosen_on_the_others() -> None:
    grid = np.linspace(-2, 2, 41)
    rows = [
        (unit, replicate, x, 1 - (x - best) ** 2)
        for unit, best in (("a", -1.0), ("b", 0.0), ("c", 1.0))
        for replicate in (0, 1)
        for x in grid
    ]
    curves = pd.DataFrame(rows, columns=["unit", "replicate", "log_beta", "score"])
    found = rule_losses(curves, list(grid)).set_index("unit")
    assert found["best"].to_dict() == pytest.approx({"a": -1.0, "b": 0.0, "c": 1.0}, abs=1e-9)
    # of quadratics the best common point is the mean of the others' optima
    assert found["rule"].to_dict() == pytest.approx({"a": 0.5, "b": 0.0, "c": -0.5}, abs=1e-9)
    assert found["loss"].to_dict() == pytest.approx({"a": 2.25, "b": 0.0, "c": 2.25}, abs=1e-9)
