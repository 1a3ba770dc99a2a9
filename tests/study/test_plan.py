"""A wrong configuration ends in one sentence that names key, value and what is allowed."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from vaebench.cells.folder import NONE, CellFolder
from vaebench.components import create
from vaebench.errors import ConfigError
from vaebench.strategies import Stats
from vaebench.study.check import check
from vaebench.study.plan import Plan

ROOT = Path(__file__).parents[2]
DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))


def changed(path: str, value: Any) -> dict[str, Any]:
    """The default study with one key set (or removed: ...)."""
    config = copy.deepcopy(DEFAULT)
    *parents, last = path.split(".")
    place: Any = config
    for key in parents:
        place = place[int(key) if isinstance(place, list) else key]
    if value is ...:
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    return config


WRONG = {
    "no metric that is to select an epoch": (
        "training.select",
        "elbo-of-nothing",
        ["training.select", "'elbo-of-nothing' is no metric of the study", "ndcg@100"],
    ),
    "a metric of interactions that is to select an epoch of pictures": (
        "grid.1.training",
        {"select": "ndcg@100"},
        ["grid.1.training.select", "'ndcg@100' cannot select an epoch of images"],
    ),
    "a metric of which less is better": (
        "training.select",
        "distortion",
        ["training.select: 'distortion' cannot select an epoch of interactions"],
    ),
    "a misspelt strategy option": (
        "strategies.cyclical.cycels",
        4,
        ["strategies.cyclical.cycels", "unknown key", "cap, cycles, ramp, shape"],
    ),
    "a misspelt top-level key": ("sedes", 3, ["sedes", "unknown key", "seeds"]),
    "a misspelt training option": ("training.epoch", 3, ["training.epoch", "batch_size, "]),
    "a misspelt resource": ("resources", {"gpus": 1}, ["resources.gpus", "gpu"]),
    "a negative cap": (
        "strategies.linear.cap",
        -0.1,
        ["strategies.linear.cap", "-0.1", "greater than or equal to 0"],
    ),
    "no cycles": ("strategies.cyclical.cycles", 0, ["cycles", "0", "greater than or equal to 1"]),
    "an endless cap": ("strategies.linear.cap", float("inf"), ["cap", "inf", "finite"]),
    "a ramp beyond its cycle": ("strategies.cyclical.ramp", 1.5, ["ramp", "1.5", "less than or"]),
    "an unknown shape": ("strategies.cyclical.shape", "wave", ["shape", "wave", "'cosine'"]),
    "a text for a number": ("strategies.constant.beta", "high", ["beta", "high", "valid number"]),
    "fewer items than K": (
        "datasets.planted.items",
        50,
        ["datasets.planted.items", "50", "greater than 100"],
    ),
    "more held-out users than users": (
        "datasets.planted.users",
        500,
        ["datasets.planted", "500", "more than the 1200"],
    ),
    "an unknown strategy": ("grid.0.strategies.0", "constnat", ["constnat", "free-bits"]),
    "an unknown data set": ("grid.0.dataset", "plantd", ["grid.0.dataset", "plantd", "digits"]),
    "an unknown control": ("control", "linaer", ["control", "linaer", "linear"]),
    "an unknown class": ("strategies.linear.class", "linear.Liner", ["Liner", "Linear"]),
    "an unknown module": ("strategies.linear.class", "nowhere.Linear", ["nowhere.Linear"]),
    "a missing class": ("models.mult-vae.class", ..., ["models.mult-vae.class", "missing"]),
    "a model for other data": ("grid.0.model", "mlp-vae", ["mlp-vae", "images", "interactions"]),
    "user counts of pictures": (
        "grid.1.strategies.0",
        "user-scaled",
        ["user-scaled", "interactions", "images"],
    ),
    "a cell twice": ("grid.0.strategies.1", "constant", ["constant", "twice"]),
    "seeds twice": ("seeds", [1, 1], ["seeds", "[1, 1]", "different"]),
    "a seed below 0": ("seeds", [0, -1], ["seeds", "-1", "numbers ≥ 0"]),
    "no seeds": ("seeds", 0, ["seeds", "0", "a number ≥ 1"]),
    "a name that is no folder": ("name", "../elsewhere", ["name", "../elsewhere"]),
    "a warm-up of two lengths": (
        "strategies.linear.updates_per_unit",
        100,
        ["strategies.linear", "exclude each other"],
    ),
    "importance weights of a warm-up": (
        "grid.0",
        {
            "dataset": "planted",
            "model": "mult-vae",
            "strategies": ["constant", "linear"],
            "training": {"estimator": "importance", "samples": 5},
        },
        ["grid.0.strategies: 'linear': training.estimator", "β = 1 alone", "allowed: sgvb_a"],
    ),
    "a metric with the name of a column": (
        "metrics",
        {"interactions": {"class": "ndcg.NDCG"}},
        ["metrics.interactions", "allowed: another name"],
    ),
    "seeds that are a truth value": ("seeds", True, ["seeds", "True"]),
    "no epochs": ("training.epochs", 0, ["training.epochs", "0", "greater than or equal to 1"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_configuration(case: str) -> None:
    path, value, words = WRONG[case]
    with pytest.raises(ConfigError) as found:
        check(Plan(changed(path, value)))
    message = str(found.value)
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    "file", ["config.yaml", *sorted(f"configs/{p.name}" for p in (ROOT / "configs").glob("*.yaml"))]
)
def test_every_study_of_the_project_is_sound(file: str) -> None:
    plan = Plan(yaml.safe_load((ROOT / file).read_text(encoding="utf-8")))
    check(plan)
    assert plan.cells


def test_the_default_study_is_the_promised_one() -> None:
    plan = Plan(DEFAULT)
    assert len(plan.cells) == 6 * 5 + 4 * 5
    assert set(plan.datasets_used) == {"planted", "digits"}


ANNEALED = [
    file.name
    for file in sorted((ROOT / "configs").glob("*.yaml"))
    if "annealed" in (yaml.safe_load(file.read_text(encoding="utf-8")).get("strategies") or {})
]


@pytest.mark.parametrize("file", ANNEALED)
def test_the_control_has_the_shape_of_the_published_annealing(file: str) -> None:
    """Min(.2, t/200000) over 200 epochs of 234 updates, whatever the length of ours."""
    study = yaml.safe_load((ROOT / "configs" / file).read_text(encoding="utf-8"))
    assert study["control"] == "annealed"
    annealed, total, published = Plan(study).created("strategies", "annealed"), 1_000, 200 * 234
    for t in range(0, total, 50):
        now = Stats(torch.tensor(t), total, torch.ones(2), torch.ones(2, 3))
        expected = min(0.2, t / total * published / 200_000)
        assert annealed(now).item() == pytest.approx(expected, abs=2e-4)
    assert annealed(now).item() == 0.2


def test_studies_of_movielens_1m_have_that_control() -> None:
    assert {"ml-1m.yaml", "tuned-ml-1m.yaml", "strategies-ml-1m.yaml"} <= set(ANNEALED)


def test_paper_study_has_the_settings_of_the_papers() -> None:
    plan = Plan(yaml.safe_load((ROOT / "configs/paper.yaml").read_text(encoding="utf-8")))
    options = {name: plan.dataset_options(name) for name in plan.datasets_used}
    assert options["ml-20m"]["threshold"] == options["netflix"]["threshold"] == 4
    held_out = {name: each["split"]["test_users"] for name, each in options.items()}
    assert held_out == {"ml-20m": 10_000, "netflix": 40_000, "msd": 50_000}
    assert options["msd"]["split"]["min_users_per_item"] == 200
    assert plan.study.resources.gpu == 1


def test_a_cell_outside_the_grid_is_found_by_its_path() -> None:
    plan = Plan(DEFAULT)
    cell = plan.cell(CellFolder(plan.folder, "planted", "mult-vae", "linear", 77))
    assert cell.path == "planted/mult-vae/linear/seed-77"
    alike = plan.cells["planted/mult-vae/linear/seed-0"]
    assert cell.spec == alike.spec | {"seed": 77}
    with pytest.raises(ConfigError, match="linaer"):
        plan.cell(CellFolder(plan.folder, "planted", "mult-vae", "linaer", 0))
    assert plan.cell(alike.folder) is alike


def test_local_folder_comes_from_the_environment_first(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan(changed("local_files", "mine"))
    monkeypatch.delenv("VAEBENCH_RAW", raising=False)
    assert plan.local_folder() == Path("mine")
    monkeypatch.setenv("VAEBENCH_RAW", "theirs")
    assert plan.local_folder() == Path("theirs")


@pytest.mark.parametrize(
    "uri",
    [
        "http://me:open-sesame@server:5000",
        "postgresql://open-sesame@server/mlflow",
        "http://me:open-sesame/x@server",
        "http://me:open-sesame#x@server",
        "http://me:open-sesame?x@server",
        "postgresql://server/mlflow?password=open-sesame",
        "http://server/?token=open-sesame",
        "http://me%3Aopen-sesame%40server",
        ["http://me:open-sesame@server"],
    ],
)
def test_credentials_in_a_file_are_refused_and_not_repeated(uri: str) -> None:
    with pytest.raises(ConfigError, match=r"tracking.uri: .* MLFLOW_TRACKING_PASSWORD") as caught:
        Plan(changed("tracking", {"uri": uri}))
    assert "open-sesame" not in str(caught.value)


BASELINES = {"ease": {"class": "ease.EASE"}, "ials": {"class": "ials.IALS"}}


def with_baselines(**changes: Any) -> dict[str, Any]:
    config = copy.deepcopy(DEFAULT) | {"baselines": BASELINES} | changes
    config["grid"][0]["baselines"] = list(config["baselines"])
    return config


def test_a_baseline_that_draws_nothing_runs_once() -> None:
    plan = Plan(with_baselines())
    check(plan)
    cells = [cell for cell in plan.cells.values() if cell.strategy == "none"]
    assert [cell.path for cell in cells] == [
        "planted/ease/none/seed-0",
        *(f"planted/ials/none/seed-{seed}" for seed in range(5)),
    ]
    sources = plan.training_sources(cells[0])
    assert any(file.endswith("baselines/ease.py") for file in sources)
    assert not any(file.endswith("baselines/ials.py") for file in sources)
    assert plan.order[-1] == "none"
    other = plan.cell(CellFolder(plan.folder, "planted", "ials", NONE, 77))
    assert other.spec == cells[1].spec | {"seed": 77}


WRONG_BASELINES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a misspelt option": (
        {"baselines": {"ease": {"class": "ease.EASE", "l3": 1}}},
        ["baselines.ease.l3", "unknown key", "l2"],
    ),
    "a name of a model": (
        {"baselines": {"mult-vae": {"class": "ease.EASE"}}},
        ["baselines.mult-vae", "a model has this name"],
    ),
    "a baseline for other data": (
        {"baselines": {"pca": {"class": "pca.PCA"}}},
        ["grid.0.baselines", "'pca' takes images", "'planted' has interactions"],
    ),
    "a strategy called none": (
        {"strategies": DEFAULT["strategies"] | {"none": {"class": "constant.Constant"}}},
        ["strategies.none", "another name"],
    ),
}


@pytest.mark.parametrize("case", WRONG_BASELINES)
def test_wrong_baselines(case: str) -> None:
    changes, words = WRONG_BASELINES[case]
    with pytest.raises(ConfigError) as found:
        check(Plan(with_baselines(**changes)))
    for word in words:
        assert word in str(found.value)


def test_data_sets_count_by_what_they_are_a_sample_of() -> None:
    """Releases and splits of one thing once, drawn data not at all, and the study may overrule."""
    table = {"class": "ratings_table.RatingsTable", "path": "mine.csv", "user": "u", "item": "i"}
    datasets = {
        "100k": {"class": "movielens.MovieLens", "release": "ml-100k"},
        "1m": {"class": "movielens.MovieLens", "release": "ml-1m"},
        "mine": table,
        "mine-again": table | {"split": {"seed": 7}},
        "theirs": table | {"path": "theirs.csv"},
        "planted": {"class": "planted.Planted"},
    }
    blocks = [
        {"dataset": name, "model": "mult-vae", "strategies": ["constant"]} for name in datasets
    ]
    plan = Plan(DEFAULT | {"datasets": datasets, "grid": blocks, "units": {"theirs": "other"}})
    assert plan.units() == {
        "100k": "movielens",
        "1m": "movielens",
        "mine": "mine.csv",
        "mine-again": "mine.csv",
        "theirs": "other",
        "planted": "",
    }
    mnist = [
        create("vaebench.datasets", {"class": name}).counted_as()
        for name in ("mnist.MNIST", "binarized_mnist.BinarizedMNIST", "mnist.FashionMNIST")
    ]
    assert mnist == ["mnist", "mnist", "fashion-mnist"]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("primary", "ndgc", "primary: 'ndgc' is no metric; allowed: ndcg@100"),
        ("units", {"plantde": "x"}, "units.plantde: no such data set; allowed: digits, planted"),
    ],
)
def test_a_wrong_primary_metric_or_unit_is_named(key: str, value: object, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Plan(DEFAULT | {key: value})
