"""MLflow as a mirror: a real SQLite store, filled twice."""

import json
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from vaebench.cell import run
from vaebench.components import create
from vaebench.palette import Look
from vaebench.tracking import store, sync

CONFIG: dict[str, Any] = {
    "name": "mirror",
    "strategies": {"linear": {}},
    "tracking": {"enabled": True, "uri": None, "experiment": None},
}


def spec(seed: int, cap: float = 0.5) -> dict[str, Any]:
    return {
        "study": "mirror",
        "dataset": "digits",
        "model": {"name": "mlp", "class": "bernoulli_mlp.BernoulliMLP", "hidden": [4]},
        "strategy": {"name": "linear", "class": "linear.Linear", "cap": cap},
        "seed": seed,
        "training": {"epochs": 2, "batch_size": 500, "device": "cpu"},
    }


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two trained cells, a card and a document."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    source = {"name": None, "sha256": None}
    create("vaebench.datasets", {"class": "digits.Digits"}).write_split(
        None, tmp_path / "data/digits", source
    )
    for seed in (0, 1):
        run(spec(seed), tmp_path / "data/digits", cell(tmp_path, seed))
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables/results.md").write_text("all is well\n")
    return tmp_path


def cell(study: Path, seed: int) -> Path:
    return study / f"cells/digits/mlp/linear/seed-{seed}"


def mirror(study: Path) -> dict[str, str]:
    return sync(
        CONFIG | {"results": str(study)},
        [cell(study, seed) for seed in (0, 1, 2)],  # the third was never trained
        {"digits": study / "data/digits/card.json"},
        [study / "tables/results.md"],
    )


def runs(study: Path) -> tuple[MlflowClient, list[Run]]:
    client = MlflowClient(store(CONFIG | {"results": str(study)})[0])
    titles = ("vaebench mirror", "vaebench mirror: digits")
    experiments = [client.get_experiment_by_name(title) for title in titles]
    return client, list(client.search_runs([e.experiment_id for e in experiments if e]))


def test_syncing_twice_leaves_one_run_a_cell(study: Path) -> None:
    first = mirror(study)
    assert mirror(study) == first
    client, found = runs(study)
    assert len(found) == 3, "two cells and the study"
    by_name = {run.info.run_name: run for run in found}
    one = by_name["linear · mlp · seed 1"]
    summary = json.loads((cell(study, 1) / "summary.json").read_text())
    assert one.data.metrics["test/elbo"] == summary["test"]["elbo"]
    assert one.data.params["strategy.cap"] == "0.5"
    assert one.data.tags["strategy"] == "linear"
    assert one.data.tags["status"] == "done"
    assert one.data.tags["mlflow.runColor"] == Look(["linear"]).colour("linear")
    assert one.info.status == "FINISHED"
    assert one.inputs.dataset_inputs[0].dataset.name == "digits"
    assert [m.step for m in client.get_metric_history(one.info.run_id, "beta/mean")] == [3, 6]
    artifacts = {file.path for file in client.list_artifacts(one.info.run_id)}
    assert {"config.json", "trace.parquet", "test.parquet"} <= artifacts
    study_run = by_name["study mirror"]
    assert [f.path for f in client.list_artifacts(study_run.info.run_id, "tables")] == [
        "tables/results.md"
    ]


def test_a_changed_cell_replaces_its_run_alone(study: Path) -> None:
    before = mirror(study)
    run(spec(1, cap=0.3), study / "data/digits", cell(study, 1))
    after = mirror(study)
    changed = [key for key in before if before[key] != after[key]]
    assert changed == ["digits/mlp/linear/1"]
    _, found = runs(study)
    assert len(found) == 3


def test_a_half_logged_run_is_replaced(study: Path) -> None:
    """An outage after the run was made and before all was logged."""
    first = mirror(study)
    client, _ = runs(study)
    client.delete_tag(first["digits/mlp/linear/0"], "vaebench.content")
    second = mirror(study)
    assert second["digits/mlp/linear/0"] != first["digits/mlp/linear/0"]
    assert len(runs(study)[1]) == 3


def test_a_failed_cell_is_a_failed_run(study: Path) -> None:
    bad = spec(1)
    bad["training"]["learning_rate"] = 1e30
    run(bad, study / "data/digits", cell(study, 1))
    found = mirror(study)
    client, _ = runs(study)
    one = client.get_run(found["digits/mlp/linear/1"])
    assert one.info.status == "FAILED"
    assert "epoch" in one.data.tags["reason"]


def test_the_environment_chooses_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    assert store(CONFIG | {"results": "results"}) == ("http://127.0.0.1:1", None)
    assert mlflow.__version__
