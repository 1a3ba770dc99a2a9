"""The estimate of a study's cost, by hand; and that it stays within what a machine took."""

import copy
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from vaebench.files import write_json
from vaebench.models.mult_vae import MultVAE
from vaebench.report.costs import Costs, Counts, Line, at, lines, load, page, parameters, size
from vaebench.study.plan import Plan

ROOT = Path(__file__).parents[2]
STUDY = yaml.safe_load((ROOT / "configs/baselines-ml-1m.yaml").read_text(encoding="utf-8"))
COSTS = Costs(
    devices={
        "here": {
            "measured": "yes",
            "gpu": False,
            "models": {"mult_vae.MultVAE": {1000: (0.1, 0.001), 3000: (0.3, 0.003)}},
        }
    },
    baselines={"ease.EASE": {"items": 2000, "seconds": 36.0, "power": 3}},
    sizes=[{"match": {"release": "ml-1m"}, "users": 2500, "items": 2000, "interactions": 10**6}],
)


def study(tmp_path: Path, **changes: object) -> Plan:
    return Plan(copy.deepcopy(STUDY) | {"results": str(tmp_path)} | changes)


def of(plan: Plan, costs: Costs = COSTS) -> list[Line]:
    return lines(plan, {name: size(plan, name, costs) for name in plan.datasets_used}, costs)


@pytest.fixture(autouse=True)
def _no_raw_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VAEBENCH_RAW", raising=False)


def test_times_are_linear_in_items_and_never_below_the_measured() -> None:
    points = {1000: (0.1, 0.0), 3000: (0.3, 0.0), 9000: (1.5, 0.0)}
    assert at(points, 2000, 0) == pytest.approx(0.2)
    assert at(points, 9000, 0) == pytest.approx(1.5)
    assert at(points, 12000, 0) == pytest.approx(2.1)  # along the last two
    assert at(points, 1, 0) == pytest.approx(0.1)
    assert at({2000: (0.5, 0.0)}, 4000, 0) == pytest.approx(1.0)


def test_parameters_are_counted_without_making_them() -> None:
    made = MultVAE(50, hidden=7, latents=3)
    wanted = {"class": "mult_vae.MultVAE", "hidden": 7, "latents": 3}
    assert parameters(wanted, 50) == sum(p.numel() for p in made.parameters())


def test_hours_and_disk_by_hand(tmp_path: Path) -> None:
    """1,000 training users of 2,500: 2 updates of .2 s, 750 ranked users of 2 ms; 200 epochs."""
    by_name = {each.what: each for each in of(study(tmp_path))}
    vae = by_name["ml-1m/mult-vae/annealed"]
    assert (vae.cells, vae.updates) == (3, 400)
    assert vae.hours["here"] == pytest.approx(200 * (2 * 0.2 + 750 * 0.002) / 3600)
    assert vae.disk == 8 * parameters({"class": "mult_vae.MultVAE"}, 2000)
    ease = by_name["ml-1m/ease/none"]
    assert (ease.cells, ease.hours["here"]) == (1, 0.01)
    assert by_name["tuning ml-1m/ease/none"].cells == 16
    assert by_name["ml-1m/popularity/none"].hours["here"] is None
    text = page(study(tmp_path), COSTS)
    assert "| ml-1m/popularity/none | 1 | 0 | – | 0 |" in text
    assert "of weights, 8 MB of splits" in text


def test_twice_the_batch_and_twice_the_width_cost_twice(tmp_path: Path) -> None:
    plain = of(study(tmp_path))[0]
    training = STUDY["training"] | {"batch_size": 1000, "epochs": 200}
    batch = of(study(tmp_path, training=training))[0]
    assert (batch.updates, plain.updates) == (200, 400)
    assert batch.hours["here"] == pytest.approx(plain.hours["here"]), "1,000 users either way"
    model = {"mult-vae": {"class": "mult_vae.MultVAE", "hidden": 1200}}
    wide = of(study(tmp_path, models=model))[0]
    assert 1.9 < (wide.hours["here"] or 0) / (plain.hours["here"] or 1) < 2.2


def test_patience_makes_it_the_most_that_a_study_costs(tmp_path: Path) -> None:
    assert "patience" not in page(study(tmp_path), COSTS)
    patient = page(study(tmp_path, training=STUDY["training"] | {"patience": 7}), COSTS)
    assert "patience 7: trainings may end early; updates and hours are the most" in patient


def test_a_finished_split_knows_better(tmp_path: Path) -> None:
    counts = {
        "train_users": 10,
        "validation_users": 4,
        "training_items": 120,
        "interactions": 99,
    }
    plan = study(tmp_path)
    write_json(plan.folder / "data/ml-1m/card.json", {"counts": counts})
    assert size(plan, "ml-1m", COSTS) == Counts(10, 4, 120, 8 * 99)


def test_data_of_unknown_size_are_counted_by_their_cells(tmp_path: Path) -> None:
    data = {"ml-1m": {"class": "movielens.MovieLens", "release": "ml-25m"}}
    plan = study(tmp_path, datasets=data)
    assert size(plan, "ml-1m", COSTS) is None
    assert sum(each.cells for each in of(plan)) > len(plan.cells), "and those of trials"
    text = page(plan, COSTS)
    assert "| ml-1m/mult-vae/annealed | 3 | – | – | – |" in text
    assert "ml-1m: its size is not known before it is split" in text
    assert f"snakemake --configfile CONFIG -- {plan.folder}/data/ml-1m/card.json" in text


def test_a_plan_of_replicates_says_what_they_draw(tmp_path: Path) -> None:
    """Which splits there are, and their bytes: each replicate has one."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text()) | {"results": str(tmp_path)}
    seeds = Plan(config)
    plan = Plan(config | {"seeds": None, "replicates": 5})
    text, before = page(plan, load()), page(seeds, load())
    assert "Each replicate draws anew: split, final seed." in text
    assert "planted: 5 splits, 5 replicates' own" in text
    assert "replicate" not in before
    found = [re.search(r"([\d,]+) MB of splits", each) for each in (text, before)]
    many, one = (float(each[1]) for each in found if each)
    assert many == pytest.approx(5 * one, abs=3)
    fixed = page(
        Plan(config | {"seeds": None, "replicates": {"number": 2, "vary": ["final"]}}), load()
    )
    assert "digits: 1 split, every replicate: the study does not vary it" in fixed


def test_embedded_data_are_counted_before_they_are_split(tmp_path: Path) -> None:
    plan = Plan(yaml.safe_load((ROOT / "config.yaml").read_text()) | {"results": str(tmp_path)})
    sizes = {name: size(plan, name, load()) for name in plan.datasets_used}
    assert sizes["digits"] == Counts(1_297, 250, 64, 4 * 64 * 1_797)
    planted = sizes["planted"]
    assert planted
    assert (planted.train, planted.validation) == (1_200, 300)
    by_name = {each.what: each for each in of(plan, load())}
    assert by_name["digits/mlp-vae/constant"].updates == 20 * 13
    assert by_name["digits/mlp-vae/constant"].hours["CPU core"] is None, "nobody measured it"


OWN = {
    "class": "ratings_table.RatingsTable",
    "path": "ratings.csv",
    "user": "u",
    "item": "i",
    "split": {"min_items_per_user": 0, "validation_users": 10, "test_users": 10},
}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A study of a table of 60 users who each took 10 of 120 items."""
    rows = [f"{u},{(7 * u + k) % 120}" for u in range(60) for k in range(10)]
    (tmp_path / "ratings.csv").write_text("\n".join(["u,i", *rows, ""]))
    plan = STUDY | {"datasets": {"ml-1m": OWN}, "results": str(tmp_path / "results")}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(plan))
    return tmp_path / "own.yaml"


def test_a_users_own_table_is_counted_before_it_is_split(own: Path) -> None:
    done = run(str(own))
    assert done.returncode == 0, done.stderr
    assert "| ml-1m/mult-vae/annealed | 3 | 200 |" in done.stdout, "40 users are one batch"
    assert "not known before" not in done.stdout
    assert not (own.parent / "results").exists(), "nothing is split"


def test_a_precision_costs_what_was_measured_or_is_not_known(tmp_path: Path) -> None:
    measured = COSTS.devices["here"].model_copy(update={"precision": {"bfloat16": 3.0}})
    costs = COSTS.model_copy(update={"devices": {"here": measured, **COSTS.devices}})
    assert of(study(tmp_path), costs)[0].hours == of(study(tmp_path))[0].hours
    half = study(tmp_path, training=STUDY["training"] | {"precision": "bfloat16"})
    costs = COSTS.model_copy(update={"devices": {"here": measured}})
    hours = of(half, costs)[0].hours["here"]
    assert hours == pytest.approx(200 * (2 * 0.2 * 3 + 750 * 0.002) / 3600), "updates alone"
    assert of(half)[0].hours["here"] is None
    assert "here: how long bfloat16 takes there is not known" in page(half, COSTS)
    assert "is not known\n" not in page(half, costs)


@pytest.mark.parametrize("config", ["reproduce-ml-20m", "reproduce-netflix", "reproduce-msd"])
def test_every_cell_of_a_reproduction_has_an_estimate(config: str) -> None:
    plan = Plan(yaml.safe_load((ROOT / f"configs/{config}.yaml").read_text(encoding="utf-8")))
    found = of(plan, load())
    assert sum(each.cells for each in found) == len(plan.cells)
    assert all(each.hours["CPU core"] is not None for each in found)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vaebench", "plan", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_from_the_command_line(tmp_path: Path) -> None:
    done = run("configs/reproduce-ml-20m.yaml")
    assert done.returncode == 0, done.stderr
    assert "study reproduce-ml-20m: 11 cells" in done.stdout
    missing = run("configs/nowhere.yaml")
    assert missing.returncode != 0
    assert missing.stderr.startswith("vaebench: cannot read configs/nowhere.yaml")
    assert len(missing.stderr.splitlines()) == 1
    (tmp_path / "list.yaml").write_text("- a\n")
    assert "this is no study" in run(str(tmp_path / "list.yaml")).stderr


def test_several_files_are_one_study_whose_trials_can_all_be_built(tmp_path: Path) -> None:
    """The workflow would refuse such a trial; so does the plan, before anybody counts on it."""
    first, second = tmp_path / "shared.yaml", tmp_path / "own.yaml"
    study = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    study |= {"name": "tried", "tuning": {"trials": 4}}
    first.write_text(yaml.safe_dump(study))
    second.write_text("name: two-files\n")
    done = run(str(first), str(second))
    assert done.returncode == 0, done.stderr
    assert "study two-files" in done.stdout
    falling = {"class": "decreasing.Decreasing", "end": 0.5}
    name = study["grid"][0]["strategies"][-1]
    study["strategies"][name] = falling
    study["tuning"]["space"] = {name: {"start": {"low": 0.1, "high": 0.2}}}
    first.write_text(yaml.safe_dump(study))
    refused = run(str(first), str(second))
    assert refused.returncode != 0
    assert re.search(r"tuning: trial \d+ of planted/mult-vae/", refused.stderr), refused.stderr
