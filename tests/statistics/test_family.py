"""All strategies of a family: order, verdicts, the best, and what is missing."""

import math

import numpy as np
import pandas as pd
import pytest

from vaebench.statistics.contrasts import contrast
from vaebench.statistics.family import all_pairs, best, compare
from vaebench.statistics.multiplicity import holm


def values(**levels: float) -> dict[str, pd.DataFrame]:
    """Strategies whose runs differ by small noise around their level."""
    random = np.random.default_rng(1)
    users = random.normal(size=(40, 1))
    return {
        name: pd.DataFrame(level + users + 0.01 * random.normal(size=(40, 4)))
        for name, level in levels.items()
    }


def test_it_keeps_the_order_of_the_study_and_tests_all_but_the_control() -> None:
    table = compare(values(a=1, b=1, c=2), ["c", "missing", "a", "b"], "a", 0.95)
    assert table["strategy"].tolist() == ["c", "a", "b"]
    assert table["p"].isna().tolist() == [False, True, False]
    assert (table["seeds"] == 4).all()
    assert (table["examples"] == 40).all()
    assert table["p_holm"].tolist() == pytest.approx(holm(table["p"]).tolist(), nan_ok=True)


def test_verdicts_claim_no_more_than_was_tested() -> None:
    found = values(a=1.0, up=1.5, down=0.5, same=1.0, near=1.02, alone=1.0)
    found["alone"] = found["alone"][[0]]
    random = np.random.default_rng(3)
    found["vague"] = found["a"] + random.normal(size=(40, 4))
    table = compare(found, list(found), "a", 0.95, {"m": 0.1}, "m").set_index("strategy")
    assert table["verdict"].to_dict() == {
        "a": "control",
        "up": "higher",
        "down": "lower",
        "same": "equivalent",
        "near": "higher, within margin",
        "alone": "no test",
        "vague": "undecided",
    }
    assert table.loc["alone", "note"] == "a single seed in common: no test"


def test_bootstrap_bounds_are_beside_the_crossed_ones() -> None:
    table = compare(values(a=1, b=1.5, c=2), ["a", "b", "c"], "a", 0.95).set_index("strategy")
    for name in "bc":
        row = table.loc[name]
        width = row["difference_high"] - row["difference_low"]
        assert row["boot_low"] == pytest.approx(row["difference_low"], abs=0.6 * width)
        assert row["boot_high"] == pytest.approx(row["difference_high"], abs=0.6 * width)
    assert math.isnan(table.loc["a", "boot_low"])


def test_unequal_users_are_compared_over_those_in_common() -> None:
    found = values(a=1.0, b=1.5, c=2.0)
    found["b"] = found["b"].drop(index=range(5))
    table = compare(found, ["a", "b", "c"], "a", 0.95).set_index("strategy")
    assert table["examples"].to_dict() == {"a": 40, "b": 35, "c": 40}
    assert table.loc["b", "paired_examples"] == 35
    assert table.loc["b", "difference"] == pytest.approx(
        (found["b"] - found["a"].drop(index=range(5))).to_numpy().mean()
    )
    assert table["boot_low"].notna().tolist() == [False, True, True]


def test_without_its_control_a_family_has_means_and_no_contrast() -> None:
    table = compare({"b": pd.DataFrame(np.eye(3))}, ["b"], "a", 0.95)
    assert table["p_holm"].isna().all()
    assert table["mean"].item() == pytest.approx(1 / 3)
    assert table["note"].item() == "a has no results: no test"
    assert table["verdict"].item() == "no test"


def test_one_strategy_alone_has_a_mean_and_no_pairs() -> None:
    found = values(a=1.0)
    assert compare(found, ["a"], "a", 0.95)["verdict"].tolist() == ["control"]
    assert all_pairs(found, ["a"], 0.95).empty
    marks = best(pd.Series({"a": 1.0}), all_pairs(found, ["a"], 0.95))
    assert marks["best"].tolist() == [True]
    assert marks["p_best"].isna().all()


def test_all_pairs_are_all_pairs() -> None:
    found = values(a=1, b=1.5, c=2)
    pairs = all_pairs(found, ["c", "a", "b"], 0.95)
    assert list(zip(pairs["a"], pairs["b"], strict=True)) == [("c", "a"), ("c", "b"), ("a", "b")]
    assert pairs["p"][2] == pytest.approx(contrast(found["a"], found["b"], 0.95)["p"])
    assert (pairs["p_bh"] >= pairs["p"]).all()


def test_the_best_is_told_from_the_rest_or_not() -> None:
    found = values(a=1.0, b=1.0, c=0.2)
    found["b"] = found["a"] + 0.01 * np.random.default_rng(5).normal(size=(40, 4))
    means = pd.Series({name: frame.to_numpy().mean() for name, frame in found.items()})
    marks = best(means, all_pairs(found, ["a", "b", "c"], 0.95))
    assert marks["best"].sum() == 1
    other = "b" if marks["best"]["a"] else "a"
    assert marks["p_best"][other] > 0.05
    assert marks["p_best"]["c"] < 0.05


def test_a_shared_first_place_is_shared() -> None:
    found = {name: pd.DataFrame(np.eye(3)) for name in "ab"}
    marks = best(pd.Series({"a": 1.0, "b": 1.0}), all_pairs(found, ["a", "b"], 0.95))
    assert marks["best"].all()
    assert marks["p_best"].isna().all(), "identical results are not tested"


def test_failed_seeds_are_counted_and_a_strategy_of_failures_stands_in_the_table() -> None:
    found = values(a=1.0, b=1.2)
    found["b"] = found["b"].drop(columns=[2])
    planned = {"a": 4, "b": 4, "c": 4}
    table = compare(found, ["a", "b", "c"], "a", 0.95, planned=planned).set_index("strategy")
    assert table["failed"].tolist() == [0, 1, 4]
    assert table["seeds"].tolist() == [4, 3, 0]
    assert (table.loc["c", "verdict"], table.loc["c", "note"]) == (
        "no test",
        "no seed has a result: no test",
    )
    assert table["p_holm"].notna().tolist() == [False, True, False], "it costs the others nothing"
    both = found["b"].columns
    assert table.loc["b", "pairs"] == 3
    assert table.loc["b", "difference"] == pytest.approx(
        (found["b"] - found["a"][both]).to_numpy().mean()
    )


def test_a_family_of_cell_values_has_everything_but_users() -> None:
    random = np.random.default_rng(0)
    found = {
        name: pd.DataFrame(level + 0.01 * random.normal(size=(1, 5)))
        for name, level in {"a": 0.1, "b": 0.3, "c": 0.1}.items()
    }
    table = compare(found, list("abc"), "a", 0.95, 0.5).set_index("strategy")
    assert table["verdict"].tolist() == ["control", "higher", "equivalent"]
    assert (table.loc["b", "test"], table["examples"].tolist()) == ("seeds alone", [1, 1, 1])
    assert table.loc["b", ["p_crossed", "p_users"]].isna().all()
    needed = ["low", "joint_low", "boot_low", "reachable", "effect_low", "p_equivalence_holm"]
    assert table.loc["b", needed].notna().all()
    assert len(all_pairs(found, list("abc"), 0.95)["p_bh"].dropna()) == 3


def test_where_less_is_better_the_lowest_is_best() -> None:
    found = values(a=1.0, b=0.5, c=2.0)
    means = pd.Series({name: frame.to_numpy().mean() for name, frame in found.items()})
    marks = best(means, all_pairs(found, list("abc"), 0.95), sign=-1)
    assert marks["best"].to_dict() == {"a": False, "b": True, "c": False}


def test_few_seeds_do_not_make_verdicts_of_nothing() -> None:
    """Whole tables of 12 strategies of 3 seeds that do not differ, seeds the larger part by far."""
    random, false, studies = np.random.default_rng(0), 0, 120
    names = [f"s{k}" for k in range(13)]
    for _ in range(studies):
        found = {
            name: pd.DataFrame(
                0.002 * random.normal(size=(40, 1))
                + 0.002 * random.normal(size=(1, 3))
                + 0.002 * random.normal(size=(40, 3))
            )
            for name in names
        }
        table = compare(found, names, "s0", 0.95, resamples=0)
        false += table["verdict"].isin(["higher", "lower"]).any()
    assert false / studies < 0.055 + 3 * math.sqrt(0.055 * 0.945 / studies)


def test_what_was_registered_is_corrected_for_itself_alone() -> None:
    rng = np.random.default_rng(5)
    found = {name: pd.DataFrame(rng.standard_normal((30, 4)) + k) for k, name in enumerate("abcd")}
    alone = compare({n: found[n] for n in "abc"}, list("abc"), "a", 0.95).set_index("strategy")
    table = compare(found, list("abcd"), "a", 0.95, registered=["b", "c"]).set_index("strategy")
    columns = ["p_holm", "joint_low", "joint_high", "reachable", "verdict"]
    pd.testing.assert_frame_equal(table.loc[["b", "c"], columns], alone.loc[["b", "c"], columns])
    assert table.loc["d", "p_holm"] == table.loc["d", "p"]
    assert table["registered"].to_dict() == {"a": None, "b": True, "c": True, "d": False}
    assert alone["registered"].isna().all()
    assert list(table.index) == list("abcd")
