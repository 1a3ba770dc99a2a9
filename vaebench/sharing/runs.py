"""What a run of MLflow holds of a cell: its names, its configuration, its epochs, its result."""

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyarrow.parquet
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunTag

from vaebench import __version__
from vaebench.cells.folder import FILES, TRAINED, CellFolder, SplitFolder
from vaebench.cells.live import Row
from vaebench.errors import DataError
from vaebench.files import read_json
from vaebench.machine.provenance import config_hash

KEY = "vaebench.key"
"""Tag: what a run mirrors; unique in its experiment."""

CONTENT = "vaebench.content"
"""Tag: a digest of the mirrored files; a run without it is not whole."""

TRAINING = "vaebench.training"
"""Tag: which training of a cell it is, by its configuration and its start."""

EPOCHS = "vaebench.epochs"
"""Tag: how many epochs of it are there."""

PARENT = "mlflow.parentRunId"
"""Tag: MLflow's own, by which runs stand below another."""

SOURCE = {"mlflow.source.name": f"vaebench {__version__}", "mlflow.source.type": "LOCAL"}
"""Tags: MLflow's own, what made a run."""

PER_BATCH = 1_000
"""MLflow takes at most so many metrics in one call."""

PARAMS = 100
"""And so many parameters."""

STATUS = {"done": "FINISHED"}
"""A cell's status → the run's; anything else is FAILED."""

WEIGHTS = ".safetensors"
"""Files of a cell that stay where they are, and are not read either: they are most of its bytes,
and with other weights the times in ``training.json`` are others, too."""


@dataclass(frozen=True)
class Training:
    """One training of a cell, under way or at its end.

    Attributes:
        cell: its folder.
        config: as resolved.
        started_at: seconds since 1970.
    """

    cell: CellFolder
    config: Mapping[str, Any]
    started_at: float

    @property
    def start(self) -> int:
        """In milliseconds, as MLflow has its times."""
        return int(self.started_at * 1000)

    @cached_property
    def mark(self) -> str:
        """What tells it from another training of the cell."""
        return f"{config_hash(dict(self.config))[:16]} {self.start}"

    @property
    def name(self) -> str:
        """Of its run."""
        replicate, cell = self.config.get("replicate"), self.cell
        number = f"seed {cell.seed}" if replicate is None else f"replicate {replicate}"
        if cell.trial is not None:
            number = f"{cell.label.removesuffix(f'/{cell.key}')} · {number}"
        return f"{cell.strategy} · {cell.model} · {number}"

    def tags(self, study: str, colour: str) -> dict[str, str]:
        """What is known of it from its first update on."""
        cell, names = self.cell, self.cell.names
        if (replicate := self.config.get("replicate")) is not None:
            names |= {"seed": self.config["seed"], "replicate": replicate}
        if cell.trial is not None:
            names["trial"] = cell.label.removesuffix(f"/{cell.key}")
        return {
            KEY: cell.label,
            "study": study,
            **{name: str(value) for name, value in names.items()},
            "mlflow.runColor": colour,
            **SOURCE,
            "config_sha256": config_hash(dict(self.config)),
            TRAINING: self.mark,
        }

    def params(self) -> list[Param]:
        """The configuration."""
        return [Param(name, str(value)) for name, value in _flat(dict(self.config))]

    def series(self, rows: Sequence[Row], first: int = 0) -> list[Metric]:
        """The rows from ``first`` on as series over updates, at the times of their measurement."""
        times = accumulate(row["seconds"] for row in rows)
        return [
            Metric(name, value, self.start + int(1000 * time), int(row["updates"]))
            for row, time in list(zip(rows, times, strict=True))[first:]
            for name, value in _named(row)
            if math.isfinite(value)
        ]


@dataclass(frozen=True)
class Finished:
    """A finished cell, or trial, as its files say."""

    cell: CellFolder

    @cached_property
    def files(self) -> list[Path]:
        """Those that are copied: all of them but the weights."""
        names = FILES if self.cell.trial is None else TRAINED
        return [self.cell.file(name) for name in names if not name.endswith(WEIGHTS)]

    @cached_property
    def content(self) -> str:
        """The digest of what is copied.

        Raises:
            DataError: a file cannot be read.
        """
        return digest(self.files)

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Of a trial what training said."""
        name = "summary.json" if self.cell.trial is None else TRAINED[-1]
        return dict(read_json(self.cell.file(name)))

    @cached_property
    def status(self) -> dict[str, Any]:
        """Status and reason."""
        if self.cell.trial is not None:
            return self.summary
        return dict(read_json(self.cell.file("status.json")))

    @cached_property
    def training(self) -> Training:
        """The training that it is the end of."""
        config = read_json(self.cell.file("config.json"))
        return Training(self.cell, config, self.summary["started_at"])

    @property
    def done(self) -> bool:
        """Whether it has a result."""
        return str(self.status["status"]) == "done"

    @property
    def end(self) -> int:
        """In milliseconds."""
        return self.training.start + int(self.summary["seconds"] * 1000)

    @property
    def rows(self) -> list[Row]:
        """The trace.

        Raises:
            DataError: it cannot be read.
        """
        file = self.cell.file("trace.parquet")
        try:
            rows: list[Row] = pyarrow.parquet.read_table(file).to_pylist()
        except (OSError, ValueError) as error:  # Arrow's errors are ValueErrors
            raise DataError(f"cannot read {file}: {error}") from error
        return rows

    def tags(self) -> dict[str, str]:
        """What is known at its end alone."""
        commit = self.summary["commit"]
        return {
            "status": str(self.status["status"]),
            "reason": str(self.status["reason"] or ""),
            "git_commit": str(commit["commit"]),
            "git_dirty": str(commit["dirty"]),
            "mlflow.source.git.commit": str(commit["commit"]),
        }

    def finals(self) -> list[Metric]:
        """Test means and the selection as metrics of their own: the run table shows last values."""
        summary = self.summary
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
            Metric(legal(name), float(value), self.end, 0)
            for name, value in finals.items()
            if value is not None
        ]


def log(
    client: MlflowClient,
    run: str,
    metrics: Sequence[Metric] = (),
    params: Sequence[Param] = (),
    tags: Mapping[str, str] = {},
) -> None:
    """Log in as many calls as MLflow wants; the tags, which say that the rest is there, last."""
    for first in range(0, len(metrics), PER_BATCH):
        client.log_batch(run, metrics=metrics[first : first + PER_BATCH])
    for first in range(0, len(params), PARAMS):
        client.log_batch(run, params=params[first : first + PARAMS])
    if tags:
        client.log_batch(run, tags=[RunTag(name, value) for name, value in tags.items()])


def keep(client: MlflowClient, runs: Iterable[Run], wanted: Callable[[Run], bool]) -> Run | None:
    """That of ``runs`` that is ``wanted``, a whole one first; all others go to the trash.

    Several mirror the same where the server took a request whose answer was lost, so that it was
    sent again, or where the experiment comes out of the trash.
    """
    kept: Run | None = None
    for run in sorted(runs, key=lambda run: CONTENT not in run.data.tags):
        if kept is None and wanted(run):
            kept = run
        else:
            client.delete_run(run.info.run_id)
    return kept


def search(client: MlflowClient, experiment: str, condition: str) -> Iterator[Run]:
    """All runs of an experiment under a condition."""
    token = None
    while True:
        page = client.search_runs([experiment], condition, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def data_set(card: Path) -> DatasetInput:
    """The data set with its counts, its raw file's name and checksum, and its card's digest.

    Its source is the folder of the split, what ``mlflow.data.get_source(input).load()`` gives.
    """
    facts = read_json(card)
    dataset = Dataset(
        name=SplitFolder.parse(card).key,
        digest=hashlib.sha256(card.read_bytes()).hexdigest()[:12],
        source_type="local",
        source=json.dumps({"uri": card.parent.resolve().as_uri()}),
        profile=json.dumps({**facts["counts"], "source": facts["source"]}),
    )
    return DatasetInput(dataset, tags=[InputTag("mlflow.data.context", "training")])


def _named(row: Row) -> Iterator[tuple[str, float]]:
    """The columns of a row under the names of their charts, in order."""
    for column in sorted(row.keys() - {"epoch", "updates", "seconds"}):
        part, _, rest = column.partition("_")
        section = part if part in ("validation", "beta") else "train"
        name = column if section == "train" else rest or "mean"
        yield legal(f"{section}/{name}"), float(row[column])


def _flat(config: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Nested dictionaries as dotted names."""
    flat: list[tuple[str, Any]] = []
    for key, value in config.items():
        if isinstance(value, dict):
            flat += _flat(value, f"{prefix}{key}.")
        else:
            flat.append((f"{prefix}{key}", value))
    return flat


def legal(name: str) -> str:
    """MLflow refuses @ in names."""
    return name.replace("@", "_")


def digest(files: Iterable[Path]) -> str:
    """Of names and contents.

    Raises:
        DataError: a file cannot be read.
    """
    found = hashlib.sha256()
    for file in files:
        found.update(file.name.encode())
        try:
            found.update(file.read_bytes())
        except OSError as error:
            raise DataError(f"cannot read {file}: {error.strerror}") from error
    return found.hexdigest()[:32]
