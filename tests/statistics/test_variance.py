"""Variance sources: drawn with known variances, one source at a time."""

import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from vaebench.statistics.variance import SOURCES, shares, together, within

WHAT = {"data": "d", "model": "m", "strategy": "s", "training": "{}", "metric": "elbo"}


def cells(rows: list[tuple[str, str, str, str, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[*SOURCES, "value"]).assign(**WHAT)


def one_at_a_time(deviations: dict[str, float], runs: int, seed: int = 0) -> pd.DataFrame:
    """``runs`` cells for each source alone, and as many with all streams varying in one split."""
    random = np.random.default_rng(seed)
    rows = []
    for source, deviation in deviations.items():
        for run in range(runs):
            levels = dict.fromkeys(SOURCES, "fixed")
            levels["split"] = "98765"
            levels[source] = f"d/m/{run}"
            rows.append((*levels.values(), deviation * random.normal()))
    joint = math.sqrt(sum(deviations[stream] ** 2 for stream in ("weights", "batches", "noise")))
    rows += [("98765", *[f"d/m/{run}"] * 3, joint * random.normal()) for run in range(runs)]
    return cells(rows)


def test_each_source_has_its_own_variance_and_share() -> None:
    truth = {"split": 3.0, "weights": 2.0, "batches": 1.0, "noise": 0.5}
    found = shares(one_at_a_time(truth, 400), 0.95).set_index("source")
    total = sum(value**2 for value in truth.values())
    for source, deviation in truth.items():
        # the standard error of a variance of 400 normal values is √(2/399) of it: 7 %
        assert found.loc[source, "variance"] == pytest.approx(deviation**2, rel=0.25)
        assert found.loc[source, "share"] == pytest.approx(deviation**2 / total, abs=0.06)
        assert found.loc[source, "freedom"] == 399
    assert found.loc["streams together", "variance"] == pytest.approx(5.25, rel=0.25)
    assert found["share"].sum() == pytest.approx(1)
    assert math.isnan(found.loc["streams together", "share"])


def test_the_variance_is_that_of_numpy_with_its_chi_square_interval() -> None:
    values = [1.0, 4.0, 2.0, 2.5]
    frame = cells([("s", f"w{i}", "f", "f", value) for i, value in enumerate(values)])
    row = shares(frame, 0.9).iloc[0]
    assert row["variance"] == pytest.approx(np.var(values, ddof=1))
    squares = 3 * np.var(values, ddof=1)
    assert (row["low"], row["high"]) == pytest.approx(
        (squares / scipy.stats.chi2.isf(0.05, 3), squares / scipy.stats.chi2.ppf(0.05, 3))
    )


def test_sets_are_pooled_and_cells_alone_do_not_enter() -> None:
    frame = cells(
        [
            ("s1", "w1", "f", "f", 0.0),
            ("s1", "w2", "f", "f", 2.0),
            ("s2", "w1", "f", "f", 10.0),
            ("s2", "w2", "f", "f", 14.0),
            ("s3", "w1", "b", "f", 99.0),
        ]
    )
    assert within(frame, "weights") == ((2 + 8) / 2, 2, 4)
    assert within(frame, "split") == ((50 + 72) / 2, 2, 4)
    assert within(frame, "noise")[1] == 0
    assert math.isnan(within(frame, "noise")[0])


def test_the_same_cell_under_two_names_counts_once() -> None:
    frame = cells([("s", "w1", "f", "f", 1.0), ("s", "w1", "f", "f", 1.0)])
    assert shares(frame, 0.95).empty


def test_a_usual_study_says_nothing_of_single_sources() -> None:
    """All streams vary together: their joint variance is there, no source can be told apart."""
    frame = cells([("s", f"x{i}", f"x{i}", f"x{i}", float(i)) for i in range(3)])
    assert shares(frame, 0.95).empty
    assert together(frame) == (1.0, 2, 3)


def test_no_variance_at_all_has_no_shares() -> None:
    frame = cells([("s", f"w{i}", "f", "f", 1.0) for i in range(3)])
    row = shares(frame, 0.95).iloc[0]
    assert row["variance"] == 0
    assert math.isnan(row["share"])
