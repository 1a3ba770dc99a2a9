"""Intervals that hold together, and agree with the corrected p beside them."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from vaebench.statistics.contrasts import contrast
from vaebench.statistics.family import all_pairs, compare
from vaebench.statistics.familywise import Design
from vaebench.statistics.simultaneous import half_widths, joint, selected


def values(shift: float, seed: int = 0) -> dict[str, pd.DataFrame]:
    random = np.random.default_rng(seed)
    users = random.normal(size=(50, 1))
    return {
        f"s{k}": pd.DataFrame(
            k * shift
            + users
            + 0.1 * random.normal(size=(50, 1))
            + 0.02 * random.normal(size=(1, 4))
            + 0.1 * random.normal(size=(50, 4))
        )
        for k in range(7)
    }


def test_joint_intervals_are_those_of_a_smaller_level() -> None:
    found = values(0.0)
    table = compare(found, list(found), "s0", 0.95).set_index("strategy")
    for name in list(found)[1:]:
        alone = contrast(found[name], found["s0"], 1 - 0.05 / 6)
        bounds = (alone["difference_low"], alone["difference_high"])
        assert tuple(table.loc[name, ["joint_low", "joint_high"]]) == pytest.approx(bounds)
    assert table.loc["s0", ["joint_low", "reachable"]].isna().all()


def test_they_cover_all_true_differences_at_once() -> None:
    """24 contrasts of 3 seeds, the hard case: all right in .95 of 3,000 studies."""
    design = Design(seeds=3, users=10_000)
    drawn = design.draw(np.random.default_rng(1), 3_000)
    (error, freedom), (error_seeds, _) = drawn.claims()
    rows = pd.DataFrame(
        {"p": 0.5, "pairs": 3, "difference": drawn.mean.ravel(), "error": error.ravel()}
    ).assign(freedom=freedom.ravel(), error_seeds=error_seeds.ravel())
    halves = half_widths(rows, 0.05 / design.contrasts).to_numpy().reshape(drawn.mean.shape)
    missed = (np.abs(drawn.mean) > halves).any(1).mean()
    assert missed == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 3_000))
    each = (np.abs(drawn.mean) > half_widths(rows, 0.05).to_numpy().reshape(drawn.mean.shape)).any(
        1
    )
    assert each.mean() > 0.2, "intervals of .95 each do not hold together"


@pytest.mark.parametrize("shift", [0.0, 0.015, 0.03])
def test_intervals_of_pairs_agree_with_the_p_beside_them(shift: float) -> None:
    found = values(shift, seed=4)
    pairs = all_pairs(found, list(found), 0.95)
    excluded = (pairs["joint_low"] > 0) | (pairs["joint_high"] < 0)
    assert excluded.tolist() == (pairs["p_bh"] <= 0.05).tolist()
    if shift:
        assert excluded.any()


def test_what_was_not_tested_has_no_interval_and_costs_nothing() -> None:
    rows = pd.DataFrame(
        {"difference": [0.1, 0.2], "p": [0.04, np.nan], "pairs": [5, 1], "error": [0.03, np.nan]}
    ).assign(freedom=[7.0, np.nan], error_seeds=[0.01, np.nan])
    found = joint(rows, 0.05)
    assert found["joint_low"][0] == pytest.approx(0.1 - scipy.stats.t.isf(0.025, 7) * 0.03)
    assert found.iloc[1].isna().all()
    assert selected(rows[:0], 0.05).empty
