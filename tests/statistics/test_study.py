"""A study's statistics from its cells: what failed, what is primary, what has one value a cell."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.aggregation import write_cell
from vaebench.cells.reading import Cells
from vaebench.statistics.measures import MEASURES, Measure, primary
from vaebench.statistics.study import Question, analyse

QUESTION = Question(["a", "b", "c"], "a", 0.95, 0.01)


def study(root: Path) -> Cells:
    """Two data sets, three strategies, four seeds; on ``d`` one of b's and all of c's failed."""
    folders = []
    random = np.random.default_rng(0)
    for dataset in ("d", "e"):
        for k, strategy in enumerate("abc"):
            for seed in range(4):
                folder = root / f"cells/{dataset}/m/{strategy}/seed-{seed}"
                values = 0.4 + 0.02 * k + 0.01 * random.normal(size=30)
                columns = {"ndcg@100": values, "recall@50": values + 0.1, "elbo": -100 * values}
                lost = dataset == "d" and (strategy == "c" or (strategy, seed) == ("b", 2))
                write_cell(folder, {} if lost else columns, "diverged" if lost else "done")
                if lost and seed == 3:
                    (folder / "status.json").unlink()  # not run at all
                folders.append(folder)
    return Cells(folders)


class WithCoverage(Cells):
    """One value a cell of a further metric, as a metric of cells is read."""

    def values(self, dataset: str, model: str, metric: str) -> dict[str, pd.DataFrame]:
        found = super().values(dataset, model, "ndcg@100" if metric == "coverage" else metric)
        if metric != "coverage":
            return found
        return {name: frame.mean().to_frame().T for name, frame in found.items()}


def test_planned_seeds_without_a_result_are_counted(tmp_path: Path) -> None:
    results = analyse(study(tmp_path), QUESTION).results
    rows = results.query("dataset == 'd' and metric == 'ndcg@100'").set_index("strategy")
    assert rows["failed"].to_dict() == {"a": 0, "b": 1, "c": 4}
    assert rows.loc["b", "pairs"] == 3
    assert rows.loc["c", "note"] == "no seed has a result: no test"
    assert not results.query("dataset == 'e'")["failed"].any()


@pytest.mark.parametrize(
    ("declared", "expected"),
    [(None, "ndcg@100"), ("recall@50", "recall@50"), ("rate", "ndcg@100")],
)
def test_one_metric_is_primary(tmp_path: Path, declared: str | None, expected: str) -> None:
    results = analyse(study(tmp_path), replace(QUESTION, primary=declared)).results
    assert set(results.loc[results["primary"], "metric"]) == {expected}
    assert results["primary"].dtype == bool


def test_pictures_have_the_bound() -> None:
    assert primary({"rate", "elbo", "distortion"}) == "elbo"
    assert primary({"rate", "distortion"}) == "distortion"
    assert primary({"elbo", "ndcg@100"}, "recall@20") == "ndcg@100"


def test_a_metric_of_cells_goes_all_the_way(tmp_path: Path) -> None:
    measures = {**MEASURES, "coverage": Measure("coverage", "Coverage", per="cell")}
    cells = WithCoverage(study(tmp_path).folders)
    found = analyse(cells, replace(QUESTION, measures=measures))
    rows = found.results.query("metric == 'coverage' and dataset == 'e'").set_index("strategy")
    assert rows.loc["b", "test"] == "seeds alone"
    assert rows.loc["b", "p"] == rows.loc["b", "p_seeds"]
    assert "coverage" in set(found.seeds["metric"])
    assert "coverage" in set(found.ranks["metric"])
    assert "coverage" not in set(found.activity.get("metric", []))


def test_units_reach_the_comparison_across(tmp_path: Path) -> None:
    cells = study(tmp_path)
    assert analyse(cells, QUESTION).ranks["datasets"].eq(2).all()
    one = replace(QUESTION, units={"d": "same", "e": "same"})
    assert analyse(cells, one).ranks.empty
