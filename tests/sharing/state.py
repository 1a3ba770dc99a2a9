"""Everything that a store of MLflow holds, but for the names that it gives by chance."""

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from mlflow import MlflowClient
from mlflow.entities import Run

from vaebench.sharing.runs import KEY, PARENT


def state_of(client: MlflowClient) -> dict[tuple[str, str], dict[str, Any]]:
    """(experiment, what a run mirrors) → all of the run; each mirrors something of its own."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for experiment in client.search_experiments():
        found[experiment.name, ""] = dict(experiment.tags)
        runs = client.search_runs([experiment.experiment_id])
        keys = {run.info.run_id: run.data.tags[KEY] for run in runs}
        assert len(set(keys.values())) == len(keys), "two runs mirror the same"
        for run in runs:
            found[experiment.name, keys[run.info.run_id]] = _content(client, run, keys)
    return found


def _content(client: MlflowClient, run: Run, keys: dict[str, str]) -> dict[str, Any]:
    tags = {name: value for name, value in run.data.tags.items() if name != "mlflow.user"}
    if PARENT in tags:
        tags[PARENT] = keys[tags[PARENT]]
    history = {name: client.get_metric_history(run.info.run_id, name) for name in run.data.metrics}
    home = Path(unquote(urlparse(run.info.artifact_uri).path))
    return {
        "tags": tags,
        "params": run.data.params,
        "last": run.data.metrics,
        "history": {
            name: sorted((m.step, m.timestamp, m.value) for m in points)
            for name, points in history.items()
        },
        "info": (run.info.run_name, run.info.status, run.info.start_time, run.info.end_time),
        "data": [used.dataset.to_dictionary() for used in run.inputs.dataset_inputs],
        "files": {
            str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in home.rglob("*")
            if path.is_file()
        },
    }


def differences(one: Any, two: Any, place: str = "") -> list[str]:
    """Where two states are not the same."""
    if isinstance(one, dict) and isinstance(two, dict):
        both = sorted({*one, *two}, key=str)
        return [
            line
            for name in both
            for line in differences(one.get(name), two.get(name), f"{place}/{name}")
        ]
    return [] if one == two else [f"{place}: {one} or {two}"]
