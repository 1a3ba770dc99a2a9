"""The best cell of a strategy as a logged model, in a real store."""

import json
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import LoggedModel

from tests.sharing.test_tracking import CONFIG, cell, study
from vaebench.sharing.store import store
from vaebench.sharing.tracking import sync

__all__ = ["study"]


def mirrored(folder: Path, **tracking: Any) -> dict[str, str]:
    config = CONFIG | {"results": str(folder), "tracking": CONFIG["tracking"] | tracking}
    cells = [cell(folder, seed) for seed in (0, 1)]
    return sync(config, cells, [folder / "data/digits/card.json"], [])


def models(folder: Path) -> list[LoggedModel]:
    client = MlflowClient(store(CONFIG | {"results": str(folder)})[0])
    home = client.get_experiment_by_name("vaebench mirror: digits")
    return list(client.search_logged_models([home.experiment_id]))


def value_of(folder: Path, seed: int) -> float:
    summary = json.loads((cell(folder, seed) / "summary.json").read_text())
    return float(summary["selected"]["validation_elbo"])


@pytest.mark.usefixtures("empty_store")
def test_the_best_cell_is_a_model_where_it_is_asked_for(study: Path) -> None:
    mirrored(study)
    assert models(study) == []
    runs = mirrored(study, models=True)
    assert mirrored(study, models=True) == runs
    (model,) = models(study)
    best = max((0, 1), key=lambda seed: value_of(study, seed))
    assert model.tags["cell"] == f"digits/mlp/linear/seed-{best}"
    assert model.source_run_id == runs[model.tags["cell"]]
    assert model.status == "READY"
    place = Path(model.artifact_location.removeprefix("file://"))
    for name in ("best.safetensors", "config.json"):
        assert (place / name).read_bytes() == (cell(study, best) / name).read_bytes()
    summary = cell(study, 1 - best) / "summary.json"  # the other one is better now
    content = json.loads(summary.read_text())
    content["selected"]["validation_elbo"] = value_of(study, best) + 1
    summary.write_text(json.dumps(content))
    status = cell(study, 1 - best) / "status.json"
    status.write_text(status.read_text() + "\n")
    mirrored(study, models=True)
    (model,) = models(study)
    assert model.tags["cell"] == f"digits/mlp/linear/seed-{1 - best}"
