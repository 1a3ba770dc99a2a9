"""MLflow as a mirror of the files; this module and ``sharing.store`` alone know MLflow.

``sync`` is idempotent: a cell is found again by its tag, an unchanged cell is left alone, a changed
one replaces its run. So it can be repeated after an outage or at any time during a long study, also
by ``python -m vaebench sync``. Passwords come from the environment alone (MLFLOW_TRACKING_URI,
MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD, MLFLOW_TRACKING_TOKEN) and go nowhere.
"""

import hashlib
import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException

from vaebench.cells.folder import FILES, NONE, TRAINED, CellFolder, SplitFolder, card_among
from vaebench.errors import DataError
from vaebench.files import read_json
from vaebench.machine.leases import one_of
from vaebench.machine.provenance import config_hash
from vaebench.plots.palette import Look
from vaebench.sharing.store import opened, store

KEY = "vaebench.key"
"""Tag: what a run mirrors; unique in its experiment."""

CONTENT = "vaebench.content"
"""Tag: a digest of the mirrored files."""

PER_BATCH = 1_000
"""MLflow takes at most so many metrics in one call."""

STATUS = {"done": "FINISHED"}
"""A cell's status → the run's; anything else is FAILED."""

WEIGHTS = ".safetensors"
"""Files of a cell that stay where they are, and are not read either: they are most of its bytes,
and with other weights the times in ``training.json`` are others, too."""


def sync(
    config: dict[str, Any],
    cells: Sequence[Path],
    cards: Sequence[Path],
    documents: Sequence[Path],
) -> dict[str, str]:
    """Mirror the finished cells and the study's tables and figures.

    Args:
        config: the study's configuration; ``tracking`` says where to and under which title. Each
            data set has an experiment ``title: data set``, the study itself one named ``title``.
        cells: folders of cells; one without ``status.json`` is not finished and left for later.
        cards: the ``card.json`` of every split.
        documents: tables, figures and the report, artifacts of the study's own run.

    Returns:
        What is mirrored (a cell's names or ``study``) → run id.

    Raises:
        TrackingError: MLflow does not answer or refuses; what it has so far is kept or replaced by
            the next call.
        DataError: a file of the study cannot be read, or the local store cannot be written.
    """
    uri, artifacts = store(config)
    home = Path(config["results"])
    study = home / config["name"]
    advice = (
        f"all results are in {study}, and once MLflow answers `python -m vaebench sync {study}` or "
        "the same snakemake command catches up"
    )

    def waiting() -> None:
        print(f"{study}: waiting for another process that mirrors it", file=sys.stderr)  # noqa: T201

    # one writer a study: two would find nothing of each other and log everything twice
    with one_of([study / ".tracking.lock"], waiting), opened(uri, home, advice) as client:
        return _mirror(client, artifacts, config, cells, cards, documents)


def _mirror(
    client: MlflowClient,
    artifacts: str | None,
    config: dict[str, Any],
    cells: Sequence[Path],
    cards: Sequence[Path],
    documents: Sequence[Path],
) -> dict[str, str]:
    """See :func:`sync`."""
    study = config["name"]
    title = config["tracking"]["experiment"] or f"vaebench {study}"
    inputs = {card: _input(card) for card in cards}
    finished = [cell for cell in map(CellFolder.parse, cells) if cell.finished]
    # one experiment a data set: its runs can be compared, those of two data sets cannot
    names = [SplitFolder.parse(card).dataset for card in cards]
    titles = {name: f"{title}: {name}" for name in names}
    for cell in finished:
        # trials of a tuning stage are no results: they stand apart
        tuning = "" if cell.trial is None else ", tuning"
        titles[_home(cell)] = f"{title}{tuning}: {cell.dataset}"
    homes = {home: _experiment(client, name, artifacts) for home, name in titles.items()}
    existing = {name: _by_key(client, home, study) for name, home in homes.items()}
    look = Look([*config["strategies"], NONE])
    runs = {}
    for cell in finished:
        where = _home(cell)
        digest = _digest(_artifacts(cell))
        runs[cell.label] = _unchanged(client, existing[where].get(cell.label, []), digest) or _cell(
            client,
            homes[where],
            study,
            digest,
            cell,
            inputs,
            look.colour(cell.strategy),
        )
    if not documents:  # not yet
        return runs
    home = _experiment(client, title, artifacts)
    digest = _digest(documents)
    mine = _by_key(client, home, study).get(study, [])
    runs["study"] = _unchanged(client, mine, digest) or _study(
        client, home, study, digest, documents, config
    )
    return runs


def _artifacts(cell: CellFolder) -> list[Path]:
    """The files of a cell, or of a trial, that are copied: all of them but the weights."""
    names = FILES if cell.trial is None else TRAINED
    return [cell.file(name) for name in names if not name.endswith(WEIGHTS)]


def _home(cell: CellFolder) -> str:
    """What has an experiment of its own: a data set, and its trials."""
    return cell.dataset if cell.trial is None else f"{cell.dataset}/trials"


def _experiment(client: MlflowClient, name: str, artifacts: str | None) -> str:
    """The id of the experiment ``name``, made or taken out of the trash if need be.

    It is shown as training runs.
    """
    tags = {"mlflow.experimentKind": "custom_model_development"}
    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name, artifacts, tags=tags))
        except MlflowException as error:
            found = client.get_experiment_by_name(name)  # another writer may have been faster
            if error.error_code != "RESOURCE_ALREADY_EXISTS" or found is None:
                raise
    if found.lifecycle_stage != "active":
        try:
            client.restore_experiment(found.experiment_id)
        except MlflowException as error:
            raise MlflowException(
                f"the experiment {name!r} is in the trash and cannot be restored ({error}); "
                f"`mlflow experiments restore --experiment-id {found.experiment_id}` does it, and "
                "`mlflow gc` would remove it for good"
            ) from error
    return str(found.experiment_id)


def _by_key(client: MlflowClient, experiment: str, study: str) -> dict[str | None, list[Run]]:
    """The runs of a study in an experiment by what they mirror.

    Several mirror the same where the server took a request whose answer was lost, so that it was
    sent again, or where the experiment comes out of the trash.
    """
    found: dict[str | None, list[Run]] = {}
    token = None
    while True:
        # several studies may have one title
        page = client.search_runs([experiment], f"tags.study = '{study}'", page_token=token)
        for run in page:
            found.setdefault(run.data.tags.get(KEY), []).append(run)
        token = page.token
        if not token:
            return found


def _unchanged(client: MlflowClient, runs: Sequence[Run], digest: str) -> str | None:
    """The id of the run that mirrors this very content; its twins and others go to the trash."""
    ids = [str(run.info.run_id) for run in runs]
    same = [one for one, run in zip(ids, runs, strict=True) if run.data.tags.get(CONTENT) == digest]
    for one in ids:
        if one not in same[:1]:
            client.delete_run(one)
    return same[0] if same else None


def _cell(
    client: MlflowClient,
    experiment: str,
    study: str,
    digest: str,
    cell: CellFolder,
    inputs: Mapping[Path, DatasetInput],
    colour: str,
) -> str:
    """Log one cell as a new run; the content tag comes last, so a half-logged run is replaced."""
    config = read_json(cell.file("config.json"))
    if cell.trial is None:
        summary, status = read_json(cell.file("summary.json")), read_json(cell.file("status.json"))
    else:
        summary = status = read_json(cell.file("training.json"))
    start, names, replicate = int(summary["started_at"] * 1000), cell.names, config.get("replicate")
    number = f"seed {cell.seed}"
    if replicate is not None:
        names |= {"seed": config["seed"], "replicate": replicate}
        number = f"replicate {replicate}"
    tags = {
        KEY: cell.label,
        "study": study,
        **{name: str(value) for name, value in names.items()},
        **({} if cell.trial is None else {"trial": cell.label.removesuffix(f"/{cell.key}")}),
        "status": status["status"],
        "mlflow.runColor": colour,
        "reason": status["reason"] or "",
        "git_commit": str(summary["commit"]["commit"]),
        "git_dirty": str(summary["commit"]["dirty"]),
        "config_sha256": config_hash(config),
    }
    name = f"{cell.strategy} · {cell.model} · {number}"
    run = client.create_run(experiment, start_time=start, tags=tags, run_name=name).info.run_id
    trace = _trace(cell.file("trace.parquet"))
    metrics = [*_series(trace, start), *_finals(summary, start)]
    for first in range(0, len(metrics), PER_BATCH):
        client.log_batch(run, metrics=metrics[first : first + PER_BATCH])
    client.log_batch(run, params=[Param(name, str(value)) for name, value in _flat(config)])
    card = card_among(inputs, cell.dataset, replicate)
    if card is not None:
        client.log_inputs(run, [inputs[card]])
    for artifact in _artifacts(cell):
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


def _trace(file: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(file)
    except (OSError, ValueError) as error:  # Arrow's errors are ValueErrors
        raise DataError(f"cannot read {file}: {error}") from error


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
    finals["until"] = summary.get("until")
    finals["seconds"] = summary["seconds"]
    return [
        Metric(_legal(name), float(value), time, 0)
        for name, value in finals.items()
        if value is not None
    ]


def _input(card: Path) -> DatasetInput:
    """The data set with its counts, its raw file's name and checksum, and its card's digest.

    Its source is the folder of the split, what ``mlflow.data.get_source(input).load()`` gives.
    """
    facts = read_json(card)
    dataset = Dataset(
        name=SplitFolder.parse(card).key,
        digest=_hash(card.read_text(encoding="utf-8")),
        source_type="local",
        source=json.dumps({"uri": card.parent.resolve().as_uri()}),
        profile=json.dumps({**facts["counts"], "source": facts["source"]}),
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
        try:
            digest.update(file.read_bytes())
        except OSError as error:
            raise DataError(f"cannot read {file}: {error.strerror}") from error
    return digest.hexdigest()[:32]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
