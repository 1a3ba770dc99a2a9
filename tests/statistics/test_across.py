"""Across data sets: published values, and the definitions of Agarwal et al. written out."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from vaebench.statistics import across

NAMES = list("abcd")
SCORES = pd.DataFrame(np.random.default_rng(0).normal(size=(7, 4)) + np.arange(4), columns=NAMES)


@pytest.mark.parametrize(
    ("strategies", "datasets", "expected"),
    [(10, 5, 6.06), (4, 14, 1.25), (2, 14, 0.52)],
)
def test_the_critical_difference_is_the_published_one(
    strategies: int, datasets: int, expected: float
) -> None:
    """10 on 5: the study's design; 4 on 14: Demšar 2006, §3.2.4; 2: z/√N = 1.96/√14."""
    found = across.critical_difference(strategies, datasets, 0.05)
    assert found == pytest.approx(expected, abs=0.01)


def test_ranks_and_their_tests_are_scipys() -> None:
    found = across.ranks(SCORES, 0.05)
    by_hand = np.mean([scipy.stats.rankdata(-row) for row in SCORES.to_numpy()], axis=0)
    assert found.ranks[NAMES].tolist() == pytest.approx(by_hand.tolist())
    assert found.ranks.index[0] == NAMES[by_hand.argmin()]
    assert found.p_friedman == pytest.approx(
        scipy.stats.friedmanchisquare(*SCORES.to_numpy().T).pvalue
    )
    for (i, a), (j, b) in itertools.combinations(enumerate(NAMES), 2):
        beyond = abs(by_hand[i] - by_hand[j]) > found.critical
        assert (found.nemenyi.loc[a, b] < 0.05) == beyond


def test_without_enough_there_are_ranks_and_a_reason() -> None:
    one = across.ranks(SCORES[:1], 0.05)
    assert (one.note, math.isnan(one.p_friedman)) == (
        "a single data set: ranks are descriptive, no test",
        True,
    )
    assert one.ranks.tolist() == [1, 2, 3, 4]
    two = across.ranks(SCORES[["a", "b"]], 0.05)
    assert two.note == "fewer than 3 strategies on all data sets: no test of ranks"
    ties = across.ranks(SCORES * 0, 0.05)
    assert ties.note == "all strategies tie on every data set: no test"
    assert ties.ranks.tolist() == [2.5] * 4


def test_a_strategy_without_all_data_sets_is_left_out_and_named() -> None:
    found = across.ranks(SCORES.assign(e=[math.nan, *[9.0] * 6]), 0.05)
    assert found.left_out == ["e"]
    assert "e" not in found.ranks
    nothing = across.ranks(pd.DataFrame({"a": [1.0, math.nan]}), 0.05)
    assert nothing.note == "no strategy has a result on every data set"


def long(runs: np.ndarray) -> pd.DataFrame:
    """(data sets, strategies, seeds) as rows."""
    return pd.DataFrame(
        [(f"d{d}", "ab"[k], s, value) for (d, k, s), value in np.ndenumerate(runs)],
        columns=["dataset", "strategy", "seed", "value"],
    )


RUNS = np.random.default_rng(1).normal(size=(3, 2, 5)) + np.array([[[5.0], [5.5]]])


def test_scores_are_relative_to_the_control() -> None:
    found = across.relative(
        long(np.array([[[2.0, 2.0], [3.0, 1.0]], [[-10, -10], [-9, -11]]])), "a"
    )
    assert found["score"].tolist() == pytest.approx([1, 1, 1.5, 0.5, 1, 1, 1.1, 0.9])
    assert across.relative(long(RUNS)[lambda f: f["strategy"] == "b"], "a").empty


def test_iqm_is_the_mean_of_the_middle_half() -> None:
    values = np.array([100.0, 1, 2, 3, 4, 5, 6, -100])
    assert across.interquartile_mean(values) == np.mean([2, 3, 4, 5])
    scores = across.relative(long(RUNS), "a")
    found = across.aggregate(scores, ["a", "b"], 0.95).set_index("strategy")
    assert found["runs"].tolist() == [15, 15]
    assert (found["low"] < found["iqm"]).all()
    assert (found["iqm"] < found["high"]).all()
    one = across.aggregate(scores[scores["seed"] == 0], ["a"], 0.95)
    assert one[["low", "high"]].isna().all(axis=None)


def test_improvement_is_mann_and_whitneys_u_per_data_set() -> None:
    scores = across.relative(long(RUNS), "a")
    found = across.improvement(scores, ["a", "b"], "a", 0.95)
    expected = np.mean(
        [scipy.stats.mannwhitneyu(b, a).statistic / (len(a) * len(b)) for a, b in RUNS]
    )
    assert found["strategy"].tolist() == ["b"]
    assert found["probability"].item() == pytest.approx(expected)
    assert found["low"].item() <= expected <= found["high"].item()
    assert across.beats(np.ones((1, 2)), np.ones((1, 3))) == 0.5


def test_profiles_count_the_runs_above() -> None:
    scores = across.relative(long(RUNS), "a")
    found = across.profiles(scores, ["a", "b"])
    row = found[(found["strategy"] == "b")].iloc[40]
    shares = scores[scores["strategy"] == "b"].groupby("dataset")["score"]
    assert row["share"] == pytest.approx(
        shares.apply(lambda s: (s > row["threshold"]).mean()).mean()
    )
    for _, mine in found.groupby("strategy"):
        assert mine["share"].iloc[0] == 1
        assert mine["share"].is_monotonic_decreasing


def study(models: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Summary and runs of three data sets, the metric elbo."""
    runs = long(RUNS)
    runs["model"] = runs["dataset"].map(dict(zip(["d0", "d1", "d2"], models, strict=True)))
    runs["metric"] = "elbo"
    keys = ["dataset", "model", "metric", "strategy"]
    summary = runs.groupby(keys, as_index=False)["value"].mean()
    return summary.rename(columns={"value": "mean"}), runs


def test_data_sets_are_the_unit_and_each_counts_once() -> None:
    summary, runs = study(["m", "m", "n"])
    (found,) = across.across(summary, runs, ["a", "b"], "a", 0.95)
    assert (found.model, len(found.ranks.datasets)) == ("all", 3)
    again = summary[summary["dataset"] == "d0"].assign(model="n")
    more = runs[runs["dataset"] == "d0"].assign(model="n")
    both = across.across(
        pd.concat([summary, again]), pd.concat([runs, more]), ["a", "b"], "a", 0.95
    )
    assert {part.model: part.ranks.datasets for part in both} == {
        "m": ["d0", "d1"],
        "n": ["d2", "d0"],
    }


def test_one_data_set_is_no_comparison_across() -> None:
    summary, runs = study(["m", "m", "m"])
    one = [frame[frame["dataset"] == "d0"] for frame in (summary, runs)]
    assert across.across(*one, ["a", "b"], "a", 0.95) == []
    assert across.across(pd.DataFrame(), pd.DataFrame(), ["a"], "a", 0.95) == []
