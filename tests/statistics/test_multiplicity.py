"""Corrections against worked examples."""

import math

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from vaebench.statistics.multiplicity import benjamini_hochberg, holm


def test_holm_steps_down_and_ignores_what_was_not_tested() -> None:
    p = pd.Series([0.01, math.nan, 0.04, 0.03])
    assert holm(p).tolist() == pytest.approx([0.03, math.nan, 0.06, 0.06], nan_ok=True)


@pytest.mark.parametrize("seed", range(5))
def test_holm_is_that_of_statsmodels(seed: int) -> None:
    p = pd.Series(np.random.default_rng(seed).random(7).round(1) ** 3)
    assert holm(p).to_numpy() == pytest.approx(multipletests(p, method="holm")[1])


def test_benjamini_and_hochberg_step_up() -> None:
    p = pd.Series([0.01, 0.02, math.nan, 0.03, 0.9])
    assert benjamini_hochberg(p).tolist() == pytest.approx(
        [0.04, 0.04, math.nan, 0.04, 0.9], nan_ok=True
    )


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_nothing_tested_is_nothing_adjusted(adjust: object) -> None:
    assert adjust(pd.Series([math.nan, math.nan])).isna().all()  # type: ignore[operator]
    assert adjust(pd.Series([], dtype=float)).empty  # type: ignore[operator]
