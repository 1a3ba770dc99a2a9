"""One strategy against another: the formulas, the pairing, and the cases without an answer."""

import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from vaebench.statistics.contrasts import BOTH, SEEDS, contrast
from vaebench.statistics.effect import correction, effect_interval
from vaebench.statistics.layout import Layout, Student

RANDOM = np.random.default_rng(0)
A = pd.DataFrame(0.5 + RANDOM.normal(size=(12, 4)))
B = pd.DataFrame(RANDOM.normal(size=(12, 4)))


def test_the_companions_are_scipys_paired_t() -> None:
    found = contrast(A, B, 0.95)
    assert found["p_seeds"] == pytest.approx(scipy.stats.ttest_rel(A.mean(), B.mean()).pvalue)
    by_user = scipy.stats.ttest_rel(A.mean(axis=1), B.mean(axis=1)).pvalue
    assert found["p_users"] == pytest.approx(by_user)
    d = (A - B).mean()
    corrected = 0.7236 * d.mean() / d.std()  # J(3) as tabled for 3 degrees of freedom
    assert found["effect"] == pytest.approx(corrected, rel=1e-4)
    assert found["relative"] == pytest.approx(d.mean() / abs(B.to_numpy().mean()))
    assert found["difference"] == pytest.approx(d.mean())


def test_the_user_test_agrees_with_a_sign_flip_permutation() -> None:
    d = (A - B).mean(axis=1).to_numpy()
    exact = scipy.stats.permutation_test(
        (d,), lambda x, axis: x.mean(axis=axis), permutation_type="samples", vectorized=True
    )
    assert Student.of(d).two_sided() == pytest.approx(exact.pvalue, abs=0.03)


def test_it_pairs_by_labels_and_drops_the_lonely() -> None:
    shuffled = A[[2, 0, 3, 1]].iloc[::-1]
    whole, mixed = contrast(A, B, 0.95), contrast(shuffled, B, 0.95)
    numbers = [key for key in whole if key not in ("note", "test")]
    assert [mixed[key] for key in numbers] == pytest.approx(
        [whole[key] for key in numbers], nan_ok=True
    )
    part = contrast(A.drop(columns=1).drop(index=[3, 5]), B.drop(columns=2), 0.95)
    assert (part["pairs"], part["paired_examples"]) == (2, 10)
    kept = (A - B)[[0, 3]].drop(index=[3, 5])
    assert part["difference"] == pytest.approx(kept.to_numpy().mean())


@pytest.mark.parametrize(
    ("a", "b", "note"),
    [
        (A[[0]], B[[0]], "a single seed in common: no test"),
        (A[[0, 1]], B[[2, 3]], "no seed in common: no test"),
        (A[:6], B[5:], "a single test example in common: no test"),
        (A[:6], B[6:], "no test example in common: no test"),
        (A, A, "identical results: no test"),
        (A, A + 0.25, "the difference does not vary: no test"),
    ],
)
def test_no_p_value_is_better_than_a_wrong_one(a: pd.DataFrame, b: pd.DataFrame, note: str) -> None:
    found = contrast(a, b, 0.95, margin=0.1)
    assert found["note"] == note
    for name in (
        "p",
        "p_crossed",
        "p_seeds",
        "p_users",
        "p_equivalence",
        "effect",
        "difference_low",
    ):
        assert math.isnan(found[name]), name  # type: ignore[arg-type]


def test_users_that_differ_without_seeds_that_do_are_no_matter_for_the_crossed_test() -> None:
    """Every seed alike: nothing to test over seeds, but new users are still uncertain."""
    d = pd.DataFrame(np.tile(RANDOM.normal(size=(9, 1)), (1, 3)))
    found = contrast(d, d * 0, 0.95)
    assert math.isnan(found["p_seeds"])  # type: ignore[arg-type]
    by_user = scipy.stats.ttest_1samp(d[0], 0).pvalue
    assert found["p_users"] == pytest.approx(by_user)
    assert found["p"] == pytest.approx(by_user)


def test_a_claim_must_hold_by_both_tests() -> None:
    """Seed means that happen to agree make the one t small, quiet users the other."""
    random = np.random.default_rng(3)
    wider = {"p_crossed": 0, "p_seeds": 0}
    for spread in (0.02, 0.2, 1.0):
        d = 0.3 + random.normal(size=(40, 1)) + spread * random.normal(size=(1, 3))
        d = d + 0.1 * random.normal(size=(40, 3))
        found = contrast(pd.DataFrame(d), pd.DataFrame(0 * d), 0.95, margin=2.0)
        of_seeds = scipy.stats.ttest_1samp(d.mean(0), 0)
        assert found["p"] == max(found["p_crossed"], found["p_seeds"])  # type: ignore[type-var]
        assert found["p_seeds"] == pytest.approx(of_seeds.pvalue)
        wider["p_crossed" if found["p"] == found["p_crossed"] else "p_seeds"] += 1
        layout, bounds = Layout.of(d), of_seeds.confidence_interval(0.95)
        crossed = layout.mean - layout.crossed.half(0.95)
        assert found["difference_low"] == pytest.approx(min(bounds.low, crossed))
        less = scipy.stats.ttest_1samp(d.mean(0), 2.0, alternative="less").pvalue
        assert found["p_equivalence"] == pytest.approx(max(less, layout.crossed.below(2.0)))
        assert (found["p"] < 0.05) == (not found["difference_low"] <= 0 <= found["difference_high"])  # type: ignore[operator]
    assert min(wider.values()) > 0, "each of the two is the larger somewhere"


def test_a_metric_with_one_value_a_cell_is_tested_over_seeds_alone() -> None:
    a, b = pd.DataFrame([[0.4, 0.5, 0.45, 0.48]]), pd.DataFrame([[0.3, 0.35, 0.36, 0.31]])
    found = contrast(a, b, 0.95, margin=0.5)
    expected = scipy.stats.ttest_rel(a.iloc[0], b.iloc[0])
    assert (found["p"], found["p_seeds"]) == pytest.approx((expected.pvalue, expected.pvalue))
    assert (found["difference_low"], found["difference_high"]) == pytest.approx(
        tuple(expected.confidence_interval(0.95))
    )
    assert (found["test"], contrast(A, B, 0.95)["test"]) == (SEEDS, BOTH)
    assert math.isnan(found["p_users"])  # type: ignore[arg-type]
    assert math.isnan(found["p_crossed"])  # type: ignore[arg-type]
    assert found["p_equivalence"] < 0.05  # type: ignore[operator]
    assert contrast(A[:1], B, 0.95)["note"] == "a single test example in common: no test"


@pytest.mark.parametrize(("seeds", "bias"), [(3, 1.77), (5, 1.25), (10, 1.09)])
def test_the_effect_size_is_not_inflated_by_few_seeds(seeds: int, bias: float) -> None:
    """Over drawn studies: d_z is too large by a known factor, the printed one is not."""
    random = np.random.default_rng(0)
    d = 0.8 + random.normal(size=(20_000, seeds))
    raw = d.mean(1) / d.std(1, ddof=1)
    assert raw.mean() / 0.8 == pytest.approx(bias, abs=0.06)
    assert correction(seeds - 1) * raw.mean() == pytest.approx(0.8, abs=0.03)
    t = math.sqrt(seeds) * raw[:2_000]
    bounds = np.array([effect_interval(value, seeds, 0.95) for value in t])
    covered = ((bounds[:, 0] <= 0.8) & (bounds[:, 1] >= 0.8)).mean()
    assert covered == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 2_000))
