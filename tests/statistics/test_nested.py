"""Replicates with test parts of their own: closed forms of means, errors and components."""

import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from vaebench.statistics.activity import by_activity
from vaebench.statistics.contrasts import contrast
from vaebench.statistics.family import compare
from vaebench.statistics.layout import COMMON, Layout
from vaebench.statistics.power import Components
from vaebench.statistics.replicates import Design, rates


def nested(columns: list[list[float]], common: float) -> pd.DataFrame:
    """Replicates of different lengths; NaN is an example without a value."""
    frame = pd.DataFrame({r: pd.Series(column, dtype=float) for r, column in enumerate(columns)})
    frame.attrs[COMMON] = common
    return frame


COLUMNS = [[1.0, 2.0, 6.0, math.nan], [4.0, 6.0, 8.0, 2.0], [3.0, 3.0, 0.0, math.nan, 2.0]]


def test_the_layout_of_replicates_by_hand() -> None:
    """Unequal parts: U is their harmonic mean, s_w² is pooled over 2 + 3 + 3 degrees of freedom."""
    common = 0.25
    y = nested(COLUMNS, common).to_numpy()
    layout = Layout.of(y, common=common)
    means = np.array([3.0, 5.0, 2.0])
    within = (14 + 20 + 6) / 8
    users = 3 / (1 / 3 + 1 / 4 + 1 / 4)
    between = means.var(ddof=1)
    assert layout.mean == pytest.approx(10 / 3)
    assert layout.by_seed.error == pytest.approx(math.sqrt(between / 3))
    assert layout.by_seed.freedom == 2
    assert layout.crossed.error == pytest.approx(
        math.sqrt(max(between, within / users) / 3 + common * within / users)
    )
    assert layout.by_example.error == pytest.approx(
        math.sqrt(within / (3 * users) + common * within / users)
    )
    of_users, of_replicates, rest = layout.components
    assert of_users == pytest.approx(common * within)
    assert of_replicates == pytest.approx(max(0.0, between - within / users))
    assert rest == pytest.approx(within)


def test_without_users_in_common_it_is_the_t_on_replicate_means_or_wider() -> None:
    random = np.random.default_rng(0)
    y = random.normal(size=(40, 4)) + 3 * random.normal(size=4)
    layout = Layout.of(y, common=0.0)
    paired = scipy.stats.ttest_1samp(y.mean(0), 0)
    assert layout.two_sided() == pytest.approx(paired.pvalue, rel=0.02)
    assert layout.by_seed.two_sided() == pytest.approx(paired.pvalue)


def test_all_users_in_common_are_the_crossed_layout_where_nothing_is_left() -> None:
    """With c = 1 and no rest, users and replicates are crossed: a_u + b_r."""
    random = np.random.default_rng(1)
    y = random.normal(size=(500, 1)) + np.array([0.3, -0.1, 0.4, 0.0])
    ours, crossed = Layout.of(y, common=1.0), Layout.of(y)
    assert ours.mean == pytest.approx(crossed.mean)
    assert ours.crossed.error == pytest.approx(crossed.crossed.error, rel=0.01)


def test_users_of_one_replicate_alone_bound_the_error_from_below() -> None:
    """Replicate means that agree by luck do not make users' sampling disappear."""
    part = list(np.random.default_rng(2).normal(size=50))
    layout = Layout.of(nested([part, part[::-1]], 0.1).to_numpy(), common=0.1)
    variance = np.var(part, ddof=1)
    assert layout.crossed.error == pytest.approx(math.sqrt(variance / 100 + 0.1 * variance / 50))


def test_a_contrast_pairs_the_examples_of_each_replicate() -> None:
    """A user without a value on one side leaves the other; a replicate of one side alone, too."""
    control = nested(COLUMNS, 0.2)
    treated = nested([[2.0, math.nan, 7.0], [5.0, 7.0, 9.0, 3.0], [4.0, 4.0, 1.0, 9.0, 3.5]], 0.2)
    found = contrast(treated, control, 0.95, 1.0)
    assert found["difference"] == pytest.approx((1 + 1 + 4.5 / 4) / 3)
    assert found["pairs"] == 3
    assert found["paired_examples"] == 3
    two = treated.drop(columns=[1])
    two.attrs[COMMON] = 0.2
    assert contrast(two, control, 0.95)["pairs"] == 2
    table = compare({"a": control, "b": treated}, ["a", "b"], "a", 0.95)
    assert table["mean"].tolist() == pytest.approx([10 / 3, (4.5 + 6 + 4.3) / 3])
    assert table["boot_low"].isna().all()


def test_groups_of_users_are_formed_in_all_replicates_together() -> None:
    sizes = pd.DataFrame({0: [1, 2, 3, 4, 9], 1: [5, 6, 7, 8, 9]})
    values = nested([[1.0, 1, 1, 1], [2.0, 2, 2, 2]], 0.1)
    found = by_activity({"a": values, "b": values + 1}, sizes, ["a", "b"], "a", 0.95)
    ranges = found[["group", "fewest", "most"]].drop_duplicates().to_numpy().tolist()
    assert ranges == [[1, 1, 2], [2, 3, 4], [3, 5, 6], [4, 7, 8]]


def test_components_predict_the_error_that_replicates_have() -> None:
    """SE² = c·σ_w²/U + σ_b²/R + σ_w²/(U·R), which power is made of."""
    random = np.random.default_rng(3)
    control = pd.DataFrame(np.zeros((300, 400)))
    control.attrs[COMMON] = 0.125
    treated = control + random.normal(size=(300, 400)) + 0.2 * random.normal(size=400)
    treated.attrs[COMMON] = 0.125
    found = Components.of({"a": control, "b": treated}, "a")
    assert found is not None
    assert found.seed == pytest.approx(0.04, rel=0.2)
    assert (found.example, found.error) == pytest.approx((0.125, 1.0), rel=0.05)


def test_verdicts_err_no_more_often_than_they_say() -> None:
    """Also where half of the users are in two test parts and users are most of the variance.

    The bounds are four standard errors above .05.
    """
    design = Design(4, users=60, population=120, share=0.9)
    found = rates(design, 400)
    assert found["one"] < 0.05 + 4 * 0.01
    assert found["8 contrasts"] < 0.05 + 4 * 0.011
    assert found["replicates"] > 0.08  # which is why it may not decide alone
