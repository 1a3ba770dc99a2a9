"""Quartiles of users."""

import numpy as np
import pandas as pd
import pytest

from vaebench.statistics.activity import by_activity, quartile
from vaebench.statistics.multiplicity import holm


def test_quartiles_are_those_of_pandas_where_nobody_ties() -> None:
    sizes = pd.Series(np.random.default_rng(0).permutation(100))
    assert quartile(sizes).tolist() == (pd.qcut(sizes, 4, labels=False) + 1).tolist()


def test_users_of_the_same_activity_stay_together() -> None:
    groups = quartile(pd.Series([5] * 6 + [7, 9]))
    assert set(groups[:6]) == {groups[0]}
    assert groups.tolist() == sorted(groups)


def test_each_group_is_a_family_of_its_users() -> None:
    """Strategy b is ahead by 1 for the least active quarter and behind by 1 for the most."""
    random = np.random.default_rng(1)
    sizes = pd.Series(np.arange(80))
    a = pd.DataFrame(0.01 * random.normal(size=(80, 3)))
    b = a + 0.01 * random.normal(size=(80, 3))
    b[:20] += 1
    b[60:] -= 1
    table = by_activity({"a": a, "b": b}, sizes, ["a", "b"], "a", 0.95)
    mine = table[table["strategy"] == "b"]
    assert mine["group"].tolist() == [1, 2, 3, 4]
    assert mine["difference"].tolist() == pytest.approx([1, 0, 0, -1], abs=0.02)
    assert mine["fewest"].tolist() == [0, 20, 40, 60]
    assert mine["most"].tolist() == [19, 39, 59, 79]
    assert (mine["examples"] == 20).all()
    assert table["p_holm"].tolist() == pytest.approx(holm(table["p"]).tolist(), nan_ok=True)
    assert (mine["p_holm"] < 0.01).tolist() == [True, False, False, True]


def test_users_without_a_value_do_not_shift_the_quartiles() -> None:
    frame = pd.DataFrame(np.random.default_rng(2).normal(size=(8, 2)))
    table = by_activity({"a": frame[4:]}, pd.Series([1, 1, 1, 1, 10, 20, 30, 40]), ["a"], "a", 0.95)
    assert table["fewest"].tolist() == [10, 20, 30, 40]


def test_a_user_on_a_bound_belongs_below_it() -> None:
    """The quartiles of 1 … 5 are 2, 3 and 4."""
    assert quartile(pd.Series([1, 2, 3, 4, 5])).tolist() == [1, 1, 2, 3, 4]
