"""MLflow as a mirror of the files: what runs there are, and when one is up to date.

The mirror is idempotent: a cell is found again by its tag, an unchanged one is left alone, the run
of one that trains grows, and another training of a cell replaces its run. So it can be repeated
after an outage or at any time during a long study, also by ``python -m vaebench sync``. Passwords
come from the environment alone (MLFLOW_TRACKING_URI, MLFLOW_TRACKING_USERNAME,
MLFLOW_TRACKING_PASSWORD, MLFLOW_TRACKING_TOKEN) and go nowhere.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from vaebench.cells.folder import NONE, TRAINED, CellFolder, SplitFolder, card_among
from vaebench.cells.live import Watched
from vaebench.errors import DataError
from vaebench.machine.leases import is_held, one_of
from vaebench.plots.palette import Look
from vaebench.sharing import runs
from vaebench.sharing.runs import CONTENT, EPOCHS, KEY, STATUS, TRAINING, Finished, Training
from vaebench.sharing.store import opened, store

RUNNING, STOPPED = "RUNNING", "KILLED"
"""MLflow's words for a cell that trains, and for one whose process is gone."""

FEW = 8
"""So many runs are looked up one by one, more of them all together."""


def sync(
    config: dict[str, Any],
    cells: Sequence[Path],
    cards: Sequence[Path],
    documents: Sequence[Path],
) -> dict[str, str]:
    """Mirror the cells, as far as they are, and the study's tables and figures.

    Args:
        config: the study's configuration; ``tracking`` says where to and under which title. Each
            data set has an experiment ``title: data set``, the study itself one named ``title``.
        cells: folders of cells; one that has not begun is left for later.
        cards: the ``card.json`` of every split.
        documents: tables, figures and the report, artifacts of the study's own run.

    Returns:
        What is mirrored (a cell's names or ``study``) → run id.

    Raises:
        TrackingError: MLflow does not answer or refuses; what it has so far is kept or replaced by
            the next call.
        DataError: a file of the study cannot be read, or the local store cannot be written.
    """
    return Mirror(config, cells).update(cards, documents)


class Mirror:
    """MLflow's picture of a study; each update adds what is new in the files since the last one.

    Attributes:
        runs: what is mirrored → run id.
    """

    def __init__(self, config: dict[str, Any], cells: Sequence[Path]) -> None:
        """Args are those of :func:`sync`."""
        self.config = config
        self.name = str(config["name"])
        self.title = config["tracking"]["experiment"] or f"vaebench {self.name}"
        self.cells = [CellFolder.parse(cell) for cell in cells]
        self.look = Look([*config["strategies"], NONE])
        self.runs: dict[str, str] = {}
        self._watched = {cell: Watched(cell.path) for cell in self.cells}
        self._seen: dict[object, object] = {"documents": []}

    def update(self, cards: Sequence[Path], documents: Sequence[Path]) -> dict[str, str]:
        """See :func:`sync`; nothing is asked of MLflow where nothing has changed."""
        new = {cell: mark for cell in self.cells if (mark := self._mark(cell)) is not None}
        new = {cell: mark for cell, mark in new.items() if self._seen.get(cell) != mark}
        written = [(path, _stat(path)) for path in documents]
        if not new and written == self._seen["documents"]:
            return self.runs
        uri, artifacts = store(self.config)
        home = Path(self.config["results"])
        study = home / self.name
        advice = (
            f"all results are in {study}, and once MLflow answers `python -m vaebench sync {study}`"
            " or the same snakemake command catches up"
        )

        def waiting() -> None:
            print(f"{study}: waiting for another process that mirrors it", file=sys.stderr)  # noqa: T201

        # one writer a study: two would find nothing of each other and log everything twice
        with one_of([study / ".tracking.lock"], waiting), opened(uri, home, advice) as client:
            there = _There(client, artifacts, self.name, many=len(new) > FEW)
            damaged = self._cells(client, there, new, cards)
            if written != self._seen["documents"]:
                self._study(client, there, documents)
                self._seen["documents"] = written
        for error in damaged:  # all others are there by now
            raise error
        return self.runs

    def _mark(self, cell: CellFolder) -> object:
        """Other than before if there is something new of the cell; None where there is nothing."""
        seal = _stat(cell.file(TRAINED[-1]))
        if cell.finished:
            return _stat(Finished(cell).files[-1])
        watched = self._watched[cell]
        watched.look()
        if seal is not None or watched.head is None:  # trained and not tested; not begun
            return None
        return watched.head["started_at"], len(watched.rows), is_held(cell.path)

    def _cells(
        self,
        client: MlflowClient,
        there: "_There",
        new: Mapping[CellFolder, object],
        cards: Sequence[Path],
    ) -> list[DataError]:
        """Mirror those that are ``new``; the errors of those that cannot be read."""
        damaged = []
        inputs = {card: runs.data_set(card) for card in cards}
        # one experiment a data set: its runs can be compared, those of two data sets cannot
        for name in dict.fromkeys(SplitFolder.parse(card).dataset for card in cards):
            there.home(f"{self.title}: {name}")
        for cell, mark in new.items():
            # trials of a tuning stage are no results: they stand apart
            tuning = "" if cell.trial is None else ", tuning"
            home = there.home(f"{self.title}{tuning}: {cell.dataset}")
            begin = partial(self._begin, client, home, inputs)
            try:
                if cell.finished:
                    found = Finished(cell)
                    self.runs[cell.label] = _finished(client, there(home, cell.label), found, begin)
                else:
                    self.runs[cell.label] = _live(
                        client,
                        there(home, cell.label),
                        (cell, self._watched[cell]),
                        begin,
                        held=is_held(cell.path),
                    )
            except DataError as error:
                damaged.append(error)
            else:
                self._seen[cell] = mark
        return damaged

    def _begin(
        self, client: MlflowClient, home: str, inputs: Mapping[Path, Any], training: Training
    ) -> str:
        """A new run with all that is known when a training begins."""
        cell = training.cell
        run = client.create_run(
            home,
            start_time=training.start,
            tags=training.tags(self.name, self.look.colour(cell.strategy)),
            run_name=training.name,
        ).info.run_id
        card = card_among(inputs, cell.dataset, training.config.get("replicate"))
        if card is not None:
            client.log_inputs(run, [inputs[card]])
        runs.log(client, run, params=training.params(), tags={EPOCHS: "0", "status": "running"})
        return str(run)

    def _study(self, client: MlflowClient, there: "_There", documents: Sequence[Path]) -> None:
        """The study's own run: its configuration, tables, figures and report."""
        home = there.home(self.title)
        content = runs.digest(documents)
        mine = runs.keep(client, there(home, self.name), lambda tags: tags.get(CONTENT) == content)
        if mine is not None:
            self.runs["study"] = mine.info.run_id
            return
        tags = {KEY: self.name, "study": self.name, "status": "study"}
        run = client.create_run(home, tags=tags, run_name=f"study {self.name}").info.run_id
        for document in documents:
            client.log_artifact(run, str(document), artifact_path=document.parent.name)
        client.log_dict(run, self.config, "config.json")
        client.set_terminated(run, "FINISHED")
        runs.log(client, run, tags={CONTENT: content})
        self.runs["study"] = run


def _finished(client: MlflowClient, there: Iterable[Run], found: Finished, begin: Any) -> str:  # noqa: ANN401
    """The run of a finished cell; its content tag comes last, so a half-logged run is completed."""
    content, mark = found.content, found.training.mark

    def is_wanted(tags: Mapping[str, str]) -> bool:
        return tags.get(CONTENT) == content or _is_half(tags, mark)

    mine = runs.keep(client, there, is_wanted)
    if mine is not None and CONTENT in mine.data.tags:
        return str(mine.info.run_id)
    run = begin(found.training) if mine is None else mine.info.run_id
    rows, known = found.rows, 0 if mine is None else int(mine.data.tags[EPOCHS])
    metrics = [*found.training.series(rows, known), *found.finals()]
    runs.log(client, run, metrics, tags={EPOCHS: str(len(rows))} | found.tags())
    for artifact in found.files:
        client.log_artifact(run, str(artifact))
    client.set_terminated(run, STATUS.get(str(found.status["status"]), "FAILED"), found.end)
    runs.log(client, run, tags={CONTENT: content})
    return str(run)


def _live(
    client: MlflowClient,
    there: Iterable[Run],
    seen: tuple[CellFolder, Watched],
    begin: Any,  # noqa: ANN401
    *,
    held: bool,
) -> str:
    """The run of a cell that is not finished, with the epochs so far."""
    cell, watched = seen
    assert watched.head is not None  # noqa: S101 (else there would be nothing new)
    training = Training(cell, watched.head["config"], watched.head["started_at"])

    mine = runs.keep(client, there, lambda tags: _is_half(tags, training.mark))
    run = str(begin(training) if mine is None else mine.info.run_id)
    known = 0 if mine is None else int(mine.data.tags[EPOCHS])
    if len(watched.rows) > known:
        metrics = training.series(watched.rows, known)
        runs.log(client, run, metrics, tags={EPOCHS: str(len(watched.rows))})
    status = RUNNING if held else STOPPED
    if status != (RUNNING if mine is None else mine.info.status):
        client.set_tag(run, "status", "running" if held else "stopped")
        if held:
            client.update_run(run, RUNNING)
        else:
            end = training.start + int(1000 * watched.seconds)
            client.set_terminated(run, STOPPED, end)
    return run


def _is_half(tags: Mapping[str, str], mark: str) -> bool:
    """Whether a run is one of this training that was begun and not finished."""
    return CONTENT not in tags and EPOCHS in tags and tags.get(TRAINING) == mark


class _There:
    """What MLflow has of a study: experiments by title, runs by what they mirror.

    Many runs are read once, all together; few are looked up one by one.
    """

    def __init__(
        self, client: MlflowClient, artifacts: str | None, study: str, *, many: bool
    ) -> None:
        self.client, self.artifacts, self.study, self.many = client, artifacts, study, many
        self._homes: dict[str, str] = {}
        self._runs: dict[str, dict[str | None, list[Run]]] = {}

    def home(self, title: str) -> str:
        """The id of the experiment, made or taken out of the trash if need be."""
        if title not in self._homes:
            self._homes[title] = _experiment(self.client, title, self.artifacts)
        return self._homes[title]

    def __call__(self, home: str, key: str) -> list[Run]:
        """The runs in the experiment ``home`` that mirror ``key``."""
        mine = f"tags.study = '{self.study}'"  # several studies may have one title
        if not self.many:
            return list(runs.search(self.client, home, f"{mine} and tags.`{KEY}` = '{key}'"))
        if home not in self._runs:
            found: dict[str | None, list[Run]] = {}
            for run in runs.search(self.client, home, mine):
                found.setdefault(run.data.tags.get(KEY), []).append(run)
            self._runs[home] = found
        return self._runs[home].get(key, [])


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


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
