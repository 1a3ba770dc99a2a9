"""The estimate of a study's cost, by hand; and that it stays within what a machine took."""

import copy
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from vaebench.files import write_json
from vaebench.models.mult_vae import MultVAE
from vaebench.report.costs import Costs, at, lines, load, page, parameters, size
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
    found, unknown = lines(study(tmp_path), COSTS)
    assert not unknown
    by_name = {each.what: each for each in found}
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
    assert "8 MB" in text


def test_twice_the_batch_and_twice_the_width_cost_twice(tmp_path: Path) -> None:
    plain = lines(study(tmp_path), COSTS)[0][0]
    training = STUDY["training"] | {"batch_size": 1000, "epochs": 200}
    batch = lines(study(tmp_path, training=training), COSTS)[0][0]
    assert batch.updates == plain.updates / 2
    assert batch.hours["here"] == pytest.approx(plain.hours["here"]), "1,000 users either way"
    model = {"mult-vae": {"class": "mult_vae.MultVAE", "hidden": 1200}}
    wide = lines(study(tmp_path, models=model), COSTS)[0][0]
    assert 1.9 < (wide.hours["here"] or 0) / (plain.hours["here"] or 1) < 2.2


def test_a_finished_split_knows_better(tmp_path: Path) -> None:
    counts = {
        "train_users": 10,
        "validation_users": 4,
        "training_items": 120,
        "interactions": 99,
    }
    plan = study(tmp_path)
    write_json(plan.folder / "data/ml-1m/card.json", {"counts": counts})
    assert size(plan, "ml-1m", COSTS) == (10, 4, 120, 99)


def test_data_of_unknown_size_are_named(tmp_path: Path) -> None:
    plan = Plan(yaml.safe_load((ROOT / "config.yaml").read_text()) | {"results": str(tmp_path)})
    found, unknown = lines(plan, load())
    assert not found
    assert unknown == ["planted", "digits"]
    assert "planted: of unknown size" in page(plan, load())


@pytest.mark.parametrize("config", ["reproduce-ml-20m", "reproduce-netflix", "reproduce-msd"])
def test_every_cell_of_a_reproduction_has_an_estimate(config: str) -> None:
    plan = Plan(yaml.safe_load((ROOT / f"configs/{config}.yaml").read_text(encoding="utf-8")))
    found, unknown = lines(plan, load())
    assert not unknown
    assert sum(each.cells for each in found) == len(plan.cells)
    assert all(each.hours["CPU core"] is not None for each in found)


def test_from_the_command_line(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "vaebench.report.costs", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    done = run("configs/reproduce-ml-20m.yaml")
    assert done.returncode == 0, done.stderr
    assert "study reproduce-ml-20m: 11 cells" in done.stdout
    missing = run("configs/nowhere.yaml")
    assert missing.returncode != 0
    assert missing.stderr.startswith("vaebench: cannot read configs/nowhere.yaml")
    assert len(missing.stderr.splitlines()) == 1
    (tmp_path / "list.yaml").write_text("- a\n")
    assert "this is no study" in run(str(tmp_path / "list.yaml")).stderr
