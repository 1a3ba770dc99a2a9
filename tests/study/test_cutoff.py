"""The cutoff of a data set: NDCG@K selects there and is primary, and no list holds all items."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.summaries import CONTROL, ORDER, TRUTHS, frames
from vaebench.cells.folder import NONE
from vaebench.errors import ConfigError, DataError
from vaebench.plots.study import figures
from vaebench.statistics.measures import ranking
from vaebench.statistics.study import Question, with_primary, with_ranking
from vaebench.study.check import check
from vaebench.study.plan import Plan
from vaebench.tables import content

ITEMS = 60


def study(folder: Path, **changes: Any) -> dict[str, Any]:
    """Two data sets: one of 60 items with a cutoff of 20, and one without."""
    random, path = np.random.default_rng(0), folder / "few.csv"
    if not path.exists():
        pairs = [(u, i) for u in range(40) for i in random.permutation(ITEMS)[:12]]
        pairs += [(u, i) for u in (0, 1) for i in range(ITEMS)]
        rows = pd.DataFrame(pairs, columns=["user", "item"]).drop_duplicates()
        rows.to_csv(path, index=False)
    split = {"validation_users": 5, "test_users": 5}
    few = {"class": "ratings_table.RatingsTable", "path": str(path), "user": "user"}
    planted = {"class": "planted.Planted", "users": 60, "items": 120, "split": split}
    config = {
        "name": "short",
        "seeds": 1,
        "control": "one",
        "results": str(folder),
        "tracking": {"enabled": False},
        "training": {"epochs": 1},
        "datasets": {"few": {**few, "item": "item", "cutoff": 20, "split": split}, "many": planted},
        "models": {"vae": {"class": "mult_vae.MultVAE"}},
        "strategies": {"one": {"class": "constant.Constant", "beta": 1}},
        "baselines": {"popularity": {"class": "popularity.Popularity"}},
        "grid": [
            {"dataset": name, "model": "vae", "strategies": ["one"], "baselines": ["popularity"]}
            for name in ("few", "many")
        ],
    }
    return config | changes


def test_the_cutoff_selects_judges_and_is_measured(tmp_path: Path) -> None:
    plan = Plan(study(tmp_path))
    check(plan)
    metric = {"name": "ndcg@20", "class": "ndcg.NDCG", "k": 20}
    assert plan.study.all_metrics["ndcg@20"] == {"class": "ndcg.NDCG", "k": 20}
    assert plan.cells["few/vae/one/seed-0"].spec["select"] == metric
    assert plan.cells[f"few/popularity/{NONE}/seed-0"].spec["select"] == metric
    assert plan.dataset("few").cutoff == 20
    assert plan.question()["natural"] == {"few": "ndcg@20"}


def test_the_other_data_set_is_as_it_was(tmp_path: Path) -> None:
    with_few = Plan(study(tmp_path))
    alone = study(tmp_path)
    del alone["datasets"]["few"], alone["grid"][0]
    without = Plan(alone)
    for path, cell in without.cells.items():
        assert with_few.cells[path].spec == cell.spec
        assert "select" not in cell.spec
    assert "natural" not in without.question()
    assert "ndcg@20" not in without.study.all_metrics


def test_a_block_may_select_by_another_metric(tmp_path: Path) -> None:
    config = study(tmp_path)
    config["training"]["select"] = "recall@20"  # of the study: for data sets without a cutoff
    assert Plan(config).cells["few/vae/one/seed-0"].spec["select"]["name"] == "ndcg@20"
    assert Plan(config).cells["many/vae/one/seed-0"].spec["select"]["name"] == "recall@20"
    config["grid"][0]["training"] = {"select": "recall@50"}
    assert Plan(config).cells["few/vae/one/seed-0"].spec["select"]["name"] == "recall@50"


def test_the_cutoff_is_primary_whatever_the_study_says_of_the_others() -> None:
    question = Question(ORDER, CONTROL, 0.95, 0.01, primary="elbo", natural={"few": "ndcg@20"})
    rows = [(d, "vae", m) for d in ("few", "many") for m in ("ndcg@100", "elbo", "ndcg@20")]
    found = with_primary(
        pd.DataFrame(rows, columns=["dataset", "model", "metric"]), ["dataset", "model"], question
    )
    assert list(found[found["primary"]]["metric"]) == ["ndcg@20", "elbo"]
    registered = Question(
        *(ORDER, CONTROL, 0.95, 0.01),
        natural={"few": "ndcg@20"},
        registered={"few": ["linear"]},
    )
    assert registered.family("few", "ndcg@20") == ["linear"]
    assert registered.family("few", "ndcg@100") is None


@pytest.mark.parametrize("given", [0, -3, 2.5, True, "ten"])
def test_a_cutoff_that_is_none_is_refused(tmp_path: Path, given: object) -> None:
    config = study(tmp_path)
    config["datasets"]["few"]["cutoff"] = given
    with pytest.raises(ConfigError, match=r"datasets\.few\.cutoff: .* whole number ≥ 1"):
        Plan(config)


def test_another_metric_of_the_same_name_is_refused(tmp_path: Path) -> None:
    other = {"ndcg@20": {"class": "recall.Recall", "k": 20}}
    with pytest.raises(ConfigError, match=r"metrics\.ndcg@20: datasets\.few\.cutoff"):
        Plan(study(tmp_path, metrics=other))


@pytest.mark.parametrize(
    ("cutoff", "metrics", "said"),
    [
        (100, {}, r"datasets\.few: ndcg@100: a list of 100 holds all 60 items .* smaller cutoff"),
        (60, {}, r"datasets\.few: ndcg@60: a list of 60 holds all 60 items"),
        (59, {}, None),
        (
            20,
            {"hit@60": {"class": "hit_rate.HitRate", "k": 60}},
            r"datasets\.few: hit@60: a list of 60 holds all 60 items .* or a smaller k",
        ),
        (20, {"hit@59": {"class": "hit_rate.HitRate", "k": 59}}, None),
    ],
)
def test_a_list_of_all_items_is_refused_by_name(
    tmp_path: Path, cutoff: int, metrics: dict[str, Any], said: str | None
) -> None:
    """Before any job, from the raw file; and once there is a split, from its card."""
    config = study(tmp_path, metrics=metrics)
    config["datasets"]["few"]["cutoff"] = cutoff
    if said is None:
        check(Plan(config))
        return
    with pytest.raises(ConfigError, match=said):
        check(Plan(config))
    fine = Plan(study(tmp_path))
    split = fine.splits("few")[0]
    fine.split_of(split).write_split(tmp_path / "few.csv", _made(split.path), {})
    with pytest.raises(ConfigError, match=said):
        check(Plan(config))


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_the_split_itself_refuses_a_list_of_all_items(tmp_path: Path) -> None:
    config = study(tmp_path)
    config["datasets"]["few"]["cutoff"] = 100
    dataset = Plan(config).dataset("few")
    with pytest.raises(DataError, match="ndcg@100: a list of 100 holds all 60 items"):
        dataset.write_split(tmp_path / "few.csv", tmp_path / "split", {})


def test_figures_and_tables_of_users_show_the_primary_metric() -> None:
    made = frames()
    for name in ("results", "activity"):
        short = made[name]["dataset"].eq("my_data") & made[name]["metric"].eq("ndcg@100")
        copy = made[name][short].assign(metric="ndcg@10")
        made[name] = pd.concat([made[name], copy], ignore_index=True)
    results = made["results"]
    of_short = results["metric"].eq("ndcg@10")
    results["primary"] = of_short | (
        results["dataset"].eq("more") & results["metric"].eq("ndcg@100")
    )
    measures = content.MEASURES | {
        "ndcg@10": content.Measure("ndcg@10", "NDCG@10"),
    }
    shown = ranking(results, measures)
    assert shown == {"my_data": "ndcg@10", "more": "ndcg@100"}
    made |= {name: with_ranking(made[name], shown) for name in ("results", "activity")}
    made["traces"] = pd.DataFrame()
    drawn = figures(made, TRUTHS, [*ORDER, NONE], CONTROL, 0.95)
    labels = {axis.get_title(): axis.get_xlabel() for axis in drawn["ranking"]().axes}
    assert labels == {"my_data": "NDCG@10", "more": "NDCG@100"}
    users = {axis.get_title(): axis.get_ylabel() for axis in drawn["activity"]().axes}
    said = {title: text.partition(",")[0] for title, text in users.items()}
    named = {f"{title}, mult-vae": metric for title, metric in labels.items()}
    assert said == named
    titles = {grid.title for grid in content.activity(made["activity"], CONTROL, 0.95, measures)}
    assert titles == {f"{title}: {metric} by user activity" for title, metric in named.items()}


def test_where_the_primary_metric_is_in_nats_the_ranking_is_still_shown() -> None:
    rows = [("a", "elbo", True), ("a", "ndcg@100", False), ("pictures", "elbo", True)]
    found = ranking(pd.DataFrame(rows, columns=["dataset", "metric", "primary"]))
    assert found == {"a": "ndcg@100"}
