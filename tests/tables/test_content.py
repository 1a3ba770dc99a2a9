"""What stands in the tables: every row is there, no number that is none, and why."""

import math

import pandas as pd
import pytest

from tests.summaries import CONTROL, ORDER, TRUTHS, empty, frames
from vaebench.statistics.family import compare
from vaebench.tables import content, counted, number, p_value


@pytest.fixture(scope="module")
def made() -> dict[str, pd.DataFrame]:
    return frames()


def test_every_table_is_a_rectangle_with_a_caption(made: dict[str, pd.DataFrame]) -> None:
    grids = content.everything(made, TRUTHS, CONTROL, 0.95)
    assert {grid.section for grid in grids} == {
        "Results",
        "Models and baselines",
        "Across data sets",
        "User activity",
        "Latents",
        "Sources of variance",
        "How many seeds",
        "Companion tests",
        "All pairs (exploratory)",
    }
    for grid in grids:
        assert grid.lines
        assert {len(line) for line in grid.lines} == {len(grid.head)}, grid.title
        assert all(isinstance(cell, str) for line in grid.lines for cell in line), grid.title
        assert grid.caption.endswith(".")


def test_a_study_without_a_finished_cell_has_no_tables(made: dict[str, pd.DataFrame]) -> None:
    assert content.everything(empty(made), TRUTHS, CONTROL, 0.95) == []


def test_captions_say_how_much_and_which_test(made: dict[str, pd.DataFrame]) -> None:
    first = content.results(made["results"], TRUTHS, CONTROL, 0.95)[1]
    assert [line[0] for line in first.lines] == ORDER
    assert "Mean over 4 seeds and 40 test examples with a 95% interval over both" in first.caption
    assert "crossed test of seeds and examples" in first.caption
    assert "Holm's correction over 5 strategies" in first.caption
    assert "Best possible (log p(x) under the true model): -150.25." in first.caption


def test_user_level_tests_are_called_conditional(made: dict[str, pd.DataFrame]) -> None:
    (one, *_) = content.companions(made["results"], CONTROL, 0.95)
    assert "p users: paired t over examples, conditional on these trained models" in one.caption
    assert all("Exploratory" in grid.caption for grid in content.pairs(made["pairs"]))


def test_too_few_users_for_any_number_of_seeds_is_said(made: dict[str, pd.DataFrame]) -> None:
    (grid,) = content.seeds(made["seeds"], 0.8, 0.05)
    assert [line[2] for line in grid.lines] == ["3", "more examples", "3", "7"]


def test_where_there_is_no_test_the_table_says_why() -> None:
    alone = {"a": pd.DataFrame([[1.0], [2.0]]), "b": pd.DataFrame([[2.0], [1.5]])}
    rows = compare(alone, ["a", "b"], "a", 0.95)
    rows = rows.assign(dataset="d", model="m", metric="elbo")
    (grid,) = content.results(rows, {}, "a", 0.95)
    assert [line[-1] for line in grid.lines] == [
        "control",
        "a single seed in common: no test",
    ]
    assert grid.lines[1][8] == "–"
    assert "no test: each needs two common seeds and examples" in grid.caption
    assert "1 seed and 2 test examples" in grid.caption
    assert content.companions(rows, "a", 0.95) == []


def test_numbers_that_are_not_there_are_dashes_and_p_is_never_zero() -> None:
    assert number(math.nan, "elbo") == "–"
    assert p_value(math.nan) == "–"
    assert p_value(0.0) == "< .001"
    assert p_value(0.0416) == ".042"
    assert p_value(1.0) == "1.000"
    assert counted(pd.Series([3, 5]), "seed") == "3 to 5 seeds"
