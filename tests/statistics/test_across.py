"""Across data sets: published values, and the definitions of Agarwal et al. written out."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from vaebench.statistics import across
from vaebench.statistics.bootstrap import stratified
from vaebench.statistics.measures import Measure

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
    statistic = scipy.stats.friedmanchisquare(*SCORES.to_numpy().T).statistic
    f = 6 * statistic / (7 * 3 - statistic)
    assert found.p_iman == pytest.approx(scipy.stats.f.sf(f, 3, 18))
    assert found.p_iman < found.p_friedman
    assert across.iman_davenport(21.0, 4, 7) == 0, "all data sets agree"
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
    four = across.ranks(SCORES[:4], 0.05)
    assert four.note == "4 data sets are too few to decide, 5 are needed"
    assert math.isnan(four.critical)
    assert four.nemenyi.empty
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


def test_three_wins_on_three_data_sets_are_not_certain() -> None:
    """[1, 1] was said; Clopper and Pearson's bounds of 9 wins of 9 are [.664, 1]."""
    won = across.relative(long(np.array([[[1.0, 1.1, 1.2], [2, 2.1, 2.2]]] * 3)), "a")
    row = across.improvement(won, ["a", "b"], "a", 0.95).iloc[0]
    exact = scipy.stats.binomtest(9, 9).proportion_ci(0.95)
    assert (row["low"], row["high"]) == pytest.approx((exact.low, 1))
    one = across.improvement(won[won["dataset"] == "d0"], ["a", "b"], "a", 0.95).iloc[0]
    assert (one["low"], one["meaningful"]) == (pytest.approx(0.2924, abs=1e-4), False)


def test_the_interval_of_an_iqm_covers_what_it_says() -> None:
    """Five seeds on five data sets; percentiles that are not expanded cover about .9."""
    random = np.random.default_rng(0)
    plain, covered, studies = 0, 0, 300
    for _ in range(studies):
        strata = list(random.normal(size=(5, 5)))
        low, high = across.bounds(strata, across.interquartile_mean, 0.95)
        covered += low <= 0 <= high
        drawn = np.concatenate(stratified(strata), axis=1)
        low, high = np.quantile(across.interquartile_mean(drawn), [0.025, 0.975])
        plain += low <= 0 <= high
    assert covered / studies > 0.95 - 4 * math.sqrt(0.95 * 0.05 / studies) > plain / studies - 0.05
    assert covered > plain


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


def several(names: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Six strategies of five seeds on data sets; ``s0`` is better everywhere."""
    random = np.random.default_rng(0)
    runs = pd.DataFrame(
        [
            (name, f"s{k}", seed, 1.0 + (k == 0) + 0.1 * random.normal())
            for name in names
            for k in range(6)
            for seed in range(5)
        ],
        columns=["dataset", "strategy", "seed", "value"],
    ).assign(model="m", metric="ndcg@100")
    keys = ["dataset", "model", "metric", "strategy"]
    summary = runs.groupby(keys, as_index=False, sort=False)["value"].mean()
    return summary.rename(columns={"value": "mean"}), runs


ORDER = [f"s{k}" for k in range(6)]


def test_splits_of_one_data_set_are_one_unit_and_decide_nothing() -> None:
    """Twelve splits looked like twelve data sets, and Friedman's test rejected every time."""
    splits = [f"split-{n}" for n in range(12)]
    summary, runs = several(splits)
    (wrong,) = across.across(summary, runs, ORDER, "s1", 0.95)
    assert wrong.ranks.p_friedman < 0.01, "what counting them as data sets says"
    one = dict.fromkeys(splits, "ratings.csv")
    assert across.across(summary, runs, ORDER, "s1", 0.95, one) == []
    four = {name: f"unit-{n % 4}" for n, name in enumerate(splits)}
    (found,) = across.across(summary, runs, ORDER, "s1", 0.95, four)
    assert len(found.ranks.datasets) == 4
    assert math.isnan(found.ranks.p_friedman)
    assert "too few to decide" in found.ranks.note
    assert found.iqm["datasets"].tolist() == [4] * 6


def test_a_unit_is_its_mean_and_drawn_data_are_none() -> None:
    names = ["ml-100k", "ml-1m", "netflix", "msd", "jester", "lastfm", "planted"]
    summary, runs = several(names)
    units = {"ml-100k": "movielens", "ml-1m": "movielens", "planted": ""}
    (found,) = across.across(summary, runs, ORDER, "s1", 0.95, units)
    assert found.ranks.datasets == [
        "movielens (ml-100k, ml-1m)",
        "netflix",
        "msd",
        "jester",
        "lastfm",
    ]
    scores = summary.pivot_table(index="dataset", columns="strategy", values="mean")
    both = scores.loc[["ml-100k", "ml-1m"]].mean()
    by_hand = pd.DataFrame([both, *(scores.loc[name] for name in names[2:-1])])
    expected = by_hand.rank(axis=1, ascending=False).mean()
    assert found.ranks.ranks[ORDER].tolist() == pytest.approx(expected[ORDER].tolist())
    assert found.iqm["runs"].tolist() == [25] * 6, "five seeds a unit, whatever it holds"


def test_a_strategy_must_stand_on_all_data_sets_of_a_unit() -> None:
    summary, runs = several([f"d{n}" for n in range(6)])
    gone = (summary["dataset"] == "d1") & (summary["strategy"] == "s5")
    units = {"d0": "u", "d1": "u"}
    (found,) = across.across(summary[~gone], runs, ORDER, "s1", 0.95, units)
    assert found.ranks.left_out == ["s5"]


def test_where_less_is_better_the_lowest_ranks_first() -> None:
    summary, runs = several([f"d{n}" for n in range(5)])
    frames = [frame.assign(metric="gini") for frame in (summary, runs)]
    gini = {"gini": Measure("gini", "Gini", higher=False)}
    (found,) = across.across(*frames, ORDER, "s1", 0.95, measures=gini)
    assert found.ranks.ranks.index[-1] == "s0"
    row = found.improvement.set_index("strategy").loc["s0"]
    assert row["probability"] == 0
