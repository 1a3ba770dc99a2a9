"""A tuning stage with rungs in the real workflow, in a copy of the project."""

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from safetensors.torch import load_file

from tests.test_workflow import STUDY, Project
from vaebench.cells import vae
from vaebench.study.plan import Plan
from vaebench.study.trials import Trials

RUNGS: dict[str, Any] = {
    **{key: STUDY[key] for key in ("name", "models")},
    "tracking": {"live": False},
    "seeds": 1,
    "control": "linear",
    "training": {"epochs": 4, "batch_size": 50, "device": "cpu"},
    "datasets": {"planted": STUDY["datasets"]["planted"]},
    "strategies": {
        "linear": {"class": "linear.Linear", "warmup": 0.855},
        "published": {"class": "linear.Linear", "cap": 0.2, "warmup": 0.855},
    },
    "tuning": {
        "trials_per_option": 4,
        "fixed": ["published"],
        "rungs": {"training": ["1/4", "1/2", 1], "trials": [1, "1/2", "1/4"]},
    },
    "grid": [{"dataset": "planted", "model": "mult-vae", "strategies": ["linear", "published"]}],
}
KEY = "planted/mult-vae/linear"
CHOICE = f"results/small/tuning/{KEY}.json"


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("project"))
    project.write(RUNGS)
    done = project.snakemake(CHOICE)
    assert done.returncode == 0, done.stdout + done.stderr
    return project


@pytest.fixture(scope="module")
def trials(tuned: Project) -> Trials:
    return Trials(Plan(RUNGS | {"results": str(tuned.folder / "results")}))


def test_jobs_and_epochs_are_those_of_the_plan(tuned: Project, trials: Trials) -> None:
    """4 · 1 + 2 · 1 + 1 · 2 epochs, where four whole trials would have been 16."""
    seals = tuned.path("tuning").rglob("cells/*/*/*/*/training.json")
    assert sorted(seals) == sorted(c.folder.file("training.json") for c in trials.all_cells())
    assert trials.cost(KEY) == [(4, 1), (2, 1), (1, 2)]
    ends = [
        {len(pd.read_parquet(cell.file("trace.parquet"))) for (cell,) in trials.cells(KEY, rung)}
        for rung in (1, 2, 3)
    ]
    assert ends == [{1}, {2}, {4}]
    found = json.loads((tuned.folder / CHOICE).read_text())
    assert [rung["until"] for rung in found["rungs"]] == [1, 2, 4]
    assert not list(tuned.path("tuning").rglob("state.pt")), "states vanish"


def test_the_chosen_trial_has_the_bits_of_one_that_was_never_cut(
    tuned: Project, trials: Trials, tmp_path: Path
) -> None:
    found = json.loads((tuned.folder / CHOICE).read_text())
    first = trials.cells(KEY)[found["trial"]][0]
    cell = trials.cell(first)
    whole = vae.run(cell.spec, trials.plan.card(cell).parent, tmp_path / "whole")
    ((last,),) = trials.cells(KEY, 3)
    assert json.loads(last.file("training.json").read_text())["resumed"]
    for name in ("best.safetensors", "last.safetensors"):
        one, two = load_file(last.file(name)), load_file(tmp_path / "whole" / name)
        assert all(one[key].equal(two[key]) for key in {*one, *two}), name
    traces = [
        pd.read_parquet(folder / "trace.parquet").drop(columns="seconds")
        for folder in (last.path, tmp_path / "whole")
    ]
    assert_frame_equal(*traces, check_exact=True)
    assert found["score"] == whole["selected"]["validation_ndcg@100"]


def test_a_place_that_is_lost_is_made_again_with_the_same_bits(
    tuned: Project, trials: Trials
) -> None:
    """The states are gone: what finished before comes back, and only the place trains."""
    done = tuned.snakemake("--dry-run", CHOICE)
    assert "Nothing to be done" in done.stdout + done.stderr
    ((last,),) = trials.cells(KEY, 3)
    before, choice = load_file(last.file("last.safetensors")), (tuned.folder / CHOICE).read_text()
    shutil.rmtree(last.path)
    shutil.rmtree(last.kept)
    (
        tuned.folder / CHOICE
    ).unlink()  # Snakemake does not miss what lies before a file that is there
    done = tuned.snakemake(CHOICE)
    assert done.returncode == 0, done.stdout + done.stderr
    after = load_file(last.file("last.safetensors"))
    assert all(before[key].equal(after[key]) for key in {*before, *after})
    again = json.loads((tuned.folder / CHOICE).read_text())
    for each in (again, was := json.loads(choice)):
        each["budget"].pop("seconds")
        for trial in each["trials"]:
            trial.pop("seconds")
    assert again == was
    assert not list(tuned.path("tuning").rglob("state.pt"))
