"""Equivalence against statsmodels, and its defining property."""

import math

import numpy as np
import pytest
from statsmodels.stats.weightstats import ttost_paired

from vaebench.statistics.equivalence import equivalence, margin_of
from vaebench.statistics.layout import Layout


def test_with_seeds_alone_it_is_tost_of_statsmodels() -> None:
    d = np.array([0.02, -0.01, 0.03, 0.015])
    layout = Layout.of(np.tile(d, (5, 1)))
    assert equivalence(layout, 0.05) == pytest.approx(ttost_paired(d, 0 * d, -0.05, 0.05)[0])


@pytest.mark.parametrize("margin", [0.2, 0.5, 0.8, 1.5])
def test_it_holds_where_the_shorter_interval_lies_within_the_margin(margin: float) -> None:
    layout = Layout.of(0.3 + np.random.default_rng(1).normal(size=(20, 4)))
    low, high = layout.interval(0.9)
    assert (equivalence(layout, margin) < 0.05) == (-margin < low and high < margin)


def test_margins_are_shares_of_the_control_or_given_by_metric() -> None:
    assert margin_of(0.01, "elbo", -200.0) == 2
    assert margin_of({"elbo": 0.5}, "elbo", -200.0) == 0.5
    assert math.isnan(margin_of({"elbo": 0.5}, "ndcg@100", 0.4))
    assert math.isnan(equivalence(Layout.of(np.eye(3)), math.nan))
