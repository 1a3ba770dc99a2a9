"""MLflow as a mirror: a real SQLite store, filled twice."""

import base64
import json
import shutil
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.sharing.state import state_of
from tests.trained import run
from vaebench.cells import vae
from vaebench.components import create
from vaebench.errors import DataError, TrackingError
from vaebench.plots.palette import Look
from vaebench.sharing.runs import CONTENT, EPOCHS, PARENT
from vaebench.sharing.store import store
from vaebench.sharing.tracking import sync

CONFIG: dict[str, Any] = {
    "name": "mirror",
    "control": "linear",
    "datasets": {"digits": {}},
    "strategies": {"linear": {}},
    "confidence": 0.95,
    "tracking": {"enabled": True, "uri": None, "experiment": None, "live": True},
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
def study(empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two trained cells, a card and a document, and a store in which there is nothing yet."""
    shutil.copy(empty_store, tmp_path)
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
        [study / "data/digits/card.json"],
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
    assert len(found) == 4, "two cells, what stands above them, and the study"
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


def test_a_second_sync_writes_nothing(study: Path) -> None:
    mirror(study)
    before = {path: path.read_bytes() for path in study.rglob("*") if path.is_file()}
    mirror(study)
    assert {path: path.read_bytes() for path in study.rglob("*") if path.is_file()} == before


def test_two_studies_of_one_title_leave_each_others_runs(study: Path) -> None:
    config = CONFIG | {"results": str(study), "tracking": {"uri": None, "experiment": "ours"}}
    card, documents = study / "data/digits/card.json", [study / "tables/results.md"]
    both = [
        sync(config | {"name": name}, cells, [card], documents)
        for name, cells in [
            ("one", [cell(study, 0), cell(study, 1)]),
            ("two", [cell(study, 0)]),
            ("one", [cell(study, 0), cell(study, 1)]),
            ("two", [cell(study, 0)]),
        ]
    ]
    assert both[2:] == both[:2]
    assert not set(both[0].values()) & set(both[1].values())


def test_mlflow_loads_the_split_that_a_run_names(study: Path) -> None:
    mirror(study)
    _, found = runs(study)
    inputs = [used for run in found for used in run.inputs.dataset_inputs]
    assert len(inputs) == 2
    for used in inputs:
        source = mlflow.data.get_source(used)
        folder = Path(source.load())
        assert (folder / "card.json").read_bytes() == (study / "data/digits/card.json").read_bytes()
    facts = json.loads((study / "data/digits/card.json").read_text())
    assert json.loads(inputs[0].dataset.profile) == facts["counts"] | {"source": facts["source"]}


@pytest.mark.parametrize("title", ["vaebench mirror", "vaebench mirror: digits"])
def test_an_experiment_in_the_trash_comes_back(study: Path, title: str) -> None:
    first = mirror(study)
    run(spec(1, cap=0.3), study / "data/digits", cell(study, 1))
    second = mirror(study)
    client, found = runs(study)
    client.delete_experiment(client.get_experiment_by_name(title).experiment_id)
    assert mirror(study) == second != first
    assert client.get_experiment_by_name(title).lifecycle_stage == "active"
    assert {run.info.run_id for run in runs(study)[1]} == {run.info.run_id for run in found}


def test_a_cell_whose_data_have_no_card_is_mirrored_without_them(study: Path) -> None:
    found = sync(CONFIG | {"results": str(study)}, [cell(study, 0)], {}, [])
    assert list(found) == ["digits/mlp/linear/seed-0", "digits/mlp/linear"]


@pytest.mark.parametrize("name", ["trace.parquet", "test.parquet", "config.json"])
def test_a_cell_that_cannot_be_read_is_named(study: Path, name: str) -> None:
    (cell(study, 1) / name).unlink()
    with pytest.raises(DataError, match=rf"cannot read .*seed-1/{name}"):
        mirror(study)


def test_a_damaged_trace_is_named(study: Path) -> None:
    (cell(study, 1) / "trace.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"cannot read .*seed-1/trace.parquet"):
        mirror(study)


def test_trials_of_a_tuning_stage_stand_apart(study: Path) -> None:
    """Two trials of the same names are two runs, in an experiment of their own."""
    trials = [study / f"tuning/trial-{n}/cells/digits/mlp/linear/seed-9" for n in (0, 1)]
    for folder in trials:
        vae.run(spec(9), study / "data/digits", folder)
    config, card = CONFIG | {"results": str(study)}, study / "data/digits/card.json"
    both = sync(config, [cell(study, 0), *trials], [card], [])
    assert sync(config, [cell(study, 0), *trials], [card], []) == both
    assert set(both) == {
        "digits/mlp/linear",
        "digits/mlp/linear/seed-0",
        "tuning/digits/mlp/linear",
        "trial-0/digits/mlp/linear/seed-9",
        "trial-1/digits/mlp/linear/seed-9",
    }
    client = MlflowClient(store(config)[0])
    home = client.get_experiment_by_name("vaebench mirror, tuning: digits")
    found = client.search_runs([home.experiment_id], "tags.status = 'done'")
    assert {r.data.tags["trial"] for r in found} == {"trial-0", "trial-1"}
    assert not [name for r in found for name in r.data.metrics if name.startswith("test/")]
    assert all(r.data.metrics["best/validation_elbo"] < 0 for r in found)


def test_a_changed_cell_replaces_its_run_alone(study: Path) -> None:
    before = mirror(study)
    run(spec(1, cap=0.3), study / "data/digits", cell(study, 1))
    after = mirror(study)
    changed = [key for key in before if before[key] != after[key]]
    assert changed == ["digits/mlp/linear/seed-1", "digits/mlp/linear"], "and its mean"
    _, found = runs(study)
    assert len(found) == 4
    assert {run.data.tags.get(PARENT) for run in found} == {None, after["digits/mlp/linear"]}


def test_weights_are_not_read(study: Path) -> None:
    """They are most of a cell's bytes, and every sync of a long study looks at every cell."""
    before = mirror(study)
    for file in study.rglob("*.safetensors"):
        file.unlink()
    assert mirror(study) == before


def test_a_half_logged_run_is_completed(study: Path) -> None:
    """An outage after the first epoch was logged, or after the last; the run's address stays."""
    first = mirror(study)
    client, _ = runs(study)
    whole, half = state_of(client), first["digits/mlp/linear/seed-0"]
    for epochs in ("1", "2"):
        client.delete_tag(half, CONTENT)
        client.set_tag(half, EPOCHS, epochs)
        client.set_tag(half, "status", "running")
        client.update_run(half, "RUNNING")
        assert state_of(client) != whole
        assert mirror(study) == first
        assert state_of(client) == whole


def test_a_run_that_was_hardly_begun_is_replaced(study: Path) -> None:
    """An outage before its parameters were logged."""
    first = mirror(study)
    client, _ = runs(study)
    whole, key = state_of(client), "digits/mlp/linear/seed-0"
    for tag in (CONTENT, EPOCHS):
        client.delete_tag(first[key], tag)
    second = mirror(study)
    assert [name for name in first if first[name] != second[name]] == [key]
    assert state_of(client) == whole


def test_a_failed_cell_is_a_failed_run(study: Path) -> None:
    bad = spec(1)
    bad["training"]["learning_rate"] = 1e30
    run(bad, study / "data/digits", cell(study, 1))
    found = mirror(study)
    client, _ = runs(study)
    one = client.get_run(found["digits/mlp/linear/seed-1"])
    assert one.info.status == "FAILED"
    assert "epoch" in one.data.tags["reason"]


def test_a_run_that_was_made_twice_is_kept_once(study: Path) -> None:
    """A client sends a request again whose answer was lost; the server made two runs of it."""
    first = mirror(study)
    client, found = runs(study)
    key = "digits/mlp/linear/seed-0"
    home = client.get_run(first[key]).info.experiment_id
    tags = {"vaebench.key": key, "study": "mirror"}
    for started in (1, None):  # listed after the whole one, and before it
        client.create_run(home, start_time=started, tags=tags)
    mine = client.create_run(home, run_name="the user's own").info.run_id
    assert mirror(study) == first
    left = {run.info.run_id for run in runs(study)[1]}
    assert left == {run.info.run_id for run in found} | {mine}


WRITER = """
import json, sys
from pathlib import Path
from vaebench.sharing.tracking import sync
home, name = Path(sys.argv[1]), sys.argv[2]
config = json.loads(sys.argv[3]) | {"results": str(home), "name": name}
cells = sorted(home.glob("cells/digits/mlp/linear/seed-*"))
runs = sync(config, cells, [home / "data/digits/card.json"], [home / "tables/results.md"])
print(len(runs))
"""


def test_eight_writers_at_once_make_one_store_and_lose_nothing(study: Path) -> None:
    """Seven studies and one of them twice, all before there is a database."""
    (study / "mlflow.db").unlink()
    names = [f"study-{number}" for number in range(7)]
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, study, name, json.dumps(CONFIG)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in [*names, names[0]]
    ]
    for writer in writers:
        out, err = writer.communicate()
        assert (writer.returncode, out.strip()) == (0, "4"), err
    client = MlflowClient(store(CONFIG | {"results": str(study)})[0])
    experiments = {e.name: e.experiment_id for e in client.search_experiments()}
    assert len(experiments) == 1 + 2 * len(names), "the default one, and two a study"
    for name in names:
        assert len(client.search_runs([experiments[f"vaebench {name}"]])) == 1
        home = experiments[f"vaebench {name}: digits"]
        mirrored = client.search_runs([home], "tags.status = 'done'")
        assert len(client.search_runs([home])) == 3
        assert sorted(run.data.tags["seed"] for run in mirrored) == ["0", "1"]
        for run_ in mirrored:
            assert len(client.get_metric_history(run_.info.run_id, "train/elbo")) == 2


@pytest.fixture
def closed_port() -> int:
    """A port at which nobody answers."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_a_server_that_is_down_is_one_sentence_without_a_password(
    study: Path, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:open-sesame@127.0.0.1:{closed_port}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TrackingError) as caught:
        mirror(study)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.startswith(f"MLflow at http://127.0.0.1:{closed_port}: ")
    assert f"python -m vaebench sync {study / 'mirror'}" in sentence
    assert "open-sesame" not in sentence
    assert caught.value.__cause__ is None, "nor in what a log would print below it"


class Refusing(BaseHTTPRequestHandler):
    """An MLflow that wants another password; remembers the one that it was given."""

    seen: ClassVar[list[str | None]] = []

    def _refuse(self) -> None:
        self.seen.append(self.headers.get("Authorization"))
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = _refuse  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_password_of_the_environment_goes_to_the_server_and_nowhere_else(
    study: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "me")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "open-sesame")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(TrackingError, match="401") as caught:
            mirror(study)
        server.shutdown()
        thread.join()
    assert Refusing.seen[0] == "Basic " + base64.b64encode(b"me:open-sesame").decode()
    assert "open-sesame" not in str(caught.value) + caplog.text
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    mirror(study)  # to the local store, with the password still in the environment
    leaks = [file for file in study.rglob("*") if file.is_file() and secret_in(file)]
    assert not leaks


def secret_in(file: Path) -> bool:
    content = file.read_bytes()
    return b"open-sesame" in content or base64.b64encode(b"me:open-sesame") in content


def test_the_environment_chooses_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    assert store(CONFIG | {"results": "results"}) == ("http://127.0.0.1:1", None)
    assert mlflow.__version__
