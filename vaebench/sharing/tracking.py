"""MLflow as a mirror of the files: what runs there are, and when one is up to date.

The mirror is idempotent: a cell is found again by its tag, an unchanged one is left alone, the run
of one that trains grows, and another training of a cell replaces its run. So it can be repeated
after an outage or at any time during a long study, also by ``python -m vaebench sync``. Passwords
come from the environment alone (MLFLOW_TRACKING_URI, MLFLOW_TRACKING_USERNAME,
MLFLOW_TRACKING_PASSWORD, MLFLOW_TRACKING_TOKEN) and go nowhere.
"""

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
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
from vaebench.sharing.described import description
from vaebench.sharing.logged import log_best
from vaebench.sharing.parents import OF, Parent, Result, counted, key_of
from vaebench.sharing.runs import (
    CONTENT,
    EPOCHS,
    KEY,
    PARENT,
    STATUS,
    TRAINING,
    Finished,
    Training,
)
from vaebench.sharing.store import opened, store
from vaebench.sharing.view import links, views

RUNNING, STOPPED = "RUNNING", "KILLED"
"""MLflow's words for a cell that trains, and for one whose process is gone."""

NOTE = "mlflow.note.content"
"""Tag: the description that MLflow shows on top of an experiment."""

Begin = Callable[[Training], Run]
"""Makes the run of a training."""

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
        runs_on: whether the study is known to run on; else it does while a cell is being trained.
        looked: seconds that it took to look at the files.
    """

    def __init__(self, config: dict[str, Any], cells: Sequence[Path]) -> None:
        """Args are those of :func:`sync`."""
        self.config = config
        self.name = str(config["name"])
        self.title = config["tracking"]["experiment"] or f"vaebench {self.name}"
        self.cells = [CellFolder.parse(cell) for cell in cells]
        self.look = Look([*config["strategies"], NONE])
        self.runs: dict[str, str] = {}
        self.runs_on, self.looked = False, 0.0
        self._groups: dict[str, list[CellFolder]] = {}
        for cell in self.cells:
            self._groups.setdefault(key_of(cell), []).append(cell)
        self._results: dict[CellFolder, Result] = {}
        self._open: dict[str, str] = {}
        self._described: set[str] = set()
        self._metrics: dict[str, str] = {}
        self._watched = {cell: Watched(cell.path) for cell in self.cells}
        self._seen: dict[object, object] = {}

    def update(self, cards: Sequence[Path], documents: Sequence[Path]) -> dict[str, str]:
        """See :func:`sync`; after the first time nothing is asked where nothing has changed."""
        began = time.monotonic()
        new = {cell: mark for cell in self.cells if (mark := self._mark(cell)) is not None}
        new = {cell: mark for cell, mark in new.items() if self._seen.get(cell) != mark}
        written = [(path, _stat(path)) for path in documents]
        self.looked = time.monotonic() - began
        abandoned = not self.runs_on and bool(self._open)
        if not new and written == self._seen.get("documents") and not abandoned:
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
            self._parents(client, there, new)
            changed = written != self._seen.get("documents")
            if changed and documents:
                self._study(client, there, documents)
            self._describe(there, again=changed)
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
            home = there.home(self._title(cell))
            try:
                parent = self._parent(client, there, home, cell).run
                begin = partial(self._begin, client, (home, parent), inputs)
                if cell.finished:
                    found = Finished(cell)
                    mine = _finished(client, there(home, cell.label), found, begin)
                    self._results[cell] = Result.of(found)
                else:
                    self._results.pop(cell, None)
                    seen, held = (cell, self._watched[cell]), is_held(cell.path)
                    mine = _live(client, there(home, cell.label), seen, begin, held=held)
            except DataError as error:
                damaged.append(error)
            else:
                self._seen[cell], self.runs[cell.label] = mark, mine.info.run_id
                if mine.data.tags.get(PARENT) != parent:
                    client.set_tag(mine.info.run_id, PARENT, parent)
        return damaged

    def _begin(
        self,
        client: MlflowClient,
        place: tuple[str, str],
        inputs: Mapping[Path, Any],
        training: Training,
    ) -> Run:
        """A new run with all that is known when a training begins."""
        cell = training.cell
        colour = self.look.colour(cell.strategy)
        home, parent = place
        run: Run = client.create_run(
            home,
            start_time=training.start,
            tags=training.tags(self.name, colour) | {PARENT: parent},
            run_name=training.name,
        )
        name = run.info.run_id
        card = card_among(inputs, cell.dataset, training.config.get("replicate"))
        if card is not None:
            client.log_inputs(name, [inputs[card]])
        runs.log(client, name, params=training.params(), tags={EPOCHS: "0", "status": "running"})
        return run

    def _parent(self, client: MlflowClient, there: "_There", home: str, cell: CellFolder) -> Parent:
        """The run above that of ``cell``."""
        key = key_of(cell)
        if key not in there.parents:
            members = self._groups[key]
            begun = [start for each in members if (start := self._started(each)) is not None]
            look = self.look.colour(cell.strategy), min(begun)
            parent = Parent(client, members)
            found = there(home, key)
            if len(found) > 1:  # out of the trash came those of earlier members, too
                ended = [Result.of(Finished(each)) for each in members if each.finished]
                ended.sort(key=lambda result: (result.end, result.label))
                found = sorted(found, key=lambda run: run.data.tags.get(OF) != counted(ended))
            there.parents[key] = parent.find(home, found, self.name, look)
            if parent.is_new:
                known = [self.runs[each.label] for each in members if each.label in self.runs]
                parent.adopt(known)
        return there.parents[key]

    def _started(self, cell: CellFolder) -> int | None:
        """When the training of a cell began, in ms."""
        head = self._watched[cell].head
        if head is not None:
            return Training(cell, head["config"], head["started_at"]).start
        try:
            return Finished(cell).training.start if cell.finished else None
        except DataError:
            return None

    def _parents(
        self, client: MlflowClient, there: "_There", new: Mapping[CellFolder, object]
    ) -> None:
        """Bring the runs above those that are new up to date."""
        runs_on = self.runs_on or any(
            watched.head is not None and is_held(cell.path)
            for cell, watched in self._watched.items()
        )
        touched = {key_of(cell): cell for cell in new if cell in self._seen}
        if not self.runs_on:
            touched |= {key: self._groups[key][0] for key in self._open}
        for key, one in touched.items():
            members = self._groups[key]
            results = [self._results[cell] for cell in members if cell in self._results]
            results.sort(key=lambda result: (result.end, result.label))
            home = there.home(self._title(one))
            parent = self._parent(client, there, home, one)
            if not parent.is_of(results):  # a member is another one now
                client.delete_run(parent.run)
                there.drop(home, key)
                parent = self._parent(client, there, home, one)
            parent.update(results, self.config["confidence"], runs_on=runs_on)
            self.runs[key] = parent.run
            if self.config["tracking"].get("models") and one.trial is None:
                found = [Finished(cell) for cell in members if cell in self._results]
                log_best(client, home, found, self.runs)
            if runs_on and len(results) < len(members):
                self._open[key] = parent.run
            else:
                self._open.pop(key, None)

    def _describe(self, there: "_There", *, again: bool) -> None:
        """Say in each experiment what it is for; ``again``: the tables are others now."""
        tables = Path(self.config["results"]) / self.name / "tables"
        for cell, result in self._results.items():
            if cell.trial is None and (title := self._title(cell)) not in self._metrics:
                names = [name.partition("/")[2] for name in result.values]
                self._metrics |= {title: names[0]} if names else {}
                self._described.discard(title)
        new = there.homes.keys() - self._described
        for title in sorted({*new, *self._described} if again else new):
            name = title.removeprefix(self.title).rpartition(": ")[2]
            used = {cell.strategy for cell in self.cells if name in ("", cell.dataset)}
            shown = [each for each in self.config["strategies"] if each in used]
            note = description(self.config, tables, shown, name or None)
            there.note(title, note, self._metrics.get(title), linked=bool(name))
            self._described.add(title)

    def _title(self, cell: CellFolder) -> str:
        """Of the experiment of a cell: trials of a tuning stage are no results and stand apart."""
        return f"{self.title}{'' if cell.trial is None else ', tuning'}: {cell.dataset}"

    def _study(self, client: MlflowClient, there: "_There", documents: Sequence[Path]) -> None:
        """The study's own run: its configuration, tables, figures and report."""
        home = there.home(self.title)
        content = runs.digest(documents)
        mine = runs.keep(
            client, there(home, self.name), lambda run: run.data.tags.get(CONTENT) == content
        )
        if mine is not None:
            self.runs["study"] = mine.info.run_id
            return
        tags = {KEY: self.name, "study": self.name, "status": "study"} | runs.SOURCE
        run = client.create_run(home, tags=tags, run_name=f"study {self.name}").info.run_id
        for document in documents:
            client.log_artifact(run, str(document), artifact_path=document.parent.name)
        client.log_dict(run, self.config, "config.json")
        client.set_terminated(run, "FINISHED")
        runs.log(client, run, tags={CONTENT: content})
        self.runs["study"] = run


def _finished(client: MlflowClient, there: Iterable[Run], found: Finished, begin: Begin) -> Run:
    """The run of a finished cell; its content tag comes last, so a half-logged run is completed."""
    content, mark = found.content, found.training.mark

    def is_wanted(run: Run) -> bool:
        return run.data.tags.get(CONTENT) == content or _is_half(run, mark)

    mine = runs.keep(client, there, is_wanted)
    if mine is not None and CONTENT in mine.data.tags:
        return mine
    rows, known = found.rows, 0 if mine is None else int(mine.data.tags[EPOCHS])
    mine = mine or begin(found.training)
    run = mine.info.run_id
    metrics = [*found.training.series(rows, known), *found.finals()]
    runs.log(client, run, metrics, tags={EPOCHS: str(len(rows))} | found.tags())
    for artifact in found.files:
        client.log_artifact(run, str(artifact))
    client.set_terminated(run, STATUS.get(str(found.status["status"]), "FAILED"), found.end)
    runs.log(client, run, tags={CONTENT: content})
    return mine


def _live(
    client: MlflowClient,
    there: Iterable[Run],
    seen: tuple[CellFolder, Watched],
    begin: Begin,
    *,
    held: bool,
) -> Run:
    """The run of a cell that is not finished, with the epochs so far."""
    cell, watched = seen
    assert watched.head is not None  # noqa: S101 (else there would be nothing new)
    training = Training(cell, watched.head["config"], watched.head["started_at"])

    mine = runs.keep(client, there, lambda run: _is_half(run, training.mark))
    known, before = (
        (0, RUNNING) if mine is None else (int(mine.data.tags[EPOCHS]), mine.info.status)
    )
    mine = mine or begin(training)
    run = mine.info.run_id
    if len(watched.rows) > known:
        metrics = training.series(watched.rows, known)
        runs.log(client, run, metrics, tags={EPOCHS: str(len(watched.rows))})
    status = RUNNING if held else STOPPED
    if status != before:
        client.set_tag(run, "status", "running" if held else "stopped")
        if held:
            client.update_run(run, RUNNING)
        else:
            end = training.start + int(1000 * watched.seconds)
            client.set_terminated(run, STOPPED, end)
    return mine


def _is_half(run: Run, mark: str) -> bool:
    """Whether a run is one of this training that was begun and not finished."""
    tags = run.data.tags
    return CONTENT not in tags and EPOCHS in tags and tags.get(TRAINING) == mark


class _There:
    """What MLflow has of a study: experiments by title, runs by what they mirror.

    Many runs are read once, all together; few are looked up one by one.
    """

    def __init__(
        self, client: MlflowClient, artifacts: str | None, study: str, *, many: bool
    ) -> None:
        self.client, self.artifacts, self.study, self.many = client, artifacts, study, many
        self.parents: dict[str, Parent] = {}
        self.homes: dict[str, str] = {}
        self._runs: dict[str, dict[str | None, list[Run]]] = {}

    def home(self, title: str) -> str:
        """The id of the experiment, made or taken out of the trash if need be."""
        if title not in self.homes:
            self.homes[title] = _experiment(self.client, title, self.artifacts)
        return self.homes[title]

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

    def note(self, title: str, text: str, metric: str | None, *, linked: bool) -> None:
        """Give an experiment a description; one with cells is ``linked`` to views of them."""
        home = self.home(title)
        tags = self.client.get_experiment(home).tags
        wanted = {NOTE: text}
        if linked:
            wanted = {NOTE: f"{links(home, metric)} · {text}"} | views(metric)
        for name, value in wanted.items():
            if tags.get(name) != value:
                self.client.set_experiment_tag(home, name, value)

    def drop(self, home: str, key: str) -> None:
        """The run that mirrors ``key`` is gone."""
        self.parents.pop(key, None)
        self._runs.get(home, {}).pop(key, None)


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
