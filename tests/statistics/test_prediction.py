"""Over data sets: closed forms, exact cases, and small simulations of what the intervals hold."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from vaebench.statistics.coverage import World, chosen, coverage, family
from vaebench.statistics.prediction import (
    by_units,
    friedman,
    log_ratios,
    predicted_half,
    predictions,
    true_half,
)

D = [0.010, 0.004, -0.002, 0.008, 0.005]


def frame(values: dict[str, list[float]], error: float = 0.001) -> pd.DataFrame:
    rows = [
        [f"u{number}", strategy, value, error]
        for strategy, each in values.items()
        for number, value in enumerate(each)
    ]
    return pd.DataFrame(rows, columns=["unit", "strategy", "difference", "error"])


def test_the_mean_is_students_and_the_prediction_is_the_classical_one() -> None:
    (row,) = predictions(frame({"a": D}), ["a"], 0.95).to_dict("records")
    test = stats.ttest_1samp(D, 0.0)
    low, high = test.confidence_interval(0.95)
    assert row["p"] == pytest.approx(test.pvalue)
    assert (row["low"], row["high"]) == pytest.approx((low, high))
    # t_4(.975) = 2.7764; s_d of D is √(84e-6/4)
    assert row["spread"] == pytest.approx(0.004582576, rel=1e-5)
    half = 2.776445 * 0.004582576 * math.sqrt(1.2)
    assert row["predicted_high"] - row["mean"] == pytest.approx(half, rel=1e-5)
    assert row["mean"] - row["predicted_low"] == pytest.approx(half, rel=1e-5)


@pytest.mark.parametrize("units", [5, 8, 20])
def test_without_noise_the_true_difference_is_the_shown_one(units: int) -> None:
    """The mixture over χ² of normals is Student's t."""
    found = true_half(2.0, 0.0, units, 0.95)
    assert found == pytest.approx(float(predicted_half(2.0, units, 0.95)), rel=0.005)


def test_where_noise_explains_all_the_true_difference_is_the_mean() -> None:
    assert true_half(1e-6, 4.0, 8, 0.95) == pytest.approx(1.959964 * math.sqrt(4 / 8), rel=1e-5)
    many = true_half(np.array([0.0, 1.0, 3.0]), np.ones(3), 8, 0.95)
    assert (np.diff(many) > 0).all()


def test_holm_and_joint_intervals_are_over_the_registered_alone() -> None:
    values = {"a": D, "b": [x - 0.004 for x in D], "c": [10 * x for x in D]}
    table = predictions(frame(values), list("abc"), 0.95, registered=["a", "b"])
    rows = table.set_index("strategy")
    p = rows["p"]
    assert rows.loc["a", "p_holm"] == pytest.approx(2 * p["a"])
    assert math.isnan(rows.loc["c", "p_holm"])
    t = stats.t.ppf(1 - 0.025 / 2, 4)
    joint = rows.loc["a", "mean"] + t * rows.loc["a", "spread"] / math.sqrt(5)
    assert rows.loc["a", "joint_high"] == pytest.approx(joint)
    assert list(table.loc[table["best"], "strategy"]) == ["a"]
    worse = predictions(frame(values), list("abc"), 0.95, registered=["a", "b"], sign=-1)
    assert list(worse.loc[worse["best"], "strategy"]) == ["b"]


@pytest.mark.parametrize(("units", "within"), [(3, 0.5), (4, 0.6)])
def test_few_units_have_a_range_and_no_headline(units: int, within: float) -> None:
    (row,) = predictions(frame({"a": D[:units]}), ["a"], 0.95).to_dict("records")
    assert (row["least"], row["most"]) == (min(D[:units]), max(D[:units]))
    assert row["within"] == pytest.approx(within)
    assert not row["headline"]
    assert not row["best"]
    assert math.isnan(row["predicted_low"])
    assert math.isnan(row["true_low"])


def test_one_unit_says_nothing_of_others() -> None:
    (row,) = predictions(frame({"a": D[:1]}), ["a"], 0.95).to_dict("records")
    assert row["mean"] == D[0]
    assert math.isnan(row["p"])
    assert math.isnan(row["low"])


def test_releases_count_once_and_drawn_data_do_not() -> None:
    rows = pd.DataFrame(
        [
            ["ml-100k", "a", 0.01, 0.003],
            ["ml-1m", "a", 0.03, 0.004],
            ["jester", "a", 0.0, 0.002],
            ["planted", "a", 0.5, 0.001],
        ],
        columns=["dataset", "strategy", "difference", "error"],
    )
    units = {"ml-100k": "movielens", "ml-1m": "movielens", "planted": ""}
    found = by_units(rows, units).set_index("unit")
    assert list(found.index) == ["movielens", "jester"]
    assert found.loc["movielens", "difference"] == pytest.approx(0.02)
    assert found.loc["movielens", "error"] == pytest.approx(0.0025)  # √(.003² + .004²)/2
    assert found.loc["movielens", "datasets"] == "ml-100k, ml-1m"


def test_log_ratios_are_paired_by_seed_and_need_positive_means() -> None:
    rows = [
        ("x", s, k, m) for k in (0, 1) for s, m in (("c", 0.2 + 0.1 * k), ("a", 0.22 + 0.11 * k))
    ]
    rows += [("y", s, 0, m) for s, m in (("c", -100.0), ("a", -90.0))]
    found = log_ratios(pd.DataFrame(rows, columns=["dataset", "strategy", "seed", "mean"]), "c")
    (row,) = found.to_dict("records")
    assert row["difference"] == pytest.approx(math.log(1.1))
    assert row["error"] == pytest.approx(0.0, abs=1e-12)


def test_ranks_hold_the_control() -> None:
    found = friedman(frame({"a": [0.1] * 6, "b": [-0.1] * 6}), "c", 0.05)
    assert found.ranks.to_dict() == {"a": 1.0, "c": 2.0, "b": 3.0}
    assert found.p_iman == 0.0


def test_the_intervals_hold_what_they_say() -> None:
    """A Monte-Carlo error of .005 at 2,000 studies; exact where nothing but noise is drawn."""
    exact = coverage(World(8, 0.0), 2_000)
    assert exact["mean"] == pytest.approx(0.95, abs=0.016)
    assert exact["predicted"] == pytest.approx(0.95, abs=0.016)
    assert exact["range"] == pytest.approx(7 / 9, abs=0.03)
    assert exact["true"] > 0.94
    for world in (World(5, 1.0, "t3", unequal=True), World(8, 5.0, "skewed", unequal=True)):
        found = coverage(world, 2_000)
        assert found["predicted"] > 0.91
        assert found["true"] > 0.90


def test_a_family_counted_thrice_is_too_sure() -> None:
    assert family(5.0, 10_000, counted_once=False) < 0.935
    assert family(5.0, 10_000, counted_once=True) > 0.94


def test_the_best_of_many_needs_its_joint_interval() -> None:
    found = chosen(World(8, 1.0), 500)
    assert found["bias"] > 1.0
    assert found["best"] < 0.92
    assert found["best_joint"] > 0.93
    assert found["familywise"] < 0.08
