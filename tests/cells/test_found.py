"""Options that another strategy's cell finds: two real stages of a study."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import yaml

from tests import trained as cell
from vaebench.cells.folder import FILES
from vaebench.cells.found import settled
from vaebench.components import create
from vaebench.errors import ConfigError
from vaebench.files import read_json
from vaebench.study.check import check
from vaebench.study.plan import Plan

ROOT = Path(__file__).parents[2]
PLANTED = {
    "class": "planted.Planted",
    "users": 150,
    "items": 120,
    "latents": 2,
    "importance_samples": 20,
    "split": {"min_items_per_user": 0, "validation_users": 30, "test_users": 40},
}
STRATEGIES: dict[str, Any] = {
    "anneal": {"class": "linear.Linear", "cap": 1, "updates_per_unit": 50},
    "two-stage": {
        "class": "linear.Linear",
        "cap": {"beta": "selected", "of": "anneal"},
        "updates_per_unit": 50,
    },
}


def study(**strategies: Any) -> dict[str, Any]:
    catalogue = STRATEGIES | strategies
    return {
        "name": "stages",
        "seeds": 2,
        "control": "anneal",
        "datasets": {"planted": PLANTED},
        "models": {"m": {"class": "mult_vae.MultVAE", "hidden": 8, "latents": 3}},
        "strategies": catalogue,
        "training": {"epochs": 6, "batch_size": 20, "learning_rate": 0.01, "device": "cpu"},
        "grid": [{"dataset": "planted", "model": "m", "strategies": list(catalogue)}],
    }


def test_the_second_stage_trains_with_the_beta_at_the_first_ones_peak(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    create("vaebench.datasets", PLANTED).write_split(
        None, tmp_path / "data", {"name": None, "sha256": None}
    )
    plan = Plan(study())
    check(plan)
    first, second = (plan.cells[f"planted/m/{name}/seed-0"] for name in ("anneal", "two-stage"))
    assert second.stages == {"anneal": first.folder}
    assert first.stages == {}
    cell.run(first.spec, tmp_path / "data", tmp_path / "anneal")
    cell.run(
        second.spec, tmp_path / "data", tmp_path / "second", stages={"anneal": tmp_path / "anneal"}
    )
    trace = pd.read_parquet(tmp_path / "anneal/trace.parquet")
    peak = trace.loc[trace["validation_ndcg@100"].idxmax(), "beta"]
    cap = read_json(tmp_path / "second/config.json")["strategy"]["cap"]
    assert cap == pytest.approx(peak)
    assert 0 < cap < 1
    found = pd.read_parquet(tmp_path / "second/trace.parquet")["beta_max"]
    assert found.max() <= cap + 1e-6
    assert (found[:2] < cap).all() or cap < 0.2, "the same slope leads up to it"


def test_a_mean_is_that_of_all_updates(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    create("vaebench.datasets", PLANTED).write_split(
        None, tmp_path / "data", {"name": None, "sha256": None}
    )
    plan = Plan(study())
    spec = plan.cells["planted/m/anneal/seed-0"].spec
    cell.run(spec, tmp_path / "data", tmp_path / "anneal")
    beta = read_json(tmp_path / "anneal/training.json")["beta"]
    updates = 6 * 4  # 80 training users, batches of 20
    assert beta["mean"] == pytest.approx(sum(min(1, t / 50) for t in range(updates)) / updates)
    options = {"class": "constant.Constant", "beta": {"beta": "mean", "of": "anneal"}}
    assert settled(options, {"anneal": beta}) == options | {"beta": beta["mean"]}


def test_a_failed_first_stage_blocks_the_second_with_a_reason(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    create("vaebench.datasets", PLANTED).write_split(
        None, tmp_path / "data", {"name": None, "sha256": None}
    )
    config = study()
    config["training"] |= {"learning_rate": 1e30}
    plan = Plan(config)
    cells = [plan.cells[f"planted/m/{name}/seed-0"] for name in ("anneal", "two-stage")]
    cell.run(cells[0].spec, tmp_path / "data", tmp_path / "anneal")
    result = cell.run(
        cells[1].spec,
        tmp_path / "data",
        tmp_path / "second",
        stages={"anneal": tmp_path / "anneal"},
    )
    assert result["status"] == "blocked"
    assert "'anneal' failed" in result["reason"]
    assert {path.name for path in (tmp_path / "second").iterdir()} == set(FILES)


@pytest.mark.parametrize(
    ("cap", "sentence"),
    [
        ({"beta": "peak", "of": "anneal"}, "strategies.two-stage.cap.beta: 'peak' is not allowed"),
        ({"beta": "mean"}, "strategies.two-stage.cap.of: missing"),
        ({"beta": "mean", "of": "nobody"}, "'nobody' is not another strategy .* allowed: anneal"),
        ({"beta": "mean", "of": "two-stage"}, "'two-stage' is not another strategy"),
        ({"beta": "mean", "of": "third"}, "'third' has an option that a cell finds, too"),
    ],
)
def test_a_wrong_reference_ends_before_any_job(cap: dict[str, str], sentence: str) -> None:
    third = {"class": "constant.Constant", "beta": {"beta": "last", "of": "anneal"}}
    strategies = {"two-stage": STRATEGIES["two-stage"] | {"cap": cap}, "third": third}
    with pytest.raises(ConfigError, match=sentence):
        check(Plan(study(**strategies)))


def test_a_model_without_a_rate_takes_a_constant_alone() -> None:
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    config["models"]["dae"] = {"class": "mult_dae.MultDAE"}
    config["grid"][0] |= {"model": "dae", "strategies": ["constant"]}
    check(Plan(config))
    config["grid"][0]["strategies"] = ["constant", "cyclical"]
    with pytest.raises(
        ConfigError, match=r"grid.0.strategies: 'cyclical' weighs the rate, and 'dae'"
    ):
        check(Plan(config))


def test_an_update_order_has_one_name() -> None:
    config = study()
    config["training"] |= {"rule": {"class": "lagging.Lagging"}}
    with pytest.raises(
        ConfigError, match=r"^training\.rule: unknown key; allowed: .*\bupdate_order\b"
    ):
        check(Plan(config))


@pytest.mark.parametrize(
    ("update_order", "sentence"),
    [
        ({"inner": 3}, r"training.update_order.class: missing"),
        (
            {"class": "nothing.Nothing"},
            "training.update_order.class: 'nothing.Nothing' is no importable",
        ),
        ({"class": "lagging.Lagging", "inner": 0}, "training.update_order.inner: 0 is not allowed"),
    ],
)
def test_a_wrong_update_order_ends_before_any_job(
    update_order: dict[str, Any], sentence: str
) -> None:
    config = study()
    config["training"] |= {"update_order": update_order}
    with pytest.raises(ConfigError, match=sentence):
        check(Plan(config))
