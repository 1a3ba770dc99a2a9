"""The best β by activity, and a dial turned by it, where the answer is planted."""

import numpy as np
import pytest

from vaebench.statistics.dial import best_by_activity, turned_by_activity

BETAS = [float(beta) for beta in np.geomspace(0.01, 10, 13)]


def planted(best: np.ndarray, noise: float = 0.0) -> np.ndarray:
    """(K, U): parabolas over log β whose tops are at ``best`` (U,), and noise per user."""
    random = np.random.default_rng(1)
    heights = random.normal(0.4, 0.1, len(best))
    values = heights - 0.01 * (np.log(BETAS)[:, None] - np.log(best)) ** 2
    return values + random.normal(0, noise, values.shape)


def test_the_best_beta_of_each_group_is_found_between_the_points() -> None:
    sizes = np.repeat([10.0, 30.0, 90.0], 50)
    best = np.repeat([0.05, 0.3, 2.0], 50)
    table = best_by_activity(planted(best), BETAS, sizes, groups=3)
    assert table["beta"].tolist() == pytest.approx([0.05, 0.3, 2.0], rel=1e-6)
    assert table["low"].tolist() == pytest.approx([0.05, 0.3, 2.0], rel=1e-6)
    assert table[["users", "fewest", "median", "most"]].to_numpy().tolist() == [
        [50, size, size, size] for size in (10, 30, 90)
    ]
    common = float(np.exp(np.log(best).mean()))
    lost = 0.01 * (np.log([0.05, 0.3, 2.0]) - np.log(common)) ** 2
    assert (table["value"] - table["at_common"]).tolist() == pytest.approx(lost.tolist())


def test_users_of_one_size_share_a_group_and_those_without_a_value_do_not_count() -> None:
    values = planted(np.full(40, 0.3))
    values[3, 7] = np.nan
    table = best_by_activity(values, BETAS, np.repeat([5.0, 9.0], [35, 5]), groups=4)
    assert table["users"].tolist() == [34, 5]


def test_a_best_beta_at_the_end_is_the_end() -> None:
    table = best_by_activity(planted(np.full(20, 500.0)), BETAS, np.arange(20.0), groups=1)
    assert table.loc[0, ["beta", "low", "high"]].tolist() == pytest.approx([BETAS[-1]] * 3)


def test_intervals_cover_the_best_beta_of_all_users() -> None:
    """95 % intervals over samples of 60 users from a population of known best β."""
    random, inside = np.random.default_rng(2), 0
    for trial in range(100):
        best = np.exp(random.normal(np.log(0.3), 0.8, 60))
        (row,) = best_by_activity(
            planted(best), BETAS, np.arange(60.0), groups=1, resamples=200, seed=trial
        ).to_dict("records")
        inside += row["low"] <= 0.3 <= row["high"]
    assert 88 <= inside <= 99


@pytest.mark.parametrize(("exponent", "at"), [(0.0, 0.3), (1.0, 0.2), (-0.5, 1.0)])
def test_the_planted_dial_is_chosen(exponent: float, at: float) -> None:
    sizes = np.random.default_rng(3).integers(5, 120, 300).astype(float)
    best = at * (sizes / sizes.mean()) ** exponent
    dial = turned_by_activity(planted(best), BETAS, sizes, (-0.5, 0.0, 1.0))
    assert dial.exponent == exponent
    assert dial.at == pytest.approx(at, rel=0.1)
    assert dial.typical == pytest.approx(sizes.mean())


def test_a_constant_dial_wins_where_nothing_differs() -> None:
    dial = turned_by_activity(np.ones((13, 30)), BETAS, np.arange(1.0, 31), (0.0, 1.0))
    assert (dial.exponent, dial.value) == (0.0, 1.0)
