"""Ranges: ends, middles, shares of integers, and what is no range."""

from collections import Counter

import numpy as np
import pytest

from vaebench.search import Range


def test_linear_and_log_ranges_have_their_ends_and_middles() -> None:
    assert [Range(2, 4).at(u) for u in (0, 0.5, 1)] == [2, 3, 4]
    assert [Range(0.01, 100, log=True).at(u) for u in (0, 0.5, 1)] == pytest.approx([0.01, 1, 100])


def test_every_integer_of_a_linear_range_has_the_same_share() -> None:
    found = Counter(Range(1, 4, whole=True).at(u) for u in (np.arange(400) + 0.5) / 400)
    assert found == {1: 100, 2: 100, 3: 100, 4: 100}
    assert all(type(value) is int for value in found)


def test_integers_of_a_log_range_stay_in_it() -> None:
    values = [Range(1, 64, log=True, whole=True).at(u) for u in np.linspace(0, 1, 101)]
    assert (min(values), max(values)) == (1, 64)
    assert values == sorted(values)


def test_rounding_never_leaves_the_range() -> None:
    spread = Range(0.1, 0.3, log=True)
    assert 0.1 <= spread.at(0) <= spread.at(1) <= 0.3


@pytest.mark.parametrize(
    ("low", "high", "log", "whole"),
    [(1, 1, False, False), (0, 1, True, False), (0, float("inf"), False, False), (0.5, 2, 0, 1)],
)
def test_what_is_no_range(low: float, high: float, log: bool, whole: bool) -> None:  # noqa: FBT001
    with pytest.raises(ValueError, match="allowed"):
        Range(low, high, log=log, whole=whole)
