"""One strategy against another: the formulas, the pairing, and the cases without an answer."""

import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from vaebench.statistics.contrasts import contrast, paired_t

RANDOM = np.random.default_rng(0)
A = pd.DataFrame(0.5 + RANDOM.normal(size=(12, 4)))
B = pd.DataFrame(RANDOM.normal(size=(12, 4)))


def test_the_companions_are_scipys_paired_t() -> None:
    found = contrast(A, B, 0.95)
    assert found["p_seeds"] == pytest.approx(scipy.stats.ttest_rel(A.mean(), B.mean()).pvalue)
    by_user = scipy.stats.ttest_rel(A.mean(axis=1), B.mean(axis=1)).pvalue
    assert found["p_users"] == pytest.approx(by_user)
    d = (A - B).mean()
    assert found["effect"] == pytest.approx(d.mean() / d.std())
    assert found["relative"] == pytest.approx(d.mean() / abs(B.to_numpy().mean()))
    assert found["difference"] == pytest.approx(d.mean())


def test_the_user_test_agrees_with_a_sign_flip_permutation() -> None:
    d = (A - B).mean(axis=1).to_numpy()
    exact = scipy.stats.permutation_test(
        (d,), lambda x, axis: x.mean(axis=axis), permutation_type="samples", vectorized=True
    )
    assert paired_t(d, 1.0) == pytest.approx(exact.pvalue, abs=0.03)


def test_it_pairs_by_labels_and_drops_the_lonely() -> None:
    shuffled = A[[2, 0, 3, 1]].iloc[::-1]
    whole, mixed = contrast(A, B, 0.95), contrast(shuffled, B, 0.95)
    numbers = [key for key in whole if key != "note"]
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
        (A[:1], B[:1], "a single test example in common: no test"),
        (A[:6], B[6:], "no test example in common: no test"),
        (A, A, "identical results: no test"),
        (A, A + 0.25, "the difference does not vary: no test"),
    ],
)
def test_no_p_value_is_better_than_a_wrong_one(a: pd.DataFrame, b: pd.DataFrame, note: str) -> None:
    found = contrast(a, b, 0.95, margin=0.1)
    assert found["note"] == note
    for name in ("p", "p_seeds", "p_users", "p_equivalence", "effect", "difference_low"):
        assert math.isnan(found[name]), name  # type: ignore[arg-type]


def test_users_that_differ_without_seeds_that_do_are_no_matter_for_the_crossed_test() -> None:
    """Every seed alike: nothing to test over seeds, but new users are still uncertain."""
    d = pd.DataFrame(np.tile(RANDOM.normal(size=(9, 1)), (1, 3)))
    found = contrast(d, d * 0, 0.95)
    assert math.isnan(found["p_seeds"])  # type: ignore[arg-type]
    by_user = scipy.stats.ttest_1samp(d[0], 0).pvalue
    assert found["p_users"] == pytest.approx(by_user)
    assert found["p"] == pytest.approx(by_user)
