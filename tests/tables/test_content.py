"""What stands in the tables: every row is there, no number that is none, and why."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.summaries import CONTROL, ORDER, TRUTHS, empty, frames
from vaebench.statistics.across import across
from vaebench.statistics.family import compare
from vaebench.statistics.measures import MEASURES, Measure
from vaebench.statistics.power import table
from vaebench.statistics.study import Question, family
from vaebench.tables import Column, content, counted, latex, lines, number, p_value, power


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
    assert all("Exploratory" in grid.caption for grid in content.pairs(made["pairs"], 0.95))


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


def cells(line: list[str], head: list[str]) -> dict[str, str]:
    return dict(zip(head, line, strict=True))


def test_failed_seeds_pairs_margins_and_freedom_stand_in_the_tables(
    made: dict[str, pd.DataFrame],
) -> None:
    first = content.results(made["results"], TRUTHS, CONTROL, 0.95)[0]
    rows = {line[0]: cells(line, first.head) for line in first.lines}
    assert (rows["sigmoid"]["seeds"], rows["sigmoid"]["failed"]) == ("4", "1")
    assert (rows["linear"]["failed"], rows["linear"]["pairs"]) == ("0", "4")
    assert "the two need not agree" in first.caption
    assert "Margin of equivalence ±0.0040; no margin below ±0.000" in first.caption
    assert "Bonferroni" in first.caption
    beside = content.companions(made["results"], CONTROL, 0.95)[0]
    assert {"margin", "reachable", "p crossed", "p seeds", "d_z"} <= set(beside.head)
    assert beside.lines[0][beside.head.index("p seeds") + 1] == "3"


def test_the_elbo_of_rankings_says_whose_epoch_it_is(made: dict[str, pd.DataFrame]) -> None:
    ranking, elbo, *_ = content.results(made["results"], TRUTHS, CONTROL, 0.95)
    assert elbo.title == "my_data, mult-vae: ELBO (nats), secondary, epoch chosen by NDCG@100"
    assert ranking.title == "my_data, mult-vae: NDCG@100, primary"
    for grid in (ranking, elbo):
        assert "the weights of the epoch with the best validation NDCG@100" in grid.caption
    pictures = made["results"][made["results"]["metric"] == "elbo"].assign(
        primary=True, selecting="ELBO"
    )
    alone = content.results(pictures, TRUTHS, CONTROL, 0.95)[0]
    assert alone.title == "my_data, mult-vae: ELBO (nats), primary"
    assert "best validation ELBO" in alone.caption
    last = dict(MEASURES) | {"elbo": replace(MEASURES["elbo"], epoch="last")}
    final = content.results(made["results"], TRUTHS, CONTROL, 0.95, last)[1]
    assert "the weights of the last epoch" in final.caption
    assert final.title == "my_data, mult-vae: ELBO (nats), secondary"
    text = latex.means(made["results"], CONTROL, 0.95)
    assert text.count("best validation NDCG@100") == 4


def test_a_metric_of_cells_is_labelled(made: dict[str, pd.DataFrame]) -> None:
    coverage = Measure("coverage", "Coverage", per="cell")
    random = np.random.default_rng(0)
    values = {
        name: pd.DataFrame(0.3 + 0.1 * k + 0.01 * random.normal(size=(1, 4)))
        for k, name in enumerate(ORDER)
    }
    question = Question(ORDER, CONTROL, 0.95, 0.01, measures={**MEASURES, "coverage": coverage})
    found = family(values, "coverage", question)
    rows = {
        name: frame.assign(dataset="d", model="m", metric="coverage")
        for name, frame in found.items()
    }
    (grid,) = content.results(rows["results"], {}, CONTROL, 0.95, question.measures)
    assert "Mean over 4 seeds, one value a cell, with a 95% interval over seeds" in grid.caption
    assert "the paired t on seed means alone" in grid.caption
    assert {line[-1] for line in grid.lines} == {"control", "higher"}
    assert content.companions(rows["results"], CONTROL, 0.95, question.measures)
    assert content.pairs(rows["pairs"], 0.95, question.measures)
    needed = table(rows["components"], 0.05)
    assert content.seeds(needed, 0.8, 0.05, question.measures)
    assert not content.everything(empty(made), TRUTHS, CONTROL, 0.95, question.measures)


def test_too_few_data_sets_are_no_headline(made: dict[str, pd.DataFrame]) -> None:
    tested = content.across(made["ranks"], made["across"], 0.95)
    assert not any(grid.aside for grid in tested)
    assert "by Iman and Davenport's F" in tested[0].caption
    over = [part.frames() for part in across(made["results"], made["runs"], ORDER, CONTROL, 0.95)]
    (grid, *_) = content.across(over[0]["ranks"], over[0]["across"], 0.95)
    assert grid.aside
    assert "2 data sets are too few to decide, 5 are needed" in grid.caption


def test_a_column_is_one_line(made: dict[str, pd.DataFrame]) -> None:
    rows = made["results"].query("dataset == 'my_data' and metric == 'elbo'")
    columns = [
        *content.result_columns(MEASURES["elbo"]),
        Column("n", lambda row: str(row.examples)),
    ]
    assert [line[-1] for line in lines(columns, rows)] == ["40"] * len(ORDER)


def test_the_command_prints_what_a_design_can_decide(
    made: dict[str, pd.DataFrame], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tables").mkdir()
    made["components"].to_csv(tmp_path / "tables/components.csv", index=False)
    power.main([str(tmp_path), "--metric", "ndcg@100", "--difference", "0.001", "--seeds", "10"])
    text = capsys.readouterr().out
    assert "| reachable margin | decided margin |" in text
    assert "| my_data, mult-vae: NDCG@100 | 0.0010 | 2 | 10 |" in text
    for wrong, said in (
        ([str(tmp_path / "none")], "is not there; allowed: the folder of a finished study"),
        ([str(tmp_path), "--metric", "ndgc"], "--metric ndgc: not measured; allowed: ndcg@100"),
        ([str(tmp_path), "--seeds", "1"], "--seeds 1: too few; allowed: at least 2"),
    ):
        with pytest.raises(SystemExit) as ended:
            power.main(wrong)
        assert ended.value.code == 1
        assert said in capsys.readouterr().err
