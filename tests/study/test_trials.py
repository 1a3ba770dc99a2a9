"""Which trials a study plans: fair shares, pinned options, seeds apart, and what is refused."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from vaebench.cells.folder import CellFolder
from vaebench.errors import ConfigError
from vaebench.study.plan import Plan
from vaebench.study.trials import Trials

ROOT = Path(__file__).parents[2]
DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))


def study(tuning: dict[str, Any] | None, **changes: Any) -> Plan:
    config = copy.deepcopy(DEFAULT)
    config["strategies"] = {
        "constant": {"class": "constant.Constant"},
        "linear": {"class": "linear.Linear", "warmup": 0.5},
        "published": {"class": "linear.Linear", "cap": 0.2, "updates_per_unit": 100},
        "later": {"class": "constant.Constant", "beta": {"beta": "mean", "of": "linear"}},
    }
    config["baselines"] = {
        "ease": {"class": "ease.EASE"},
        "ials": {"class": "ials.IALS", "factors": 8},
        "popularity": {"class": "popularity.Popularity"},
    }
    config["grid"] = [
        {
            "dataset": "planted",
            "model": "mult-vae",
            "strategies": list(config["strategies"]),
            "baselines": list(config["baselines"]),
            "training": {"epochs": 20, "batch_size": 50},
        },
        {"dataset": "digits", "model": "mlp-vae", "strategies": ["constant"]},
    ]
    return Plan(config | {"tuning": tuning} | changes)


def folder(plan: Plan, names: str, seed: int, trial: int | None, rung: int = 1) -> CellFolder:
    """A trial on the planted data."""
    model, strategy = names.split("/")
    return CellFolder(plan.folder, "planted", model, strategy, seed, trial, rung)


TUNING: dict[str, Any] = {"trials": 5, "seeds": [1000, 1001], "fixed": ["published"]}
SHARED = {"training.learning_rate": {"low": 1e-4, "high": 1e-2, "log": True}}


def test_without_a_tuning_block_nothing_is_tuned() -> None:
    trials = Trials(study(None))
    assert not trials.groups
    assert not trials.choices()
    assert not trials.choice_of(next(iter(trials.plan.cells.values())))


def test_every_strategy_and_baseline_has_the_same_number_of_trials() -> None:
    trials = Trials(study(TUNING))
    trials.check()
    assert {key: list(group.space) for key, group in trials.groups.items()} == {
        "planted/mult-vae/constant": ["strategy.beta"],
        "planted/mult-vae/linear": ["strategy.cap"],  # the warm-up is written down
        "planted/ease/none": ["model.l2"],
        "planted/ials/none": ["model.l2", "model.alpha"],
        "digits/mlp-vae/constant": ["strategy.beta"],
    }
    assert {len(group.trials) for group in trials.groups.values()} == {5}
    assert trials.metric("digits/mlp-vae/constant") == "elbo"
    assert trials.metric("planted/ease/none") == "ndcg@100"
    assert len(trials.cells("planted/mult-vae/linear")[0]) == 2
    assert len(trials.cells("planted/ials/none")[0]) == 2
    assert len(trials.cells("planted/ease/none")[0]) == 1, "it draws nothing"


def test_shared_options_are_tuned_with_every_strategys_own() -> None:
    trials = Trials(study(TUNING | {"shared": SHARED}))
    assert list(trials.groups["planted/mult-vae/linear"].space) == [
        "strategy.cap",
        "training.learning_rate",
    ]
    assert "training.learning_rate" not in trials.groups["planted/ease/none"].space


def test_a_trial_has_its_point_its_seed_and_the_budget_of_trials() -> None:
    plan = study(TUNING | {"shared": SHARED, "training": {"epochs": 3, "learning_rate": 0.5}})
    trials = Trials(plan)
    point = trials.groups["planted/mult-vae/linear"].trials[4]
    spec = trials.cell(folder(plan, "mult-vae/linear", seed=1001, trial=4)).spec
    assert spec["seed"] == 1001
    assert spec["strategy"]["cap"] == point["strategy"]["cap"]
    assert spec["training"] == {
        "learning_rate": point["training"]["learning_rate"],
        "epochs": 3,
        "batch_size": 50,
    }
    final = plan.cells["planted/mult-vae/linear/seed-0"].spec
    assert "cap" not in final["strategy"], "the plan's own cell is untouched"
    assert final["training"]["epochs"] == 20


def test_the_ranges_of_a_study_stand_over_the_declared_ones() -> None:
    space = {
        "constant": {"beta": {"low": 2, "high": 3}},
        "linear": {"start": {"low": 0, "high": 0.005}},
    }
    trials = Trials(study(TUNING | {"space": space}))
    betas = [t["strategy"]["beta"] for t in trials.groups["planted/mult-vae/constant"].trials]
    assert all(2 <= beta <= 3 for beta in betas)
    assert set(trials.groups["planted/mult-vae/linear"].space) == {"strategy.cap", "strategy.start"}


WRONG = {
    "no trials": ({"trials": 0}, ["tuning.trials", "0", "greater than or equal to 1"]),
    "a misspelt key": ({"trails": 4}, ["tuning.trails", "unknown key", "trials"]),
    "a seed of the final runs": ({"seeds": [1]}, ["tuning.seeds: 1", "final runs", "others"]),
    "an unknown name": ({"fixed": ["lniear"]}, ["lniear", "not defined", "linear"]),
    "no range": (
        {"fixed": ["published"], "shared": {"model.dropout": {"low": 1, "high": 0}}},
        ["tuning.shared.model.dropout", "no range", "low < high"],
    ),
    "a role that is none": (
        {"shared": {"strategy.cap": {"low": 0, "high": 1}}},
        ["tuning.shared", "strategy.cap", "match pattern"],
    ),
    "an option that the model has not": (
        {"fixed": ["published"], "shared": {"model.width": {"low": 0, "high": 1}}},
        ["tuning: trial 0 of planted/mult-vae/constant: width: unknown key"],
    ),
    "a point that the strategy refuses": (
        {"fixed": []},
        ["tuning: trial 0 of planted/mult-vae/published", "exclude each other"],
    ),
    "a training that is none": (
        {"fixed": ["published"], "training": {"epochs": 0}},
        ["tuning: trial 0 of planted/mult-vae/constant: training.epochs", "0"],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_tuning(case: str) -> None:
    tuning, words = WRONG[case]
    with pytest.raises(ConfigError) as found:
        Trials(study(tuning)).check()
    message = str(found.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_a_trial_that_is_not_planned_is_refused() -> None:
    trials = Trials(study(TUNING))
    with pytest.raises(ConfigError, match=r"trial 5 of planted/mult-vae/linear is not planned"):
        trials.cell(folder(trials.plan, "mult-vae/linear", seed=1000, trial=5))
    with pytest.raises(ConfigError, match=r"planted/mult-vae/published is not planned"):
        trials.cell(folder(trials.plan, "mult-vae/published", seed=1000, trial=0))
    with pytest.raises(ConfigError, match=r"of planted/mult-vae/linear is not planned"):
        trials.cell(folder(trials.plan, "mult-vae/linear", seed=1000, trial=None))
