"""MLflow as a mirror of the files; the only module that knows MLflow.

``sync`` is idempotent: a cell is found again by its tag, an unchanged cell is left alone, a changed
one replaces its run. So it can be repeated after an outage or at any time during a long study, also
by ``python -m vaebench.sync``. Passwords come from the environment alone (MLFLOW_TRACKING_URI,
MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD, MLFLOW_TRACKING_TOKEN) and go nowhere.
"""

import hashlib
import json
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException

from vaebench.cells.folder import FILES, NONE, CellFolder
from vaebench.errors import TrackingError
from vaebench.files import read_json
from vaebench.leases import one_of
from vaebench.palette import Look
from vaebench.provenance import config_hash

KEY = "vaebench.key"
"""Tag: what a run mirrors; unique in its experiment."""

CONTENT = "vaebench.content"
"""Tag: a digest of the mirrored files."""

PER_BATCH = 1_000
"""MLflow takes at most so many metrics in one call."""

STATUS = {"done": "FINISHED"}
"""A cell's status → the run's; anything else is FAILED."""

ARTIFACTS = tuple(name for name in FILES if not name.endswith(".safetensors"))
"""Files of a cell that are copied; the weights stay where they are, and are not read either: they
are most of a cell's bytes, and with other weights the times in ``summary.json`` are others, too."""


def store(config: dict[str, Any]) -> tuple[str, str | None]:
    """Tracking URI and artifact folder: MLFLOW_TRACKING_URI, else the study's, else a local SQLite.

    A server says itself where artifacts lie (None); those of a database lie in ``results``.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI") or config["tracking"]["uri"]
    if uri and uri.startswith("http"):
        return uri, None
    home = Path(config["results"]).resolve()
    home.mkdir(parents=True, exist_ok=True)
    return uri or f"sqlite:///{home / 'mlflow.db'}", (home / "mlartifacts").as_uri()


def sync(
    config: dict[str, Any],
    cells: Sequence[Path],
    cards: dict[str, Path],
    documents: Sequence[Path],
) -> dict[str, str]:
    """Mirror the finished cells and the study's tables and figures.

    Args:
        config: the study's configuration; ``tracking`` says where to and under which title. Each
            data set has an experiment ``title: data set``, the study itself one named ``title``.
        cells: folders of cells; one without ``status.json`` is not finished and left for later.
        cards: data set → its ``card.json``.
        documents: tables, figures and the report, artifacts of the study's own run.

    Returns:
        What is mirrored (a cell's names or ``study``) → run id.

    Raises:
        TrackingError: MLflow does not answer or refuses; what it has so far is kept or replaced by
            the next call.
    """
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # two lines a cell
    uri, artifacts = store(config)
    home = Path(config["results"])
    # one writer a study: two would find nothing of each other and log everything twice
    alone = one_of([home / config["name"] / ".tracking.lock"])
    with _in_words(uri, home / config["name"]), alone:
        with one_of([home / ".mlflow.lock"]):  # a database is made by one alone
            client = MlflowClient(tracking_uri=uri)
            client.search_experiments(max_results=1)
        return _mirror(client, artifacts, config, cells, cards, documents)


@contextmanager
def _in_words(uri: str, study: Path) -> Iterator[None]:
    """What MLflow raises, as one sentence without a password."""
    try:
        yield
    except (MlflowException, OSError) as error:
        parts = urlsplit(uri)
        shown = uri.replace(f"{parts.netloc.rpartition('@')[0]}@", "", 1)
        words = (str(error).splitlines() or [type(error).__name__])[0]
        for secret in filter(None, (parts.password, uri if shown != uri else None)):
            words = words.replace(secret, "…")
        raise TrackingError(
            f"MLflow at {shown}: {words}; all results are in {study}, and once MLflow answers "
            f"`python -m vaebench.sync {study}` or the same snakemake command catches up"
        ) from None


def _mirror(
    client: MlflowClient,
    artifacts: str | None,
    config: dict[str, Any],
    cells: Sequence[Path],
    cards: dict[str, Path],
    documents: Sequence[Path],
) -> dict[str, str]:
    """See :func:`sync`."""
    study = config["name"]
    title = config["tracking"]["experiment"] or f"vaebench {study}"
    inputs = {name: _input(name, card) for name, card in cards.items()}
    # one experiment a data set: its runs can be compared, those of two data sets cannot
    homes = {name: _experiment(client, f"{title}: {name}", artifacts) for name in cards}
    # trials of a tuning stage are no results: they stand apart
    parsed = {folder: CellFolder.parse(folder) for folder in cells}
    trials = {cell.dataset for cell in parsed.values() if cell.trial is not None}
    homes |= {
        f"{name}/trials": _experiment(client, f"{title}, tuning: {name}", artifacts)
        for name in sorted(trials)
    }
    existing = {name: _by_key(client, home) for name, home in homes.items()}
    look = Look([*config["strategies"], NONE])
    runs = {}
    for folder in cells:
        cell = parsed[folder]
        if cell.finished:
            dataset, key = cell.dataset, cell.label
            where = dataset if cell.trial is None else f"{dataset}/trials"
            digest = _digest([path for name in ARTIFACTS if (path := folder / name).exists()])
            runs[key] = _unchanged(client, existing[where].get(key), digest) or _cell(
                client,
                homes[where],
                study,
                key,
                digest,
                folder,
                inputs[dataset],
                look.colour(cell.strategy),
            )
    if not documents:  # not yet
        return runs
    home = _experiment(client, title, artifacts)
    digest = _digest(documents)
    runs["study"] = _unchanged(client, _by_key(client, home).get(study), digest) or _study(
        client, home, study, digest, documents, config
    )
    return runs


def _experiment(client: MlflowClient, name: str, artifacts: str | None) -> str:
    """The id of the experiment ``name``, made if need be and shown as training runs."""
    found = client.get_experiment_by_name(name)
    if found:
        return str(found.experiment_id)
    tags = {"mlflow.experimentKind": "custom_model_development"}
    try:
        return str(client.create_experiment(name, artifacts, tags=tags))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return _experiment(client, name, artifacts)  # another writer was faster


def _by_key(client: MlflowClient, experiment: str) -> dict[str | None, Run]:
    """All runs of an experiment by what they mirror, each once.

    A request that the server took and whose answer was lost is sent again by MLflow's client, and
    then there are two runs.
    """
    found: dict[str | None, Run] = {}
    for run in _all_runs(client, experiment):
        key = run.data.tags.get(KEY)
        twin = found.get(key)
        if key is None or twin is None:
            found[key] = run
        elif CONTENT in twin.data.tags:
            client.delete_run(run.info.run_id)
        else:
            client.delete_run(twin.info.run_id)
            found[key] = run
    return found


def _all_runs(client: MlflowClient, experiment: str) -> list[Run]:
    runs, token = [], None
    while True:
        page = client.search_runs([experiment], max_results=1_000, page_token=token)
        runs += list(page)
        token = page.token
        if not token:
            return runs


def _unchanged(client: MlflowClient, run: Run | None, digest: str) -> str | None:
    """The run's id if it mirrors this very content; a run of other content goes to the trash."""
    if run is None:
        return None
    if run.data.tags.get(CONTENT) == digest:
        return str(run.info.run_id)
    client.delete_run(run.info.run_id)
    return None


def _cell(
    client: MlflowClient,
    experiment: str,
    study: str,
    key: str,
    digest: str,
    folder: Path,
    data: DatasetInput,
    colour: str,
) -> str:
    """Log one cell as a new run; the content tag comes last, so a half-logged run is replaced."""
    config, cell = read_json(folder / "config.json"), CellFolder.parse(folder)
    if cell.trial is None:
        summary, status = read_json(folder / "summary.json"), read_json(folder / "status.json")
    else:
        summary = status = read_json(folder / "training.json")
    start = int(summary["started_at"] * 1000)
    tags = {
        KEY: key,
        "study": study,
        **{name: str(value) for name, value in cell.names.items()},
        **({} if cell.trial is None else {"trial": f"trial-{cell.trial}"}),
        "status": status["status"],
        "mlflow.runColor": colour,
        "reason": status["reason"] or "",
        "git_commit": str(summary["commit"]["commit"]),
        "git_dirty": str(summary["commit"]["dirty"]),
        "config_sha256": config_hash(config),
    }
    name = f"{cell.strategy} · {cell.model} · seed {cell.seed}"
    run = client.create_run(experiment, start_time=start, tags=tags, run_name=name).info.run_id
    trace = pd.read_parquet(folder / "trace.parquet")
    metrics = [*_series(trace, start), *_finals(summary, start)]
    for first in range(0, len(metrics), PER_BATCH):
        client.log_batch(run, metrics=metrics[first : first + PER_BATCH])
    client.log_batch(run, params=[Param(name, str(value)) for name, value in _flat(config)])
    client.log_inputs(run, [data])
    for artifact in filter(Path.exists, (folder / name for name in ARTIFACTS)):
        client.log_artifact(run, str(artifact))
    end = start + int(summary["seconds"] * 1000)
    client.set_terminated(run, STATUS.get(status["status"], "FAILED"), end_time=end)
    client.log_batch(run, tags=[RunTag(CONTENT, digest)])
    return run


def _study(
    client: MlflowClient,
    experiment: str,
    study: str,
    digest: str,
    documents: Sequence[Path],
    config: dict[str, Any],
) -> str:
    """The study's own run: its configuration, tables, figures and report."""
    tags = {KEY: study, "study": study, "status": "study"}
    run = client.create_run(experiment, tags=tags, run_name=f"study {study}").info.run_id
    for document in documents:
        client.log_artifact(run, str(document), artifact_path=document.parent.name)
    client.log_dict(run, config, "config.json")
    client.set_terminated(run, "FINISHED")
    client.log_batch(run, tags=[RunTag(CONTENT, digest)])
    return run


def _series(trace: pd.DataFrame, start: int) -> list[Metric]:
    """The trace's columns as series over updates, at the times when they were measured."""
    metrics: list[Metric] = []
    if trace.empty:
        return metrics
    times = start + (trace["seconds"].cumsum() * 1000).astype(int)
    for column in trace.columns.difference(["epoch", "updates", "seconds"]):
        part, _, rest = column.partition("_")
        section = part if part in ("validation", "beta") else "train"
        name = f"{section}/{column if section == 'train' else rest or 'mean'}"
        values = zip(trace[column], times, trace["updates"], strict=True)
        metrics += [
            Metric(_legal(name), float(value), int(time), int(step))
            for value, time, step in values
            if math.isfinite(value)
        ]
    return metrics


def _finals(summary: dict[str, Any], start: int) -> list[Metric]:
    """Test means and the selection as metrics of their own: the run table shows last values."""
    time = start + int(summary["seconds"] * 1000)
    test = summary.get("test", {})  # a trial has none
    finals = {f"test/{name}": test.get(name) for name in summary.get("metrics", {})}
    if summary["selected"]:
        finals["best/epoch"] = summary["selected"]["epoch"]
        finals["best/beta"] = summary["selected"]["beta"]
        # a baseline has no series that would show it
        finals |= {
            f"best/{name}": value
            for name, value in summary["selected"].items()
            if name.startswith("validation_")
        }
    finals["seconds"] = summary["seconds"]
    return [
        Metric(_legal(name), float(value), time, 0)
        for name, value in finals.items()
        if value is not None
    ]


def _input(name: str, card: Path) -> DatasetInput:
    """The data set with its counts and the digest of its card."""
    content = card.read_text(encoding="utf-8")
    facts = json.loads(content)
    dataset = Dataset(
        name=name,
        digest=_hash(content),
        source_type="local",
        source=json.dumps(facts["source"]),
        profile=json.dumps(facts["counts"]),
    )
    return DatasetInput(dataset, tags=[InputTag("mlflow.data.context", "training")])


def _flat(config: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Nested dictionaries as dotted names."""
    flat: list[tuple[str, Any]] = []
    for key, value in config.items():
        if isinstance(value, dict):
            flat += _flat(value, f"{prefix}{key}.")
        else:
            flat.append((f"{prefix}{key}", value))
    return flat


def _legal(name: str) -> str:
    """MLflow refuses @ in names."""
    return name.replace("@", "_")


def _digest(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:32]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
