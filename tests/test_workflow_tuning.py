"""The tuning stage in the real workflow, in a copy of the project with a study of its own."""

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.test_workflow import STUDY, Project

TUNED: dict[str, Any] = {
    **{key: STUDY[key] for key in ("name", "control", "training")},
    "tracking": {"live": False},
    "seeds": 1,
    "datasets": {"planted": STUDY["datasets"]["planted"]},
    "models": {"mult-vae": STUDY["models"]["mult-vae"]},
    "strategies": {
        "constant": {"class": "constant.Constant"},
        "linear": {"class": "linear.Linear", "cap": 0.2},
    },
    "baselines": {
        "ease": {"class": "ease.EASE"},
    },
    "tuning": {
        "trials": 2,
        "seeds": [1000],
        "training": {"epochs": 1},
        "shared": {"training.learning_rate": {"low": 1e-3, "high": 1e-2, "log": True}},
        "fixed": ["linear"],
    },
    "grid": [
        {
            "dataset": "planted",
            "model": "mult-vae",
            "strategies": ["constant", "linear"],
            "baselines": ["ease"],
        }
    ],
}
CHOICES = ["tuning/planted/mult-vae/constant.json", "tuning/planted/ease/none.json"]


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Split, take the test files away, tune; nothing else has run."""
    project = Project(tmp_path_factory.mktemp("project"))
    project.write(TUNED)
    split = project.snakemake("results/small/data/planted/card.json")
    assert split.returncode == 0, split.stderr
    away = project.folder / "away"
    away.mkdir()
    for file in project.path("data/planted").glob("test_*.npz"):
        file.rename(away / file.name)
    assert len(list(away.iterdir())) == 2
    done = project.snakemake(*(f"results/small/{choice}" for choice in CHOICES))
    assert done.returncode == 0, done.stdout + done.stderr
    return project


def test_choices_stand_without_the_test_files(tuned: Project) -> None:
    for choice in CHOICES:
        found = json.loads(tuned.path(choice).read_text())
        assert found["budget"]["trials"] == 2
        assert found["score"] == max(trial["score"] for trial in found["trials"])
        assert found["seeds"] == [1000]
    assert not tuned.path("cells").exists(), "no final cell has run"
    for test in tuned.path("tuning").rglob("test.parquet"):
        assert pd.read_parquet(test).empty, "a trial is not tested"


def test_a_final_cell_needs_the_test_files_and_the_choice(tuned: Project) -> None:
    """What the first test took away is really needed; then the study runs to its end."""
    target = "results/small/cells/planted/ease/none/seed-0/status.json"
    failed = tuned.snakemake(target)
    assert failed.returncode != 0
    assert "test_fold_in.npz" in failed.stderr
    for file in (tuned.folder / "away").iterdir():
        file.rename(tuned.path("data/planted") / file.name)
    done = tuned.snakemake()
    assert done.returncode == 0, done.stdout + done.stderr
    cells = pd.read_csv(tuned.path("tables/cells.csv"))
    assert len(cells) == 3
    assert (cells["status"] == "done").all()
    chosen = json.loads(tuned.path(CHOICES[0]).read_text())["chosen"]
    config = _config(tuned, "mult-vae/constant")
    assert config["strategy"]["beta"] == chosen["strategy"]["beta"]
    assert config["training"]["learning_rate"] == chosen["training"]["learning_rate"]
    assert config["training"]["epochs"] == 2, "the budget of the trials is not that of the cells"
    assert _config(tuned, "mult-vae/linear")["training"]["learning_rate"] == 1e-3
    chosen = json.loads(tuned.path(CHOICES[1]).read_text())["chosen"]
    assert _config(tuned, "ease/none")["model"]["l2"] == chosen["model"]["l2"]
    names = ["tables/tuning.csv", "tables/tuning.md"]
    names += [f"figures/tuning_{n}.{e}" for n in ("budget", "sensitivity") for e in ("pdf", "png")]
    assert not [name for name in names if not tuned.path(name).stat().st_size]
    assert tuned.would_run()[1] == set()


def _config(project: Project, name: str) -> dict[str, Any]:
    path: Path = project.path(f"cells/planted/{name}/seed-0/config.json")
    return dict(json.loads(path.read_text()))


def test_more_trials_run_only_what_is_new(tuned: Project) -> None:
    study = json.loads(json.dumps(TUNED))
    study["tuning"]["trials"] = 3
    tuned.write(study)
    done = tuned.snakemake("--dry-run", "--quiet", "host")
    tuned.write(TUNED)
    assert done.returncode == 0, done.stderr
    trials = set(
        re.findall(r"output: \S*/tuning/(trial-\d+)/\S+/config", done.stdout + done.stderr)
    )
    assert trials == {"trial-2"}
